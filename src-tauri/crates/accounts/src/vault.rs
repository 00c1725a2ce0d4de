//! Where refresh tokens are kept: the contract of every vault, and the one in
//! memory.
//!
//! Owns: the trait, its errors in words that name the way out, and the form of
//! an account's item. Never writes a secret to a file.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use charmkeeper_base::{ErrorKind, Explain, Secret};
use serde::{Deserialize, Serialize};

/// The most bytes an item may have: `CRED_MAX_CREDENTIAL_BLOB_SIZE`, the limit
/// of the Windows Credential Manager, applied everywhere so that a profile
/// means the same on every system.
pub const MAX_ITEM_BYTES: usize = 2560;

/// Keeps small secrets by name. Calls may block for up to three seconds.
pub trait Vault: Send + Sync {
    /// The item, or nothing when there is none.
    ///
    /// # Errors
    /// [`VaultError`] when the vault cannot be used; never for a missing item.
    fn get(&self, item: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError>;

    /// Writes the item and makes sure that it can be read back.
    ///
    /// # Errors
    /// [`VaultError::TooLong`] above [`MAX_ITEM_BYTES`]; others when the vault
    /// cannot be used. The old value is kept then.
    fn set(&self, item: &str, value: &Secret<Vec<u8>>) -> Result<(), VaultError>;

    /// Removes the item; a missing one is no error.
    ///
    /// # Errors
    /// [`VaultError`] when the vault cannot be used.
    fn delete(&self, item: &str) -> Result<(), VaultError>;

    /// What state the vault is in now. Never asks the person anything.
    fn status(&self) -> VaultStatus;
}

/// The state of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VaultStatus {
    /// Items can be read and written.
    Ready,
    /// Ready, but nothing outlives this program.
    Memory,
    /// There, but the person has to unlock it.
    Locked,
    /// Not there.
    Absent(Missing),
    /// There, but it does not answer.
    Hung,
    /// The person or the system refused access.
    Denied,
    /// Anything else, in the system's words.
    Failed(String),
}

/// What exactly is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// No D-Bus session to ask on (Linux).
    Bus,
    /// No program answers for the Secret Service (Linux).
    Service,
    /// The Secret Service has no default keyring yet (Linux).
    Collection,
    /// The system's own keychain or credential manager is not usable.
    System,
}

impl VaultStatus {
    /// True when tokens can be read and written.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        matches!(self, Self::Ready | Self::Memory)
    }
}

impl std::fmt::Display for VaultStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Ready => f.write_str("The keychain is ready."),
            Self::Memory => f.write_str(
                "Sign-ins are kept in memory only and are forgotten when this program ends.",
            ),
            Self::Locked => f.write_str("The keychain is locked."),
            Self::Absent(Missing::Bus) => {
                f.write_str("There is no keychain: this session has no D-Bus.")
            }
            Self::Absent(Missing::Service) => {
                f.write_str("There is no keychain: no program provides the Secret Service.")
            }
            Self::Absent(Missing::Collection) => {
                f.write_str("The keychain has no default keyring yet.")
            }
            Self::Absent(Missing::System) => f.write_str("The system's keychain is not available."),
            Self::Hung => f.write_str("The keychain does not answer."),
            Self::Denied => f.write_str("Access to the keychain was refused."),
            Self::Failed(why) => write!(f, "The keychain failed: {why}"),
        }
    }
}

/// Why a vault could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// It is not usable at the moment.
    #[error("{0}")]
    Unusable(VaultStatus),
    /// The value is longer than any system allows.
    #[error("The sign-in is {bytes} bytes long; a keychain item holds {MAX_ITEM_BYTES}.")]
    TooLong {
        /// Length of the refused value.
        bytes: usize,
    },
    /// The item is there but is not what was written.
    #[error("The keychain's item for this account cannot be read.")]
    Damaged,
    /// The write succeeded, yet reading gives something else.
    #[error("The keychain accepted the sign-in but does not give it back.")]
    NotKept,
}

impl Explain for VaultError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Keychain
    }
    fn hint(&self) -> Option<String> {
        match self {
            Self::Unusable(status) => status.hint(),
            Self::TooLong { .. } => Some("Connect with fewer services.".to_owned()),
            Self::Damaged => Some("Connect the account again.".to_owned()),
            Self::NotKept => Some("Check the keychain program, then connect again.".to_owned()),
        }
    }
}

impl VaultStatus {
    /// What the person can do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Ready | Self::Memory | Self::Failed(_) => return None,
            Self::Locked => "Unlock your keychain, for example with “Passwords and Keys”.",
            Self::Absent(Missing::Bus) => {
                "Start this from a desktop session, or under dbus-run-session with an unlocked \
                 gnome-keyring-daemon."
            }
            Self::Absent(Missing::Service) => {
                "Install one and log in again: on Debian or Ubuntu `sudo apt install \
                 gnome-keyring`, on KDE enable the wallet in the system settings."
            }
            Self::Absent(Missing::Collection) => {
                "Create a keyring and make it the default, for example with “Passwords and Keys” \
                 (package seahorse), or log out and in again with your password."
            }
            Self::Absent(Missing::System) => "Log in to a desktop session of your own user.",
            Self::Hung => "Look for a keychain dialog that waits for an answer.",
            Self::Denied => "Allow Charmkeeper in the keychain's dialog or settings.",
        };
        Some(text.to_owned())
    }
}

