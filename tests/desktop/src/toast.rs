//! Notifications as a desktop shows them (freedesktop.org, Desktop
//! Notifications Specification), so that a test can read and click them.

// The bus's macro writes a method for the signal, and no words on it.
#![allow(missing_docs, reason = "see above")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use charmkeeper_tests::wait_until;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, connection, interface, object_server::SignalEmitter};

const PATH: &str = "/org/freedesktop/Notifications";

/// One notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast {
    /// Its number.
    pub id: u32,
    /// The number of the one that it took the place of; 0 for none.
    pub replaces: u32,
    /// Its text.
    pub body: String,
    /// Keys and texts of its actions.
    pub actions: Vec<String>,
}

/// What was shown, in order.
type Shown = Arc<Mutex<Vec<Toast>>>;

struct Server(Shown);

#[interface(name = "org.freedesktop.Notifications")]
impl Server {
    fn get_capabilities(&self) -> Vec<String> {
        ["actions", "body", "body-markup"]
            .map(str::to_owned)
            .to_vec()
    }
    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        _app_name: String,
        replaces_id: u32,
        _app_icon: String,
        _summary: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut shown = self.0.lock().expect("no holder panics");
        let next = u32::try_from(shown.len()).expect("few") + 1;
        let id = if replaces_id == 0 { next } else { replaces_id };
        shown.push(Toast {
            id,
            replaces: replaces_id,
            body,
            actions,
        });
        id
    }
    /// A click.
    #[zbus(signal)]
    async fn action_invoked(
        emitter: &SignalEmitter<'_>,
        id: u32,
        action_key: &str,
    ) -> zbus::Result<()>;
}

/// A desktop that shows notifications on this bus. Gone when dropped.
#[derive(Debug)]
pub struct Toasts {
    bus: Connection,
    shown: Shown,
}

impl Toasts {
    /// Starts on this bus.
    ///
    /// # Panics
    /// When the bus refuses it.
    pub async fn appear(address: &str) -> Self {
        let shown = Shown::default();
        let bus = connection::Builder::address(address)
            .expect("an address")
            .name("org.freedesktop.Notifications")
            .expect("a name")
            .serve_at(PATH, Server(Arc::clone(&shown)))
            .expect("an object")
            .build()
            .await
            .expect("a bus with no other desktop");
        Self { bus, shown }
    }

    /// All that were shown, in order.
    ///
    /// # Panics
    /// Never: no holder of the list panics.
    #[must_use]
    pub fn all(&self) -> Vec<Toast> {
        self.shown.lock().expect("no holder panics").clone()
    }

    /// Waits until one fits.
    ///
    /// # Panics
    /// When none does.
    pub async fn wait(&self, what: &str, fits: impl Fn(&Toast) -> bool) -> Toast {
        wait_until(what, async || self.all().iter().any(&fits)).await;
        self.all()
            .into_iter()
            .find(|t| fits(t))
            .expect("it was there")
    }

    /// Clicks on one.
    ///
    /// # Panics
    /// When the bus refuses.
    pub async fn click(&self, toast: &Toast) {
        let emitter = SignalEmitter::new(&self.bus, PATH).expect("a path");
        let clicked = Server::action_invoked(&emitter, toast.id, "default").await;
        clicked.expect("the bus takes it");
    }
}
