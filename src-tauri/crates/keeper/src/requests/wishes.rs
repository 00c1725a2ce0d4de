//! What a charm looks for with `wish`, and a person's choice among several.
//!
//! Reads the stored source for its tags. The rule of who answers is in
//! [`wish`](crate::wish); the choice is one setting for each charm and tag.

use charmkeeper_accounts::Account;
use charmkeeper_base::ErrorKind;
use charmkeeper_charms::runner::WishQuery;
use charmkeeper_store::Charm;
use serde_json::Value;

use crate::api::{ApiError, Event, WishMatch, WishView};
use crate::keeper::Keeper;
use crate::{preview, registry, wish};

/// Everything that a charm's source wishes for.
pub(crate) async fn wishes(keeper: &Keeper, which: &str) -> Result<Vec<WishView>, ApiError> {
    let asker = registry::find(&keeper.core, which).await?;
    let hash = asker.program_hash.clone();
    let asking = asker.clone();
    let (charms, tags) = keeper
        .core
        .store(move |store| {
            let program = store.program(&hash)?;
            let program = program.as_ref().and_then(registry::program_from_json);
            let tags = program.as_ref().map(preview::wishes).unwrap_or_default();
            let stored = |tag: &String| store.setting(&wish::choice_setting(&asking, tag));
            let chosen: Result<Vec<Option<Value>>, _> = tags.iter().map(stored).collect();
            let tags: Vec<_> = tags.into_iter().zip(chosen?).collect();
            Ok((store.charms()?, tags))
        })
        .await?;
    let accounts = keeper.core.accounts.list();
    let view = |(tag, chosen): (String, Option<Value>)| {
        let chosen = chosen.as_ref().and_then(Value::as_str).map(str::to_owned);
        view(tag, chosen, &asker, &charms, &accounts)
    };
    Ok(tags.into_iter().map(view).collect())
}

fn view(
    tag: String,
    chosen: Option<String>,
    asker: &Charm,
    charms: &[Charm],
    accounts: &[Account],
) -> WishView {
    let offers = wish::offers(&tag, asker, charms, accounts);
    let query = WishQuery {
        query: tag.clone(),
        scope: None,
        path: None,
    };
    let found = wish::resolve(&query, asker, charms, accounts, chosen.as_deref());
    let first = found.answer.candidates.first();
    let taken = first.and_then(|first| {
        let same = |c: &&&Charm| c.piece == first.id && c.space == first.space;
        offers.iter().find(same).map(|c| c.id.clone())
    });
    WishView {
        tag,
        matches: offers.into_iter().map(|c| shown(c, accounts)).collect(),
        chosen,
        taken,
    }
}

fn shown(charm: &Charm, accounts: &[Account]) -> WishMatch {
    let account = wish::auth_account(charm);
    let known = account.and_then(|id| accounts.iter().find(|a| a.id == id));
    WishMatch {
        id: charm.id.clone(),
        charm: charm.handle.clone(),
        name: charm.name.clone(),
        account: account.map(str::to_owned),
        email: known.map(|a| a.email.clone()),
    }
}

/// Stores, or forgets, what the person chose for one wish.
pub(crate) async fn choose(
    keeper: &Keeper,
    which: &str,
    tag: &str,
    choice: Option<&str>,
) -> Result<Vec<WishView>, ApiError> {
    let asker = registry::find(&keeper.core, which).await?;
    let bare = |tag: &str| tag.trim().trim_start_matches('#').to_lowercase();
    let all = wishes(keeper, &asker.id).await?;
    let Some(wanted) = all.iter().find(|w| bare(&w.tag) == bare(tag)) else {
        return Err(unknown_tag(&asker, tag, &all));
    };
    let id = match choice {
        None => None,
        Some(choice) => Some(chosen(wanted, choice)?.id.clone()),
    };
    let setting = wish::choice_setting(&asker, &wanted.tag);
    keeper
        .core
        .store(move |store| store.set_setting(&setting, id.map(Value::String).as_ref()))
        .await?;
    keeper.core.tell(Event::Changed);
    wishes(keeper, &asker.id).await
}

fn chosen<'w>(wish: &'w WishView, choice: &str) -> Result<&'w WishMatch, ApiError> {
    let is = |m: &&WishMatch| {
        let by_account = [&m.account, &m.email].into_iter().flatten();
        m.id == choice
            || m.charm == choice
            || by_account
                .into_iter()
                .any(|a| a.eq_ignore_ascii_case(choice))
    };
    let named = |m: &&WishMatch| m.name == choice;
    let mut by_name = wish.matches.iter().filter(named);
    let only = by_name.next().filter(|_| by_name.next().is_none());
    wish.matches.iter().find(is).or(only).ok_or_else(|| {
        let names: Vec<&str> = wish
            .matches
            .iter()
            .map(|m| m.email.as_deref().unwrap_or(&m.charm))
            .collect();
        let error = ApiError::new(
            ErrorKind::Usage,
            format!("\"{choice}\" does not answer to {}.", wish.tag),
        );
        if names.is_empty() {
            return error;
        }
        error.with_hint(format!("Choose one of: {}.", names.join(", ")))
    })
}

fn unknown_tag(asker: &Charm, tag: &str, all: &[WishView]) -> ApiError {
    let error = ApiError::new(
        ErrorKind::Usage,
        format!("{} does not look for \"{tag}\".", asker.handle),
    );
    if all.is_empty() {
        return error;
    }
    let tags: Vec<&str> = all.iter().map(|w| w.tag.as_str()).collect();
    error.with_hint(format!("It looks for {}.", tags.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(id: &str, name: &str, email: Option<&str>) -> WishMatch {
        WishMatch {
            id: format!("id-{id}"),
            charm: id.to_owned(),
            name: name.to_owned(),
            account: email.map(|_| format!("account-{id}")),
            email: email.map(str::to_owned),
        }
    }

    #[test]
    fn a_choice_is_known_by_every_name_that_is_clear() {
        let wish = WishView {
            tag: "#googleAuth".to_owned(),
            matches: vec![
                offered("auth", "Google Auth", Some("kim@example.com")),
                offered("auth-2", "Google Auth", Some("work@example.com")),
                offered("other", "My own", None),
            ],
            chosen: None,
            taken: None,
        };
        for (choice, id) in [
            ("id-auth-2", "id-auth-2"),
            ("auth", "id-auth"),
            ("Work@example.com", "id-auth-2"),
            ("account-auth", "id-auth"),
            ("My own", "id-other"),
        ] {
            assert_eq!(chosen(&wish, choice).unwrap().id, id, "{choice}");
        }
        // Two have this name, so it names neither.
        let error = chosen(&wish, "Google Auth").unwrap_err();
        assert_eq!(error.kind, ErrorKind::Usage);
        let hint = error.hint.unwrap();
        assert_eq!(
            hint,
            "Choose one of: kim@example.com, work@example.com, other."
        );
    }
}
