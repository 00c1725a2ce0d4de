//! The id token. Google signs with RSA keys that it publishes; the sandbox has
//! no keys and signs with the client secret (HS256, allowed by OpenID Connect
//! Core §3.1.3.7). A client that gets it from the token endpoint itself need
//! not check the signature.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use charmkeeper_base::UnixMs;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::grants::ScopeSet;
use super::scopes;
use crate::config::{CLIENT_SECRET, ISSUER};
use crate::world::Profile;

/// A signed id token that is valid for an hour.
pub(crate) fn sign(
    profile: &Profile,
    client: &str,
    granted: &ScopeSet,
    nonce: Option<&str>,
    now: UnixMs,
) -> String {
    let issued = now.0 / 1000;
    let mut claims = json!({
        "iss": ISSUER,
        "azp": client,
        "aud": client,
        "sub": profile.sub,
        "iat": issued,
        "exp": issued + 3600,
    });
    if granted.contains(scopes::EMAIL) {
        claims["email"] = profile.email.into();
        claims["email_verified"] = true.into();
    }
    if granted.contains(scopes::PROFILE) {
        claims["name"] = profile.name.into();
        claims["given_name"] = profile.given_name.into();
        claims["family_name"] = profile.family_name.into();
    }
    if let Some(nonce) = nonce {
        claims["nonce"] = nonce.into();
    }
    let part = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
    let head = json!({"alg": "HS256", "kid": "charmkeeper-sandbox", "typ": "JWT"});
    let text = format!("{}.{}", part(&head), part(&claims));
    let mac = hmac_sha256(CLIENT_SECRET.as_bytes(), text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac))
}

/// HMAC (RFC 2104) for keys of at most 64 bytes; longer ones are cut.
fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut block = [0_u8; 64];
    for (place, byte) in block.iter_mut().zip(key) {
        *place = *byte;
    }
    let inner = Sha256::new()
        .chain_update(block.map(|b| b ^ 0x36))
        .chain_update(message)
        .finalize();
    Sha256::new()
        .chain_update(block.map(|b| b ^ 0x5c))
        .chain_update(inner)
        .finalize()
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mac_agrees_with_rfc_4231() {
        // Test case 2 of RFC 4231 §4.3.
        let mac = hmac_sha256(b"Jefe", b"what do ya want for nothing?");
        assert_eq!(mac[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(mac[28..], [0x64, 0xec, 0x38, 0x43]);
    }
}
