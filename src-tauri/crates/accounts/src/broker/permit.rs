//! May this charm send a request to this URL, and where does it go?
//!
//! Owns: the rules for URLs (https, listed host, no user name, no special
//! address), applied to the first request and to every redirect. The addresses
//! behind a name are checked by [`resolve`](super::resolve) when connecting.

use charmkeeper_base::ErrorKind;
use charmkeeper_base::http::CallError;
use url::{Host, Url};

use super::address;
use super::errors::refusal;
use super::map::{HostMap, KEEPER_HOST};
use super::policy::Policy;

/// Bytes of a URL. Longer than any that Google accepts.
const MAX_URL: usize = 16 << 10;

/// Where a permitted request goes.
#[derive(Clone, Debug)]
pub(crate) enum Destination {
    /// The keeper answers it itself.
    Keeper(Url),
    /// It leaves this process.
    Net(Target),
}

/// One permitted address.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// As the charm wrote it, without fragment.
    pub public: Url,
    /// What is connected to.
    pub wire: Url,
    /// True when a development base stands in for the host; its address is the
    /// person's own choice and is not checked.
    pub mapped: bool,
    /// True when a token may be sent there.
    pub takes_token: bool,
}

impl Target {
    /// Host in the charm's terms, for sentences.
    pub(crate) fn host(&self) -> &str {
        self.public.host_str().unwrap_or_default()
    }
}

/// Applies every rule to a URL that a charm wrote.
///
/// # Errors
/// A refusal that names the host and the rule.
pub(crate) fn permit(text: &str, policy: &Policy, map: &HostMap) -> Result<Destination, CallError> {
    if text.len() > MAX_URL {
        let message = format!(
            "The charm asked for a URL of {} bytes; the limit is 16 KiB.",
            text.len()
        );
        return Err(refusal(ErrorKind::Charm, message));
    }
    let url = Url::parse(text).map_err(|e| {
        refusal(
            ErrorKind::Charm,
            format!("The charm asked for something that is not a URL ({e})."),
        )
    })?;
    permit_url(url, policy, map)
}

/// [`permit`] for a URL that is parsed already, as after a redirect.
pub(crate) fn permit_url(
    url: Url,
    policy: &Policy,
    map: &HostMap,
) -> Result<Destination, CallError> {
    let url = canonical(url)?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let refuse = |kind, why: &str| {
        Err(refusal(
            kind,
            format!("The charm may not reach {host}: {why}."),
        ))
    };
    if url.scheme() != "https" {
        return refuse(ErrorKind::Charm, "only https is allowed");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse(
            ErrorKind::Charm,
            "the URL carries a user name or a password",
        );
    }
    if host == KEEPER_HOST && url.port().is_none() {
        return Ok(Destination::Keeper(url));
    }
    if let Some(what) = special(&url) {
        return refuse(ErrorKind::Charm, &format!("it is {what}"));
    }
    if !policy.allows_host(&url) {
        return refuse(ErrorKind::Usage, "the host is not on the charm's list");
    }
    let mapped = map.to_wire(&url);
    Ok(Destination::Net(Target {
        takes_token: map.takes_token(&url),
        mapped: mapped.is_some(),
        wire: mapped.unwrap_or_else(|| url.clone()),
        public: url,
    }))
}

/// Without fragment and without the dot that ends a fully qualified name, so
/// that one host has one spelling in every later comparison.
fn canonical(mut url: Url) -> Result<Url, CallError> {
    let bad = |url: &Url| {
        let host = url.host_str().unwrap_or("a URL without a host");
        refusal(
            ErrorKind::Charm,
            format!("The charm may not reach {host}: it is not a host name."),
        )
    };
    url.set_fragment(None);
    let Some(host) = url.host() else {
        return Err(bad(&url));
    };
    if let Host::Domain(name) = host {
        let bare = name.strip_suffix('.').unwrap_or(name).to_owned();
        if bare.split('.').any(str::is_empty) {
            return Err(bad(&url));
        }
        if bare.len() != name.len() && url.set_host(Some(&bare)).is_err() {
            return Err(bad(&url));
        }
    }
    Ok(url)
}

