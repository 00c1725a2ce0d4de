//! Ops for `URL`: parsing and setting parts as in the URL standard.
//!
//! `url::quirks` implements the setters of the standard's JavaScript API; this
//! file only gives them names.

use deno_core::op2;
use serde_json::json;
use url::{Url, quirks};

/// The parts of a valid URL as JSON, or an empty string.
#[op2]
#[string]
pub(super) fn op_ck_url_parse(#[string] href: &str, #[string] base: &str) -> String {
    parse(href, base).map_or_else(String::new, |url| parts(&url))
}

/// The parts after setting one of them, or an empty string when `href` itself
/// is not valid. As in the standard, a value that is not valid for the part
/// changes nothing (for `href` the answer is then an empty string, which
/// JavaScript turns into a `TypeError`).
#[op2]
#[string]
pub(super) fn op_ck_url_set(
    #[string] href: &str,
    #[string] part: &str,
    #[string] value: &str,
) -> String {
    set(href, part, value).map_or_else(String::new, |url| parts(&url))
}

fn parse(href: &str, base: &str) -> Option<Url> {
    let base = if base.is_empty() {
        None
    } else {
        Some(Url::parse(base).ok()?)
    };
    Url::options().base_url(base.as_ref()).parse(href).ok()
}

fn set(href: &str, part: &str, value: &str) -> Option<Url> {
    let mut url = Url::parse(href).ok()?;
    let url_mut = &mut url;
    // The result says whether the value was taken; the standard ignores it.
    let _taken: Result<(), ()> = match part {
        "href" => return Url::parse(value).ok(),
        "protocol" => quirks::set_protocol(url_mut, value),
        "username" => quirks::set_username(url_mut, value),
        "password" => quirks::set_password(url_mut, value),
        "host" => quirks::set_host(url_mut, value),
        "hostname" => quirks::set_hostname(url_mut, value),
        "port" => quirks::set_port(url_mut, value),
        "pathname" => {
            quirks::set_pathname(url_mut, value);
            Ok(())
        }
        "search" => {
            quirks::set_search(url_mut, value);
            Ok(())
        }
        "hash" => {
            quirks::set_hash(url_mut, value);
            Ok(())
        }
        _ => Err(()),
    };
    Some(url)
}

fn parts(url: &Url) -> String {
    json!({
        "href": quirks::href(url),
        "origin": quirks::origin(url),
        "protocol": quirks::protocol(url),
        "username": quirks::username(url),
        "password": quirks::password(url),
        "host": quirks::host(url),
        "hostname": quirks::hostname(url),
        "port": quirks::port(url),
        "pathname": quirks::pathname(url),
        "search": quirks::search(url),
        "hash": quirks::hash(url),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_and_sets_as_the_standard_says() {
        assert_eq!(
            parse("../b?q#h", "https://a.test/x/y").unwrap().as_str(),
            "https://a.test/b?q#h"
        );
        assert!(parse("b", "").is_none());
        assert!(parse("b", "not a url").is_none());
        let port = set("https://a.test/", "port", "8080").unwrap();
        assert_eq!(port.as_str(), "https://a.test:8080/");
        assert_eq!(
            set("https://a.test/", "port", "x").unwrap().as_str(),
            "https://a.test/"
        );
        assert_eq!(
            set("https://a.test/", "search", "q=1").unwrap().as_str(),
            "https://a.test/?q=1"
        );
        assert!(set("https://a.test/", "href", "nope").is_none());
    }
}
