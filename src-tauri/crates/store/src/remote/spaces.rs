//! Table `remote_spaces`: who signs where.

use charmkeeper_base::UnixMs;
use rusqlite::{OptionalExtension as _, Row, params};

use crate::store::Durability;
use crate::text::count;
use crate::{Store, StoreError};

/// How a space is reached. Its row in `spaces` has the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSpace {
    /// `did:key` of the space.
    pub did: String,
    /// Base address of its server, `https://...`.
    pub url: String,
    /// `did:key` of the identity that signs; its key is in the keychain.
    pub identity: String,
    /// Names this computer to the server; set once.
    pub session_id: String,
    /// Whether it is synced.
    pub enabled: bool,
    /// Why the server refused us, until something changes.
    pub refused: Option<String>,
    /// Changes that were merged after a conflict, ever.
    pub merged: u64,
    /// When the server last confirmed something.
    pub synced_at: Option<UnixMs>,
}

const COLUMNS: &str = "did, url, identity, session_id, enabled, refused, merged, synced_at";

fn remote(row: &Row<'_>) -> rusqlite::Result<RemoteSpace> {
    Ok(RemoteSpace {
        did: row.get(0)?,
        url: row.get(1)?,
        identity: row.get(2)?,
        session_id: row.get(3)?,
        enabled: row.get(4)?,
        refused: row.get(5)?,
        merged: count(row, 6)?,
        synced_at: row.get::<_, Option<i64>>(7)?.map(UnixMs),
    })
}

impl Store {
    /// A number for a commit that is not in the outbox; never given twice.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the space is not a remote one, and when the
    /// database cannot be written.
    pub fn take_local_seq(&self, space: &str) -> Result<u64, StoreError> {
        self.write(Durability::Process, |tx| {
            let taken = tx
                .prepare_cached(
                    "UPDATE remote_spaces SET next_local_seq = next_local_seq + 1
                     WHERE did = ?1 RETURNING next_local_seq - 1",
                )?
                .query_row([space], |row| count(row, 0))
                .optional()?;
            taken.ok_or_else(|| StoreError::NotFound {
                what: "remote space",
                name: space.to_owned(),
            })
        })
    }

    /// Connects a space, or changes how it is reached; the session id of a space
    /// that was connected before to the same server as the same identity stays.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such space, and when the database
    /// cannot be written.
    pub fn put_remote_space(&self, new: &RemoteSpace) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            crate::spaces::make_remote(tx, &new.did)?;
            tx.execute(
                "INSERT INTO remote_spaces (did, url, identity, session_id, enabled, refused)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (did) DO UPDATE SET enabled = ?5, refused = ?6,
                   session_id = CASE WHEN url = ?2 AND identity = ?3 THEN session_id ELSE ?4 END,
                   next_local_seq =
                     CASE WHEN url = ?2 AND identity = ?3 THEN next_local_seq ELSE 1 END,
                   url = ?2, identity = ?3",
                params![
                    new.did,
                    new.url,
                    new.identity,
                    new.session_id,
                    new.enabled,
                    new.refused
                ],
            )?;
            // Under another session a number means another commit.
            tx.execute(
                "UPDATE outbox SET local_seq = NULL, commit_text = NULL
                 WHERE space = ?1 AND local_seq >=
                   (SELECT next_local_seq FROM remote_spaces WHERE did = ?1)",
                [&new.did],
            )?;
            Ok(())
        })
    }

    /// All remote spaces by DID.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn remote_spaces(&self) -> Result<Vec<RemoteSpace>, StoreError> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM remote_spaces ORDER BY did");
            let mut rows = tx.prepare_cached(&sql)?;
            Ok(rows.query_map([], remote)?.collect::<Result<_, _>>()?)
        })
    }

    /// One remote space.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn remote_space(&self, did: &str) -> Result<Option<RemoteSpace>, StoreError> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM remote_spaces WHERE did = ?1");
            Ok(tx
                .prepare_cached(&sql)?
                .query_row([did], remote)
                .optional()?)
        })
    }

    /// Remembers that the server refused us, or no longer does.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_space_refused(&self, did: &str, reason: Option<&str>) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            tx.execute(
                "UPDATE remote_spaces SET refused = ?2 WHERE did = ?1",
                params![did, reason],
            )?;
            Ok(())
        })
    }

    /// Switches syncing of a space on or off.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn set_space_enabled(&self, did: &str, enabled: bool) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            tx.execute(
                "UPDATE remote_spaces SET enabled = ?2 WHERE did = ?1",
                params![did, enabled],
            )?;
            Ok(())
        })
    }
}
