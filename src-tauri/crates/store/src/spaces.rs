//! Table `spaces`: where cells live.

use charmkeeper_base::UnixMs;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};

use crate::error::is_taken;
use crate::store::Durability;
use crate::text::word;
use crate::{Store, StoreError};

/// Where a space keeps its truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpaceKind {
    /// Only here.
    Local,
    /// On a server; what is here is a replica.
    Remote,
}

impl SpaceKind {
    /// The word in SQLite and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }

    /// The kind whose word is `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Local, Self::Remote]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// One space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// `did:key`, which names it everywhere.
    pub did: String,
    /// What people call it; unique.
    pub name: String,
    /// Local or remote.
    pub kind: SpaceKind,
    /// When it was added here.
    pub created_at: UnixMs,
}

const COLUMNS: &str = "did, name, kind, created_at";

fn space(row: &Row<'_>) -> rusqlite::Result<Space> {
    Ok(Space {
        did: row.get(0)?,
        name: row.get(1)?,
        kind: word(row, 2, SpaceKind::parse)?,
        created_at: UnixMs(row.get(3)?),
    })
}

/// Makes a known space a remote one.
pub(crate) fn make_remote(tx: &Transaction<'_>, did: &str) -> Result<(), StoreError> {
    match tx.execute("UPDATE spaces SET kind = 'remote' WHERE did = ?1", [did])? {
        0 => Err(StoreError::NotFound {
            what: "space",
            name: did.to_owned(),
        }),
        _ => Ok(()),
    }
}

impl Store {
    /// Adds a space.
    ///
    /// # Errors
    /// [`StoreError::Taken`] when the DID or the name is in use.
    pub fn add_space(&self, space: &Space) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            let added = tx.execute(
                &format!("INSERT INTO spaces ({COLUMNS}) VALUES (?1, ?2, ?3, ?4)"),
                params![
                    space.did,
                    space.name,
                    space.kind.as_str(),
                    space.created_at.0
                ],
            );
            match added {
                Err(e) if is_taken(&e) => Err(StoreError::Taken {
                    what: "space",
                    name: space.name.clone(),
                }),
                other => Ok(other.map(|_| ())?),
            }
        })
    }

    /// All spaces by name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn spaces(&self) -> Result<Vec<Space>, StoreError> {
        self.read(|tx| {
            let mut rows =
                tx.prepare_cached(&format!("SELECT {COLUMNS} FROM spaces ORDER BY name"))?;
            Ok(rows.query_map([], space)?.collect::<Result<_, _>>()?)
        })
    }

    /// The space whose DID or name is `which`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn space(&self, which: &str) -> Result<Option<Space>, StoreError> {
        self.read(|tx| {
            let sql = format!(
                "SELECT {COLUMNS} FROM spaces WHERE did = ?1 OR name = ?1 ORDER BY did <> ?1"
            );
            Ok(tx
                .prepare_cached(&sql)?
                .query_row([which], space)
                .optional()?)
        })
    }
}
