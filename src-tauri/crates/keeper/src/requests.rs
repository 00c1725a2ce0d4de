//! Carries out requests: one function for each, most of them short.
//!
//! Owns nothing. Each checks what it was given, does its work through the
//! module that owns the subject, and says what changed.

use charmkeeper_base::ErrorKind;
use charmkeeper_store::{Charm, CharmUpdate, RunFilter, Store};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::api::{ApiError, CharmView, Event, HistoryFilter, Request, StatusView};
use crate::cells::Reader;
use crate::engine::Ask;
use crate::keeper::{Keeper, PAUSE_SETTING, stopping};
use crate::registry::{self, Addition};
use crate::scheduler::{CharmStatus, Input, MAX_INTERVAL, MIN_INTERVAL, Pause, State};
use crate::{connect, doctor, google, plan, source, views};

/// Rows of the history when no number is asked for.
const DEFAULT_ROWS: u32 = 100;
/// Rows read from the store at once.
const PAGE: usize = 1000;

/// Does what is asked.
pub(crate) async fn carry_out(
    keeper: &Keeper,
    request: Request,
    events: mpsc::Sender<Event>,
) -> Result<Value, ApiError> {
    match request {
        Request::Status => json(&status(keeper).await?),
        Request::Charms => json(&charms(keeper).await?),
        Request::Add {
            source,
            space,
            argument,
            hosts,
        } => json(&add(keeper, &source, space, argument, hosts).await?),
        Request::Remove { charm } => json(&remove(keeper, &charm).await?),
        Request::Pause { charm } => json(&switch(keeper, &charm, false).await?),
        Request::Resume { charm } => json(&switch(keeper, &charm, true).await?),
        Request::SetInterval { charm, seconds } => {
            json(&set_interval(keeper, &charm, seconds).await?)
        }
        Request::Run { charm, argument } => run(keeper, &charm, argument, &events).await,
        Request::Cancel { run } => cancel(keeper, run).await,
        Request::Cells { charm, path } => cells(keeper, &charm, path).await,
        Request::History(filter) => json(&history(keeper, filter).await?),
        Request::RunDetails { run } => run_details(keeper, run).await,
        Request::Accounts => json(&accounts(keeper)),
        Request::Connect {
            services,
            client,
            print_url,
        } => json(&connect::connect(keeper, &services, client, print_url, events).await?),
        Request::Disconnect { account } => json(&connect::disconnect(keeper, &account).await?),
        Request::PauseAll { until } => {
            let pause = until.map_or(Pause::UntilResumed, Pause::Until);
            pause_everything(keeper, Some(pause)).await
        }
        Request::ResumeAll => pause_everything(keeper, None).await,
        Request::Doctor => json(&doctor::examine(keeper).await),
        Request::Watch => watch(keeper, &events).await,
    }
}

fn json<T: Serialize>(value: &T) -> Result<Value, ApiError> {
    serde_json::to_value(value).map_err(|e| {
        ApiError::new(
            ErrorKind::Local,
            format!("The answer cannot be written as JSON: {e}."),
        )
    })
}

/// Stops or starts all timers; remembered for the next start.
async fn pause_everything(keeper: &Keeper, pause: Option<Pause>) -> Result<Value, ApiError> {
    let stored = pause.map(|p| json(&p)).transpose()?;
    keeper
        .core
        .store(move |store| store.set_setting(PAUSE_SETTING, stored.as_ref()))
        .await?;
    keeper.tell(pause.map_or(Input::ResumeAll, |pause| Input::PauseAll { pause }));
    keeper.core.tell(Event::Changed);
    Ok(Value::Null)
}

