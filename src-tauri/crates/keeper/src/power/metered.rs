//! Whether the network is charged by volume, as NetworkManager says.
//!
//! Owns the question and how often it is asked: once a minute, and only while
//! the person wants charms to wait on such a network, so that nobody else pays
//! for the wake-ups. Where nobody can tell, the network is not metered.

use std::sync::{PoisonError, Weak};
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::WeakUnboundedSender;

use crate::api::Event;
use crate::core::Core;
use crate::engine::Ask;

/// How often to ask.
const EVERY: Duration = Duration::from_secs(60);
/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(3);

/// Tells the engine whenever the answer changes, for as long as the keeper lives.
pub(crate) async fn watch(core: Weak<Core>, engine: WeakUnboundedSender<Ask>) {
    let Some(mut changes) = core.upgrade().map(|core| core.events.subscribe()) else {
        return;
    };
    let mut told = false;
    loop {
        let Some(wanted) = core.upgrade().map(|core| is_wanted(&core)) else {
            return;
        };
        if wanted {
            let metered = ask().await;
            let Some(engine) = engine.upgrade() else {
                return;
            };
            if metered != told && engine.send(Ask::Metered(metered)).is_err() {
                return;
            }
            told = metered;
        }
        let again = async {
            if wanted {
                tokio::time::sleep(EVERY).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = again => {}
            alive = other_choice(&mut changes, &core, wanted) => if !alive { return },
        }
    }
}

/// Waits until the person chose otherwise; false when the keeper is gone.
async fn other_choice(
    changes: &mut tokio::sync::broadcast::Receiver<Event>,
    core: &Weak<Core>,
    before: bool,
) -> bool {
    loop {
        match changes.recv().await {
            Ok(Event::Changed) | Err(RecvError::Lagged(_)) => {}
            Ok(_) => continue,
            Err(RecvError::Closed) => return false,
        }
        match core.upgrade() {
            None => return false,
            Some(core) if is_wanted(&core) != before => return true,
            Some(_) => {}
        }
    }
}

fn is_wanted(core: &Core) -> bool {
    let preferences = core.preferences.lock();
    preferences
        .unwrap_or_else(PoisonError::into_inner)
        .pause_on_metered
}

async fn ask() -> bool {
    let asked = tokio::task::spawn_blocking(network_manager);
    let answer = tokio::time::timeout(LIMIT, asked).await;
    answer
        .ok()
        .and_then(Result::ok)
        .flatten()
        .is_some_and(is_metered)
}

/// NetworkManager's word (`NMMetered` in its D-Bus API).
#[cfg(target_os = "linux")]
fn network_manager() -> Option<u32> {
    const NAME: &str = "org.freedesktop.NetworkManager";
    let bus = zbus::blocking::Connection::system().ok()?;
    let reply = bus
        .call_method(
            Some(NAME),
            "/org/freedesktop/NetworkManager",
            Some("org.freedesktop.DBus.Properties"),
            "Get",
            &(NAME, "Metered"),
        )
        .ok()?;
    let value: zbus::zvariant::OwnedValue = reply.body().deserialize().ok()?;
    u32::try_from(value).ok()
}

#[cfg(not(target_os = "linux"))]
fn network_manager() -> Option<u32> {
    None
}

/// 1 is "yes" and 3 "it seems so"; 0 unknown, 2 "no", 4 "it seems not".
fn is_metered(word: u32) -> bool {
    matches!(word, 1 | 3)
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_a_yes_and_a_good_guess_count() {
        let metered: Vec<u32> = (0..6).filter(|word| super::is_metered(*word)).collect();
        assert_eq!(metered, [1, 3]);
    }
}
