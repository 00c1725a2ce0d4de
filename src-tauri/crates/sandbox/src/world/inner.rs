//! The whole state of a sandbox behind its lock, and how it begins and grows.

use std::time::Duration;

use charmkeeper_base::UnixMs;

use super::book::{Book, Event, Window};
use super::mailbox::Mailbox;
use super::profile::{PROFILES, Profile};
use super::truth::EventTruth;
use super::zone;
use crate::config::{Behaviour, SandboxConfig};
use crate::oauth::grants::Grants;
use crate::quota::Meter;
use crate::seed;

/// Arrivals of one account that one tick delivers at most.
const MOST_PER_TICK: u64 = 50;
const DAY_MS: i64 = 24 * 3600 * 1000;

/// One account's data.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) profile: &'static Profile,
    pub(crate) mailbox: Mailbox,
    pub(crate) book: Book,
    /// Numbers of the next seeded message and event.
    next_mail: u64,
    next_event: u64,
    /// Things that arrived since the start.
    arrived: u64,
    /// Messages and events that a test added, which have ids of their own.
    added: u64,
}

/// Everything that changes.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) seed: u64,
    pub(crate) accounts: Vec<Account>,
    pub(crate) grants: Grants,
    pub(crate) meter: Meter,
    pub(crate) behaviour: Behaviour,
    /// Counts reads of bodies, so that attachment ids differ each time.
    pub(crate) reads: u64,
    /// When the next thing arrives, and how often.
    pub(crate) schedule: Option<(UnixMs, Duration)>,
}

impl Inner {
    pub(crate) fn new(config: &SandboxConfig) -> Self {
        let now = config.clock.now();
        let account = |(profile, n): (&'static Profile, usize)| {
            let (messages, events) = match n {
                0 => (config.messages, config.events),
                _ => ((config.messages / 4).min(40), (config.events / 4).min(20)),
            };
            Account::new(config.seed, profile, messages.into(), events.into(), now)
        };
        Self {
            seed: config.seed,
            accounts: PROFILES.iter().zip(0..).map(account).collect(),
            grants: Grants::new(config.seed),
            meter: Meter::default(),
            behaviour: config.behaviour.clone(),
            reads: 0,
            schedule: config
                .arrival
                .filter(|every| !every.is_zero())
                .map(|every| (now.plus(every), every)),
        }
    }

    pub(crate) fn account(&self, email: &str) -> Option<&Account> {
        self.accounts
            .iter()
            .find(|a| a.profile.email.eq_ignore_ascii_case(email))
    }

    pub(crate) fn account_mut(&mut self, email: &str) -> Option<&mut Account> {
        self.accounts
            .iter_mut()
            .find(|a| a.profile.email.eq_ignore_ascii_case(email))
    }

    /// Delivers what is due; the count for one account.
    pub(crate) fn tick(&mut self, now: UnixMs) -> u64 {
        let Some((next, every)) = self.schedule else {
            return 0;
        };
        if now < next {
            return 0;
        }
        let step = u64::try_from(every.as_millis()).unwrap_or(u64::MAX).max(1);
        let late = u64::try_from(now.since(next).as_millis()).unwrap_or(0);
        let due = late / step + 1;
        let last = next.plus(Duration::from_millis((due - 1).saturating_mul(step)));
        self.schedule = Some((last.plus(every), every));
        let count = due.min(MOST_PER_TICK);
        for i in (0..count).rev() {
            let at = UnixMs(last.0 - i64::try_from(i.saturating_mul(step)).unwrap_or(0));
            for account in &mut self.accounts {
                account.arrive(self.seed, at);
            }
        }
        count
    }
}

impl Account {
    fn new(seed: u64, profile: &'static Profile, messages: u64, events: u64, now: UnixMs) -> Self {
        let first = 1_000_000 + seed::digest(seed, "history", profile.email, 0) % 1_000_000;
        let mut account = Self {
            profile,
            mailbox: Mailbox::new(first),
            book: Book::default(),
            next_mail: 0,
            next_event: 0,
            arrived: 0,
            added: 0,
        };
        for n in 0..messages {
            account.arrive_mail(seed, layout(n, messages, now));
        }
        account
            .mailbox
            .expire_history_before(UnixMs(now.0 - 7 * DAY_MS));
        account.fill_calendars(seed, events, now);
        account
    }

    fn fill_calendars(&mut self, seed: u64, events: u64, now: UnixMs) {
        for calendar in seed::calendars::calendars(seed, self.profile) {
            self.book.put_calendar(calendar);
        }
        let home = zone::find_or_utc(self.profile.time_zone);
        let today = zone::local(now, &home).date();
        let long_ago = UnixMs(now.0 - 60 * DAY_MS);
        for event in seed::calendars::holidays(seed, self.profile, today, long_ago) {
            self.book.put_event(event, long_ago);
        }
        for n in 0..events {
            let age = i64::try_from(events - n).unwrap_or(0);
            self.arrive_event(seed, now, UnixMs(now.0 - age * 3600 * 1000));
        }
    }