async fn charms(keeper: &Keeper) -> Result<Vec<CharmView>, ApiError> {
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

async fn charm_view(keeper: &Keeper, id: &str) -> Result<CharmView, ApiError> {
    let found = charms(keeper).await?.into_iter().find(|c| c.id == id);
    found.ok_or_else(|| ApiError::new(ErrorKind::Usage, "The charm was removed."))
}

async fn status(keeper: &Keeper) -> Result<StatusView, ApiError> {
    let core = &keeper.core;
    let look = keeper.look().await?;
    let charms = charms(keeper).await?;
    let accounts = accounts(keeper);
    let (summary, icon) = views::summary(&charms, &accounts, look.online, core.serving, core.now());
    Ok(StatusView {
        summary,
        icon: icon.to_owned(),
        serving: core.serving,
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        home: core.home.dir().to_owned(),
        online: look.online,
        paused: paused_until(&look.charms),
        running: look.running.iter().map(views::run).collect(),
        charms,
        accounts,
    })
}

/// Whether everything is paused, as the scheduler says of each charm.
fn paused_until(charms: &[CharmStatus]) -> Option<crate::api::Pause> {
    charms.iter().find_map(|c| match c.state {
        State::Paused {
            until,
            everything: true,
        } => Some(crate::api::Pause { until }),
        _ => None,
    })
}

fn accounts(keeper: &Keeper) -> Vec<crate::api::AccountView> {
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

async fn add(
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
        handle: registry::handle_of(source),
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
    keeper.tell(Input::CharmAdded { plan, saved: None });
    keeper.core.tell(Event::Changed);
}

async fn remove(keeper: &Keeper, which: &str) -> Result<CharmView, ApiError> {
    let charm = registry::find(&keeper.core, which).await?;
    let view = charm_view(keeper, &charm.id).await?;
    keeper.tell(Input::CharmRemoved {
        charm: charm.id.clone(),
    });
    keeper
        .core
        .store(move |store| store.remove_charm(&charm.id))
        .await?;
    keeper.core.tell(Event::Changed);
    Ok(view)
}

async fn switch(keeper: &Keeper, which: &str, on: bool) -> Result<CharmView, ApiError> {
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
    charm_view(keeper, &id).await
}

async fn set_interval(keeper: &Keeper, which: &str, seconds: u64) -> Result<CharmView, ApiError> {
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

async fn update(keeper: &Keeper, charm: &Charm, change: CharmUpdate) -> Result<(), ApiError> {
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

/// A charm by name, or by the path of its source: the latter is known from then
/// on, with its cells, but without a timer.
async fn charm_to_run(keeper: &Keeper, which: &str) -> Result<Charm, ApiError> {
    if !which.contains(std::path::MAIN_SEPARATOR) && !which.contains("://") {
        return registry::find(&keeper.core, which).await;
    }
    let program = source::load(which).await?;
    let wanted = which.to_owned();
    let charms = keeper.core.store(Store::charms).await?;
    if let Some(known) = charms.into_iter().find(|c| c.source == wanted) {
        let charm = registry::refresh(&keeper.core, known, program).await?;
        // New code deserves a new chance.
        keeper.tell(Input::Resume {
            charm: charm.id.clone(),
        });
        return Ok(charm);
    }
    let addition = Addition {
        program,
        source: wanted,
        handle: registry::handle_of(which),
        space: None,
        argument: None,
        hosts: Vec::new(),
        account: None,
        enabled: false,
        position: 0,
    };
    let charm = registry::add(&keeper.core, addition).await?;
    added(keeper, &charm);
    Ok(charm)
}

/// Ends a run that was asked for when the one who asked goes away.
struct Abandoned<'k> {
    keeper: &'k Keeper,
    charm: Option<String>,
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(charm) = self.charm.take() {
            // Without an engine there is no run either.
            let _ = self.keeper.ask(Ask::Abandon { charm });
        }
    }
}

async fn run(
    keeper: &Keeper,
    which: &str,
    argument: Option<Value>,
    events: &mpsc::Sender<Event>,
) -> Result<Value, ApiError> {
    let charm = charm_to_run(keeper, which).await?;
    if let Some(argument) = &argument {
        registry::set_argument(&keeper.core, &charm, argument).await?;
    }
    let (done, mut finished) = oneshot::channel();
    let mut happening = keeper.events();
    keeper.ask(Ask::Run {
        charm: charm.id.clone(),
        done,
    })?;
    let mut guard = Abandoned {
        keeper,
        charm: Some(charm.id.clone()),
    };
    let run = loop {
        tokio::select! {
            run = &mut finished => break run.map_err(|_| stopping()),
            event = happening.recv() => {
                if let Ok(event @ Event::RunStarted { .. }) = event
                    && matches!(&event, Event::RunStarted { charm: c, .. } if *c == charm.handle)
                {
                    // The one who asked may not listen.
                    let _ = events.send(event).await;
                }
            }
        }
    };
    guard.charm = None;
    keeper.core.background.settle().await;
    run_details(keeper, run??).await
}

async fn cancel(keeper: &Keeper, run: String) -> Result<Value, ApiError> {
    let (done, answer) = oneshot::channel();
    keeper.ask(Ask::CancelRun { run, done })?;
    match answer.await {
        Ok(true) => Ok(Value::Null),
        Ok(false) => Err(ApiError::new(ErrorKind::Usage, "That run is not going on.")),
        Err(_) => Err(stopping()),
    }
}

async fn cells(keeper: &Keeper, which: &str, path: Vec<String>) -> Result<Value, ApiError> {
    let charm = registry::find(&keeper.core, which).await?;
    let doc = charmkeeper_base::cell::DocRef {
        space: charm.space,
        id: charm.piece,
    };
    keeper
        .core
        .store(move |store| Reader::new(store).show(&doc, &path))
        .await
}

async fn history(
    keeper: &Keeper,
    filter: HistoryFilter,
) -> Result<Vec<crate::api::RunView>, ApiError> {
    let rows = if filter.limit == 0 {
        DEFAULT_ROWS
    } else {
        filter.limit
    } as usize;
    let read = move |store: &Store| {
        let charm = match &filter.charm {
            None => None,
            Some(which) => match store.charm_in_history(which)? {
                Some(charm) => Some(charm),
                None => return Ok(None),
            },
        };
        let after = match &filter.before {
            None => None,
            Some(run) => store.run_details(run)?.map(|d| d.run.cursor()),
        };
        let mut page = RunFilter {
            charm,
            outcome: filter.outcome,
            since: filter.since,
            changed: filter.changed,
            after,
        };
        let mut all = Vec::new();
        while all.len() < rows {
            let wanted = PAGE.min(rows - all.len());
            let runs = store.runs(&page, wanted)?;
            let complete = runs.len() < wanted;
            page.after = runs.last().map(charmkeeper_store::RunRow::cursor);
            all.extend(runs.iter().map(views::run));
            if complete {
                break;
            }
        }
        Ok(Some(all))
    };
    keeper.core.store(read).await?.ok_or_else(|| {
        ApiError::new(
            ErrorKind::Usage,
            "There is no charm of that name in the history.",
        )
        .with_hint("`charmkeeper charms` lists their names.")
    })
}

async fn run_details(keeper: &Keeper, run: String) -> Result<Value, ApiError> {
    let found = keeper
        .core
        .store(move |store| store.run_details(&run))
        .await?;
    match found {
        Some(details) => json(&views::details(details)),
        None => Err(ApiError::new(ErrorKind::Usage, "There is no such run.")),
    }
}

async fn watch(keeper: &Keeper, events: &mpsc::Sender<Event>) -> Result<Value, ApiError> {
    let mut happening = keeper.events();
    loop {
        let event = match happening.recv().await {
            Ok(event) => event,
            // Whoever fell behind reads everything anew.
            Err(broadcast::error::RecvError::Lagged(_)) => Event::Changed,
            Err(broadcast::error::RecvError::Closed) => return Err(stopping()),
        };
        if events.send(event).await.is_err() {
            return Ok(Value::Null);
        }
    }
}
