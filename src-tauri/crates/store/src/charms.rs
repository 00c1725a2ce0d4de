//! Table `charms`: what runs, how it is set up, and when it runs next.
//!
//! Owns the rows. Never computes a due time or a backoff: the scheduler does,
//! and hands the result over to be kept.

use charmkeeper_base::cell::Change;
use charmkeeper_base::{Outcome, UnixMs};
use rusqlite::types::ToSql;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde_json::Value;

use crate::documents::{self, Writer};
use crate::error::is_taken;
use crate::store::Durability;
use crate::text::{int, json, to_json, value, word_or_null};
use crate::{Store, StoreError};
use crate::{programs, run_text};

/// One charm, without its source files (see [`Store::program`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Charm {
    /// UUID.
    pub id: String,
    /// Short, unique and typeable: `gmail-importer`, `gmail-importer-2`.
    pub handle: String,
    /// What the charm calls itself.
    pub name: String,
    /// `did:key` of its space.
    pub space: String,
    /// Id of its result document.
    pub piece: String,
    /// Id of its argument document.
    pub argument: String,
    /// The path or URL that it was added from.
    pub source: String,
    /// Names its source files in [`Store::program`].
    pub program_hash: String,
    /// What the compiler found out about it.
    pub facts: Value,
    /// Its tags, without `#`.
    pub tags: Vec<String>,
    /// Hosts that it may call.
    pub hosts: Vec<String>,
    /// The account that it uses; the binding outlives a disconnected account.
    pub account: Option<String>,
    /// False when a person switched it off, or repeated failures did.
    pub enabled: bool,
    /// Why it is off.
    pub paused_reason: Option<String>,
    /// Time between runs in milliseconds, at least 1.
    pub interval_ms: u64,
    /// When it was added.
    pub created_at: UnixMs,
    /// Its place in lists; ties are broken by age.
    pub position: i64,
    /// When it runs next and how it has been doing.
    pub schedule: Schedule,
}

/// The scheduler's memory of one charm.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// The moment of the next run; nothing when none is planned.
    pub next_due_at: Option<UnixMs>,
    /// Failures since the last good run.
    pub failures: u32,
    /// How the last run ended.
    pub last_outcome: Option<Outcome>,
    /// When the last run started.
    pub last_run_at: Option<UnixMs>,
    /// When the last good run ended.
    pub last_ok_at: Option<UnixMs>,
    /// Everything else that the scheduler remembers, in its own form; null when
    /// the charm never ran.
    pub memory: Value,
}

/// What is needed to add a charm.
#[derive(Clone, Debug)]
pub struct NewCharm {
    /// The row.
    pub charm: Charm,
    /// The source files, stored under `charm.program_hash`.
    pub program: Value,
    /// Its first documents (result, argument, streams), which it will own.
    pub documents: Vec<Change>,
}

/// Changes of a charm's row; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CharmUpdate {
    /// A new name.
    pub name: Option<String>,
    /// New source files with what was found out about them.
    pub program: Option<ProgramUpdate>,
    /// New host list.
    pub hosts: Option<Vec<String>>,
    /// Bind to an account, or (inner `None`) to none.
    pub account: Option<Option<String>>,
    /// Switch on or off.
    pub enabled: Option<bool>,
    /// Why it is off, or (inner `None`) no reason.
    pub paused_reason: Option<Option<String>>,
    /// New interval in milliseconds, at least 1.
    pub interval_ms: Option<u64>,
    /// New place in lists.
    pub position: Option<i64>,
    /// New schedule.
    pub schedule: Option<Schedule>,
}

/// A charm's source files, exchanged.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramUpdate {
    /// Hash of the content.
    pub hash: String,
    /// The source files.
    pub program: Value,
    /// What the compiler found out.
    pub facts: Value,
    /// New tags.
    pub tags: Vec<String>,
}

pub(crate) const COLUMNS: &str = "id, handle, name, space, piece, argument, source, program_hash, facts, \
     tags, hosts, account, enabled, paused_reason, interval_ms, created_at, position, \
     next_due_at, failures, last_outcome, last_run_at, last_ok_at, \
     memory";

