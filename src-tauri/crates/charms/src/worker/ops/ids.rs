//! Ops for names and randomness: entity ids, random bytes, UUIDs.

use charmkeeper_base::cell::id;
use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use serde::Deserialize;

use super::host::host;

/// `crypto.getRandomValues` of the Web Cryptography API gives no more at once.
const RANDOM_QUOTA: usize = 65_536;

#[op2]
#[string]
pub(super) fn op_ck_entity_id(#[string] cause: &str) -> Result<String, JsErrorBox> {
    let cause = serde_json::from_str(cause).map_err(|e| bad_json(&e))?;
    Ok(id::by_cause(&cause).into())
}

#[derive(Deserialize)]
struct KeyedElement {
    list: String,
    space: String,
    path: Vec<String>,
    key: String,
}

#[op2]
#[string]
pub(super) fn op_ck_keyed_id(#[string] element: &str) -> Result<String, JsErrorBox> {
    let e: KeyedElement = serde_json::from_str(element).map_err(|e| bad_json(&e))?;
    Ok(id::keyed_element(&e.list, &e.space, &e.path, &e.key).into())
}

fn bad_json(error: &serde_json::Error) -> JsErrorBox {
    JsErrorBox::type_error(format!("An id cannot be derived from this: {error}"))
}

#[op2(fast)]
pub(super) fn op_ck_random(state: &OpState, #[buffer] bytes: &mut [u8]) -> Result<(), JsErrorBox> {
    if bytes.len() > RANDOM_QUOTA {
        return Err(JsErrorBox::range_error(format!(
            "getRandomValues fills at most {RANDOM_QUOTA} bytes at once"
        )));
    }
    host(state)?.random(bytes);
    Ok(())
}

#[op2]
#[string]
pub(super) fn op_ck_uuid(state: &OpState) -> Result<String, JsErrorBox> {
    let mut b = [0u8; 16];
    host(state)?.random(&mut b);
    Ok(uuid_v4(b))
}

/// Version 4, variant 1 (RFC 9562 section 5.4).
fn uuid_v4(mut b: [u8; 16]) -> String {
    b[6] = (b[6] & 0x0f) | 0x40;
    b[8] = (b[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (i, byte) in b.iter().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend(
            [byte >> 4, byte & 0x0f].map(|n| char::from_digit(n.into(), 16).unwrap_or('0')),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_uuid_carries_its_version_and_variant() {
        assert_eq!(
            super::uuid_v4([0xff; 16]),
            "ffffffff-ffff-4fff-bfff-ffffffffffff"
        );
        assert_eq!(
            super::uuid_v4([0; 16]),
            "00000000-0000-4000-8000-000000000000"
        );
    }
}
