//! A parsed search as a tree, and whether a message fits it.

use crate::world::mailbox::Message;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Term {
    All(Vec<Term>),
    Any(Vec<Term>),
    Not(Box<Term>),
    Leaf(Leaf),
}

/// The simplest conditions. Texts are in lower case, except a message id.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    Anywhere,
    Label(String),
    NoLabel(String),
    From(String),
    To(String),
    Subject(String),
    Filename(String),
    MessageId(String),
    HasFile,
    /// In milliseconds, inclusive.
    Since(i64),
    /// In milliseconds, exclusive.
    Until(i64),
    Word(String),
}

impl Term {
    /// Spam and trash are searched only when they are named.
    pub(super) fn reaches_everywhere(&self) -> bool {
        match self {
            Self::All(list) | Self::Any(list) => list.iter().any(Self::reaches_everywhere),
            Self::Leaf(Leaf::Anywhere) => true,
            Self::Leaf(Leaf::Label(l)) => l == "SPAM" || l == "TRASH",
            Self::Not(_) | Self::Leaf(_) => false,
        }
    }

    pub(super) fn matches(&self, m: &Message) -> bool {
        match self {
            Self::All(list) => list.iter().all(|t| t.matches(m)),
            Self::Any(list) => list.iter().any(|t| t.matches(m)),
            Self::Not(t) => !t.matches(m),
            Self::Leaf(leaf) => leaf.matches(m),
        }
    }
}

impl Leaf {
    fn matches(&self, m: &Message) -> bool {
        let header = |name: &str, needle: &str| m.header(name).is_some_and(|h| holds(h, needle));
        match self {
            Self::Anywhere => true,
            Self::Label(l) => m.has(l),
            Self::NoLabel(l) => !m.has(l),
            Self::From(t) => header("From", t),
            Self::To(t) => header("To", t),
            Self::Subject(t) => header("Subject", t),
            Self::MessageId(t) => m
                .header("Message-ID")
                .is_some_and(|h| h.trim_matches(['<', '>']) == t.trim_matches(['<', '>'])),
            Self::Filename(t) => m.root.filenames().iter().any(|f| holds(f, t)),
            Self::HasFile => !m.root.filenames().is_empty(),
            Self::Since(ms) => m.at.0 >= *ms,
            Self::Until(ms) => m.at.0 < *ms,
            Self::Word(t) => {
                let body = |kind| m.root.body(kind).is_some_and(|b| holds(b, t));
                ["From", "To", "Subject"].iter().any(|h| header(h, t))
                    || body("text/plain")
                    || body("text/html")
            }
        }
    }
}

fn holds(text: &str, needle: &str) -> bool {
    text.to_lowercase().contains(needle)
}