pub(crate) fn charm(row: &Row<'_>) -> rusqlite::Result<Charm> {
    let time = |column| row.get::<_, Option<i64>>(column).map(|ms| ms.map(UnixMs));
    Ok(Charm {
        id: row.get(0)?,
        handle: row.get(1)?,
        name: row.get(2)?,
        space: row.get(3)?,
        piece: row.get(4)?,
        argument: row.get(5)?,
        source: row.get(6)?,
        program_hash: row.get(7)?,
        facts: value(row, 8)?,
        tags: json(row, 9)?,
        hosts: json(row, 10)?,
        account: row.get(11)?,
        enabled: row.get(12)?,
        paused_reason: row.get(13)?,
        interval_ms: crate::text::count(row, 14)?,
        created_at: UnixMs(row.get(15)?),
        position: row.get(16)?,
        schedule: Schedule {
            next_due_at: time(17)?,
            failures: row.get(18)?,
            last_outcome: word_or_null(row, 19, Outcome::parse)?,
            last_run_at: time(20)?,
            last_ok_at: time(21)?,
            memory: value(row, 22)?,
        },
    })
}

fn insert(tx: &Transaction<'_>, charm: &Charm) -> Result<(), StoreError> {
    let schedule = &charm.schedule;
    let marks: Vec<String> = (1..=23).map(|n| format!("?{n}")).collect();
    let added = tx.execute(
        &format!(
            "INSERT INTO charms ({COLUMNS}) VALUES ({})",
            marks.join(", ")
        ),
        params![
            charm.id,
            charm.handle,
            charm.name,
            charm.space,
            charm.piece,
            charm.argument,
            charm.source,
            charm.program_hash,
            to_json(&charm.facts)?,
            to_json(&charm.tags)?,
            to_json(&charm.hosts)?,
            charm.account,
            charm.enabled,
            charm.paused_reason,
            int(charm.interval_ms),
            charm.created_at.0,
            charm.position,
            schedule.next_due_at.map(|t| t.0),
            schedule.failures,
            schedule.last_outcome.map(Outcome::as_str),
            schedule.last_run_at.map(|t| t.0),
            schedule.last_ok_at.map(|t| t.0),
            to_json(&schedule.memory)?,
        ],
    );
    match added {
        Err(e) if is_taken(&e) => Err(StoreError::Taken {
            what: "charm",
            name: charm.handle.clone(),
        }),
        other => Ok(other.map(|_| ())?),
    }
}

/// Applies `update` and returns false when there is no such charm.
pub(crate) fn update(
    tx: &Transaction<'_>,
    id: &str,
    update: &CharmUpdate,
) -> Result<bool, StoreError> {
    if let Some(name) = &update.name {
        // The history shows what the charm is called now.
        tx.execute(
            "UPDATE run_charms SET name = ?2 WHERE charm = ?1",
            params![id, name],
        )?;
        run_text::index_charm_by_id(tx, id)?;
    }
    if let Some(program) = &update.program {
        programs::keep(tx, &program.hash, &program.program)?;
    }
    let set = assignments(update)?;
    let columns: Vec<String> = set
        .iter()
        .zip(2..)
        .map(|((column, _), n)| format!("{column} = ?{n}"))
        .collect();
    // An empty update still tells whether the charm is there.
    let columns = if columns.is_empty() {
        "id = id".to_owned()
    } else {
        columns.join(", ")
    };
    let mut values: Vec<&dyn ToSql> = vec![&id];
    values.extend(set.iter().map(|(_, value)| value.as_ref()));
    let rows = tx
        .prepare_cached(&format!("UPDATE charms SET {columns} WHERE id = ?1"))?
        .execute(values.as_slice())?;
    if update.program.is_some() {
        programs::sweep(tx)?;
    }
    Ok(rows > 0)
}

