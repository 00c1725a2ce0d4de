//! What the icon in the panel and its menu say, worked out from the keeper's
//! status alone.
//!
//! Pure, apart from the system's time zone for "until 14:05".

use std::time::Duration;

use charmkeeper_base::UnixMs;
use charmkeeper_keeper::api::{AccountView, ApiError, StatusView, all_synced, all_synced_for};

use crate::texts::{fill, text};

/// Longest line of the menu, in characters: names come from outside.
const MAX_LINE: usize = 64;

/// The four pictures. They differ by shape, not only by colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    /// Everything is well.
    Idle,
    /// Something runs.
    Running,
    /// The person should look.
    Attention,
    /// Paused, or waiting for the network.
    Paused,
}

/// One account's line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountLine {
    /// Account id.
    pub account: String,
    /// Address and state.
    pub text: String,
    /// The page that a click opens.
    pub page: String,
}

/// Everything that can differ from one moment to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayModel {
    /// The picture.
    pub icon: Icon,
    /// The first line.
    pub state: String,
    /// When the last charm ran, where the first line says how long ago that is.
    pub synced_at: Option<UnixMs>,
    /// Whether this is the try-out profile.
    pub sandbox: bool,
    /// Whether there is something to run.
    pub can_sync: bool,
    /// Title of the pause menu: says when the pause ends.
    pub pause: String,
    /// Whether there is a pause to end.
    pub paused: bool,
    /// One line for each account.
    pub accounts: Vec<AccountLine>,
}

impl TrayModel {
    /// Before the keeper answers.
    #[must_use]
    pub fn starting() -> Self {
        Self::without_keeper(Icon::Idle, text("tray.starting").to_owned())
    }

    /// There is no keeper, for this reason.
    #[must_use]
    pub fn failed(_why: &ApiError) -> Self {
        Self::without_keeper(Icon::Attention, text("tray.cannot-start").to_owned())
    }

    fn without_keeper(icon: Icon, state: String) -> Self {
        Self {
            icon,
            state,
            synced_at: None,
            sandbox: false,
            can_sync: false,
            pause: text("tray.pause").to_owned(),
            paused: false,
            accounts: Vec::new(),
        }
    }

    /// What a status looks like in the panel.
    #[must_use]
    pub fn of(status: &StatusView) -> Self {
        Self {
            icon: icon(status),
            state: line(&status.summary),
            synced_at: status.synced_at,
            sandbox: false,
            can_sync: status.serving && status.charms.iter().any(|c| c.enabled),
            pause: pause(status),
            paused: status.paused.is_some(),
            accounts: status.accounts.iter().map(account).collect(),
        }
    }

    /// Says that this is the try-out profile: the icon stands beside the real one.
    #[must_use]
    pub fn in_sandbox(mut self) -> Self {
        self.sandbox = true;
        self.state = marked(&self.state);
        self
    }

    /// The same state at another moment: only the age in the first line moves,
    /// and the keeper need not be asked for it.
    #[must_use]
    pub fn at(mut self, now: UnixMs) -> Self {
        if let Some(last) = self.synced_at {
            let sentence = all_synced(last, now);
            self.state = if self.sandbox {
                marked(&sentence)
            } else {
                sentence
            };
        }
        self
    }

    /// How long [`at`](Self::at) changes nothing; nothing when it never does.
    #[must_use]
    pub fn holds(&self, now: UnixMs) -> Option<Duration> {
        self.synced_at.map(|last| all_synced_for(last, now))
    }

    /// Whether the menu has the same entries, so that texts alone differ.
    #[must_use]
    pub fn same_entries(&self, other: &Self) -> bool {
        let ids = |model: &Self| -> Vec<String> {
            model.accounts.iter().map(|a| a.account.clone()).collect()
        };
        ids(self) == ids(other)
    }
}

fn marked(state: &str) -> String {
    fill("tray.sandbox", &[("state", state)])
}

fn icon(status: &StatusView) -> Icon {
    match status.icon.as_str() {
        "running" => Icon::Running,
        "attention" => Icon::Attention,
        "paused" => Icon::Paused,
        _ => Icon::Idle,
    }
}

fn pause(status: &StatusView) -> String {
    match &status.paused {
        None => text("tray.pause").to_owned(),
        Some(pause) => match pause.until {
            None => text("tray.paused").to_owned(),
            Some(until) => fill("tray.paused-until", &[("time", &clock(until))]),
        },
    }
}

fn account(view: &AccountView) -> AccountLine {
    let state = match view.state.as_str() {
        "ready" => text("tray.account-ready"),
        "needs-sign-in" => text("tray.account-needs-sign-in"),
        "waiting" => text("tray.account-waiting"),
        "keychain" => text("tray.account-keychain"),
        _ => view.detail.as_str(),
    };
    AccountLine {
        account: view.account.clone(),
        text: line(&fill(
            "tray.account",
            &[("email", &view.email), ("state", state)],
        )),
        page: "/accounts".to_owned(),
    }
}

/// One line without anything that a menu could read as its own: control
/// characters, direction overrides, and `&`, which marks a shortcut.
fn line(text: &str) -> String {
    let mut out = String::new();
    for (n, c) in text.chars().filter(|c| !hidden(*c)).enumerate() {
        if n == MAX_LINE {
            out.push('…');
            break;
        }
        if c == '&' {
            out.push('&');
        }
        out.push(c);
    }
    out
}

fn hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `14:05` today, `21 Nov 14:05` on another day, in the person's time zone.
fn clock(at: UnixMs) -> String {
    let Ok(time) = jiff::Timestamp::from_millisecond(at.0) else {
        return at.to_rfc3339();
    };
    let local = time.to_zoned(jiff::tz::TimeZone::system());
    let form = if local.date() == jiff::Zoned::now().date() {
        "%H:%M"
    } else {
        "%-d %b %H:%M"
    };
    local.strftime(form).to_string()
}

