//! Table `run_lanes`: how many runs of a charm ended how, by five minutes.
//!
//! Drawing a day of a thousand charms from the runs themselves would read a
//! million rows; from here it reads as many as are drawn. Times cut finer than
//! five minutes are counted from the runs.

use std::collections::BTreeMap;

use charmkeeper_base::{Outcome, UnixMs};
use rusqlite::{Transaction, params};

use crate::text::count as read_count;
use crate::{Store, StoreError};

/// Length of one slot, in milliseconds.
const SLOT: i64 = 5 * 60 * 1000;
/// Most buckets that can be asked for.
pub const MAX_BUCKETS: u32 = 1440;

/// What to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneRequest {
    /// The first moment.
    pub since: UnixMs,
    /// The end of the last bucket.
    pub until: UnixMs,
    /// Number of equal parts, 1 to [`MAX_BUCKETS`].
    pub buckets: u32,
}

/// One charm's ended runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Id of the charm.
    pub charm: String,
    /// Buckets in which something ended, in order.
    pub buckets: Vec<LaneBucket>,
}

/// What happened in one part of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneBucket {
    /// Its number, from 0.
    pub index: u32,
    /// Runs that ended well and changed something.
    pub changed: u64,
    /// Runs that ended well and changed nothing.
    pub quiet: u64,
    /// Runs that were partial, skipped, missed or cancelled.
    pub uneven: u64,
    /// Runs that failed in any way.
    pub failed: u64,
    /// The last run in it.
    pub run: String,
}

/// The column that counts an outcome.
fn column(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "changed",
        Outcome::OkUnchanged => "quiet",
        Outcome::Partial | Outcome::Skipped | Outcome::Missed | Outcome::Cancelled => "uneven",
        Outcome::Failed
        | Outcome::TimedOut
        | Outcome::OutOfMemory
        | Outcome::Crashed
        | Outcome::Interrupted => "failed",
    }
}

/// Counts a run that ended.
pub(crate) fn count(
    tx: &Transaction<'_>,
    charm: i64,
    started_at: UnixMs,
    outcome: Outcome,
    run: i64,
) -> Result<(), StoreError> {
    let this = column(outcome);
    let one = |name: &str| i64::from(name == this);
    tx.prepare_cached(
        "INSERT INTO run_lanes (slot, charm, changed, quiet, uneven, failed, last)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (slot, charm) DO UPDATE SET
             changed = changed + ?3, quiet = quiet + ?4, uneven = uneven + ?5,
             failed = failed + ?6, last = max(last, ?7)",
    )?
    .execute(params![
        started_at.0.div_euclid(SLOT),
        charm,
        one("changed"),
        one("quiet"),
        one("uneven"),
        one("failed"),
        run
    ])?;
    Ok(())
}

/// Forgets slots that ended before the oldest run that is kept.
pub(crate) fn forget_before(tx: &Transaction<'_>, oldest: UnixMs) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM run_lanes WHERE slot < ?1",
        [oldest.0.div_euclid(SLOT)],
    )?;
    Ok(())
}

/// One row of either source.
struct Piece {
    charm: i64,
    at: i64,
    counts: [u64; 4],
    last: i64,
}

impl Store {
    /// The ended runs of every charm that has any in that time. A time that is
    /// backwards or has no buckets gives nothing.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn lanes(&self, request: LaneRequest) -> Result<Vec<Lane>, StoreError> {
        let LaneRequest {
            since,
            until,
            buckets,
        } = request;
        let buckets = buckets.min(MAX_BUCKETS);
        let span = i128::from(until.0) - i128::from(since.0);
        if span <= 0 || buckets == 0 {
            return Ok(Vec::new());
        }
        let coarse = span / i128::from(buckets) >= i128::from(SLOT);
        self.read(|tx| {
            let pieces = if coarse {
                slots(tx, since, until)?
            } else {
                runs(tx, since, until)?
            };
            let place = |at: i64| {
                let offset = (i128::from(at) - i128::from(since.0)).max(0);
                let index = offset * i128::from(buckets) / span;
                u32::try_from(index).unwrap_or(u32::MAX).min(buckets - 1)
            };
            gather(tx, pieces, place)
        })
    }
}

/// The slots that begin in that time, and the one in which it begins.
fn slots(tx: &Transaction<'_>, since: UnixMs, until: UnixMs) -> Result<Vec<Piece>, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT charm, slot, changed, quiet, uneven, failed, last
         FROM run_lanes WHERE slot >= ?1 AND slot < ?2 ORDER BY slot, charm",
    )?;
    let bounds = [
        since.0.div_euclid(SLOT),
        -until.0.saturating_neg().div_euclid(SLOT),
    ];
    let rows = query.query_map(bounds, |row| {
        Ok(Piece {
            charm: row.get(0)?,
            at: row.get::<_, i64>(1)?.saturating_mul(SLOT),
            counts: [
                read_count(row, 2)?,
                read_count(row, 3)?,
                read_count(row, 4)?,
                read_count(row, 5)?,
            ],
            last: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The runs that began in that time.
fn runs(tx: &Transaction<'_>, since: UnixMs, until: UnixMs) -> Result<Vec<Piece>, StoreError> {
    let mut query = tx.prepare_cached(
        "SELECT charm, started_at, outcome, seq FROM runs INDEXED BY runs_by_time
         WHERE started_at >= ?1 AND started_at < ?2 AND outcome IS NOT NULL
         ORDER BY started_at, seq",
    )?;
    let rows = query.query_map([since.0, until.0], |row| {
        let outcome = crate::text::word(row, 2, Outcome::parse)?;
        let one = |name: &str| u64::from(column(outcome) == name);
        Ok(Piece {
            charm: row.get(0)?,
            at: row.get(1)?,
            counts: [one("changed"), one("quiet"), one("uneven"), one("failed")],
            last: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Adds up what falls into the same bucket, and names charms and runs.
fn gather(
    tx: &Transaction<'_>,
    pieces: Vec<Piece>,
    place: impl Fn(i64) -> u32,
) -> Result<Vec<Lane>, StoreError> {
    let mut lanes: BTreeMap<i64, BTreeMap<u32, ([u64; 4], i64)>> = BTreeMap::new();
    for piece in pieces {
        let bucket = lanes.entry(piece.charm).or_default();
        let (counts, last) = bucket.entry(place(piece.at)).or_default();
        for (sum, more) in counts.iter_mut().zip(piece.counts) {
            *sum += more;
        }
        *last = piece.last.max(*last);
    }
    let mut charm_id = tx.prepare_cached("SELECT charm FROM run_charms WHERE seq = ?1")?;
    // A run of the slot may have been pruned; then there is none to open.
    let mut run_id =
        tx.prepare_cached("SELECT coalesce((SELECT id FROM runs WHERE seq = ?1), '')")?;
    let mut all = Vec::new();
    for (charm, buckets) in lanes {
        let mut lane = Lane {
            charm: charm_id.query_row([charm], |row| row.get(0))?,
            buckets: Vec::with_capacity(buckets.len()),
        };
        for (index, ([changed, quiet, uneven, failed], last)) in buckets {
            lane.buckets.push(LaneBucket {
                index,
                changed,
                quiet,
                uneven,
                failed,
                run: run_id.query_row([last], |row| row.get(0))?,
            });
        }
        all.push(lane);
    }
    Ok(all)
}
