//! Keys against recorded values, and what is no key.

use super::*;
use serde_json::Value;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/space-vectors.json")).unwrap()
}

fn rows(name: &str) -> Vec<Value> {
    let rows = vectors()[name].as_array().unwrap().clone();
    assert!(!rows.is_empty(), "{name}");
    rows
}

fn text<'v>(row: &'v Value, name: &str) -> &'v str {
    row[name].as_str().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn recorded_passphrases_give_the_recorded_keys() {
    for row in rows("identities") {
        let key = Identity::from_passphrase(text(&row, "passphrase"));
        assert_eq!(hex(key.seed().expose()), text(&row, "seedHex"));
        assert_eq!(key.did(), text(&row, "did"));
        assert_eq!(key.home_space(), key.did());
        assert_eq!(key.kind(), KeyKind::Passphrase);
    }
}

#[test]
fn recorded_derivations_and_named_spaces() {
    for row in rows("derived") {
        let parent = Identity::from_passphrase(text(&row, "passphrase"));
        let name = text(&row, "name");
        assert_eq!(
            hex(&parent.sign(name.as_bytes())),
            text(&row, "parentSignatureHex")
        );
        let child = parent.derive(name);
        assert_eq!(hex(child.seed().expose()), text(&row, "seedHex"), "{name}");
        assert_eq!(child.did(), text(&row, "did"));
        if text(&row, "passphrase") == "common user" {
            assert_eq!(named_space_did(name), text(&row, "did"));
        }
    }
}

#[test]
fn a_key_file_is_read_and_others_are_named() {
    for row in rows("pkcs8") {
        let pem = text(&row, "pem");
        assert_eq!(Identity::from_pem(pem).unwrap().did(), text(&row, "did"));
        let windows = format!("My key:\r\n{}\r\n", pem.replace('\n', "\r\n"));
        let key = Identity::from_pem(&windows).unwrap();
        assert_eq!((key.did(), key.kind()), (text(&row, "did"), KeyKind::File));
        // As other programs write it: without the letter of the reference client.
        let standard = pem.replace("MMC4C", "MC4C");
        assert_ne!(standard, pem);
        assert_eq!(
            Identity::from_pem(&standard).unwrap().did(),
            text(&row, "did")
        );
    }
    let block =
        |name: &str, body: &str| format!("-----BEGIN {name}-----\n{body}\n-----END {name}-----");
    for (file, error) in [
        (String::new(), KeyError::NoPem),
        ("[section]\nkey=1".to_owned(), KeyError::NoPem),
        (block("ENCRYPTED PRIVATE KEY", "AAAA"), KeyError::Encrypted),
        (block("RSA PRIVATE KEY", "AAAA"), KeyError::NotEd25519),
        (block("PRIVATE KEY", "AAAA"), KeyError::NotEd25519),
        (block("PRIVATE KEY", "?"), KeyError::NotEd25519),
        // The right length with another algorithm (X25519 is 1.3.101.110).
        (
            block(
                "PRIVATE KEY",
                "MC4CAQAwBQYDK2VuBCIEIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            ),
            KeyError::NotEd25519,
        ),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4C".to_owned(),
            KeyError::NotEd25519,
        ),
    ] {
        assert_eq!(Identity::from_pem(&file).unwrap_err(), error, "{file}");
    }
}

#[test]
fn words_are_the_seed_and_errors_name_a_position_only() {
    for row in rows("mnemonic") {
        let key = Identity::from_words(text(&row, "mnemonic")).unwrap();
        assert_eq!(hex(key.seed().expose()), text(&row, "seedHex"));
        assert_eq!((key.did(), key.kind()), (text(&row, "did"), KeyKind::Words));
    }
    let words = |change: &dyn Fn(&mut Vec<&'static str>)| {
        let mut all = vec!["abandon"; 23];
        all.push("art");
        change(&mut all);
        Identity::from_words(&format!(" {}\n", all.join("\n ").to_uppercase()))
    };
    assert!(words(&|_| {}).is_ok());
    let unknown = words(&|all| all[6] = "sekrit").unwrap_err();
    assert_eq!(unknown, KeyError::UnknownWord { position: 7 });
    assert!(!format!("{unknown} {unknown:?}").contains("sekrit"));
    assert_eq!(
        words(&|all| all[6] = "zoo").unwrap_err(),
        KeyError::Checksum
    );
    assert_eq!(
        words(&|all| all.truncate(12)).unwrap_err(),
        KeyError::WordCount { count: 12 }
    );
    assert_eq!(
        Identity::from_words("").unwrap_err(),
        KeyError::WordCount { count: 0 }
    );
}

#[test]
fn the_keychain_form_comes_back_and_nothing_shows_the_seed() {
    let key = Identity::from_passphrase("a passphrase");
    let stored = key.seed();
    let again = Identity::from_seed(stored.expose(), KeyKind::parse("words").unwrap()).unwrap();
    assert_eq!(again.did(), key.did());
    assert_eq!(again.kind(), KeyKind::Words);
    for len in [0, 31, 33] {
        assert_eq!(
            Identity::from_seed(&vec![1; len], KeyKind::File).unwrap_err(),
            KeyError::Stored
        );
    }
    let shown = format!("{key:?}");
    let seed = stored.expose();
    assert!(shown.contains(key.did()));
    assert!(
        !shown.contains(&hex(seed)) && !shown.contains(&format!("{seed:?}")),
        "{shown}"
    );
}

#[test]
fn a_signature_holds_for_its_message_and_key_only() {
    let key = Identity::from_passphrase("a");
    let signature = key.sign(b"message");
    assert!(verify(key.did(), b"message", &signature));
    assert!(!verify(key.did(), b"massage", &signature));
    assert!(!verify(
        Identity::from_passphrase("b").did(),
        b"message",
        &signature
    ));
    assert!(!verify(key.did(), b"message", &signature[..63]));
    assert!(!verify("did:key:z6Mk", b"message", &signature));
}
