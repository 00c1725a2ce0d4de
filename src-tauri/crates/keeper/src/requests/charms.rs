//! Charms: listing, adding, switching, removing.

use std::collections::BTreeSet;

use charmkeeper_base::ErrorKind;
use charmkeeper_store::{Charm, CharmUpdate};
use serde_json::Value;

use crate::api::{ApiError, CharmView, Event};
use crate::keeper::Keeper;
use crate::registry::{self, Addition};
use crate::scheduler::{Input, MAX_INTERVAL, MIN_INTERVAL, Pause};
use crate::{google, handles, plan, source, views, wish};

pub(crate) async fn charms(keeper: &Keeper) -> Result<Vec<CharmView>, ApiError> {
    let look = keeper.look().await?;
    let (rows, spaces) = keeper
        .core
        .store(|store| Ok((store.charms()?, store.spaces()?)))
        .await?;
    let names = google::names(&keeper.core);
    let view = |row: &Charm| {
        let space = spaces
            .iter()
            .find(|s| s.did == row.space)
            .map_or("", |s| s.name.as_str());
        let state = look
            .charms
            .iter()
            .find(|s| s.charm == row.id)
            .map(|s| &s.state);
        views::charm(row, space, state, keeper.core.serving, &names)
    };
    Ok(rows.iter().map(view).collect())
}

pub(crate) async fn charm_view(keeper: &Keeper, id: &str) -> Result<CharmView, ApiError> {
    let found = charms(keeper).await?.into_iter().find(|c| c.id == id);
    found.ok_or_else(|| ApiError::new(ErrorKind::Usage, "The charm was removed."))
}

pub(crate) async fn add(
    keeper: &Keeper,
    source: &str,
    space: Option<String>,
    argument: Option<Value>,
    hosts: Vec<String>,
) -> Result<CharmView, ApiError> {
    let program = source::load(source).await?;
    let addition = Addition {
        program,
        source: source.to_owned(),
        handle: handles::handle_of(source),
        space,
        argument,
        hosts,
        account: None,
        enabled: true,
        position: 0,
    };
    let charm = registry::add(&keeper.core, addition).await?;
    added(keeper, &charm);
    charm_view(keeper, &charm.id).await
}

/// Tells the engine of a new charm.
pub(crate) fn added(keeper: &Keeper, charm: &Charm) {
    let plan = plan::of(charm, keeper.core.serving);
    let saved = plan::saved(charm);
    keeper.tell(Input::CharmAdded { plan, saved });
    keeper.core.tell(Event::Changed);
}

pub(crate) async fn remove(keeper: &Keeper, which: &str) -> Result<CharmView, ApiError> {
    let charm = registry::find(&keeper.core, which).await?;
    let view = charm_view(keeper, &charm.id).await?;
    let now = keeper.core.now();
    keeper.tell(Input::CharmRemoved {
        charm: charm.id.clone(),
    });
    keeper
        .core
        .store(move |store| store.hide_charm(&charm.id, now))
        .await?;
    keeper.core.leases.look();
    keeper.core.tell(Event::Changed);
    Ok(view)
}

/// Brings back a charm that was removed a short while ago.
pub(crate) async fn restore(keeper: &Keeper, id: &str) -> Result<CharmView, ApiError> {
    let wanted = id.to_owned();
    let restored = keeper
        .core
        .store(move |store| {
            let hidden = store.hidden_charms()?;
            let Some(charm) = hidden.into_iter().find(|c| c.id == wanted) else {
                return Ok(None);
            };
            let handle = store.free_handle(&charm.handle)?;
            store.restore_charm(&charm.id, &handle)?;
            store.charm(&charm.id)
        })
        .await?;
    let Some(charm) = restored else {
        return Err(ApiError::new(
            ErrorKind::Usage,
            "That charm was not removed, or too long ago to bring it back.",
        ));
    };
    keeper.tell(Input::CharmAdded {
        saved: plan::saved(&charm),
        plan: plan::of(&charm, keeper.core.serving),
    });
    keeper.core.tell(Event::Changed);
    charm_view(keeper, &charm.id).await
}

