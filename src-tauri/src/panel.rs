//! What can be known of the panel: whether it shows icons at all, and its shade.

#[cfg(target_os = "linux")]
use std::time::Duration;

use crate::scheme::Scheme;

/// The panel's shade, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shade {
    /// Light pictures stand on it.
    Dark,
    /// Dark pictures stand on it.
    Light,
    /// Not known: light pictures with a dark line around them.
    Unknown,
}

impl Shade {
    /// As the desktop's preference suggests, where the panel follows it.
    pub(crate) fn of(scheme: Scheme) -> Self {
        if cfg!(target_os = "macos") {
            // A template: the system colours it.
            return Self::Light;
        }
        let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
        guess(&desktop, scheme)
    }
}

/// The panel of GNOME is black in both of its themes.
fn guess(desktop: &str, scheme: Scheme) -> Shade {
    let black = desktop
        .split(':')
        .any(|d| d.eq_ignore_ascii_case("GNOME") || d.eq_ignore_ascii_case("Unity"));
    match scheme {
        _ if black => Shade::Dark,
        Scheme::Dark => Shade::Dark,
        Scheme::Light => Shade::Light,
        Scheme::Unset => Shade::Unknown,
    }
}

/// How long a panel may take to come up at login before the window is opened
/// in its place.
#[cfg(target_os = "linux")]
const PANEL_PATIENCE: Duration = Duration::from_secs(4);
/// The name under which a panel takes icons
/// (freedesktop.org, StatusNotifierItem specification).
#[cfg(target_os = "linux")]
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// Whether a panel shows our icon. Waits a little for one that is starting.
#[cfg(target_os = "linux")]
pub(crate) async fn shows_icons() -> bool {
    tokio::time::timeout(PANEL_PATIENCE, watcher_appears())
        .await
        .unwrap_or(false)
}

/// Whether a panel shows our icon: always, on this system.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn shows_icons() -> bool {
    true
}

/// False at once without a bus; otherwise waits until there is a watcher.
#[cfg(target_os = "linux")]
async fn watcher_appears() -> bool {
    use futures_util::StreamExt;
    let Ok(bus) = zbus::Connection::session().await else {
        return false;
    };
    let Ok(names) = zbus::fdo::DBusProxy::new(&bus).await else {
        return false;
    };
    let changes = names
        .receive_name_owner_changed_with_args(&[(0, WATCHER)])
        .await;
    let Ok(mut changes) = changes else {
        return false;
    };
    if has_owner(&names, WATCHER).await {
        return true;
    }
    while let Some(change) = changes.next().await {
        if change.args().is_ok_and(|a| a.new_owner().is_some()) {
            return true;
        }
    }
    false
}

#[cfg(target_os = "linux")]
async fn has_owner(names: &zbus::fdo::DBusProxy<'_>, name: &'static str) -> bool {
    match zbus::names::BusName::try_from(name) {
        Ok(name) => names.name_has_owner(name).await.unwrap_or(false),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_panel_that_is_always_dark_is_taken_for_dark() {
        assert_eq!(guess("ubuntu:GNOME", Scheme::Light), Shade::Dark);
        assert_eq!(guess("XFCE", Scheme::Unset), Shade::Unknown);
        assert_eq!(guess("", Scheme::Unset), Shade::Unknown);
    }

    #[test]
    fn other_panels_are_taken_to_follow_the_desktop() {
        assert_eq!(guess("KDE", Scheme::Dark), Shade::Dark);
        assert_eq!(guess("XFCE", Scheme::Light), Shade::Light);
    }
}
