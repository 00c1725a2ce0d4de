//! `wish("#tag")`: which charm is meant, and which account comes with it.
//!
//! Pure. The rule: a charm that is bound to an account gets that account's auth
//! charm; otherwise the account that was connected last, then the others; for
//! every other tag the order of the person's list. A tag is compared without
//! case. Nothing found is an answer, in the words of the reference system.

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

/// Finds what `asker` wishes for.
pub(crate) fn resolve(
    query: &WishQuery,
    asker: &Charm,
    charms: &[Charm],
    accounts: &[Account],
) -> Found {
    let (tag, mut path) = split(&query.query);
    path.extend(query.path.iter().flatten().cloned());
    let mut matches: Vec<&Charm> = charms
        .iter()
        .filter(|c| c.id != asker.id && c.tags.iter().any(|t| t.to_lowercase() == tag))
        .filter(|c| match (auth_account(c), asker.account.as_deref()) {
            (Some(offered), Some(bound)) => offered == bound,
            _ => true,
        })
        .collect();
    matches.sort_by_key(|c| std::cmp::Reverse(rank(c, accounts)));
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

/// An account that works goes before one that does not, a newer one before an
/// older one. Charms that hold no account all rank the same.
fn rank(charm: &Charm, accounts: &[Account]) -> (bool, i64) {
    let account = auth_account(charm).and_then(|id| accounts.iter().find(|a| a.id == id));
    account.map_or((false, 0), |a| {
        (a.state == AccountState::Ready, a.connected_at.0)
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
mod tests {
    use super::*;
    use charmkeeper_base::UnixMs;
    use charmkeeper_store::Schedule;

    fn charm(id: &str, tag: &str, source: &str, account: Option<&str>) -> Charm {
        Charm {
            id: id.into(),
            handle: id.into(),
            name: id.into(),
            space: "did:key:z".into(),
            piece: format!("of:{id}"),
            argument: String::new(),
            source: source.into(),
            program_hash: String::new(),
            facts: serde_json::Value::Null,
            tags: vec![tag.into()],
            hosts: vec![],
            account: account.map(str::to_owned),
            enabled: true,
            paused_reason: None,
            interval_ms: 60_000,
            created_at: UnixMs(0),
            position: 0,
            schedule: Schedule::default(),
        }
    }

    fn account(id: &str, at: i64, state: AccountState) -> Account {
        Account {
            id: id.into(),
            email: String::new(),
            name: String::new(),
            picture: String::new(),
            scopes: vec![],
            state,
            connected_at: UnixMs(at),
            expires_at: None,
            grant_ends_at: None,
        }
    }

    fn ask(query: &str) -> WishQuery {
        WishQuery {
            query: query.into(),
            scope: None,
            path: None,
        }
    }

    fn world() -> (Vec<Charm>, Vec<Account>) {
        let auth = Builtin::GoogleAuth.source();
        let charms = vec![
            charm("old", "googleAuth", &auth, Some("a")),
            charm("new", "googleAuth", &auth, Some("b")),
            charm("mail", "gmailEmails", "x", None),
        ];
        let accounts = vec![
            account("a", 1, AccountState::Ready),
            account("b", 2, AccountState::Ready),
        ];
        (charms, accounts)
    }

    #[test]
    fn the_account_connected_last_comes_first() {
        let (charms, accounts) = world();
        let asker = charm("asker", "", "x", None);
        let found = resolve(&ask("#googleauth"), &asker, &charms, &accounts);
        let ids: Vec<_> = found
            .answer
            .candidates
            .iter()
            .map(|c| c.id.as_str())
            .collect();
        assert_eq!(ids, ["of:new", "of:old"]);
        assert_eq!(found.accounts, ["b", "a"]);
    }

    #[test]
    fn a_bound_charm_gets_its_own_account_and_no_other() {
        let (charms, accounts) = world();
        let asker = charm("asker", "", "x", Some("a"));
        let found = resolve(&ask("#googleAuth"), &asker, &charms, &accounts);
        assert_eq!(found.accounts, ["a"]);
        assert_eq!(found.answer.candidates.len(), 1);
    }

    #[test]
    fn an_account_that_needs_a_sign_in_goes_last() {
        let (charms, mut accounts) = world();
        accounts[1].state = AccountState::NeedsSignIn(charmkeeper_accounts::SignInReason::Revoked);
        let asker = charm("asker", "", "x", None);
        let found = resolve(&ask("#googleAuth"), &asker, &charms, &accounts);
        assert_eq!(found.accounts, ["a", "b"]);
    }

    #[test]
    fn paths_tags_and_misses() {
        let (charms, accounts) = world();
        let asker = charm("asker", "", "x", None);
        let found = resolve(&ask("#gmailEmails/emails/0"), &asker, &charms, &accounts);
        assert_eq!(found.answer.candidates[0].path, ["emails", "0"]);
        assert_eq!(found.accounts, Vec::<String>::new());
        let none = resolve(&ask("#nothing"), &asker, &charms, &accounts).answer;
        assert_eq!(
            none.error.unwrap(),
            "No favorites found matching \"#nothing\""
        );
        // A charm never finds itself.
        let own = resolve(&ask("#gmailEmails"), &charms[2], &charms, &accounts).answer;
        assert!(own.candidates.is_empty());
    }
}