/// Binds a charm to one account, or lets it choose again.
pub(crate) async fn set_account(
    keeper: &Keeper,
    which: &str,
    account: Option<String>,
) -> Result<CharmView, ApiError> {
    let mut charm = registry::find(&keeper.core, which).await?;
    if wish::auth_account(&charm).is_some() {
        return Err(ApiError::new(
            ErrorKind::Usage,
            "This charm keeps the sign-in of its account, so it stays with it.",
        ));
    }
    charm.account = match account {
        None => None,
        Some(which) => Some(google::find(&keeper.core, &which)?.id),
    };
    let change = CharmUpdate {
        account: Some(charm.account.clone()),
        ..CharmUpdate::default()
    };
    update(keeper, &charm, change).await?;
    charm_view(keeper, &charm.id).await
}

/// Replaces the list of hosts that a charm may call.
pub(crate) async fn set_hosts(
    keeper: &Keeper,
    which: &str,
    hosts: &[String],
) -> Result<CharmView, ApiError> {
    let mut charm = registry::find(&keeper.core, which).await?;
    let checked: Result<BTreeSet<String>, ApiError> = hosts.iter().map(|h| host(h)).collect();
    charm.hosts = checked?.into_iter().collect();
    let change = CharmUpdate {
        hosts: Some(charm.hosts.clone()),
        ..CharmUpdate::default()
    };
    update(keeper, &charm, change).await?;
    charm_view(keeper, &charm.id).await
}

/// A host name, as in an address; a port may follow, as in a charm's sources.
fn host(text: &str) -> Result<String, ApiError> {
    let host = text.trim().to_lowercase();
    let spelled = host
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-.:".contains(c));
    let plain = url::Url::parse(&format!("https://{host}/"))
        .ok()
        .filter(|url| {
            let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
            url.host_str().is_some_and(|h| format!("{h}{port}") == host)
        });
    match plain {
        Some(_) if spelled => Ok(host),
        _ => Err(ApiError::new(
            ErrorKind::Usage,
            format!("\"{text}\" is not a host name, such as api.example.com."),
        )),
    }
}

pub(crate) async fn switch(keeper: &Keeper, which: &str, on: bool) -> Result<CharmView, ApiError> {
    let mut charm = registry::find(&keeper.core, which).await?;
    let id = charm.id.clone();
    if on && !charm.enabled {
        charm.enabled = true;
        update(
            keeper,
            &charm,
            CharmUpdate {
                enabled: Some(true),
                ..CharmUpdate::default()
            },
        )
        .await?;
    }
    if on {
        keeper.tell(Input::Resume { charm: id.clone() });
    } else {
        keeper.tell(Input::Pause {
            charm: id.clone(),
            pause: Pause::UntilResumed,
        });
    }
    keeper.core.tell(Event::Changed);
    // The scheduler's word on it is stored by the engine; wait for that, so that
    // a pause given by a command without timers is there for the next keeper.
    keeper.look().await?;
    keeper.core.background.settle().await;
    keeper.core.leases.look();
    charm_view(keeper, &id).await
}

pub(crate) async fn set_interval(
    keeper: &Keeper,
    which: &str,
    seconds: u64,
) -> Result<CharmView, ApiError> {
    let (least, most) = (MIN_INTERVAL.as_secs(), MAX_INTERVAL.as_secs());
    if !(least..=most).contains(&seconds) {
        return Err(ApiError::new(
            ErrorKind::Usage,
            format!("The time between runs is {least} to {most} seconds."),
        ));
    }
    let mut charm = registry::find(&keeper.core, which).await?;
    charm.interval_ms = seconds * 1000;
    let change = CharmUpdate {
        interval_ms: Some(charm.interval_ms),
        ..CharmUpdate::default()
    };
    update(keeper, &charm, change).await?;
    charm_view(keeper, &charm.id).await
}

pub(crate) async fn update(
    keeper: &Keeper,
    charm: &Charm,
    change: CharmUpdate,
) -> Result<(), ApiError> {
    let id = charm.id.clone();
    keeper
        .core
        .store(move |store| store.update_charm(&id, &change))
        .await?;
    keeper.tell(Input::CharmChanged {
        plan: plan::of(charm, keeper.core.serving),
    });
    keeper.core.tell(Event::Changed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn host_names_are_told_from_addresses_and_patterns() {
        for good in [
            "api.example.com",
            "API.example.com ",
            "localhost",
            "127.0.0.1:8080",
        ] {
            assert_eq!(host(good).unwrap(), good.trim().to_lowercase());
        }
        for bad in [
            "",
            "https://a.com",
            "a.com/x",
            "*.a.com ",
            "a b",
            "u@a.com",
            "a.com?x",
            "a.com:99999",
            "#",
        ] {
            assert!(host(bad).is_err(), "{bad}");
        }
    }
}