impl From<VaultError> for VaultStatus {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Unusable(status) => status,
            other => Self::Failed(other.to_string()),
        }
    }
}

/// Refuses a value that some system could not hold.
pub(crate) fn check_length(value: &Secret<Vec<u8>>) -> Result<(), VaultError> {
    match value.expose().len() {
        bytes if bytes > MAX_ITEM_BYTES => Err(VaultError::TooLong { bytes }),
        _ => Ok(()),
    }
}

/// What is kept for one account.
#[derive(Clone, Debug)]
pub(crate) struct StoredGrant {
    pub(crate) refresh_token: Secret<String>,
    pub(crate) scopes: Vec<String>,
}

#[derive(Serialize)]
struct GrantOut<'a> {
    refresh_token: &'a str,
    scopes: &'a [String],
}

#[derive(Deserialize)]
struct GrantIn {
    refresh_token: String,
    scopes: Vec<String>,
}

impl StoredGrant {
    pub(crate) fn encode(&self) -> Result<Secret<Vec<u8>>, VaultError> {
        to_item(&GrantOut {
            refresh_token: self.refresh_token.expose(),
            scopes: &self.scopes,
        })
    }

    pub(crate) fn decode(bytes: &Secret<Vec<u8>>) -> Result<Self, VaultError> {
        let grant: GrantIn =
            serde_json::from_slice(bytes.expose()).map_err(|_| VaultError::Damaged)?;
        Ok(Self {
            refresh_token: Secret::new(grant.refresh_token),
            scopes: grant.scopes,
        })
    }
}

/// JSON in a buffer that never moves, so that no copy stays behind unwiped.
pub(crate) fn to_item<T: Serialize>(value: &T) -> Result<Secret<Vec<u8>>, VaultError> {
    let mut bytes = Vec::with_capacity(4 * MAX_ITEM_BYTES);
    let written = serde_json::to_writer(&mut bytes, value);
    let item = Secret::new(bytes);
    written.map_err(|_| VaultError::Damaged)?;
    check_length(&item)?;
    Ok(item)
}

/// A vault that forgets everything when the program ends. For the sandbox
/// profile alone, whose tokens are worth nothing, and for tests.
#[derive(Debug, Default)]
pub struct MemoryVault {
    items: Mutex<BTreeMap<String, Secret<Vec<u8>>>>,
}

impl Vault for MemoryVault {
    fn get(&self, item: &str) -> Result<Option<Secret<Vec<u8>>>, VaultError> {
        Ok(self
            .items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(item)
            .cloned())
    }
    fn set(&self, item: &str, value: &Secret<Vec<u8>>) -> Result<(), VaultError> {
        check_length(value)?;
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        items.insert(item.to_owned(), value.clone());
        Ok(())
    }
    fn delete(&self, item: &str) -> Result<(), VaultError> {
        self.items
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(item);
        Ok(())
    }
    fn status(&self) -> VaultStatus {
        VaultStatus::Memory
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_survives_the_round_trip_and_shows_nothing() {
        let grant = StoredGrant {
            refresh_token: Secret::new("1//refresh\"\\é".to_owned()),
            scopes: vec!["openid".to_owned(), "https://mail.google.com/".to_owned()],
        };
        let item = grant.encode().unwrap();
        let back = StoredGrant::decode(&item).unwrap();
        assert_eq!(back.refresh_token.expose(), grant.refresh_token.expose());
        assert_eq!(back.scopes, grant.scopes);
        assert!(!format!("{item:?} {back:?}").contains("1//"));
    }

    #[test]
    fn a_damaged_item_is_an_error_without_its_content() {
        let item = Secret::new(b"{\"refresh_token\":\"1//abc\"".to_vec());
        let error = StoredGrant::decode(&item).unwrap_err();
        assert_eq!(error, VaultError::Damaged);
        assert!(!format!("{error} {error:?}").contains("1//abc"));
    }

    #[test]
    fn the_limit_is_2560_bytes_exactly() {
        let vault = MemoryVault::default();
        vault.set("a", &Secret::new(vec![b'x'; 2560])).unwrap();
        let error = vault.set("a", &Secret::new(vec![b'y'; 2561])).unwrap_err();
        assert_eq!(error, VaultError::TooLong { bytes: 2561 });
        assert_eq!(
            vault.get("a").unwrap().unwrap().expose()[0],
            b'x',
            "the old value is kept"
        );
        let long = StoredGrant {
            refresh_token: Secret::new("r".repeat(9000)),
            scopes: vec![],
        };
        assert!(matches!(
            long.encode(),
            Err(VaultError::TooLong { bytes: 9000.. })
        ));
    }

    #[test]
    fn every_unusable_state_says_what_to_do() {
        let states = [
            VaultStatus::Locked,
            VaultStatus::Absent(Missing::Bus),
            VaultStatus::Absent(Missing::Service),
            VaultStatus::Absent(Missing::Collection),
            VaultStatus::Absent(Missing::System),
            VaultStatus::Hung,
            VaultStatus::Denied,
        ];
        for state in states {
            assert!(!state.is_usable());
            let error = VaultError::Unusable(state.clone());
            assert_eq!(error.kind(), ErrorKind::Keychain);
            assert!(error.hint().is_some_and(|h| h.ends_with('.')), "{state:?}");
            assert!(error.to_string().ends_with('.'), "{state:?}");
        }
        let service = VaultStatus::Absent(Missing::Service).hint().unwrap();
        assert!(service.contains("apt install gnome-keyring"), "{service}");
    }
}
