//! The desktop's settings of a test's own (XDG Desktop Portal,
//! `org.freedesktop.portal.Settings` version 1, as Debian 12 has it).

// The bus's macro writes a method for the signal, and no words on it.
#![allow(missing_docs, reason = "see above")]

use std::sync::{Arc, Mutex};

use zbus::object_server::SignalEmitter;
use zbus::zvariant::{OwnedValue, Value};
use zbus::{Connection, connection, fdo, interface};

const NAME: &str = "org.freedesktop.portal.Desktop";
const PATH: &str = "/org/freedesktop/portal/desktop";
const GROUP: &str = "org.freedesktop.appearance";
const KEY: &str = "color-scheme";

/// The desktop prefers nothing, dark, or light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefers {
    /// No preference.
    Nothing = 0,
    /// Dark.
    Dark = 1,
    /// Light.
    Light = 2,
}

struct Settings(Arc<Mutex<Prefers>>);

#[interface(name = "org.freedesktop.portal.Settings")]
impl Settings {
    /// In this version the value comes wrapped once more.
    fn read(&self, group: &str, key: &str) -> fdo::Result<OwnedValue> {
        if (group, key) != (GROUP, KEY) {
            return Err(fdo::Error::Failed("Requested setting not found".into()));
        }
        let value = Value::from(*self.0.lock().expect("no holder panics") as u32);
        let wrapped = Value::Value(Box::new(value));
        OwnedValue::try_from(wrapped).map_err(|e| fdo::Error::Failed(e.to_string()))
    }
    /// The setting is another one now.
    #[zbus(signal)]
    async fn setting_changed(
        emitter: &SignalEmitter<'_>,
        group: &str,
        key: &str,
        value: Value<'_>,
    ) -> zbus::Result<()>;
}

/// See the module. Gone from the bus when dropped.
#[derive(Debug)]
pub struct Portal {
    bus: Connection,
    prefers: Arc<Mutex<Prefers>>,
}

impl Portal {
    /// A portal on this bus.
    ///
    /// # Panics
    /// When the bus refuses it.
    pub async fn appear(address: &str, prefers: Prefers) -> Self {
        let prefers = Arc::new(Mutex::new(prefers));
        let bus = connection::Builder::address(address)
            .expect("an address")
            .name(NAME)
            .expect("a name")
            .serve_at(PATH, Settings(Arc::clone(&prefers)))
            .expect("an object")
            .build()
            .await
            .expect("a bus with no other portal");
        Self { bus, prefers }
    }

    /// The person changes the setting.
    ///
    /// # Panics
    /// When the bus does not take the signal.
    pub async fn change(&self, prefers: Prefers) {
        *self.prefers.lock().expect("no holder panics") = prefers;
        let emitter = SignalEmitter::new(&self.bus, PATH).expect("a path");
        let value = Value::from(prefers as u32);
        let told = Settings::setting_changed(&emitter, GROUP, KEY, value).await;
        told.expect("the bus takes it");
    }
}
