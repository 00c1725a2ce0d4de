//! Carrying out requests: one function each, by subject.
//!
//! In: a request. Out: its answer as JSON. Reads go to the store, actions to
//! the engine; nothing here keeps state.

mod cells;
pub(crate) mod charms;
mod everything;
mod history;
mod runs;
pub(crate) mod settings;
mod status;
mod watch;
mod wishes;

use charmkeeper_base::ErrorKind;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::api::{ApiError, Event, Request};
use crate::keeper::Keeper;
use crate::scheduler::Pause;
use crate::{connect, doctor, preview, spaces};

pub(crate) use charms::added;

/// Does what is asked.
#[allow(
    clippy::cognitive_complexity,
    reason = "a flat table with a line for each request"
)]
pub(crate) async fn carry_out(
    keeper: &Keeper,
    request: Request,
    events: mpsc::Sender<Event>,
) -> Result<Value, ApiError> {
    match request {
        Request::Status => json(&status::status(keeper).await?),
        Request::Charms => json(&charms::charms(keeper).await?),
        Request::Add {
            source,
            space,
            argument,
            hosts,
        } => json(&charms::add(keeper, &source, space, argument, hosts).await?),
        Request::Remove { charm } => json(&charms::remove(keeper, &charm).await?),
        Request::Pause { charm } => json(&charms::switch(keeper, &charm, false).await?),
        Request::Resume { charm } => json(&charms::switch(keeper, &charm, true).await?),
        Request::SetInterval { charm, seconds } => {
            json(&charms::set_interval(keeper, &charm, seconds).await?)
        }
        Request::Preview { source } => json(&preview::preview(&keeper.core, &source).await),
        Request::Restore { charm } => json(&charms::restore(keeper, &charm).await?),
        Request::SetAccount { charm, account } => {
            json(&charms::set_account(keeper, &charm, account).await?)
        }
        Request::SetHosts { charm, hosts } => {
            json(&charms::set_hosts(keeper, &charm, &hosts).await?)
        }
        Request::Wishes { charm } => json(&wishes::wishes(keeper, &charm).await?),
        Request::ChooseWish { charm, tag, choice } => {
            json(&wishes::choose(keeper, &charm, &tag, choice.as_deref()).await?)
        }
        Request::RunAll => runs::run_all(keeper).await,
        Request::Run { charm, argument } => runs::run(keeper, &charm, argument, &events).await,
        Request::Cancel { run } => runs::cancel(keeper, run).await,
        Request::RunDetails { run } => runs::run_details(keeper, run).await,
        Request::Cells { charm, path } => cells::cells(keeper, &charm, path).await,
        Request::History(filter) => json(&history::history(keeper, filter).await?),
        Request::Facets => json(&history::facets(keeper).await?),
        Request::Lanes {
            since,
            until,
            buckets,
        } => json(&history::lanes(keeper, since, until, buckets).await?),
        Request::RunReport { run } => json(&history::report(keeper, run).await?),
        Request::ExportHistory {
            filter,
            format,
            path,
        } => json(&history::export(keeper, filter, format, &path).await?),
        Request::ExportAll { folder } => json(&everything::export(keeper, &folder).await?),
        Request::Reset => everything::reset(keeper).await,
        Request::Settings => json(&settings::settings(keeper).await?),
        Request::ChangeSettings(change) => json(&settings::change(keeper, &change).await?),
        Request::UseClient { path } => json(&settings::use_client(keeper, &path).await?),
        Request::ForgetClient => json(&settings::forget_client(keeper).await?),
        Request::DismissWarning => status::dismiss_warning(keeper).await,
        Request::Accounts => json(&status::accounts(keeper)),
        Request::Connect {
            services,
            client,
            print_url,
            account,
        } => {
            let connected = connect::connect(keeper, &services, client, print_url, account, events);
            json(&Box::pin(connected).await?)
        }
        Request::CancelConnect => json(&connect::cancel(keeper)?),
        Request::Disconnect { account } => json(&connect::disconnect(keeper, &account).await?),
        Request::PauseAll { until } => {
            let pause = until.map_or(Pause::UntilResumed, Pause::Until);
            status::pause_everything(keeper, Some(pause)).await
        }
        Request::ResumeAll => status::pause_everything(keeper, None).await,
        Request::Doctor => json(&doctor::examine(keeper).await),
        Request::Watch => watch::watch(keeper, &events).await,
        request @ (Request::Spaces
        | Request::ConnectSpace { .. }
        | Request::DisconnectSpace { .. }
        | Request::RetryChange { .. }
        | Request::DropChange { .. }
        | Request::Favorites
        | Request::SetFavorite { .. }
        | Request::TakeOver { .. }
        | Request::Publish { .. }
        | Request::Register { .. }) => spaces::carry_out(keeper, request).await,
    }
}

/// An answer as JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<Value, ApiError> {
    serde_json::to_value(value).map_err(|e| {
        ApiError::new(
            ErrorKind::Local,
            format!("The answer cannot be written as JSON: {e}."),
        )
    })
}