/// What is special about a host that is an address, or a name for one.
fn special(url: &Url) -> Option<&'static str> {
    match url.host()? {
        Host::Ipv4(ip) => address::forbidden(ip.into()),
        Host::Ipv6(ip) => address::forbidden(ip.into()),
        // RFC 6761: these names mean this computer wherever they are resolved.
        Host::Domain(name) if name == "localhost" || name.ends_with(".localhost") => {
            Some("a name of this computer")
        }
        Host::Domain(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::policy::Caps;
    use super::*;
    use crate::Endpoints;

    fn policy(hosts: &[&str]) -> Policy {
        Policy {
            charm: "c".into(),
            hosts: hosts.iter().map(|&h| h.to_owned()).collect(),
            accounts: vec![],
            caps: Caps::default(),
        }
    }

    fn ask(url: &str, hosts: &[&str]) -> Result<Destination, CallError> {
        permit(url, &policy(hosts), &HostMap::new(&Endpoints::google()))
    }

    #[test]
    fn what_is_listed_passes_and_is_canonical() {
        for (url, wire) in [
            (
                "https://api.example.com/x?y#frag",
                "https://api.example.com/x?y",
            ),
            ("https://API.example.com./x", "https://api.example.com/x"),
            ("https://api.example.com:443/", "https://api.example.com/"),
            ("https:\\\\api.example.com\\x", "https://api.example.com/x"),
            ("  https://api.example.com/x ", "https://api.example.com/x"),
            ("https://8.8.8.8/", "https://8.8.8.8/"),
        ] {
            match ask(url, &["api.example.com", "8.8.8.8"]) {
                Ok(Destination::Net(t)) => {
                    assert_eq!(t.wire.as_str(), wire);
                    assert_eq!(t.public, t.wire);
                    assert!(!t.takes_token && !t.mapped);
                }
                other => panic!("{url}: {other:?}"),
            }
        }
    }

    #[test]
    fn every_rule_refuses_and_names_the_host() {
        // Each address is on the list, so that the rule itself must refuse it.
        let hosts = [
            "api.example.com",
            "127.0.0.1",
            "10.0.0.1",
            "169.254.169.254",
            "localhost",
            "x.localhost",
            "[::1]",
            "[::ffff:7f00:1]",
            "[fd00::1]",
            "100.64.0.1",
            "0.0.0.0",
            "[fe80::1]",
            "224.0.0.1",
            "[64:ff9b::7f00:1]",
        ];
        for (url, kind, part) in [
            (
                "http://api.example.com/",
                ErrorKind::Charm,
                "api.example.com: only https",
            ),
            ("ftp://api.example.com/", ErrorKind::Charm, "only https"),
            ("file:///etc/passwd", ErrorKind::Charm, "not a host name"),
            ("data:text/plain,x", ErrorKind::Charm, "not a host name"),
            ("/relative", ErrorKind::Charm, "not a URL"),
            ("https://", ErrorKind::Charm, "not a URL"),
            ("https://me@api.example.com/", ErrorKind::Charm, "user name"),
            (
                "https://:pw@api.example.com/",
                ErrorKind::Charm,
                "user name",
            ),
            (
                "https://api.example.com@evil.org/",
                ErrorKind::Charm,
                "evil.org: the URL carries",
            ),
            (
                "https://evil.org/",
                ErrorKind::Usage,
                "evil.org: the host is not on",
            ),
            (
                "https://evil.org\\@api.example.com/",
                ErrorKind::Usage,
                "evil.org: the host is not on",
            ),
            ("https://api.example.com:8443/", ErrorKind::Usage, "not on"),
            (
                "https://api.example.com../",
                ErrorKind::Charm,
                "not a host name",
            ),
            (
                "https://127.0.0.1/",
                ErrorKind::Charm,
                "address of this computer",
            ),
            ("https://2130706433/", ErrorKind::Charm, "127.0.0.1: it is"),
            ("https://0x7f.1/", ErrorKind::Charm, "127.0.0.1: it is"),
            ("https://0177.0.0.1/", ErrorKind::Charm, "127.0.0.1: it is"),
            (
                "https://１２７.0.0.1/",
                ErrorKind::Charm,
                "127.0.0.1: it is",
            ),
            ("https://127.0.0.1./", ErrorKind::Charm, "127.0.0.1"),
            ("https://[::1]/", ErrorKind::Charm, "[::1]: it is"),
            (
                "https://[::ffff:127.0.0.1]/",
                ErrorKind::Charm,
                "address of this computer",
            ),
            (
                "https://[64:ff9b::127.0.0.1]/",
                ErrorKind::Charm,
                "address of this computer",
            ),
            ("https://[fd00::1]/", ErrorKind::Charm, "private"),
            ("https://[fe80::1]/", ErrorKind::Charm, "link-local"),
            ("https://10.0.0.1/", ErrorKind::Charm, "private"),
            (
                "https://169.254.169.254/latest/meta-data/",
                ErrorKind::Charm,
                "link-local",
            ),
            ("https://100.64.0.1/", ErrorKind::Charm, "carrier"),
            ("https://0.0.0.0/", ErrorKind::Charm, "unspecified"),
            ("https://224.0.0.1/", ErrorKind::Charm, "multicast"),
            (
                "https://localhost/",
                ErrorKind::Charm,
                "name of this computer",
            ),
            (
                "https://LOCALHOST./",
                ErrorKind::Charm,
                "name of this computer",
            ),
            (
                "https://x.localhost/",
                ErrorKind::Charm,
                "name of this computer",
            ),
        ] {
            let error = ask(url, &hosts).expect_err(url);
            assert_eq!(error.kind, kind, "{url}: {}", error.message);
            assert!(error.message.contains(part), "{url}: {}", error.message);
        }
        assert!(
            ask(
                &format!("https://api.example.com/{}", "x".repeat(MAX_URL)),
                &hosts
            )
            .is_err()
        );
    }

    #[test]
    fn the_keepers_own_host_needs_no_listing_and_never_leaves() {
        for url in [
            "https://charmkeeper.invalid/x",
            "https://CHARMKEEPER.invalid./x",
        ] {
            assert!(matches!(ask(url, &[]), Ok(Destination::Keeper(_))), "{url}");
        }
        for url in [
            "http://charmkeeper.invalid/x",
            "https://charmkeeper.invalid:1/x",
        ] {
            assert!(ask(url, &[]).is_err(), "{url}");
        }
    }

    #[test]
    fn loopback_is_reached_by_mapping_and_in_no_other_way() {
        let base = Url::parse("http://127.0.0.1:4321").unwrap();
        let map = HostMap::new(&Endpoints::below(&base).unwrap());
        let policy = policy(&["gmail.googleapis.com", "127.0.0.1:4321", "127.0.0.1"]);
        match permit("https://gmail.googleapis.com/gmail/v1/x", &policy, &map) {
            Ok(Destination::Net(t)) => {
                assert_eq!(t.wire.as_str(), "http://127.0.0.1:4321/gmail/v1/x");
                assert!(t.mapped && t.takes_token);
            }
            other => panic!("{other:?}"),
        }
        for direct in ["http://127.0.0.1:4321/x", "https://127.0.0.1:4321/x"] {
            assert!(permit(direct, &policy, &map).is_err(), "{direct}");
        }
    }
}
