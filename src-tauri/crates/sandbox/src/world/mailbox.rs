//! One account's mail: messages, labels and the history of their changes.
//!
//! Owns the rule that every change takes a new history id. Never knows HTTP.

use std::collections::{BTreeMap, BTreeSet};

use charmkeeper_base::UnixMs;

use super::mime::Part;

/// A message, or what is left of a deleted one.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    /// 16 hex digits that grow with time.
    pub(crate) id: String,
    pub(crate) thread_id: String,
    pub(crate) labels: BTreeSet<String>,
    /// When Gmail took it in.
    pub(crate) at: UnixMs,
    /// The history id of the last change.
    pub(crate) history_id: u64,
    /// Headers of the message in readable UTF-8, without those of the body.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) root: Part,
    /// Gmail's preview, with HTML entities.
    pub(crate) snippet: String,
    /// Deleted for good; only tests can still see it.
    pub(crate) deleted: bool,
}

impl Message {
    /// The first header of a name, in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
    pub(crate) fn has(&self, label: &str) -> bool {
        self.labels.contains(label)
    }
}

/// What a history record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    MessageAdded,
    MessageDeleted,
    LabelAdded,
    LabelRemoved,
}

impl Change {
    /// The word of `historyTypes`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::MessageAdded => "messageAdded",
            Self::MessageDeleted => "messageDeleted",
            Self::LabelAdded => "labelAdded",
            Self::LabelRemoved => "labelRemoved",
        }
    }
}

/// One change of one message.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) change: Change,
    pub(crate) message: String,
    pub(crate) thread: String,
    /// The labels that were added or removed.
    pub(crate) labels: Vec<String>,
    /// All labels after the change; of a deleted message, those before it.
    pub(crate) all_labels: BTreeSet<String>,
}

/// A label a person made.
#[derive(Clone, Debug)]
pub(crate) struct UserLabel {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
}

/// Labels that every mailbox has, in Gmail's order.
pub(crate) const SYSTEM_LABELS: [&str; 14] = [
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
];

/// Labels that the sample accounts have made.
pub(crate) const USER_LABELS: [UserLabel; 3] = [
    UserLabel {
        id: "Label_1",
        name: "Receipts",
    },
    UserLabel {
        id: "Label_2",
        name: "Travel/Next trip",
    },
    UserLabel {
        id: "Label_3",
        name: "家族",
    },
];

/// Mail of one account.
#[derive(Clone, Debug)]
pub(crate) struct Mailbox {
    messages: BTreeMap<String, Message>,
    /// Live messages by time and id.
    order: BTreeSet<(UnixMs, String)>,
    history: Vec<Record>,
    /// The id that the next change takes.
    next: u64,
    /// Start ids below this one are answered with 404.
    floor: u64,
}

impl Mailbox {
    /// An empty mailbox whose first change takes the id `first`.
    pub(crate) fn new(first: u64) -> Self {
        Self {
            messages: BTreeMap::new(),
            order: BTreeSet::new(),
            history: Vec::new(),
            next: first,
            floor: first.saturating_sub(1),
        }
    }

    /// The mailbox's present history id: that of the last change.
    pub(crate) fn history_id(&self) -> u64 {
        self.next.saturating_sub(1)
    }

    /// Ids grow with gaps, as Gmail's do; the gap depends on the id itself, so
    /// that it is the same for the same world.
    fn take_id(&mut self) -> u64 {
        let id = self.next + self.next % 7 * 3;
        self.next = id + 1;
        id
    }

    pub(crate) fn insert(&mut self, mut message: Message) {
        message.history_id = self.record(Change::MessageAdded, &message, Vec::new());
        self.order.insert((message.at, message.id.clone()));
        self.messages.insert(message.id.clone(), message);
    }

    fn record(&mut self, change: Change, message: &Message, labels: Vec<String>) -> u64 {
        let id = self.take_id();
        self.history.push(Record {
            id,
            change,
            message: message.id.clone(),
            thread: message.thread_id.clone(),
            labels,
            all_labels: message.labels.clone(),
        });
        id
    }

    /// Deletes for good. False when there is no such live message.
    pub(crate) fn delete(&mut self, id: &str) -> bool {
        let Some(mut message) = self.live(id).cloned() else {
            return false;
        };
        message.history_id = self.record(Change::MessageDeleted, &message, Vec::new());
        message.deleted = true;
        self.order.remove(&(message.at, message.id.clone()));
        self.messages.insert(id.to_owned(), message);
        true
    }