/// The end of a pause "until tomorrow": the beginning of the next day.
#[must_use]
pub fn tomorrow(now: &jiff::Zoned) -> Option<UnixMs> {
    let start = now.tomorrow().ok()?.start_of_day().ok()?;
    Some(UnixMs(start.timestamp().as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn status(change: impl FnOnce(&mut StatusView)) -> StatusView {
        let mut status: StatusView = serde_json::from_value(json!({
            "summary": "All synced \u{b7} 2 min ago", "icon": "ok", "serving": true, "pid": 1,
            "version": "0", "home": "/h", "online": true, "paused": null, "running": [],
            "charms": [], "accounts": [],
        }))
        .unwrap();
        change(&mut status);
        status
    }

    fn ada(state: &str) -> AccountView {
        AccountView {
            account: "a1".into(),
            email: "ada@example.com".into(),
            name: "Ada".into(),
            services: vec!["gmail".into()],
            scopes: vec![],
            state: state.into(),
            detail: "In its own words.".into(),
            connected_at: UnixMs(0),
        }
    }

    #[test]
    fn each_state_has_its_picture_and_its_line() {
        for (word, icon) in [
            ("ok", Icon::Idle),
            ("running", Icon::Running),
            ("attention", Icon::Attention),
            ("paused", Icon::Paused),
            ("a word of tomorrow", Icon::Idle),
        ] {
            let model = TrayModel::of(&status(|s| s.icon = word.into()));
            assert_eq!(model.icon, icon, "{word}");
            assert_eq!(model.state, "All synced \u{b7} 2 min ago");
        }
    }

    #[test]
    fn the_sandbox_is_told_from_the_real_profile() {
        let real = TrayModel::of(&status(|_| ()));
        let sandbox = real.clone().in_sandbox();
        assert_eq!(sandbox.state, "All synced \u{b7} 2 min ago \u{b7} sandbox");
        assert!(real.same_entries(&sandbox) && real != sandbox);
    }

    #[test]
    fn an_age_moves_without_the_keeper() {
        let minutes = |n: i64| UnixMs(n * 60_000);
        let synced = TrayModel::of(&status(|s| s.synced_at = Some(minutes(10))));
        let later = synced.clone().at(minutes(15));
        assert_eq!(later.state, "All synced \u{b7} 5 min ago");
        assert_eq!(later.holds(minutes(15)), Some(Duration::from_secs(60)));
        let later = synced.in_sandbox().at(minutes(15)).at(minutes(16));
        assert_eq!(later.state, "All synced \u{b7} 6 min ago \u{b7} sandbox");
        // Whatever else is said has no age.
        let waits = TrayModel::of(&status(|s| s.summary = "Waiting for the network".into()));
        assert_eq!(waits.clone().at(minutes(15)), waits);
        assert_eq!(waits.holds(minutes(15)), None);
    }

    #[test]
    fn a_pause_says_when_it_ends_and_can_be_ended() {
        let model = TrayModel::of(&status(|_| ()));
        assert_eq!((model.pause.as_str(), model.paused), ("Pause", false));
        let pause = |until| Some(serde_json::from_value(json!({ "until": until })).unwrap());
        let model = TrayModel::of(&status(|s| s.paused = pause(json!(null))));
        assert_eq!((model.pause.as_str(), model.paused), ("Paused", true));
        let end = json!("2020-01-02T10:00:00.000Z");
        let model = TrayModel::of(&status(|s| s.paused = pause(end)));
        assert!(model.pause.starts_with("Paused until "), "{}", model.pause);
        assert!(model.pause.contains(" Jan "), "{}", model.pause);
    }

    #[test]
    fn an_account_says_its_state_in_words() {
        let said = |state: &str| {
            let model = TrayModel::of(&status(|s| s.accounts = vec![ada(state)]));
            model.accounts.into_iter().next().unwrap().text
        };
        assert_eq!(said("ready"), "ada@example.com: connected");
        assert_eq!(said("needs-sign-in"), "ada@example.com: needs sign-in");
        assert_eq!(said("odd"), "ada@example.com: In its own words.");
    }

    #[test]
    fn entries_are_the_same_until_an_account_comes_or_goes() {
        let none = TrayModel::of(&status(|_| ()));
        let one = TrayModel::of(&status(|s| s.accounts = vec![ada("ready")]));
        let ill = TrayModel::of(&status(|s| s.accounts = vec![ada("needs-sign-in")]));
        assert!(one.same_entries(&ill) && one != ill);
        assert!(!none.same_entries(&one));
    }

    #[test]
    fn names_from_outside_stay_one_short_line() {
        let odd = format!("A & B\n\u{202e}{}", "x".repeat(500));
        let model = TrayModel::of(&status(|s| s.summary = odd));
        assert!(model.state.starts_with("A && Bxx"), "{}", model.state);
        assert!(model.state.chars().count() <= MAX_LINE + 2);
    }

    #[test]
    fn tomorrow_is_the_next_day_even_when_clocks_change() {
        let before: jiff::Zoned = "2026-03-28T23:30[Europe/Berlin]".parse().unwrap();
        let end = tomorrow(&before).unwrap();
        assert_eq!(end.to_rfc3339(), "2026-03-28T23:00:00.000Z");
        let within: jiff::Zoned = "2026-03-29T00:30[Europe/Berlin]".parse().unwrap();
        assert_eq!(
            tomorrow(&within).unwrap().to_rfc3339(),
            "2026-03-29T22:00:00.000Z"
        );
    }
}
