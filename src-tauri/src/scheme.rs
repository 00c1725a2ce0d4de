//! Whether the desktop is to be light or dark, and when that changes
//! (XDG Desktop Portal, `org.freedesktop.portal.Settings`).
//!
//! Owns asking, and telling the window library. Sleeps until the desktop says
//! that the setting changed. Never starts a service. Other systems' web views
//! follow their system by themselves.

use tokio::sync::watch;

/// What the desktop prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Nothing, or nobody says.
    Unset,
    /// Light writing on dark.
    Dark,
    /// Dark writing on light.
    Light,
}

/// The preference, and each change of it. On other systems it stays unset.
pub(crate) fn watch() -> watch::Receiver<Scheme> {
    let (told, heard) = watch::channel(Scheme::Unset);
    #[cfg(target_os = "linux")]
    tauri::async_runtime::spawn(async move {
        if let Err(e) = portal::follow(&told).await {
            tracing::debug!("the desktop does not say whether it is dark: {e}");
        }
        // Open to the end, so that whoever waits for a change just waits.
        told.closed().await;
    });
    #[cfg(not(target_os = "linux"))]
    tauri::async_runtime::spawn(async move { told.closed().await });
    heard
}

/// Lets the page's `prefers-color-scheme` be this. GTK 3 itself does not follow
/// the portal; without a preference its own settings count. On the main thread.
#[cfg(target_os = "linux")]
pub(crate) fn show(scheme: Scheme) {
    use gtk::prelude::GtkSettingsExt;

    const DARK: &str = "gtk-application-prefer-dark-theme";
    let Some(settings) = gtk::Settings::default() else {
        return;
    };
    match scheme {
        Scheme::Unset => settings.reset_property(DARK),
        Scheme::Dark => settings.set_gtk_application_prefer_dark_theme(true),
        Scheme::Light => settings.set_gtk_application_prefer_dark_theme(false),
    }
}

/// Nothing to do elsewhere.
#[cfg(not(target_os = "linux"))]
pub(crate) fn show(_scheme: Scheme) {}

#[cfg(target_os = "linux")]
mod portal {
    use futures_util::StreamExt;
    use tokio::sync::watch;
    use zbus::zvariant::{OwnedValue, Value};

    use super::Scheme;

    /// Setting and its group, with the values 0 (none), 1 (dark) and 2 (light).
    const GROUP: &str = "org.freedesktop.appearance";
    const KEY: &str = "color-scheme";

    #[zbus::proxy(
        interface = "org.freedesktop.portal.Settings",
        default_service = "org.freedesktop.portal.Desktop",
        default_path = "/org/freedesktop/portal/desktop",
        gen_blocking = false
    )]
    trait Settings {
        /// Since version 2 of the interface.
        fn read_one(&self, group: &str, key: &str) -> zbus::Result<OwnedValue>;
        /// Before that: the value in one wrapping more.
        fn read(&self, group: &str, key: &str) -> zbus::Result<OwnedValue>;
        #[zbus(signal)]
        fn setting_changed(&self, group: &str, key: &str, value: Value<'_>) -> zbus::Result<()>;
    }

    /// Tells of each change until nobody listens or the bus is gone.
    pub(super) async fn follow(told: &watch::Sender<Scheme>) -> zbus::Result<()> {
        let bus = zbus::Connection::session().await?;
        let settings = SettingsProxy::builder(&bus)
            .cache_properties(zbus::proxy::CacheProperties::No)
            .build()
            .await?;
        let only_this = [(0, GROUP), (1, KEY)];
        let mut changes = settings
            .receive_setting_changed_with_args(&only_this)
            .await?;
        let mut owners = settings.inner().receive_owner_changed().await?;
        let names = zbus::fdo::DBusProxy::new(&bus).await?;
        let name = settings.inner().destination().to_owned();
        // A call would start the portal where it is not running.
        if names.name_has_owner(name).await? {
            tell(told, read(&settings).await);
        }
        loop {
            tokio::select! {
                Some(change) = changes.next() => {
                    tell(told, scheme(change.args()?.value()));
                }
                Some(owner) = owners.next() => {
                    if owner.is_some() {
                        tell(told, read(&settings).await);
                    }
                }
                () = told.closed() => return Ok(()),
                else => return Ok(()),
            }
        }
    }

    fn tell(told: &watch::Sender<Scheme>, scheme: Scheme) {
        told.send_if_modified(|known| std::mem::replace(known, scheme) != scheme);
    }

    async fn read(settings: &SettingsProxy<'_>) -> Scheme {
        let new = settings.read_one(GROUP, KEY).await;
        let answer = match new {
            Ok(value) => Ok(value),
            Err(_) => settings.read(GROUP, KEY).await,
        };
        match answer {
            Ok(value) => scheme(&value),
            Err(e) => {
                tracing::debug!("the desktop does not say whether it is dark: {e}");
                Scheme::Unset
            }
        }
    }

    /// What a value means, however often it is wrapped.
    fn scheme(value: &Value<'_>) -> Scheme {
        match value {
            Value::Value(inner) => scheme(inner),
            Value::U32(1) => Scheme::Dark,
            Value::U32(2) => Scheme::Light,
            _ => Scheme::Unset,
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_value_is_found_in_every_wrapping() {
            assert_eq!(scheme(&Value::U32(1)), Scheme::Dark);
            let wrapped = Value::Value(Box::new(Value::Value(Box::new(Value::U32(2)))));
            assert_eq!(scheme(&wrapped), Scheme::Light);
            for odd in [Value::U32(0), Value::U32(7), Value::from("dark")] {
                assert_eq!(scheme(&odd), Scheme::Unset, "{odd:?}");
            }
        }

        #[test]
        fn the_same_again_is_no_change() {
            let (told, mut heard) = watch::channel(Scheme::Unset);
            tell(&told, Scheme::Dark);
            assert!(heard.has_changed().unwrap());
            heard.mark_unchanged();
            tell(&told, Scheme::Dark);
            assert!(!heard.has_changed().unwrap());
        }
    }
}
