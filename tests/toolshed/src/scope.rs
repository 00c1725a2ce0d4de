//! Whose documents are meant: everybody's, a person's or a session's.
//!
//! Owns the names of scopes on the wire and in the database.

use charmkeeper_space::messages::{WireError, error_name};

use crate::store::SPACE;

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asker {
    pub(crate) principal: String,
    pub(crate) session: String,
}

/// As JavaScript's `encodeURIComponent` writes it.
fn component(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

impl Asker {
    /// The key of a scope in the database.
    pub(crate) fn key(&self, scope: Option<&str>) -> Result<String, WireError> {
        match scope {
            None | Some(SPACE) => Ok(SPACE.to_owned()),
            Some("user") => Ok(format!("user:{}", component(&self.principal))),
            Some("session") => Ok(format!(
                "session:{}:{}",
                component(&self.principal),
                component(&self.session)
            )),
            Some(other) => {
                let words = format!("unknown scope: {other}");
                Err(WireError::new(error_name::PROTOCOL, words))
            }
        }
    }
}

/// The name on the wire of a scope's key.
pub(crate) fn name(key: &str) -> &str {
    key.split(':').next().unwrap_or(SPACE)
}
