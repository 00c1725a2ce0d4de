//! Where a charm's files come from: this computer, or an https address.
//!
//! Owns the walk over relative imports of a remote charm and its limits. What
//! is fetched is text to be compiled; it is run nowhere but in a worker.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use charmkeeper_base::ErrorKind;
use charmkeeper_charms::compile::{MAX_FILE_BYTES, MAX_FILES, Program, program_from_files};
use futures_util::StreamExt;
use url::Url;

use crate::api::ApiError;
use crate::registry;

const LIMIT: Duration = Duration::from_secs(30);

/// Reads a charm from a path or from an https address.
///
/// # Errors
/// What is wrong with the place or the sources, in one sentence.
pub(crate) async fn load(source: &str) -> Result<Program, ApiError> {
    match Url::parse(source) {
        Ok(url) if url.scheme() == "https" => fetch(&url).await,
        Ok(url) if source.contains("://") => Err(ApiError::new(
            ErrorKind::Usage,
            format!(
                "A charm can be added from an https address, not from {}://.",
                url.scheme()
            ),
        )),
        _ => registry::load(source).await,
    }
}

async fn fetch(entry: &Url) -> Result<Program, ApiError> {
    let failed = |e: &dyn std::fmt::Display| {
        ApiError::new(
            ErrorKind::Offline,
            format!("The charm could not be fetched: {e}."),
        )
    };
    let client = reqwest::Client::builder()
        .https_only(true)
        .timeout(LIMIT)
        .user_agent(concat!("Charmkeeper/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| failed(&e))?;
    let mut files = BTreeMap::new();
    let mut open = VecDeque::from([entry.clone()]);
    while let Some(url) = open.pop_front() {
        if files.contains_key(url.path()) {
            continue;
        }
        if files.len() >= MAX_FILES {
            return Err(ApiError::new(
                ErrorKind::Charm,
                format!("The charm has more than {MAX_FILES} files."),
            ));
        }
        let text = text(&client, &url).await?;
        for specifier in relative_imports(&text) {
            let next = url.join(&specifier).map_err(|e| failed(&e))?;
            if next.origin() == entry.origin() {
                open.push_back(next);
            }
        }
        files.insert(url.path().to_owned(), text);
    }
    program_from_files(files, entry.path()).map_err(|e| ApiError::of(&e))
}

async fn text(client: &reqwest::Client, url: &Url) -> Result<String, ApiError> {
    let unreachable = |e: reqwest::Error| {
        let e = e.without_url();
        ApiError::new(
            ErrorKind::Offline,
            format!("{url} could not be fetched: {e}."),
        )
    };
    let response = client.get(url.clone()).send().await.map_err(unreachable)?;
    if !response.status().is_success() {
        return Err(ApiError::new(
            ErrorKind::Usage,
            format!("{url} answered {}.", response.status()),
        ));
    }
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(chunk) = body.next().await {
        bytes.extend_from_slice(&chunk.map_err(unreachable)?);
        if bytes.len() > MAX_FILE_BYTES {
            return Err(ApiError::new(
                ErrorKind::Charm,
                format!("{url} is longer than {MAX_FILE_BYTES} bytes."),
            ));
        }
    }
    String::from_utf8(bytes)
        .map_err(|_| ApiError::new(ErrorKind::Charm, format!("{url} is not UTF-8 text.")))
}

/// Specifiers of relative imports and re-exports, found by their shape. A false
/// find costs one request; the compiler has the last word on what is missing.
fn relative_imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("from") {
        let rest = text[at + 4..].trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let Some(specifier) = rest[1..].split(quote).next() else {
            continue;
        };
        if (specifier.starts_with("./") || specifier.starts_with("../"))
            && !specifier.contains(['\n', ' '])
        {
            found.push(specifier.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_imports_are_found_in_any_quotes() {
        let text = r#"
            import a from "commonfabric";
            import { b } from './util/b.ts';
            export * from "../c.tsx";
            const from = "no";
        "#;
        assert_eq!(relative_imports(text), ["./util/b.ts", "../c.tsx"]);
    }

    #[tokio::test]
    async fn only_https_addresses_are_taken() {
        for bad in [
            "http://example.com/a.tsx",
            "ftp://example.com/a.tsx",
            "file:///a.tsx",
        ] {
            let error = load(bad).await.unwrap_err();
            assert!(error.message.contains("https"), "{}", error.message);
        }
    }
}
