//! The seed in 24 words (BIP39, English).
//!
//! Owns naming the wrong word by its position. Never repeats a word in an error.

use bip39::{Error, Language, Mnemonic};
use zeroize::Zeroizing;

use super::{KeyError, SEED_LEN};

const WORDS: usize = 24;

pub(super) fn seed(phrase: &str) -> Result<Zeroizing<[u8; SEED_LEN]>, KeyError> {
    let phrase = Zeroizing::new(phrase.to_lowercase());
    let count = phrase.split_whitespace().count();
    if count != WORDS {
        return Err(KeyError::WordCount { count });
    }
    let mnemonic =
        Mnemonic::parse_in_normalized(Language::English, &phrase).map_err(|error| match error {
            Error::UnknownWord(index) => KeyError::UnknownWord {
                position: index + 1,
            },
            Error::BadWordCount(count) => KeyError::WordCount { count },
            Error::InvalidChecksum
            | Error::BadEntropyBitCount(_)
            | Error::AmbiguousLanguages(_) => KeyError::Checksum,
        })?;
    let (entropy, len) = mnemonic.to_entropy_array();
    let entropy = Zeroizing::new(entropy);
    let seed = entropy.get(..len).ok_or(KeyError::Checksum)?;
    <[u8; SEED_LEN]>::try_from(seed)
        .map(Zeroizing::new)
        .map_err(|_| KeyError::Checksum)
}
