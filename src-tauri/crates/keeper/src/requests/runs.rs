//! Runs that a person asks for.

use charmkeeper_base::ErrorKind;
use charmkeeper_store::{Charm, Store};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::charms::added;
use super::json;
use crate::api::{ApiError, Event};
use crate::engine::Ask;
use crate::keeper::{Keeper, stopping};
use crate::registry::{self, Addition};
use crate::scheduler::Input;
use crate::{handles, plan, source, updater, views};

/// Whether a charm is named by the place of its source.
fn is_path(which: &str) -> bool {
    which.contains(std::path::MAIN_SEPARATOR) || which.contains("://")
}

/// A charm by name, or by the path of its source: the latter is known from then
/// on, with its cells, but without a timer.
pub(crate) async fn charm_to_run(keeper: &Keeper, which: &str) -> Result<Charm, ApiError> {
    if !is_path(which) {
        return registry::find(&keeper.core, which).await;
    }
    let program = source::load(which).await?;
    let wanted = which.to_owned();
    let charms = keeper.core.store(Store::charms).await?;
    if let Some(known) = charms.into_iter().find(|c| c.source == wanted) {
        let charm = registry::refresh(&keeper.core, known, program).await?;
        keeper.tell(Input::CharmChanged {
            plan: plan::of(&charm, keeper.core.serving),
        });
        // New code deserves a new chance.
        keeper.tell(Input::Resume {
            charm: charm.id.clone(),
        });
        return Ok(charm);
    }
    let addition = Addition {
        program,
        source: wanted,
        handle: handles::handle_of(which),
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

pub(crate) async fn run(
    keeper: &Keeper,
    which: &str,
    argument: Option<Value>,
    events: &mpsc::Sender<Event>,
) -> Result<Value, ApiError> {
    let charm = charm_to_run(keeper, which).await?;
    if is_path(which) {
        // What will not work is said before the first run, not guessed after it.
        for warning in views::warnings(&charm.facts) {
            let (file, line, column) = (warning.file, warning.line, warning.column);
            let message = format!("{file}:{line}:{column}: {}", warning.message);
            // The one who asked may not listen.
            let _ = events.send(Event::Progress { message }).await;
        }
    }
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

pub(crate) async fn cancel(keeper: &Keeper, run: String) -> Result<Value, ApiError> {
    let (done, answer) = oneshot::channel();
    keeper.ask(Ask::CancelRun { run, done })?;
    match answer.await {
        Ok(true) => Ok(Value::Null),
        Ok(false) => Err(ApiError::new(ErrorKind::Usage, "That run is not going on.")),
        Err(_) => Err(stopping()),
    }
}

pub(crate) async fn run_details(keeper: &Keeper, run: String) -> Result<Value, ApiError> {
    let found = keeper
        .core
        .store(move |store| store.run_details(&run))
        .await?;
    match found {
        Some(details) => json(&views::details(details)),
        None => Err(ApiError::new(ErrorKind::Usage, "There is no such run.")),
    }
}

/// Runs every charm that is switched on.
pub(crate) async fn run_all(keeper: &Keeper) -> Result<Value, ApiError> {
    let charms = keeper.core.store(Store::charms).await?;
    let on = charms
        .into_iter()
        .filter(|charm| charm.enabled && charm.paused_reason.is_none() && updater::works(charm));
    for charm in on {
        keeper.tell(Input::Manual { charm: charm.id });
    }
    Ok(Value::Null)
}
