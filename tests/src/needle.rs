//! Looking for a secret in everything, in every form that it could take.
//!
//! Finds: the text itself, base64 of both alphabets at each of the three
//! alignments, hexadecimal in both cases, percent-encoding, JSON with escapes,
//! UTF-16 of both byte orders. Never prints a secret that it finds.

use std::path::{Path, PathBuf};

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A secret, ready to be looked for.
#[derive(Debug)]
pub struct Needle {
    /// What it is called in a failure's message.
    pub name: String,
    forms: Vec<(&'static str, Vec<u8>)>,
}

impl Needle {
    /// All forms of `secret`.
    ///
    /// # Panics
    /// When it is too short to be recognised.
    #[must_use]
    pub fn new(name: impl Into<String>, secret: &str) -> Self {
        assert!(secret.len() >= 12, "too short to be told from chance");
        let bytes = secret.as_bytes();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let percent: String = bytes.iter().map(|b| format!("%{b:02X}")).collect();
        let some: String = url::form_urlencoded::byte_serialize(bytes).collect();
        let json = secret.replace('/', "\\/");
        let wide = |order: fn(u16) -> [u8; 2]| secret.encode_utf16().flat_map(order).collect();
        let mut forms = vec![
            ("text", bytes.to_vec()),
            ("backwards", bytes.iter().rev().copied().collect()),
            ("hexadecimal", hex.to_uppercase().into_bytes()),
            ("hexadecimal", hex.into_bytes()),
            ("percent-encoding", percent.to_lowercase().into_bytes()),
            ("percent-encoding", percent.into_bytes()),
            ("form encoding", some.into_bytes()),
            ("JSON", json.into_bytes()),
            ("UTF-16LE", wide(u16::to_le_bytes)),
            ("UTF-16BE", wide(u16::to_be_bytes)),
        ];
        for (name, alphabet) in [("base64", STANDARD), ("base64url", URL_SAFE)] {
            forms.extend((0..3).map(|skew| (name, base64(bytes, skew, alphabet))));
        }
        Self {
            name: name.into(),
            forms,
        }
    }

    /// All forms of a secret that is no text.
    ///
    /// # Panics
    /// When it is too short to be recognised.
    #[must_use]
    pub fn bytes(name: impl Into<String>, secret: &[u8]) -> Self {
        assert!(secret.len() >= 12, "too short to be told from chance");
        let hex: String = secret.iter().map(|b| format!("{b:02x}")).collect();
        // As programs write lists of numbers when they are careless.
        let list: Vec<String> = secret.iter().map(u8::to_string).collect();
        let mut forms = vec![
            ("bytes", secret.to_vec()),
            ("hexadecimal", hex.to_uppercase().into_bytes()),
            ("hexadecimal", hex.into_bytes()),
            ("a list", list.join(",").into_bytes()),
            ("a list", list.join(", ").into_bytes()),
        ];
        for (name, alphabet) in [("base64", STANDARD), ("base64url", URL_SAFE)] {
            forms.extend((0..3).map(|skew| (name, base64(secret, skew, alphabet))));
        }
        Self {
            name: name.into(),
            forms,
        }
    }

    /// The form in which the secret is in `hay`, if it is.
    #[must_use]
    pub fn found_in(&self, hay: &[u8]) -> Option<&'static str> {
        self.forms
            .iter()
            .find(|(_, form)| memchr::memmem::find(hay, form).is_some())
            .map(|(name, _)| *name)
    }
}

/// Asserts that none of them is in `hay`.
///
/// # Panics
/// When one is.
pub fn assert_absent(needles: &[Needle], place: &str, hay: &[u8]) {
    for needle in needles {
        if let Some(form) = needle.found_in(hay) {
            panic!("{} is in {place}, as {form}", needle.name);
        }
    }
}

/// Every file below a folder with its content.
///
/// # Panics
/// When one cannot be read.
#[must_use]
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let kind = std::fs::symlink_metadata(&path).expect("it is there");
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            let bytes = std::fs::read(&path).expect("a file that can be read");
            found.push((path, bytes));
        }
    }
    found
}

/// The characters that depend on nothing but `bytes` when these stand `skew`
/// bytes after a multiple of three.
fn base64(bytes: &[u8], skew: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(0, skew)
        .chain(bytes.iter().copied())
        .collect();
    let bit = |n: usize| usize::from(padded[n / 8] >> (7 - n % 8) & 1);
    let whole = padded.len() * 8 / 6;
    (0..whole)
        .filter(|at| at * 6 >= skew * 8)
        .map(|at| alphabet[(0..6).fold(0, |code, n| code * 2 + bit(at * 6 + n))])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_found_and_nothing_else() {
        let needle = Needle::new("secret", "ya29.A-b_c/d+e~f0123");
        for (hay, form) in [
            ("x ya29.A-b_c/d+e~f0123 x", "text"),
            ("3210f~e+d/c_b-A.92ay", "backwards"),
            ("eWEyOS5BLWJfYy9kK2V+ZjAxMjM=", "base64"),
            ("LXlhMjkuQS1iX2MvZCtlfmYwMTIz", "base64"),
            ("LS15YTI5LkEtYl9jL2QrZX5mMDEyMw==", "base64"),
            ("eWEyOS5BLWJfYy9kK2V-ZjAxMjM", "base64url"),
            ("796132392E412D625F632F642B657E6630313233", "hexadecimal"),
            ("ya29.A-b_c%2Fd%2Be%7Ef0123", "form encoding"),
            ("ya29.A-b_c\\/d+e~f0123", "JSON"),
        ] {
            assert_eq!(needle.found_in(hay.as_bytes()), Some(form), "{hay}");
        }
        let wide: Vec<u8> = "ya29.A-b_c/d+e~f0123"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(needle.found_in(&wide), Some("UTF-16BE"));
        assert_eq!(needle.found_in(b"ya29.A-b_c/d+e~f012"), None);

        let bytes = Needle::bytes("key", b"ya29.A-b_c/d+e~f0123");
        let list = b"[121,97,50,57,46,65,45,98,95,99,47,100,43,101,126,102,48,49,50,51]";
        assert_eq!(bytes.found_in(list), Some("a list"));
        let inside = b"LXlhMjkuQS1iX2MvZCtlfmYwMTIz";
        assert_eq!(bytes.found_in(inside), Some("base64"));
        assert_eq!(bytes.found_in(b"ya29.A-b_c/d+e~f012"), None);
    }
}
