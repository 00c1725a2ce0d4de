//! The sandbox's contents, and the handle by which tests see and change them.
//!
//! Owns every message, calendar and event, and when new ones arrive. Never
//! speaks HTTP.

pub(crate) mod book;
pub(crate) mod changes;
pub(crate) mod inner;
pub(crate) mod mailbox;
pub(crate) mod mime;
pub(crate) mod profile;
pub(crate) mod recur;
pub(crate) mod snippet;
pub(crate) mod truth;
pub(crate) mod zone;

use std::sync::Arc;

use charmkeeper_base::UnixMs;

pub use profile::{PROFILES, Profile, SAMPLE_ACCOUNT};
pub use truth::{CalendarTruth, EventTruth, MessageTruth, NewEvent, NewMail};

use crate::config::{Behaviour, SandboxError};
use crate::shared::Shared;

/// The in-process handle: everything that the sandbox holds, and every change
/// that could happen to it. Cheap to clone.
///
/// Accounts are named by address. A name that is not there is
/// [`SandboxError::Unknown`].
#[derive(Clone)]
pub struct World(pub(crate) Arc<Shared>);

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("base_url", &self.0.base_url.as_str())
            .finish_non_exhaustive()
    }
}

impl World {
    /// The accounts that can sign in.
    #[must_use]
    pub fn accounts(&self) -> &'static [Profile] {
        &PROFILES
    }

    /// Every message of an account by id, deleted ones too.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn messages(&self, account: &str) -> Result<Vec<MessageTruth>, SandboxError> {
        self.0.with_account(account, |a| {
            a.mailbox.all().map(MessageTruth::from).collect()
        })
    }

    /// The mailbox's present history id.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn history_id(&self, account: &str) -> Result<String, SandboxError> {
        self.0
            .with_account(account, |a| a.mailbox.history_id().to_string())
    }

    /// Every calendar of an account, removed ones too.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn calendars(&self, account: &str) -> Result<Vec<CalendarTruth>, SandboxError> {
        self.0.with_account(account, |a| {
            a.book.calendars().iter().map(CalendarTruth::from).collect()
        })
    }

    /// Every stored event of an account: single ones, recurring ones once, and
    /// the exceptions of recurring ones; cancelled ones too.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn events(&self, account: &str) -> Result<Vec<EventTruth>, SandboxError> {
        self.0
            .with_account(account, |a| truth::stored_events(&a.book))
    }

    /// What `events.list` with `singleEvents=true` would show of an account in
    /// a window: single events and occurrences that are not cancelled. A bound
    /// that is none is left open; without an end, two years ahead is the end.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn occurrences(
        &self,
        account: &str,
        from: Option<UnixMs>,
        to: Option<UnixMs>,
    ) -> Result<Vec<EventTruth>, SandboxError> {
        let horizon = self.0.horizon();
        self.0.with_account(account, |a| {
            a.occurrences(book::Window { from, to }, horizon)
        })
    }

    /// Lets everything arrive that is due at `now`, in every account. Returns
    /// how many things arrived in each. After a long gap only the last 50 are
    /// delivered, so that a computer that slept does not wake to thousands.
    pub fn tick(&self, now: UnixMs) -> u64 {
        self.0.tick(now)
    }

    /// Changes answers that differ between real projects and days.
    pub fn set_behaviour(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.0.lock().behaviour);
    }

    /// Gmail quota units that an account has used since the start.
    #[must_use]
    pub fn gmail_units(&self, account: &str) -> u64 {
        self.0.lock().meter.total(account)
    }
}
