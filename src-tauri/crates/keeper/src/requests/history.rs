//! The history: pages, filters, lanes, exports.

use std::path::Path;

use charmkeeper_base::{ErrorKind, UnixMs};
use charmkeeper_store::{LaneRequest, MAX_BUCKETS, RunFilter, RunRow, Store, StoreError};

use crate::api::{
    ApiError, ExportFormat, ExportView, FacetView, FacetsView, HistoryFilter, LaneBucket, LaneView,
    RunView,
};
use crate::core::of_store;
use crate::keeper::{Keeper, stopping};
use crate::{export, google, views};

/// Rows of the history when no number is asked for.
const DEFAULT_ROWS: u32 = 100;
/// Rows read from the store at once.
const PAGE: usize = 1000;

/// A page of runs.
pub(crate) async fn history(
    keeper: &Keeper,
    filter: HistoryFilter,
) -> Result<Vec<RunView>, ApiError> {
    let rows = match filter.limit {
        0 => DEFAULT_ROWS,
        limit => limit,
    } as usize;
    let filter = narrowed(keeper, filter).await?;
    keeper
        .core
        .store(move |store| page(store, filter, rows))
        .await
}

fn page(store: &Store, mut filter: RunFilter, rows: usize) -> Result<Vec<RunView>, StoreError> {
    let mut all = Vec::new();
    while all.len() < rows {
        let wanted = PAGE.min(rows - all.len());
        let runs = store.runs(&filter, wanted)?;
        let complete = runs.len() < wanted;
        filter.after = runs.last().map(RunRow::cursor);
        all.extend(runs.iter().map(views::run));
        if complete {
            break;
        }
    }
    Ok(all)
}

/// The filter in the store's terms: names become ids.
async fn narrowed(keeper: &Keeper, filter: HistoryFilter) -> Result<RunFilter, ApiError> {
    let account = filter
        .account
        .map(|which| google::find(&keeper.core, &which).map_or(which, |account| account.id));
    let (charm, before) = (filter.charm, filter.before);
    let (charm, after) = keeper
        .core
        .store(move |store| {
            let charm = match charm {
                None => Some(None),
                Some(which) => match store.charm_in_history(&which)? {
                    Some(charm) => Some(Some(charm)),
                    // One that has not run yet has an empty history.
                    None => known(store, &which)?.map(Some),
                },
            };
            let after = match &before {
                None => Some(None),
                Some(run) => store.run_cursor(run)?.map(Some),
            };
            Ok((charm, after))
        })
        .await?;
    let after = after.ok_or_else(|| {
        ApiError::new(
            ErrorKind::Usage,
            "The run that the page should come after is no longer in the history.",
        )
    })?;
    let charm = charm.ok_or_else(|| {
        ApiError::new(
            ErrorKind::Usage,
            "There is no charm of that name in the history.",
        )
        .with_hint("`charmkeeper charms` lists their names.")
    })?;
    Ok(RunFilter {
        charm,
        outcome: filter.outcome,
        since: filter.since,
        changed: filter.changed,
        account,
        text: filter.text,
        after,
    })
}

fn known(store: &Store, which: &str) -> Result<Option<String>, StoreError> {
    let mut charms = store.charms()?.into_iter();
    let found = charms.find(|c| c.handle == which || c.id == which || c.name == which);
    Ok(found.map(|c| c.id))
}

/// What the history can be filtered by. A charm's value is its handle, and its
/// id where the handle has come to mean another one.
pub(crate) async fn facets(keeper: &Keeper) -> Result<FacetsView, ApiError> {
    let facets = keeper.core.store(Store::facets).await?;
    let of_charm = |charm: &charmkeeper_store::Facet| {
        let others = facets.charms.iter().filter(|c| c.id != charm.id);
        let shared = !charm.there && others.clone().any(|c| c.handle == charm.handle);
        let same_name = others.clone().any(|c| c.name == charm.name);
        FacetView {
            value: if shared { &charm.id } else { &charm.handle }.clone(),
            label: match (charm.there, same_name) {
                (true, false) => charm.name.clone(),
                (true, true) => format!("{} ({})", charm.name, charm.handle),
                (false, _) => format!("{} (removed)", charm.name),
            },
        }
    };
    Ok(FacetsView {
        charms: facets.charms.iter().map(of_charm).collect(),
        accounts: facets
            .accounts
            .iter()
            .map(|account| FacetView {
                value: account.id.clone(),
                label: account.name.clone(),
            })
            .collect(),
        runs: facets.runs,
        oldest: facets.oldest,
    })
}

/// The last hours of every charm that there is.
pub(crate) async fn lanes(
    keeper: &Keeper,
    since: UnixMs,
    until: UnixMs,
    buckets: u32,
) -> Result<Vec<LaneView>, ApiError> {
    if !(1..=MAX_BUCKETS).contains(&buckets) || until <= since {
        return Err(ApiError::new(
            ErrorKind::Usage,
            format!("A lane has 1 to {MAX_BUCKETS} parts and ends after it begins."),
        ));
    }
    let request = LaneRequest {
        since,
        until,
        buckets,
    };
    let (charms, mut lanes) = keeper
        .core
        .store(move |store| Ok((store.charms()?, store.lanes(request)?)))
        .await?;
    let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
    let bucket = |b: charmkeeper_store::LaneBucket| LaneBucket {
        index: b.index,
        changed: small(b.changed),
        quiet: small(b.quiet),
        uneven: small(b.uneven),
        failed: small(b.failed),
        run: b.run,
    };
    let view = |charm: charmkeeper_store::Charm| {
        let at = lanes.iter().position(|lane| lane.charm == charm.id);
        let buckets = at.map(|at| lanes.swap_remove(at).buckets);
        LaneView {
            charm: charm.handle,
            name: charm.name,
            buckets: buckets.into_iter().flatten().map(bucket).collect(),
        }
    };
    Ok(charms.into_iter().map(view).collect())
}

/// Writes the runs that the filter names to a file.
pub(crate) async fn export(
    keeper: &Keeper,
    filter: HistoryFilter,
    format: ExportFormat,
    path: &Path,
) -> Result<ExportView, ApiError> {
    let limit = match filter.limit {
        0 => u64::MAX,
        limit => u64::from(limit),
    };
    if !path.is_absolute() {
        return Err(ApiError::new(
            ErrorKind::Usage,
            "The file to write needs a full path.",
        ));
    }
    let filter = narrowed(keeper, filter).await?;
    let path = path.to_owned();
    on_thread(keeper, move |store| {
        let runs = export::history::write(store, filter, limit, format, &path)?;
        Ok(ExportView { path, runs })
    })
    .await
}

/// Work with the store that has errors of its own.
pub(crate) async fn on_thread<T: Send + 'static>(
    keeper: &Keeper,
    work: impl FnOnce(&Store) -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let store = std::sync::Arc::clone(&keeper.core.store);
    tokio::task::spawn_blocking(move || work(&store))
        .await
        .unwrap_or_else(|_| Err(stopping()))
}

/// One run as text that is safe to paste.
pub(crate) async fn report(keeper: &Keeper, run: String) -> Result<String, ApiError> {
    let found = on_thread(keeper, move |store| {
        store.run_details(&run).map_err(|e| of_store(&e))
    });
    match found.await? {
        Some(details) => Ok(crate::report::of(&views::details(details))),
        None => Err(ApiError::new(ErrorKind::Usage, "There is no such run.")),
    }
}