type Assignment = (&'static str, Box<dyn ToSql>);

/// The columns that an update sets.
fn assignments(update: &CharmUpdate) -> Result<Vec<Assignment>, StoreError> {
    let mut set: Vec<Assignment> = Vec::new();
    if let Some(name) = &update.name {
        set.push(("name", Box::new(name.clone())));
    }
    if let Some(program) = &update.program {
        set.push(("program_hash", Box::new(program.hash.clone())));
        set.push(("facts", Box::new(to_json(&program.facts)?)));
        set.push(("tags", Box::new(to_json(&program.tags)?)));
    }
    if let Some(hosts) = &update.hosts {
        set.push(("hosts", Box::new(to_json(hosts)?)));
    }
    if let Some(account) = &update.account {
        set.push(("account", Box::new(account.clone())));
    }
    if let Some(enabled) = update.enabled {
        set.push(("enabled", Box::new(enabled)));
    }
    if let Some(reason) = &update.paused_reason {
        set.push(("paused_reason", Box::new(reason.clone())));
    }
    if let Some(interval) = update.interval_ms {
        set.push(("interval_ms", Box::new(int(interval))));
    }
    if let Some(position) = update.position {
        set.push(("position", Box::new(position)));
    }
    if let Some(schedule) = &update.schedule {
        set.push(("next_due_at", Box::new(schedule.next_due_at.map(|t| t.0))));
        set.push(("failures", Box::new(schedule.failures)));
        set.push((
            "last_outcome",
            Box::new(schedule.last_outcome.map(Outcome::as_str)),
        ));
        set.push(("last_run_at", Box::new(schedule.last_run_at.map(|t| t.0))));
        set.push(("last_ok_at", Box::new(schedule.last_ok_at.map(|t| t.0))));
        set.push(("memory", Box::new(to_json(&schedule.memory)?)));
    }
    Ok(set)
}

pub(crate) fn by_id(tx: &Transaction<'_>, id: &str) -> Result<Option<Charm>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM charms WHERE id = ?1 AND removed_at IS NULL");
    Ok(tx.prepare_cached(&sql)?.query_row([id], charm).optional()?)
}

impl Store {
    /// Adds a charm with its source files and its first documents.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when its id or handle is in use;
    /// [`StoreError::NotFound`] when its space is unknown; what
    /// [`Store::write_documents`] gives for its documents.
    pub fn add_charm(&self, new: &NewCharm) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            documents::need_space(tx, &new.charm.space)?;
            programs::keep(tx, &new.charm.program_hash, &new.program)?;
            insert(tx, &new.charm)?;
            let writer = Writer::Keeper {
                owner: Some(new.charm.id.clone()),
            };
            for change in &new.documents {
                documents::apply(tx, &writer, change)?;
            }
            Ok(())
        })
    }

    /// All charms by position, then age.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn charms(&self) -> Result<Vec<Charm>, StoreError> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM charms WHERE removed_at IS NULL ORDER BY position, created_at, id");
            Ok(tx
                .prepare_cached(&sql)?
                .query_map([], charm)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// The charm with this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn charm(&self, id: &str) -> Result<Option<Charm>, StoreError> {
        self.read(|tx| by_id(tx, id))
    }

    /// `wanted` when no charm has that handle, else `wanted-2`, `wanted-3` and so on.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn free_handle(&self, wanted: &str) -> Result<String, StoreError> {
        self.read(|tx| {
            let mut query = tx.prepare_cached(
                "SELECT EXISTS
                     (SELECT 1 FROM charms WHERE handle = ?1 AND removed_at IS NULL)",
            )?;
            let mut handle = wanted.to_owned();
            let mut n = 2u32;
            while query.query_row([&handle], |row| row.get::<_, bool>(0))? {
                handle = format!("{wanted}-{n}");
                n += 1;
            }
            Ok(handle)
        })
    }

    /// Changes a charm's row.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such charm.
    pub fn update_charm(&self, id: &str, change: &CharmUpdate) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            if update(tx, id, change)? {
                return Ok(());
            }
            Err(StoreError::NotFound {
                what: "charm",
                name: id.to_owned(),
            })
        })
    }

    /// Removes a charm, the documents that it owns and, when no other charm has
    /// the same, its source files. Its runs stay in the history. Returns the
    /// number of documents removed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such charm.
    pub fn remove_charm(&self, id: &str) -> Result<usize, StoreError> {
        self.write(Durability::Power, |tx| {
            let documents = tx.execute("DELETE FROM documents WHERE owner = ?1", [id])?;
            if tx.execute("DELETE FROM charms WHERE id = ?1", [id])? == 0 {
                return Err(StoreError::NotFound {
                    what: "charm",
                    name: id.to_owned(),
                });
            }
            programs::sweep(tx)?;
            Ok(documents)
        })
    }
}
