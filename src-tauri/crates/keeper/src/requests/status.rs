//! The state of everything, and pausing everything.

use serde_json::Value;

use super::charms::charms;
use super::json;
use crate::api::{ApiError, Event, StatusView};
use crate::keeper::{Keeper, PAUSE_SETTING, WARNING_SETTING};
use crate::scheduler::{Input, Pause};
use crate::spaces::spaces;
use crate::{summary, views};

/// Stops or starts all timers; remembered for the next start.
pub(crate) async fn pause_everything(
    keeper: &Keeper,
    pause: Option<Pause>,
) -> Result<Value, ApiError> {
    let stored = pause.map(|p| json(&p)).transpose()?;
    keeper
        .core
        .store(move |store| store.set_setting(PAUSE_SETTING, stored.as_ref()))
        .await?;
    keeper.tell(pause.map_or(Input::ResumeAll, |pause| Input::PauseAll { pause }));
    keeper.core.leases.look();
    keeper.core.tell(Event::Changed);
    Ok(Value::Null)
}

pub(crate) async fn status(keeper: &Keeper) -> Result<StatusView, ApiError> {
    let core = &keeper.core;
    let look = keeper.look().await?;
    let charms = charms(keeper).await?;
    let accounts = accounts(keeper);
    let spaces = spaces(keeper).await?;
    let paused = look.paused.map(paused_until);
    let warning = core.store(|store| store.setting(WARNING_SETTING)).await?;
    let summary = summary::of(&summary::Facts {
        charms: &charms,
        accounts: &accounts,
        spaces: &spaces,
        online: look.online,
        serving: core.serving,
        paused: paused.as_ref(),
        now: core.now(),
    });
    Ok(StatusView {
        summary: summary.sentence,
        synced_at: summary.synced_at,
        icon: summary.icon.to_owned(),
        serving: core.serving,
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        home: core.home.dir().to_owned(),
        online: look.online,
        warning: warning.as_ref().and_then(Value::as_str).map(str::to_owned),
        paused,
        running: look.running.iter().map(views::run).collect(),
        charms,
        accounts,
    })
}

fn paused_until(pause: Pause) -> crate::api::Pause {
    let until = match pause {
        Pause::UntilResumed => None,
        Pause::Until(until) => Some(until),
    };
    crate::api::Pause { until }
}

pub(crate) fn accounts(keeper: &Keeper) -> Vec<crate::api::AccountView> {
    let pauses = keeper.core.broker.pauses();
    let view = |account: &charmkeeper_accounts::Account| {
        let waits = pauses
            .iter()
            .find(|p| p.account == account.id)
            .map(|p| p.until);
        views::account(account, waits)
    };
    keeper.core.accounts.list().iter().map(view).collect()
}

/// The person has seen [`StatusView::warning`].
pub(crate) async fn dismiss_warning(keeper: &Keeper) -> Result<Value, ApiError> {
    let core = &keeper.core;
    core.store(|store| store.set_setting(WARNING_SETTING, None))
        .await?;
    core.tell(Event::Changed);
    Ok(Value::Null)
}
