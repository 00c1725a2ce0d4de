//! One keychain call: the keyring stores behind one small trait.
//!
//! Owns: choosing the system's store, and turning its errors into ours. Never
//! waits and never retries: the thread above does. Never formats an error that
//! could hold an item's content.

use std::sync::Arc;

use charmkeeper_base::Secret;
use keyring_core::{CredentialStore, Entry, Error};

use crate::vault::{Missing, VaultError, VaultStatus};

/// What the keychain thread needs. All calls come from that thread.
pub(super) trait Backend: Send + 'static {
    fn is_open(&self) -> bool;
    fn close(&mut self);
    /// Opens the store if it is not open, and says whether it can be used
    /// without asking the person.
    fn ready(&mut self) -> Result<(), VaultError>;
    fn get(&mut self, item: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError>;
    fn set(&mut self, item: &str, value: &Secret<Vec<u8>>) -> Result<(), VaultError>;
    fn delete(&mut self, item: &str) -> Result<(), VaultError>;
}

/// The keychain of this system.
pub(super) struct SystemBackend {
    service: String,
    store: Option<Arc<CredentialStore>>,
    #[cfg(target_os = "linux")]
    bus: Option<zbus::blocking::Connection>,
}

impl SystemBackend {
    pub(super) fn new(service: String) -> Self {
        Self {
            service,
            store: None,
            #[cfg(target_os = "linux")]
            bus: None,
        }
    }

    fn entry(&self, item: &str) -> Result<Entry, VaultError> {
        let Some(store) = &self.store else {
            return Err(VaultError::Unusable(VaultStatus::Absent(Missing::System)));
        };
        #[cfg(target_os = "linux")]
        let built = {
            let label = format!("Charmkeeper: {item}");
            let modifiers = std::collections::HashMap::from([("label", label.as_str())]);
            store.build(&self.service, item, Some(&modifiers))
        };
        #[cfg(not(target_os = "linux"))]
        let built = store.build(&self.service, item, None);
        built.map_err(translate)
    }

    #[cfg(target_os = "linux")]
    fn check(&mut self) -> Result<(), VaultError> {
        let bus = match self.bus.take() {
            Some(bus) => bus,
            None => super::secret_service::connect()?,
        };
        super::secret_service::check(&bus)?;
        self.bus = Some(bus);
        Ok(())
    }

    /// macOS and Windows unlock the keychain with the login, and their stores
    /// answer with an error where they cannot.
    #[cfg(not(target_os = "linux"))]
    #[allow(clippy::unused_self, clippy::unnecessary_wraps)] // The Linux twin needs both.
    fn check(&mut self) -> Result<(), VaultError> {
        Ok(())
    }
}

impl Backend for SystemBackend {
    fn is_open(&self) -> bool {
        self.store.is_some()
    }

    fn close(&mut self) {
        self.store = None;
        #[cfg(target_os = "linux")]
        {
            self.bus = None;
        }
    }

    fn ready(&mut self) -> Result<(), VaultError> {
        self.check()?;
        if self.store.is_none() {
            self.store = Some(open_store().map_err(translate)?);
        }
        Ok(())
    }

    fn get(&mut self, item: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        let read = match self.entry(item)?.get_secret() {
            // The same item in two keyrings: either will do, the next write
            // leaves one.
            Err(Error::Ambiguous(entries)) => match entries.first() {
                Some(entry) => entry.get_secret(),
                None => Err(Error::NoEntry),
            },
            other => other,
        };
        match read {
            Ok(bytes) => Ok(Some(Secret::new(bytes))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(translate(error)),
        }
    }

    fn set(&mut self, item: &str, value: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        let entry = self.entry(item)?;
        match entry.set_secret(value.expose()) {
            Err(Error::Ambiguous(_)) => {
                self.delete(item)?;
                entry.set_secret(value.expose()).map_err(translate)
            }
            other => other.map_err(translate),
        }
    }

    fn delete(&mut self, item: &str) -> Result<(), VaultError> {
        match self.entry(item)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(Error::Ambiguous(entries)) => entries
                .iter()
                .try_for_each(|entry| entry.delete_credential())
                .map_err(translate),
            Err(error) => Err(translate(error)),
        }
    }
}

#[cfg(target_os = "linux")]
fn open_store() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = zbus_secret_service_keyring_store::Store::new()?;
    Ok(store)
}

#[cfg(target_os = "macos")]
fn open_store() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = apple_native_keyring_store::keychain::Store::new()?;
    Ok(store)
}

#[cfg(target_os = "windows")]
fn open_store() -> keyring_core::Result<Arc<CredentialStore>> {
    let store = windows_native_keyring_store::Store::new()?;
    Ok(store)
}

fn translate(error: Error) -> VaultError {
    let status = match error {
        Error::PlatformFailure(cause) | Error::NoStorageAccess(cause) => classify(cause.as_ref()),
        Error::TooLong(_, limit) => {
            VaultStatus::Failed(format!("an item may not be longer than {limit}"))
        }
        // These two carry the item's bytes.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => return VaultError::Damaged,
        Error::NoDefaultStore => VaultStatus::Absent(Missing::System),
        other => VaultStatus::Failed(other.to_string()),
    };
    VaultError::Unusable(status)
}

/// The stores wrap the system's error; its text is the only thing all have in
/// common. The texts are those of the crates secret-service 5 and
/// security-framework 3 (OSStatus codes of `SecBase.h`).
fn classify(cause: &(dyn std::error::Error + Send + Sync)) -> VaultStatus {
    let text = cause.to_string();
    let debug = format!("{cause:?}");
    let has = |parts: &[&str]| parts.iter().any(|p| text.contains(p) || debug.contains(p));
    if has(&["object locked", "Secret.Error.IsLocked", "code: -25308"]) {
        VaultStatus::Locked
    } else if has(&["prompt dismissed", "code: -128", "code: -25293"]) {
        VaultStatus::Denied
    } else if has(&["result not returned"]) {
        VaultStatus::Absent(Missing::Collection)
    } else if has(&[
        "was not provided by any .service files",
        "no secret service provider",
    ]) {
        VaultStatus::Absent(Missing::Service)
    } else if has(&[
        "code: -25291",
        "code: -25294",
        "ERROR_NO_SUCH_LOGON_SESSION",
    ]) {
        VaultStatus::Absent(Missing::System)
    } else {
        VaultStatus::Failed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Error {
        Error::PlatformFailure(Box::new(std::io::Error::other(text.to_owned())))
    }

    #[test]
    fn the_stores_texts_become_states() {
        let cases = [
            ("SS Error: object locked", VaultStatus::Locked),
            (
                "org.freedesktop.Secret.Error.IsLocked: no",
                VaultStatus::Locked,
            ),
            ("SS error: prompt dismissed", VaultStatus::Denied),
            (
                "SS error: result not returned from SS API",
                VaultStatus::Absent(Missing::Collection),
            ),
            (
                "The name org.freedesktop.secrets was not provided by any .service files",
                VaultStatus::Absent(Missing::Service),
            ),
            (
                "disk on fire",
                VaultStatus::Failed("disk on fire".to_owned()),
            ),
        ];
        for (text, status) in cases {
            assert_eq!(
                translate(platform(text)),
                VaultError::Unusable(status),
                "{text}"
            );
        }
    }

    #[test]
    fn an_error_that_carries_the_items_bytes_shows_none_of_them() {
        let shown = translate(Error::BadEncoding(b"1//token".to_vec()));
        assert_eq!(shown, VaultError::Damaged);
    }
}
