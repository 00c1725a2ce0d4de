//! The keys of identities in the keychain.
//!
//! Owns the form of an item: the 32 bytes of the seed, then the word of its kind.
//! Never shows one.

use std::sync::Arc;

use charmkeeper_accounts::{KeychainVault, Vault};
use charmkeeper_base::{ErrorKind, Secret};
use charmkeeper_space::identity::{Identity, KeyKind};

use crate::api::ApiError;
use crate::home::Home;

/// In which form a person gives a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// The text of a PKCS8 file.
    File,
    /// 24 words.
    Words,
    /// A passphrase, for development.
    Passphrase,
}

/// Reads a key.
///
/// # Errors
/// Kind `usage` when it is none; the sentence holds nothing of it.
pub(crate) fn read(form: KeyForm, text: &Secret<String>) -> Result<Identity, ApiError> {
    let text = text.expose();
    let identity = match form {
        KeyForm::File => Identity::from_pem(text),
        KeyForm::Words => Identity::from_words(text),
        KeyForm::Passphrase if text.trim_end_matches(['\r', '\n']).is_empty() => {
            return Err(ApiError::new(ErrorKind::Usage, "The passphrase is empty."));
        }
        KeyForm::Passphrase => Ok(Identity::from_passphrase(
            text.trim_end_matches(['\r', '\n']),
        )),
    };
    identity.map_err(|e| {
        let mut error = ApiError::of(&e);
        error.message = crate::core::sentence(&error.message);
        error
    })
}

/// Keeps a key in the keychain of a data folder, without a keeper; its DID.
///
/// # Errors
/// Kind `usage` when it is no key, `keychain` when the keychain cannot take it.
pub async fn keep_identity(
    home: &Home,
    form: KeyForm,
    text: &Secret<String>,
) -> Result<String, ApiError> {
    let identity = read(form, text)?;
    let vault = KeychainVault::open(&home.namespace()).map_err(|e| ApiError::of(&e))?;
    let vault: Arc<dyn Vault> = Arc::new(vault);
    keep(&vault, &identity).await?;
    Ok(identity.did().to_owned())
}

/// Bytes of a seed.
const SEED: usize = 32;

fn item(did: &str) -> String {
    format!("space-key:{did}")
}

/// Keeps a key; its DID names it from then on.
///
/// # Errors
/// Kind `keychain` when the keychain cannot take it.
pub(crate) async fn keep(vault: &Arc<dyn Vault>, identity: &Identity) -> Result<(), ApiError> {
    let mut bytes = identity.seed().expose().clone();
    bytes.extend(identity.kind().as_str().as_bytes());
    let (vault, name, value) = (Arc::clone(vault), item(identity.did()), Secret::new(bytes));
    on_a_thread(move || vault.set(&name, &value).map_err(|e| ApiError::of(&e))).await
}

/// The key of a DID.
///
/// # Errors
/// Kind `keychain` when it is not there or cannot be read now.
pub(crate) async fn get(vault: &Arc<dyn Vault>, did: &str) -> Result<Identity, ApiError> {
    let (vault, name) = (Arc::clone(vault), item(did));
    let found = on_a_thread(move || vault.get(&name).map_err(|e| ApiError::of(&e))).await?;
    let missing = || {
        ApiError::new(
            ErrorKind::Keychain,
            "The key of this space is not in your keychain.",
        )
        .with_hint("Connect the space again with its key.")
    };
    let found = found.ok_or_else(missing)?;
    let (seed, kind) = found.expose().split_at_checked(SEED).ok_or_else(missing)?;
    let kind = std::str::from_utf8(kind).ok().and_then(KeyKind::parse);
    Identity::from_seed(seed, kind.unwrap_or(KeyKind::File)).map_err(|e| ApiError::of(&e))
}

/// Removes the key of a DID; one that is not there is no error.
///
/// # Errors
/// Kind `keychain` when the keychain cannot be used.
pub(crate) async fn forget(vault: &Arc<dyn Vault>, did: &str) -> Result<(), ApiError> {
    let (vault, name) = (Arc::clone(vault), item(did));
    on_a_thread(move || vault.delete(&name).map_err(|e| ApiError::of(&e))).await
}

async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
        Err(ApiError::new(
            ErrorKind::Keychain,
            format!("The keychain failed: {e}."),
        ))
    })
}

#[cfg(test)]
mod tests {
    use charmkeeper_accounts::MemoryVault;

    use super::*;

    #[tokio::test]
    async fn a_forgotten_key_is_gone_and_others_stay() {
        let vault: Arc<dyn Vault> = Arc::new(MemoryVault::default());
        let gone = Identity::from_passphrase("one");
        let stays = Identity::from_passphrase("another");
        keep(&vault, &gone).await.unwrap();
        keep(&vault, &stays).await.unwrap();

        forget(&vault, gone.did()).await.unwrap();
        let error = get(&vault, gone.did()).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Keychain);
        let found = get(&vault, stays.did()).await.unwrap();
        assert_eq!(found.did(), stays.did());

        // Again, as when removing everything was interrupted.
        forget(&vault, gone.did()).await.unwrap();
    }
}
