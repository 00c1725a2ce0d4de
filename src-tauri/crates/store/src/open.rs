//! Opening the database, whatever state it is in.
//!
//! A damaged one is set aside and a new one made, so that the program starts and
//! can say so. One of a newer version or of another program is refused and left
//! as it is.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use charmkeeper_base::UnixMs;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use serde_json::json;

use crate::files::{self, Header, Suspicion};
use crate::migrate::{APPLICATION_ID, VERSION, migrate, version};
use crate::{DATABASE_DAMAGED, Store, StoreError};

/// How long an operation waits for another process that holds the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Databases up to this size are checked at every start, which takes about 40 ms
/// at the limit; bigger ones only after SQLite has complained about them.
const ALWAYS_CHECKED: u64 = 32 * 1024 * 1024;

/// An open store, and what had to be done for it.
#[derive(Debug)]
pub struct Opened {
    /// Ready for use.
    pub store: Store,
    /// Set when the database was damaged and a new one was begun.
    pub recovered: Option<SetAside>,
}

/// A damaged database that was moved out of the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Where it is now. Its `-wal` and `-shm` files are beside it.
    pub path: PathBuf,
    /// What SQLite said is wrong with it.
    pub reason: String,
}

impl Store {
    /// Opens the database at `path`, making it and its folder when they are
    /// missing. `now` names a damaged file and dates the event about it.
    ///
    /// # Errors
    /// [`StoreError::NewerVersion`] and [`StoreError::NotOurs`], which leave the
    /// file untouched; [`StoreError::ReadOnly`], [`StoreError::DiskFull`],
    /// [`StoreError::Locked`] and [`StoreError::CannotOpen`].
    pub fn open(path: &Path, now: UnixMs) -> Result<Opened, StoreError> {
        Self::open_within(path, now, BUSY_TIMEOUT)
    }

    pub(crate) fn open_within(
        path: &Path,
        now: UnixMs,
        busy: Duration,
    ) -> Result<Opened, StoreError> {
        // SQLite takes a relative path that starts with "file:" for a URI.
        let path = &std::path::absolute(path).map_err(|e| files::cannot(path, &e))?;
        let open = || open_file(path, busy).map_err(|error| plainer(path, error));
        let reason = match open() {
            Ok(store) => {
                return Ok(Opened {
                    store,
                    recovered: None,
                });
            }
            Err(StoreError::Damaged { detail }) => detail,
            Err(error) => return Err(error),
        };
        let aside = files::set_aside(path, now)?;
        Suspicion::about(path).clear();
        tracing::debug!(
            "the database was damaged ({reason}); it is now {}",
            aside.display()
        );
        let store = open()?;
        let message = "The database was damaged. It was set aside and a new one was begun; \
                       charms and accounts have to be added again.";
        let detail = json!({ "path": aside.to_string_lossy(), "reason": reason });
        store.add_event(now, DATABASE_DAMAGED, message, &detail)?;
        Ok(Opened {
            store,
            recovered: Some(SetAside {
                path: aside,
                reason,
            }),
        })
    }
}

fn open_file(path: &Path, busy: Duration) -> Result<Store, StoreError> {
    refuse_foreign(path, &files::header(path)?)?;
    let suspicion = Suspicion::about(path);
    files::prepare(path)?;
    let mut writer = connect(path, busy)?;
    // Until the file is known to be good, closing it must not write to it.
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let found = version(&writer)?;
    if found > VERSION {
        // The header alone does not tell when the version is still in the WAL.
        return Err(StoreError::NewerVersion {
            path: path.to_owned(),
            found,
            known: VERSION,
        });
    }
    if found == 0 && has_tables(&writer)? {
        return Err(StoreError::NotOurs {
            path: path.to_owned(),
        });
    }
    let size = std::fs::metadata(path).map_or(0, |meta| meta.len());
    check(&writer, suspicion.exists(), size)?;
    suspicion.clear();
    configure(&writer, found == 0)?;
    migrate(&mut writer)?;
    writer.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;

    let reader = connect(path, busy)?;
    reader.execute_batch("PRAGMA cache_size = -1024; PRAGMA query_only = ON;")?;
    Ok(Store {
        writer: Mutex::new(writer),
        reader: Mutex::new(reader),
        suspicion,
    })
}

fn refuse_foreign(path: &Path, header: &Header) -> Result<(), StoreError> {
    match *header {
        Header::Absent => Ok(()),
        Header::Malformed => Err(StoreError::Damaged {
            detail: "the file is not a database".to_owned(),
        }),
        // 0 is a database in the making whose header is still in the WAL.
        Header::Database { application_id, .. }
            if ![0, APPLICATION_ID].contains(&application_id) =>
        {
            Err(StoreError::NotOurs {
                path: path.to_owned(),
            })
        }
        Header::Database { user_version, .. } if user_version > VERSION => {
            Err(StoreError::NewerVersion {
                path: path.to_owned(),
                found: user_version,
                known: VERSION,
            })
        }
        Header::Database { .. } => Ok(()),
    }
}

/// SQLite has one code for every reason not to open a file; the system has more.
fn plainer(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::ReadOnly { .. } => StoreError::ReadOnly {
            place: path.display().to_string(),
        },
        StoreError::Io { detail } => match files::probe(path) {
            Err(why) => why,
            Ok(()) => StoreError::CannotOpen {
                path: path.to_owned(),
                reason: detail,
            },
        },
        other => other,
    }
}

fn connect(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    // A connection is used by one thread at a time, under a mutex.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    if db.is_readonly("main")? {
        // SQLite falls back to reading when it may not write.
        return Err(StoreError::ReadOnly {
            place: path.display().to_string(),
        });
    }
    db.busy_timeout(busy)?;
    db.set_prepared_statement_cache_capacity(64);
    Ok(db)
}

fn has_tables(db: &Connection) -> Result<bool, StoreError> {
    Ok(
        db.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| {
            row.get(0)
        })?,
    )
}

/// Looks for damage: the whole file when there is a suspicion, its structure
/// when it is small.
fn check(db: &Connection, suspicious: bool, size: u64) -> Result<(), StoreError> {
    let pragma = match (suspicious, size) {
        (true, _) => "integrity_check",
        (false, 0..=ALWAYS_CHECKED) => "quick_check",
        (false, _) => return Ok(()),
    };
    let verdict: String = db.query_row(&format!("PRAGMA {pragma}(1)"), [], |row| row.get(0))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(StoreError::Damaged { detail: verdict })
    }
}

fn configure(db: &Connection, fresh: bool) -> Result<(), StoreError> {
    if fresh {
        // Lets pruning give space back; must come before the first table.
        db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
    }
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!("this file system does not allow write-ahead logging; using {mode}");
    }
    db.execute_batch(
        "PRAGMA foreign_keys = ON;
         PRAGMA synchronous = FULL;
         PRAGMA cache_size = -1024;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = 8388608;",
    )?;
    Ok(())
}
