//! What each entry of the panel's menu does.
//!
//! Owns the names of the entries. Every action is a request to the keeper or a
//! page of the window.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_keeper::api::Request;
use serde_json::Value;
use tauri::{AppHandle, Manager, Runtime};

use crate::backend::Backend;
use crate::tray::model::tomorrow;
use crate::window;

/// The entries that are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Entry {
    SyncNow,
    PauseHour,
    PauseTomorrow,
    PauseUntilResumed,
    Resume,
    ConnectGmail,
    ConnectCalendar,
    Open,
    Settings,
    Quit,
}

impl Entry {
    pub(crate) const ALL: [Self; 10] = [
        Self::SyncNow,
        Self::PauseHour,
        Self::PauseTomorrow,
        Self::PauseUntilResumed,
        Self::Resume,
        Self::ConnectGmail,
        Self::ConnectCalendar,
        Self::Open,
        Self::Settings,
        Self::Quit,
    ];

    /// Its name in the menu's events; also the end of its text's key.
    pub(crate) fn id(self) -> &'static str {
        self.key().strip_prefix("tray.").unwrap_or_default()
    }

    /// Key of its text.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::SyncNow => "tray.sync-now",
            Self::PauseHour => "tray.pause-hour",
            Self::PauseTomorrow => "tray.pause-tomorrow",
            Self::PauseUntilResumed => "tray.pause-until-resumed",
            Self::Resume => "tray.resume",
            Self::ConnectGmail => "tray.connect-gmail",
            Self::ConnectCalendar => "tray.connect-calendar",
            Self::Open => "tray.open",
            Self::Settings => "tray.settings",
            Self::Quit => "tray.quit",
        }
    }

    /// What it asks of the keeper.
    fn request(self, now: &jiff::Zoned) -> Option<Request> {
        let hour = || {
            let now = UnixMs(now.timestamp().as_millisecond());
            now.plus(Duration::from_secs(60 * 60))
        };
        Some(match self {
            Self::SyncNow => Request::RunAll,
            Self::PauseHour => Request::PauseAll {
                until: Some(hour()),
            },
            Self::PauseTomorrow => Request::PauseAll {
                until: Some(tomorrow(now).unwrap_or_else(hour)),
            },
            Self::PauseUntilResumed => Request::PauseAll { until: None },
            Self::Resume => Request::ResumeAll,
            _ => return None,
        })
    }

    /// The page that it opens; empty for the window as it was left.
    fn page(self) -> Option<&'static str> {
        Some(match self {
            Self::ConnectGmail => "/connect?services=gmail",
            Self::ConnectCalendar => "/connect?services=calendar",
            Self::Settings => "/settings",
            _ => return None,
        })
    }
}

/// Beginning of the name of an account's entry; its id follows.
pub(crate) const ACCOUNT: &str = "account:";

/// Does what the entry `id` says.
pub(crate) fn clicked<R: Runtime>(app: &AppHandle<R>, id: &str) {
    if id.starts_with(ACCOUNT) {
        return window::open(app, Some("/accounts"));
    }
    let Some(entry) = Entry::ALL.into_iter().find(|e| e.id() == id) else {
        return;
    };
    match entry {
        Entry::Quit => app.exit(0),
        Entry::Open => window::open(app, None),
        _ => match (entry.page(), entry.request(&jiff::Zoned::now())) {
            (Some(page), _) => window::open(app, Some(page)),
            (None, Some(request)) => ask(app, request),
            (None, None) => {}
        },
    }
}

/// The answer is seen in the menu itself, a moment later.
fn ask<R: Runtime>(app: &AppHandle<R>, request: Request) {
    let Some(backend) = app.try_state::<Arc<Backend>>() else {
        return;
    };
    let backend = Arc::clone(&backend);
    tauri::async_runtime::spawn(async move {
        if let Err(e) = backend.ask::<Value>(request).await {
            tracing::warn!("{e}");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> jiff::Zoned {
        "2026-11-21T12:00[UTC]".parse().unwrap()
    }

    #[test]
    fn every_entry_does_exactly_one_thing() {
        for entry in Entry::ALL {
            let asks = entry.request(&now()).is_some();
            let opens = entry.page().is_some() || entry == Entry::Open;
            let quits = entry == Entry::Quit;
            let does = u8::from(asks) + u8::from(opens) + u8::from(quits);
            assert_eq!(does, 1, "{entry:?}");
            assert!(!entry.id().is_empty());
        }
    }

    #[test]
    fn a_pause_ends_when_its_entry_says() {
        let end = |entry: Entry| match entry.request(&now()) {
            Some(Request::PauseAll { until }) => until.map(UnixMs::to_rfc3339),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            end(Entry::PauseHour).as_deref(),
            Some("2026-11-21T13:00:00.000Z")
        );
        assert_eq!(
            end(Entry::PauseTomorrow).as_deref(),
            Some("2026-11-22T00:00:00.000Z")
        );
        assert_eq!(end(Entry::PauseUntilResumed), None);
    }
}
