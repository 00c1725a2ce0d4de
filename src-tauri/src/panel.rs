//! What can be known of the panel: whether it shows icons at all, and its shade.

#[cfg(target_os = "linux")]
use std::time::Duration;

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

/// Before anything was asked.
pub(crate) fn first_guess() -> Shade {
    if cfg!(target_os = "macos") {
        // A template: the system colours it.
        return Shade::Light;
    }
    let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
    guess(&desktop)
}

/// The panel of GNOME is black in both of its themes.
fn guess(desktop: &str) -> Shade {
    let dark = desktop
        .split(':')
        .any(|d| d.eq_ignore_ascii_case("GNOME") || d.eq_ignore_ascii_case("Unity"));
    if dark { Shade::Dark } else { Shade::Unknown }
}

/// How long a panel may take to come up at login before the window is opened
/// in its place.
#[cfg(target_os = "linux")]
const PANEL_PATIENCE: Duration = Duration::from_secs(4);
/// How long the desktop's settings are waited for.
#[cfg(target_os = "linux")]
const SETTINGS_PATIENCE: Duration = Duration::from_secs(1);
/// The name under which a panel takes icons
/// (freedesktop.org, StatusNotifierItem specification).
#[cfg(target_os = "linux")]
const WATCHER: &str = "org.kde.StatusNotifierWatcher";
/// The desktop's settings (XDG Desktop Portal, `org.freedesktop.appearance`).
#[cfg(target_os = "linux")]
const PORTAL: &str = "org.freedesktop.portal.Desktop";

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

/// The shade that the desktop's settings suggest. Never starts a service.
#[cfg(target_os = "linux")]
pub(crate) async fn shade() -> Shade {
    let first = first_guess();
    if first != Shade::Unknown {
        return first;
    }
    tokio::time::timeout(SETTINGS_PATIENCE, portal_shade())
        .await
        .ok()
        .flatten()
        .unwrap_or(Shade::Unknown)
}

/// As first guessed.
#[cfg(not(target_os = "linux"))]
pub(crate) async fn shade() -> Shade {
    first_guess()
}

#[cfg(target_os = "linux")]
async fn portal_shade() -> Option<Shade> {
    let bus = zbus::Connection::session().await.ok()?;
    let names = zbus::fdo::DBusProxy::new(&bus).await.ok()?;
    if !has_owner(&names, PORTAL).await {
        return None;
    }
    let answer = bus
        .call_method(
            Some(PORTAL),
            "/org/freedesktop/portal/desktop",
            Some("org.freedesktop.portal.Settings"),
            "ReadOne",
            &("org.freedesktop.appearance", "color-scheme"),
        )
        .await
        .ok()?;
    let value: zbus::zvariant::OwnedValue = answer.body().deserialize().ok()?;
    match u32::try_from(value).ok()? {
        1 => Some(Shade::Dark),
        2 => Some(Shade::Light),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_panel_that_is_always_dark_is_taken_for_dark() {
        assert_eq!(guess("ubuntu:GNOME"), Shade::Dark);
        assert_eq!(guess("XFCE"), Shade::Unknown);
        assert_eq!(guess(""), Shade::Unknown);
    }
}
