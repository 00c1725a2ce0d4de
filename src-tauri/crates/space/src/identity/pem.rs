//! The seed in a PKCS8 PEM file.
//!
//! Owns the two forms that there are: the standard one, and that of the reference
//! client, whose body starts with the multibase letter `M`. Never reads a file.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::{KeyError, SEED_LEN};

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// Multibase's letter for padded base64. The reference client writes it before
/// the body and does not read a file without it.
const MULTIBASE: char = 'M';

/// What stands before the seed: version 0, the algorithm Ed25519 (1.3.101.112)
/// and the two headers of the octet strings (RFC 8410).
const PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

pub(super) fn seed(text: &str) -> Result<Zeroizing<[u8; SEED_LEN]>, KeyError> {
    let body = text
        .split_once(BEGIN)
        .and_then(|(_, rest)| rest.split_once(END))
        .map(|(body, _)| body)
        .ok_or_else(|| why_not(text))?;
    let packed: Zeroizing<String> =
        Zeroizing::new(body.chars().filter(|c| !c.is_whitespace()).collect());
    let base64 = match packed.strip_prefix(MULTIBASE) {
        // A standard key starts with `MC4C`: its length tells it from a marked one.
        Some(rest) if rest.len() % 4 == 0 => rest,
        _ => &packed,
    };
    let bytes = Zeroizing::new(STANDARD.decode(base64).map_err(|_| KeyError::NotEd25519)?);
    bytes
        .strip_prefix(&PREFIX)
        .and_then(|seed| <[u8; SEED_LEN]>::try_from(seed).ok())
        .map(Zeroizing::new)
        .ok_or(KeyError::NotEd25519)
}

fn why_not(text: &str) -> KeyError {
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") {
        KeyError::Encrypted
    } else if text.contains(" PRIVATE KEY-----") {
        KeyError::NotEd25519
    } else {
        KeyError::NoPem
    }
}
