//! `wish("#tag")`: which charm is meant, and which account comes with it.
//!
//! Pure. The rule: a charm that is bound to an account gets that account's auth
//! charm. Of several matches the one comes first that the person chose for this
//! charm and tag; then accounts that work, the one connected last before others;
//! then what ran last; then the order of the person's list. A tag is letters,
//! digits and underscores, compared without case: a hyphen ends it. An account's
//! auth charm also has its tag with `Personal` or `Work` behind it. Nothing found
//! is an answer, in the words of the reference system.

use charmkeeper_accounts::{Account, AccountState};
use charmkeeper_charms::runner::{Candidate, WishAnswer, WishQuery};
use charmkeeper_store::Charm;

use crate::builtin::Builtin;

/// An answer, and the accounts whose placeholders come with it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) answer: WishAnswer,
    pub(crate) accounts: Vec<String>,
}

/// The account whose auth cell this charm holds; `None` for any other charm.
pub(crate) fn auth_account(charm: &Charm) -> Option<&str> {
    if charm.source == Builtin::GoogleAuth.source() {
        charm.account.as_deref()
    } else {
        None
    }
}

/// Name of the setting that holds the id of the charm that the person chose for
/// one charm's wish, as a JSON string.
pub(crate) fn choice_setting(asker: &Charm, query: &str) -> String {
    format!("wish.{}.{}", asker.id, split(query).0)
}

/// Where a wish looks: `~` is everything of the person, `.` the asker's own
/// space, a DID that space. Unknown words look nowhere.
fn in_scope(charm: &Charm, asker: &Charm, scope: Option<&[String]>) -> bool {
    scope.is_none_or(|scope| {
        scope.is_empty()
            || scope.iter().any(|place| match place.as_str() {
                "~" => true,
                "." => charm.space == asker.space,
                did => charm.space == did,
            })
    })
}

/// True when a charm answers to a tag: by its own tags, or as the auth charm of a
/// personal account or of one at work. The person's word on that goes first, then
/// the address: one at a domain of its own is taken for one at work.
fn answers(
    charm: &Charm,
    tag: &str,
    asker: &Charm,
    accounts: &[Account],
    chosen: Option<&str>,
) -> bool {
    let mut own = charm.tags.iter().map(|t| t.to_lowercase());
    if own.any(|t| t == tag) {
        return true;
    }
    let mut own = charm.tags.iter().map(|t| t.to_lowercase());
    let Some(wanted) = own.find_map(|t| tag.strip_prefix(&t).and_then(Use::parse)) else {
        return false;
    };
    let Some(account) = auth_account(charm) else {
        return false;
    };
    chosen == Some(charm.id.as_str())
        || asker.account.as_deref() == Some(account)
        || accounts
            .iter()
            .any(|a| a.id == account && Use::of(&a.email) == wanted)
}

/// What an account is for.
#[derive(PartialEq)]
enum Use {
    Personal,
    Work,
}

impl Use {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "personal" => Some(Self::Personal),
            "work" => Some(Self::Work),
            _ => None,
        }
    }

    /// By the address: accounts of these two domains are people's own.
    fn of(email: &str) -> Self {
        let domain = email.rsplit('@').next().unwrap_or_default().to_lowercase();
        match domain.as_str() {
            "gmail.com" | "googlemail.com" => Self::Personal,
            _ => Self::Work,
        }
    }
}

/// A charm that is bound to an account gets no other's sign-in.
fn fits_account(charm: &Charm, asker: &Charm) -> bool {
    match (auth_account(charm), asker.account.as_deref()) {
        (Some(offered), Some(bound)) => offered == bound,
        _ => true,
    }
}

/// What a person may choose from for a wish: everything that would answer to it
/// if chosen, in the order in which one is taken without a choice.
pub(crate) fn offers<'c>(
    query: &str,
    asker: &Charm,
    charms: &'c [Charm],
    accounts: &[Account],
) -> Vec<&'c Charm> {
    let (tag, _) = split(query);
    let fits = |c: &&Charm, chosen| {
        c.id != asker.id && answers(c, &tag, asker, accounts, chosen) && fits_account(c, asker)
    };
    let mut found: Vec<&Charm> = charms
        .iter()
        .filter(|c| fits(c, Some(c.id.as_str())))
        .collect();
    // What answers by itself goes before what answers only when chosen.
    found.sort_by_key(|c| std::cmp::Reverse((fits(c, None), rank(c, accounts))));
    found
}

/// Finds what `asker` wishes for; `chosen` is the charm that the person chose.
pub(crate) fn resolve(
    query: &WishQuery,
    asker: &Charm,
    charms: &[Charm],
    accounts: &[Account],
    chosen: Option<&str>,
) -> Found {
    let (tag, mut path) = split(&query.query);
    path.extend(query.path.iter().flatten().cloned());
    let mut matches: Vec<&Charm> = charms
        .iter()
        .filter(|c| c.id != asker.id && answers(c, &tag, asker, accounts, chosen))
        .filter(|c| in_scope(c, asker, query.scope.as_deref()))
        .filter(|c| fits_account(c, asker))
        .collect();
    matches.sort_by_key(|c| std::cmp::Reverse((chosen == Some(c.id.as_str()), rank(c, accounts))));
    if matches.is_empty() {
        let error = Some(format!("No favorites found matching \"#{tag}\""));
        return Found {
            answer: WishAnswer {
                candidates: Vec::new(),
                error,
            },
            ..Found::default()
        };
    }
    let accounts = matches
        .iter()
        .filter_map(|c| auth_account(c))
        .map(str::to_owned)
        .collect();
    let candidates = matches
        .into_iter()
        .map(|c| Candidate {
            space: c.space.clone(),
            id: c.piece.clone(),
            path: path.clone(),
            name: Some(c.name.clone()),
            tags: c.tags.clone(),
        })
        .collect();
    Found {
        answer: WishAnswer {
            candidates,
            error: None,
        },
        accounts,
    }
}

/// Which of several was taken, for the run's log; `None` when there was no choice.
pub(crate) fn told(query: &str, answer: &WishAnswer, chosen: bool) -> Option<String> {
    let (first, others) = answer.candidates.split_first()?;
    if others.is_empty() {
        return None;
    }
    let name = first.name.as_deref().unwrap_or("a charm without a name");
    let why = if chosen { ", as you chose" } else { "" };
    Some(format!(
        "{} charms match #{}: {name} was taken{why}.",
        others.len() + 1,
        split(query).0
    ))
}

/// An account that works goes before one that does not, a newer one before an
/// older one; then what ran last.
fn rank(charm: &Charm, accounts: &[Account]) -> (bool, i64, i64) {
    let account = auth_account(charm).and_then(|id| accounts.iter().find(|a| a.id == id));
    let last_run = charm.schedule.last_run_at.map_or(0, |at| at.0);
    account.map_or((false, 0, last_run), |a| {
        (a.state == AccountState::Ready, a.connected_at.0, last_run)
    })
}

/// `#Tag/a/b` to `tag` and `["a", "b"]`. A hyphen ends a tag.
fn split(query: &str) -> (String, Vec<String>) {
    let text = query.trim().trim_start_matches('#');
    let (tag, path) = text.split_once('/').unwrap_or((text, ""));
    let tag: String = tag
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    (
        tag.to_lowercase(),
        path.split('/')
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

#[cfg(test)]
pub(crate) mod tests;