    /// The next seeded message; its id.
    pub(crate) fn arrive_mail(&mut self, seed: u64, at: UnixMs) -> String {
        let message = seed::mail::message(seed, self.profile, self.next_mail, at);
        self.next_mail += 1;
        let id = message.id.clone();
        self.mailbox.insert(message);
        id
    }

    /// The next seeded event, laid out around `now` and changed at `updated`; its id.
    pub(crate) fn arrive_event(&mut self, seed: u64, now: UnixMs, updated: UnixMs) -> String {
        let n = self.next_event;
        self.next_event += 1;
        let events = seed::calendar::event(seed, self.profile, self.book.calendars(), n, now);
        for mut event in events {
            event.created = updated;
            self.book.put_event(event, updated);
        }
        seed::calendar::id(seed, self.profile, n)
    }

    /// The next thing of an endless sequence: mostly mail, every third time an
    /// event, every fifth time an older message is read or starred.
    pub(crate) fn arrive(&mut self, seed: u64, at: UnixMs) {
        let n = self.arrived;
        self.arrived += 1;
        if n % 5 == 4 {
            self.touch_older(n);
        } else if n % 3 == 2 {
            self.arrive_event(seed, at, at);
        } else {
            self.arrive_mail(seed, at);
        }
    }

    fn touch_older(&mut self, n: u64) {
        let skip = usize::try_from(n % 4).unwrap_or(0) + 1;
        let found = self
            .mailbox
            .newest_first(None)
            .nth(skip)
            .map(|m| (m.id.clone(), m.has("UNREAD")));
        if let Some((id, unread)) = found {
            let (add, remove): (&[String], &[String]) = if unread {
                (&[], &["UNREAD".to_owned()])
            } else {
                (&["STARRED".to_owned()], &[])
            };
            self.mailbox.relabel(&id, add, remove);
        }
    }

    /// An id for a message that a test adds: after all seeded ones.
    pub(crate) fn take_added_id(&mut self) -> String {
        self.added += 1;
        format!("{:016x}", 0x1a00_0000_0000_0000_u64 | self.added)
    }

    /// An id for an event that a test adds.
    pub(crate) fn take_added_event_id(&mut self) -> String {
        self.added += 1;
        format!("added{:021x}", self.added)
    }

    /// Single events and occurrences in a window that are not cancelled.
    pub(crate) fn occurrences(&self, window: Window, horizon: UnixMs) -> Vec<EventTruth> {
        let mut out = Vec::new();
        for calendar in self.book.calendars().iter().filter(|c| !c.deleted) {
            let home = calendar.time_zone();
            let mut add = |e: &Event| {
                if !e.cancelled {
                    out.push(EventTruth::new(e, calendar));
                }
            };
            for event in self.book.stored(&calendar.id) {
                if event.rule.is_some() {
                    let found = self.book.occurrences(calendar, event, window, horizon);
                    found.iter().for_each(&mut add);
                } else if event.master.is_none() && event.overlaps(window, &home) {
                    add(event);
                }
            }
        }
        out
    }
}

/// When the n-th of `count` first messages arrived: closer together towards
/// now, 45 days back or more, on a full second, each later than the one before.
fn layout(n: u64, count: u64, now: UnixMs) -> UnixMs {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    let age_s = {
        let part = (count - n) as f64 / count as f64;
        let span_s = (45 * 24 * 3600).max(count * 3600) as f64;
        (part.powi(2) * span_s) as i64
    };
    let apart_s = i64::try_from(count - n).unwrap_or(0);
    UnixMs((now.0 / 1000 - age_s - apart_s * 60) * 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_messages_are_in_order_and_reach_from_today_to_weeks_ago() {
        let now = UnixMs(1_795_253_400_123);
        for count in [1, 2, 60, 5000] {
            let times: Vec<_> = (0..count).map(|n| layout(n, count, now)).collect();
            assert!(times.windows(2).all(|w| w[0] < w[1]), "{count}");
            assert!(times.iter().all(|t| *t < now && t.0 % 1000 == 0));
        }
        assert!(now.since(layout(59, 60, now)) < Duration::from_secs(3600));
        assert!(now.since(layout(0, 60, now)) > Duration::from_secs(40 * 24 * 3600));
    }

    #[test]
    fn a_tick_delivers_what_is_due_and_not_a_year_of_it() {
        let config = SandboxConfig {
            clock: std::sync::Arc::new(charmkeeper_base::time::FakeClock::at(UnixMs(
                1_795_253_400_000,
            ))),
            arrival: Some(Duration::from_secs(10)),
            ..SandboxConfig::default()
        };
        let mut inner = Inner::new(&config);
        let at = |s: i64| UnixMs(1_795_253_400_000 + s * 1000);
        assert_eq!(inner.tick(at(9)), 0);
        assert_eq!(inner.tick(at(10)), 1);
        assert_eq!(inner.tick(at(10)), 0);
        assert_eq!(inner.tick(at(39)), 2);
        assert_eq!(inner.tick(at(365 * 24 * 3600)), 50);
        assert_eq!(inner.tick(at(365 * 24 * 3600)), 0);
    }
}
