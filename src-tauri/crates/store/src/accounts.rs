//! Table `accounts`: who is signed in. Holds no secret: tokens are in the
//! keychain, under the account's id.

use charmkeeper_base::UnixMs;
use rusqlite::{OptionalExtension as _, Row, Transaction, params};
use serde_json::Value;

use crate::store::Durability;
use crate::text::{json, to_json, value};
use crate::{Store, StoreError};

/// One signed-in identity.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountRow {
    /// Stays the same when the person signs in again.
    pub id: String,
    /// The provider's word, such as `google`.
    pub provider: String,
    /// Address of the account.
    pub email: String,
    /// The person's name, where the provider told it.
    pub name: Option<String>,
    /// URL of a picture, where the provider told it.
    pub picture: Option<String>,
    /// Scopes that were granted.
    pub scopes: Vec<String>,
    /// Whether it works, in the accounts crate's own form.
    pub state: Value,
    /// When it was first connected.
    pub connected_at: UnixMs,
    /// When the access token ends.
    pub expires_at: Option<UnixMs>,
    /// When a charm last used it.
    pub last_used_at: Option<UnixMs>,
}

/// Changes that a run makes to an account; what is `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountUpdate {
    /// The account's id.
    pub id: String,
    /// New state.
    pub state: Option<Value>,
    /// New end of the access token.
    pub expires_at: Option<UnixMs>,
    /// It was used then.
    pub last_used_at: Option<UnixMs>,
}

const COLUMNS: &str = "id, provider, email, name, picture, scopes, state, connected_at, \
     expires_at, last_used_at";

fn account(row: &Row<'_>) -> rusqlite::Result<AccountRow> {
    Ok(AccountRow {
        id: row.get(0)?,
        provider: row.get(1)?,
        email: row.get(2)?,
        name: row.get(3)?,
        picture: row.get(4)?,
        scopes: json(row, 5)?,
        state: value(row, 6)?,
        connected_at: UnixMs(row.get(7)?),
        expires_at: row.get::<_, Option<i64>>(8)?.map(UnixMs),
        last_used_at: row.get::<_, Option<i64>>(9)?.map(UnixMs),
    })
}

/// Applies an update; does nothing when the account is gone.
pub(crate) fn update(tx: &Transaction<'_>, change: &AccountUpdate) -> Result<(), StoreError> {
    let state = change.state.as_ref().map(to_json).transpose()?;
    tx.prepare_cached(
        "UPDATE accounts SET state = coalesce(?2, state), expires_at = coalesce(?3, expires_at),
                last_used_at = coalesce(?4, last_used_at)
         WHERE id = ?1",
    )?
    .execute(params![
        change.id,
        state,
        change.expires_at.map(|t| t.0),
        change.last_used_at.map(|t| t.0),
    ])?;
    Ok(())
}

impl Store {
    /// Stores an account, in place of the one with the same id.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put_account(&self, row: &AccountRow) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            tx.execute(
                &format!(
                    "INSERT OR REPLACE INTO accounts ({COLUMNS})
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
                ),
                params![
                    row.id,
                    row.provider,
                    row.email,
                    row.name,
                    row.picture,
                    to_json(&row.scopes)?,
                    to_json(&row.state)?,
                    row.connected_at.0,
                    row.expires_at.map(|t| t.0),
                    row.last_used_at.map(|t| t.0),
                ],
            )?;
            Ok(())
        })
    }

    /// Changes parts of an account; does nothing when it is gone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn update_account(&self, change: &AccountUpdate) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| update(tx, change))
    }

    /// All accounts, oldest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn accounts(&self) -> Result<Vec<AccountRow>, StoreError> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM accounts ORDER BY connected_at, id");
            Ok(tx
                .prepare_cached(&sql)?
                .query_map([], account)?
                .collect::<Result<_, _>>()?)
        })
    }

    /// The account with this id.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn account(&self, id: &str) -> Result<Option<AccountRow>, StoreError> {
        self.read(|tx| {
            let sql = format!("SELECT {COLUMNS} FROM accounts WHERE id = ?1");
            Ok(tx
                .prepare_cached(&sql)?
                .query_row([id], account)
                .optional()?)
        })
    }

    /// Forgets an account and its pause. Charms keep their binding to it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is no such account.
    pub fn remove_account(&self, id: &str) -> Result<(), StoreError> {
        self.write(Durability::Power, |tx| {
            if tx.execute("DELETE FROM accounts WHERE id = ?1", [id])? == 0 {
                return Err(StoreError::NotFound {
                    what: "account",
                    name: id.to_owned(),
                });
            }
            crate::pauses::lift(tx, id)
        })
    }
}
