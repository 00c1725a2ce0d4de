//! Every change that a test, or the control endpoint, can make.

use std::time::Duration;

use charmkeeper_base::UnixMs;

use super::World;
use super::book::Event;
use super::inner::Account;
use super::recur::When;
use super::truth::{NewEvent, NewMail};
use super::zone;
use crate::config::SandboxError;
use crate::seed;

type Done<T> = Result<T, SandboxError>;

fn unknown(what: &'static str, name: &str) -> SandboxError {
    SandboxError::Unknown {
        what,
        name: name.to_owned(),
    }
}

impl World {
    fn change<T>(
        &self,
        account: &str,
        f: impl FnOnce(&mut Account, UnixMs, u64) -> Done<T>,
    ) -> Done<T> {
        let now = self.0.clock.now();
        let mut inner = self.0.lock();
        let seed = inner.seed;
        let found = inner
            .account_mut(account)
            .ok_or_else(|| unknown("account", account))?;
        f(found, now, seed)
    }

    /// Lets the next seeded message arrive now; returns its id.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn arrive_mail(&self, account: &str) -> Done<String> {
        self.change(account, |a, now, seed| Ok(a.arrive_mail(seed, now)))
    }

    /// Lets the next seeded event arrive now; returns its id.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn arrive_event(&self, account: &str) -> Done<String> {
        self.change(account, |a, now, seed| Ok(a.arrive_event(seed, now, now)))
    }

    /// Lets the next thing of the endless sequence arrive now: mail, an event,
    /// or a change of an older message.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn arrive_next(&self, account: &str) -> Done<()> {
        self.change(account, |a, now, seed| {
            a.arrive(seed, now);
            Ok(())
        })
    }

    /// Adds a message of the test's own; returns its id.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn add_mail(&self, account: &str, mail: &NewMail) -> Done<String> {
        self.change(account, |a, now, _| {
            let id = a.take_added_id();
            let at = mail.at.unwrap_or(now);
            a.mailbox
                .insert(seed::envelope::written_by_test(a.profile, &id, at, mail));
            Ok(id)
        })
    }

    /// Deletes a message for good, as emptying the trash does.
    ///
    /// # Errors
    /// When there is no such account or live message.
    pub fn delete_message(&self, account: &str, id: &str) -> Done<()> {
        self.change(account, |a, _, _| {
            a.mailbox
                .delete(id)
                .then_some(())
                .ok_or_else(|| unknown("message", id))
        })
    }

    /// Adds and removes labels by id. Moving to the trash is adding `TRASH`
    /// and removing `INBOX`.
    ///
    /// # Errors
    /// When there is no such account or live message.
    pub fn relabel(&self, account: &str, id: &str, add: &[&str], remove: &[&str]) -> Done<()> {
        let owned = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        let (add, remove) = (owned(add), owned(remove));
        self.change(account, |a, _, _| {
            a.mailbox
                .relabel(id, &add, &remove)
                .then_some(())
                .ok_or_else(|| unknown("message", id))
        })
    }

    /// Makes every history id given out so far too old: the next
    /// `history.list` with one of them is answered with 404.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn expire_history(&self, account: &str) -> Done<()> {
        self.change(account, |a, _, _| {
            a.mailbox.expire_history();
            Ok(())
        })
    }

    /// Adds an event of the test's own; returns its id.
    ///
    /// # Errors
    /// When there is no such account or calendar, or a time cannot be read
    /// (named as an unknown "time").
    pub fn add_event(&self, account: &str, event: &NewEvent) -> Done<String> {
        self.change(account, |a, now, _| {
            let name = if event.calendar_id.is_empty() {
                "primary"
            } else {
                &event.calendar_id
            };
            let calendar = a
                .book
                .calendar(name)
                .ok_or_else(|| unknown("calendar", name))?
                .clone();
            let (start, end) = times(event, now, &calendar.zone)?;
            let id = a.take_added_event_id();
            let new = Event {
                id: id.clone(),
                summary: event.summary.clone(),
                description: event.description.clone(),
                location: event.location.clone(),
                organizer: (a.profile.email.to_owned(), Some(a.profile.name.to_owned())),
                ..seed::calendar::blank(&calendar.id, start, end, now)
            };
            a.book.put_event(new, now);
            Ok(id)
        })
    }

    /// Gives an event new values; what is none or empty stays. One occurrence
    /// of a recurring event, by its own id, becomes an exception. The times of
    /// a recurring event itself stay.
    ///
    /// # Errors
    /// When there is no such account, calendar or event, or a time cannot be read.
    pub fn update_event(&self, account: &str, id: &str, values: &NewEvent) -> Done<()> {
        self.change(account, |a, now, _| {
            let name = if values.calendar_id.is_empty() {
                "primary"
            } else {
                &values.calendar_id
            };
            let calendar = a
                .book
                .calendar(name)
                .ok_or_else(|| unknown("calendar", name))?
                .clone();
            let mut event = a
                .book
                .event(&calendar, id)
                .ok_or_else(|| unknown("event", id))?;
            if !values.start.is_empty() && event.rule.is_none() {
                (event.start, event.end) = times(values, now, &calendar.zone)?;
            }
            let keep = |new: &Option<String>, old: Option<String>| new.clone().or(old);
            event.summary = keep(&values.summary, event.summary);
            event.description = keep(&values.description, event.description);
            event.location = keep(&values.location, event.location);
            event.sequence += 1;
            a.book.put_event(event, now);
            Ok(())
        })
    }

    /// Cancels an event, a whole series, or one occurrence by its own id.
    ///
    /// # Errors
    /// When there is no such account or no such event in the calendar.
    pub fn cancel_event(&self, account: &str, calendar: &str, id: &str) -> Done<()> {
        self.change(account, |a, now, _| {
            a.book
                .cancel(calendar, id, now)
                .then_some(())
                .ok_or_else(|| unknown("event", id))
        })
    }

    /// Renames a calendar, or takes it off the account's list.
    ///
    /// # Errors
    /// When there is no such account or calendar.
    pub fn change_calendar(
        &self,
        account: &str,
        id: &str,
        name: Option<&str>,
        remove: bool,
    ) -> Done<()> {
        self.change(account, |a, _, _| {
            let mut calendar = a
                .book
                .calendar(id)
                .ok_or_else(|| unknown("calendar", id))?
                .clone();
            if let Some(name) = name {
                name.clone_into(&mut calendar.summary);
            }
            calendar.deleted = remove;
            a.book.put_calendar(calendar);
            Ok(())
        })
    }

    /// Makes every calendar sync token of an account too old: the next use is
    /// answered with 410.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn expire_sync_tokens(&self, account: &str) -> Done<()> {
        self.change(account, |a, _, _| {
            a.book.expire_sync();
            Ok(())
        })
    }

    /// Ends every grant of an account, as its owner or a new password would:
    /// refreshing gives `invalid_grant`, access tokens give 401. Returns how
    /// many grants ended.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn revoke_grants(&self, account: &str) -> Done<usize> {
        let mut inner = self.0.lock();
        let email = inner
            .account(account)
            .ok_or_else(|| unknown("account", account))?
            .profile
            .email;
        Ok(inner.grants.revoke_account(email))
    }

    /// Ends every access token now; refresh tokens go on. Returns how many ended.
    pub fn expire_access_tokens(&self) -> usize {
        self.0.lock().grants.expire_access_tokens()
    }

    /// Makes `token` the next access token that is given out, so that a test
    /// can search for one it knows.
    pub fn plant_access_token(&self, token: &str) {
        self.0.lock().grants.plant(token);
    }

    /// Every access and refresh token given out so far, oldest first.
    #[must_use]
    pub fn issued_tokens(&self) -> Vec<String> {
        self.0.lock().grants.issued().to_vec()
    }
}

/// Start and end of what a test wrote.
fn times(event: &NewEvent, now: UnixMs, zone_name: &str) -> Done<(When, When)> {
    const HOUR: Duration = Duration::from_secs(3600);
    let at = |at| When::At {
        at,
        zone: zone_name.to_owned(),
    };
    let read = |text: &str| -> Done<When> {
        if let Some(moment) = UnixMs::parse_rfc3339(text) {
            return Ok(at(moment));
        }
        text.parse()
            .map(When::Day)
            .map_err(|_| unknown("time", text))
    };
    let start = if event.start.is_empty() {
        at(UnixMs((now.0 / 3_600_000 + 1) * 3_600_000))
    } else {
        read(&event.start)?
    };
    let home = zone::find_or_utc(zone_name);
    let end = match (&start, event.end.as_str()) {
        (When::Day(day), "") => When::Day(day.tomorrow().unwrap_or(*day)),
        (When::At { at: begin, .. }, "") => at(begin.plus(HOUR)),
        (_, text) => read(text)?,
    };
    if end.is_day() != start.is_day() || end.moment(&home) < start.moment(&home) {
        return Err(unknown("time", &event.end));
    }
    Ok((start, end))
}