    /// Adds and removes labels; what is there already, or not there, is no
    /// change. False when there is no such live message.
    pub(crate) fn relabel(&mut self, id: &str, add: &[String], remove: &[String]) -> bool {
        let Some(mut message) = self.live(id).cloned() else {
            return false;
        };
        let added: Vec<_> = add.iter().filter(|l| !message.has(l)).cloned().collect();
        let removed: Vec<_> = remove.iter().filter(|l| message.has(l)).cloned().collect();
        message.labels.extend(added.iter().cloned());
        message.labels.retain(|l| !removed.contains(l));
        if !added.is_empty() {
            message.history_id = self.record(Change::LabelAdded, &message, added);
        }
        if !removed.is_empty() {
            message.history_id = self.record(Change::LabelRemoved, &message, removed);
        }
        self.messages.insert(id.to_owned(), message);
        true
    }

    /// A message that was not deleted.
    pub(crate) fn live(&self, id: &str) -> Option<&Message> {
        self.messages.get(id).filter(|m| !m.deleted)
    }

    /// Every message, deleted ones too, by id.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Message> {
        self.messages.values()
    }

    /// Live messages, newest first, from just after `after` on.
    pub(crate) fn newest_first(
        &self,
        after: Option<&(UnixMs, String)>,
    ) -> impl Iterator<Item = &Message> {
        let end = after.cloned();
        let range = match end {
            Some(key) => self.order.range(..key),
            None => self.order.range::<(UnixMs, String), _>(..),
        };
        range.rev().filter_map(|(_, id)| self.messages.get(id))
    }

    /// Live messages of a thread, oldest first.
    pub(crate) fn thread(&self, id: &str) -> Vec<&Message> {
        let mut found: Vec<_> = self
            .messages
            .values()
            .filter(|m| m.thread_id == id && !m.deleted)
            .collect();
        found.sort_by_key(|m| (m.at, &m.id));
        found
    }

    /// Changes after `start`; none when `start` is too old, or was never given out.
    pub(crate) fn since(&self, start: u64) -> Option<&[Record]> {
        if start < self.floor || start > self.history_id() {
            return None;
        }
        let from = self.history.partition_point(|r| r.id <= start);
        Some(&self.history[from..])
    }

    /// Forgets the history up to now: every start id given out before is too old.
    pub(crate) fn expire_history(&mut self) {
        self.take_id();
        self.floor = self.history_id();
        self.history.clear();
    }

    /// Forgets the history of messages older than `at`, as Gmail keeps about a week.
    pub(crate) fn expire_history_before(&mut self, at: UnixMs) {
        let old = |r: &Record| self.messages.get(&r.message).is_some_and(|m| m.at < at);
        let keep = self
            .history
            .iter()
            .position(|r| !old(r))
            .unwrap_or(self.history.len());
        if let Some(last) = self.history.drain(..keep).next_back() {
            self.floor = last.id;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(id: &str, at: i64) -> Message {
        Message {
            id: id.into(),
            thread_id: id.into(),
            labels: ["INBOX".to_owned()].into(),
            at: UnixMs(at),
            history_id: 0,
            headers: Vec::new(),
            root: Part::text("plain", ""),
            snippet: String::new(),
            deleted: false,
        }
    }

    #[test]
    fn history_grows_with_every_change_and_only_with_a_change() {
        let mut m = Mailbox::new(100);
        m.insert(message("a", 1));
        let start = m.history_id();
        m.insert(message("b", 2));
        assert!(m.relabel("a", &["INBOX".into()], &["NONE".into()]));
        assert_eq!(
            m.since(start).expect("known").len(),
            1,
            "nothing changed on a"
        );
        assert!(m.relabel("a", &["STARRED".into()], &["INBOX".into()]));
        assert!(m.delete("b") && !m.delete("b"));
        let words: Vec<_> = m
            .since(start)
            .expect("known")
            .iter()
            .map(|r| r.change.word())
            .collect();
        assert_eq!(
            words,
            [
                "messageAdded",
                "labelAdded",
                "labelRemoved",
                "messageDeleted"
            ]
        );
        assert_eq!(m.newest_first(None).count(), 1);
        assert_eq!(m.all().count(), 2);
    }

    #[test]
    fn a_start_id_from_before_the_expiry_or_from_the_future_is_unknown() {
        let mut m = Mailbox::new(100);
        m.insert(message("a", 1));
        let old = m.history_id();
        m.expire_history();
        assert!(m.since(old).is_none());
        assert!(m.since(m.history_id()).is_some());
        assert!(m.since(m.history_id() + 1).is_none());
    }

    #[test]
    fn the_history_of_old_mail_goes_and_that_of_new_mail_stays() {
        let mut m = Mailbox::new(100);
        m.insert(message("a", 1));
        let first = m.history_id();
        m.insert(message("b", 50));
        m.insert(message("c", 60));
        m.expire_history_before(UnixMs(40));
        assert_eq!(m.since(first).map(<[Record]>::len), Some(2));
        assert!(m.since(first - 1).is_none());
    }
}
