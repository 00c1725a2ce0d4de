//! Where the sandbox's contents come from: the n-th message and the n-th event
//! of an account are the same for the same seed, whenever they are made.

pub(crate) mod calendar;
pub(crate) mod calendars;
pub(crate) mod envelope;
pub(crate) mod mail;
pub(crate) mod texts;

use charmkeeper_base::random::SeededRandom;
use sha2::{Digest as _, Sha256};

/// Random choices for one thing, named by seed, kind and number.
#[derive(Debug)]
pub(crate) struct Dice(SeededRandom);

impl Dice {
    pub(crate) fn new(seed: u64, kind: &str, account: &str, n: u64) -> Self {
        Self(SeededRandom::new(digest(seed, kind, account, n)))
    }

    /// A number below `limit`; 0 when `limit` is 0.
    pub(crate) fn below(&self, limit: u64) -> u64 {
        if limit == 0 {
            0
        } else {
            self.0.next_u64() % limit
        }
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<'a, T>(&self, list: &'a [T]) -> &'a T {
        let i = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        &list[i]
    }

    /// `count` characters of an alphabet.
    pub(crate) fn word(&self, alphabet: &[u8], count: usize) -> String {
        (0..count)
            .map(|_| char::from(*self.pick(alphabet)))
            .collect()
    }
}

/// A number from a seed and a name.
pub(crate) fn digest(seed: u64, kind: &str, account: &str, n: u64) -> u64 {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(n.to_le_bytes());
    hash.update(kind.as_bytes());
    hash.update([0]);
    hash.update(account.as_bytes());
    let bytes = hash.finalize();
    bytes
        .iter()
        .take(8)
        .fold(0, |sum, b| (sum << 8) | u64::from(*b))
}

/// The alphabet of Google's event ids: base32hex in lower case.
pub(crate) const BASE32HEX: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
/// Lower-case hexadecimal digits.
pub(crate) const HEX: &[u8] = b"0123456789abcdef";
