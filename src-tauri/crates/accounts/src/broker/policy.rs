//! What one charm may do on the network.
//!
//! Owns: the policy record, its caps, and the meaning of a host pattern. Never
//! looks at a request's headers or body, never resolves a name.

use std::time::Duration;

use url::{Host, Url};

/// The permissions of one charm, put together by the keeper for a run.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Id of the charm.
    pub charm: String,
    /// Hosts that may be reached: `api.example.com`, `*.example.com` (any
    /// number of labels below it, not itself), each with an optional `:port`.
    /// Without a port, 443 is meant. Other patterns match nothing.
    pub hosts: Vec<String>,
    /// Ids of the accounts whose placeholders are swapped for tokens.
    pub accounts: Vec<String>,
    /// Limits.
    pub caps: Caps,
}

/// Limits of one run. The defaults are generous for an importer and small
/// enough that a runaway charm is stopped.
#[derive(Clone, Debug)]
pub struct Caps {
    /// Requests in one run; those that are refused count as well.
    pub max_requests: u32,
    /// Requests of one run on the wire or waiting for quota at the same time;
    /// the others wait in order.
    pub max_concurrent: usize,
    /// Bytes of one request's body.
    pub max_request_body: usize,
    /// Bytes of all request bodies of one run that are held at the same time.
    pub max_pending: usize,
    /// Bytes of one response's body, decoded. The answer must fit into one
    /// frame of 16 MiB to the worker together with its head.
    pub max_response_body: usize,
    /// Time on the network for one request, redirects included and waiting for
    /// quota excluded.
    pub timeout: Duration,
}

impl Default for Caps {
    fn default() -> Self {
        Self {
            max_requests: 2_000,
            max_concurrent: 8,
            max_request_body: 10 << 20,
            max_pending: 32 << 20,
            max_response_body: (16 << 20) - (128 << 10),
            timeout: Duration::from_secs(60),
        }
    }
}

impl Policy {
    /// True when the host and port of `url` are on the charm's list.
    #[must_use]
    pub fn allows_host(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return false;
        };
        self.hosts
            .iter()
            .filter_map(|p| HostPattern::parse(p))
            .any(|p| p.matches(&host, port))
    }

    /// True when the charm may act for `account`.
    #[must_use]
    pub fn allows_account(&self, account: &str) -> bool {
        self.accounts.iter().any(|a| a == account)
    }
}

/// One entry of the host list.
#[derive(Debug, PartialEq, Eq)]
struct HostPattern {
    host: Host<String>,
    below: bool,
    port: u16,
}

impl HostPattern {
    /// `None` for anything that is not `host[:port]` or `*.host[:port]`; a
    /// wildcard needs at least two labels after it.
    fn parse(text: &str) -> Option<Self> {
        let (below, rest) = match text.trim().strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text.trim()),
        };
        // Let the URL parser split host and port: it knows IDN and `[v6]:port`.
        if rest.contains(['/', '\\', '@', '?', '#', '*', '%']) {
            return None;
        }
        let url = Url::parse(&format!("https://{rest}/")).ok()?;
        let host = match url.host()? {
            Host::Domain(name) => Host::Domain(name.trim_end_matches('.').to_owned()),
            Host::Ipv4(ip) => Host::Ipv4(ip),
            Host::Ipv6(ip) => Host::Ipv6(ip),
        };
        if below && !matches!(&host, Host::Domain(name) if name.contains('.')) {
            return None;
        }
        Some(Self {
            host,
            below,
            port: url.port().unwrap_or(443),
        })
    }

    fn matches(&self, host: &Host<&str>, port: u16) -> bool {
        if port != self.port {
            return false;
        }
        match (&self.host, host) {
            (Host::Domain(listed), Host::Domain(asked)) if self.below => asked
                .strip_suffix(listed.as_str())
                .is_some_and(|h| h.len() > 1 && h.ends_with('.')),
            (Host::Domain(listed), Host::Domain(asked)) => listed == asked,
            (Host::Ipv4(listed), Host::Ipv4(asked)) => listed == asked,
            (Host::Ipv6(listed), Host::Ipv6(asked)) => listed == asked,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(hosts: &[&str], url: &str) -> bool {
        let policy = Policy {
            charm: "c".into(),
            hosts: hosts.iter().map(|&h| h.to_owned()).collect(),
            accounts: vec![],
            caps: Caps::default(),
        };
        policy.allows_host(&Url::parse(url).unwrap())
    }

    #[test]
    fn a_host_matches_itself_in_any_spelling() {
        for (pattern, url) in [
            ("api.example.com", "https://api.example.com/x"),
            ("API.Example.com", "https://api.EXAMPLE.com"),
            ("bücher.example", "https://xn--bcher-kva.example/"),
            ("xn--bcher-kva.example", "https://BÜCHER.example/"),
            ("api.example.com.", "https://api.example.com/"),
            ("api.example.com:8443", "https://api.example.com:8443/"),
            ("8.8.8.8", "https://134744072/"),
            (
                "[2001:4860:4860::8888]",
                "https://[2001:4860:4860:0:0:0:0:8888]/",
            ),
            ("*.example.com", "https://a.example.com"),
            ("*.example.com", "https://a.b.example.com"),
            ("*.example.com:444", "https://a.example.com:444"),
        ] {
            assert!(allows(&[pattern], url), "{pattern} should allow {url}");
        }
    }

    #[test]
    fn near_misses_do_not_match() {
        for (pattern, url) in [
            ("example.com", "https://a.example.com"),
            ("example.com", "https://example.com.evil.org"),
            ("example.com", "https://notexample.com"),
            ("example.com", "https://example.com:8443/"),
            ("example.com:8443", "https://example.com/"),
            ("example.com", "https://evil.org/example.com"),
            ("*.example.com", "https://example.com"),
            ("*.example.com", "https://.example.com"),
            ("*.example.com", "https://badexample.com"),
            ("*.com", "https://example.com"),
            ("*", "https://example.com"),
            ("*.*", "https://example.com"),
            ("*.8.8.8", "https://8.8.8.8"),
            ("", "https://example.com"),
            ("https://example.com", "https://example.com"),
            ("evil.org/@example.com", "https://example.com"),
            ("user@example.com", "https://example.com"),
        ] {
            let parsed = Url::parse(url);
            if parsed.is_ok() {
                assert!(!allows(&[pattern], url), "{pattern} should not allow {url}");
            }
        }
    }
}
