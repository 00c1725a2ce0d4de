//! `did:key` names of spaces and identities.
//!
//! Owns the text form (base58btc of the multicodec prefix for Ed25519 public
//! keys and 32 bytes). Never makes or holds a key.

/// Multicodec prefix of an Ed25519 public key, as an unsigned varint.
const ED25519_PUB: [u8; 2] = [0xed, 0x01];
const PREFIX: &str = "did:key:z";

/// The `did:key` of an Ed25519 public key.
///
/// A local space has no key: its name is made from 32 random bytes, so that it
/// has the form of every other space and nobody can sign for it.
#[must_use]
pub fn from_public_key(key: &[u8; 32]) -> String {
    let mut bytes = Vec::with_capacity(34);
    bytes.extend_from_slice(&ED25519_PUB);
    bytes.extend_from_slice(key);
    format!("{PREFIX}{}", bs58::encode(bytes).into_string())
}

/// The public key in a `did:key`; `None` when `did` is not one of Ed25519.
#[must_use]
pub fn to_public_key(did: &str) -> Option<[u8; 32]> {
    let text = did.strip_prefix(PREFIX)?;
    // Decoding base58 takes quadratic time, and a key has at most 48 characters.
    if text.len() > 60 {
        return None;
    }
    let bytes = bs58::decode(text).into_vec().ok()?;
    bytes.strip_prefix(&ED25519_PUB)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recorded_identities_encode_and_decode() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/cell-vectors.json")).unwrap();
        let rows = vectors["dids"].as_array().unwrap();
        assert_eq!(rows.len(), 7);
        for row in rows {
            let hex = row["publicKeyHex"].as_str().unwrap();
            let key: Vec<u8> = (0..64)
                .step_by(2)
                .map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap())
                .collect();
            let key: [u8; 32] = key.try_into().unwrap();
            let did = row["did"].as_str().unwrap();
            assert_eq!(from_public_key(&key), did);
            assert_eq!(to_public_key(did), Some(key));
        }
    }

    #[test]
    fn other_text_is_not_a_key() {
        let good = from_public_key(&[7; 32]);
        for bad in [
            "",
            "did:key:",
            "did:web:example.org",
            &good[..good.len() - 2],
            "did:key:z0OIl",
        ] {
            assert_eq!(to_public_key(bad), None, "{bad}");
        }
        assert_eq!(to_public_key(&format!("{good}{}", "1".repeat(100))), None);
    }
}
