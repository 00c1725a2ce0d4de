//! The person's key: an Ed25519 seed, the `did:key` that names it, and the keys
//! derived from it.
//!
//! Owns reading a key from what a person can bring (a key file, 24 words, a
//! passphrase) and signing. Never stores a key and never shows one: the seed
//! leaves only as a [`Secret`], for the keychain.

use charmkeeper_base::cell::did;
use charmkeeper_base::{ErrorKind, Explain, Secret};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

mod pem;
mod words;

/// Length of a key's seed in bytes.
pub const SEED_LEN: usize = 32;

/// The passphrase from which every named space's key is derived. It is public:
/// anyone can make these keys, which the server's authors know and mean to change.
const NAMED_SPACES: &str = "common user";

/// Where a key came from, for people to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// A PKCS8 PEM file.
    File,
    /// 24 BIP39 words.
    Words,
    /// A passphrase: for development only, as it is hashed just once.
    Passphrase,
    /// Derived from another key and a name.
    Derived,
}

impl KeyKind {
    /// The word kept beside a stored key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Words => "words",
            Self::Passphrase => "passphrase",
            Self::Derived => "derived",
        }
    }

    /// The kind whose [`as_str`](Self::as_str) is `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::File, Self::Words, Self::Passphrase, Self::Derived]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }

    /// What a person sees.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::File => "key file",
            Self::Words => "24 words",
            Self::Passphrase => "passphrase, for development only",
            Self::Derived => "derived key",
        }
    }
}

/// Why something is not a key. Never holds any part of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No `BEGIN PRIVATE KEY` block.
    #[error("this file holds no private key in PEM form")]
    NoPem,
    /// The key is encrypted.
    #[error("this key file is protected by a password, which is not supported")]
    Encrypted,
    /// A PEM block, but not an Ed25519 key in PKCS8.
    #[error("this key file does not hold an Ed25519 key in PKCS8 form")]
    NotEd25519,
    /// Not 24 words.
    #[error("a recovery phrase has 24 words, not {count}")]
    WordCount {
        /// How many there were.
        count: usize,
    },
    /// A word that no phrase has.
    #[error("word {position} is not a word of a recovery phrase")]
    UnknownWord {
        /// Counted from 1.
        position: usize,
    },
    /// Every word is known, the check does not match.
    #[error("these 24 words do not belong together: one is wrong, or two are in the wrong order")]
    Checksum,
    /// Stored bytes of another length.
    #[error("the stored key is damaged")]
    Stored,
}

impl Explain for KeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Stored => ErrorKind::Keychain,
            _ => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoPem | Self::NotEd25519 => {
                "Choose the file that your space gave you when you saved your key."
            }
            Self::Encrypted => "Export the key again without a password.",
            Self::WordCount { .. } | Self::UnknownWord { .. } | Self::Checksum => {
                "Compare the words with what you wrote down, in the same order."
            }
            Self::Stored => "Connect the space again with your key.",
        };
        Some(hint.to_owned())
    }
}

/// An Ed25519 key and its `did:key`.
#[derive(Clone)]
pub struct Identity {
    seed: Secret<[u8; SEED_LEN]>,
    did: String,
    kind: KeyKind,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("did", &self.did)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// The key in a PKCS8 PEM file. Text around the PEM block is ignored.
    ///
    /// # Errors
    /// When there is no block, or it is not an unencrypted Ed25519 key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        Ok(Self::from_array(&*pem::seed(text)?, KeyKind::File))
    }

    /// The key of 24 English BIP39 words in any case, separated by any white
    /// space. Their 32 bytes of entropy are the seed itself.
    ///
    /// # Errors
    /// When the number of words, a word or the check is wrong.
    pub fn from_words(phrase: &str) -> Result<Self, KeyError> {
        Ok(Self::from_array(&*words::seed(phrase)?, KeyKind::Words))
    }

    /// The key of a passphrase: one round of SHA-256, so easy to guess. For
    /// development and for servers that are set up this way.
    #[must_use]
    pub fn from_passphrase(passphrase: &str) -> Self {
        let seed = Zeroizing::new(Sha256::digest(passphrase.as_bytes()).into());
        Self::from_array(&seed, KeyKind::Passphrase)
    }

    /// The key whose seed the keychain returned.
    ///
    /// # Errors
    /// When it is not [`SEED_LEN`] bytes long.
    pub fn from_seed(seed: &[u8], kind: KeyKind) -> Result<Self, KeyError> {
        let seed = Zeroizing::new(<[u8; SEED_LEN]>::try_from(seed).map_err(|_| KeyError::Stored)?);
        Ok(Self::from_array(&seed, kind))
    }

    /// The key of a named space. Everyone can make it from the name.
    #[must_use]
    pub fn of_named_space(name: &str) -> Self {
        Self::from_passphrase(NAMED_SPACES).derive(name)
    }

    fn from_array(seed: &[u8; SEED_LEN], kind: KeyKind) -> Self {
        let public = SigningKey::from_bytes(seed).verifying_key().to_bytes();
        Self {
            seed: Secret::new(*seed),
            did: did::from_public_key(&public),
            kind,
        }
    }

    /// The `did:key` of this key.
    #[must_use]
    pub fn did(&self) -> &str {
        &self.did
    }

    /// The space that belongs to this key: its name is the key's own.
    #[must_use]
    pub fn home_space(&self) -> &str {
        &self.did
    }

    /// Where the key came from.
    #[must_use]
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The seed, [`SEED_LEN`] bytes, for the keychain and nothing else.
    #[must_use]
    pub fn seed(&self) -> Secret<Vec<u8>> {
        Secret::new(self.seed.expose().to_vec())
    }

    /// The child key for `name`: the SHA-256 of this key's signature of the
    /// name is the child's seed.
    #[must_use]
    pub fn derive(&self, name: &str) -> Self {
        let signature = Zeroizing::new(self.sign(name.as_bytes()));
        let seed = Zeroizing::new(Sha256::digest(signature.as_slice()).into());
        Self::from_array(&seed, KeyKind::Derived)
    }

    /// The Ed25519 signature of `message`. The same message always gives the
    /// same signature.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        // The key wipes itself when it goes out of scope.
        SigningKey::from_bytes(self.seed.expose())
            .sign(message)
            .to_bytes()
    }
}

/// The `did:key` of a named space.
#[must_use]
pub fn named_space_did(name: &str) -> String {
    Identity::of_named_space(name).did
}

/// True when `signature` is the signature of `message` by the key that `did`
/// names. False for anything malformed.
#[must_use]
pub fn verify(did: &str, message: &[u8], signature: &[u8]) -> bool {
    let Some(key) = did::to_public_key(did).and_then(|key| VerifyingKey::from_bytes(&key).ok())
    else {
        return false;
    };
    Signature::from_slice(signature)
        .is_ok_and(|signature| key.verify_strict(message, &signature).is_ok())
}

#[cfg(test)]
mod tests;
