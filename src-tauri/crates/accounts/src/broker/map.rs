//! From the Google addresses in a charm to where they are answered.
//!
//! Owns: the list of Google hosts, which of them may see a token, and the
//! rewriting to a development base and back. Never decides whether a charm may
//! make a request.

use url::Url;

use crate::Endpoints;

/// Hosts of Google's APIs that read a bearer token: Gmail, Calendar (and the
/// other APIs that share its host) and OpenID Connect's userinfo.
const TOKEN_HOSTS: [&str; 3] = [
    "gmail.googleapis.com",
    "www.googleapis.com",
    "openidconnect.googleapis.com",
];

/// Hosts that a development base stands in for although no charm's token may go
/// there: what a charm says to them must not reach Google by accident.
const OTHER_HOSTS: [&str; 2] = ["oauth2.googleapis.com", "accounts.google.com"];

/// The host that the keeper answers itself; the `.invalid` zone is never in
/// DNS (RFC 2606).
pub const KEEPER_HOST: &str = "charmkeeper.invalid";

/// Maps hosts between a charm's terms and the wire's.
#[derive(Clone, Debug)]
pub(crate) struct HostMap {
    /// Without a trailing slash in its path; `None` means Google itself.
    base: Option<Url>,
}

impl HostMap {
    pub(crate) fn new(endpoints: &Endpoints) -> Self {
        Self {
            base: endpoints.base.clone(),
        }
    }

    /// True when a token may be sent to `public`: an API host, https, port 443.
    pub(crate) fn takes_token(&self, public: &Url) -> bool {
        public.scheme() == "https"
            && public.port().is_none()
            && public.host_str().is_some_and(|h| TOKEN_HOSTS.contains(&h))
    }

    /// Where `public` is answered in development; `None` when it is not mapped.
    pub(crate) fn to_wire(&self, public: &Url) -> Option<Url> {
        let host = public.host_str()?;
        let known = TOKEN_HOSTS.contains(&host) || OTHER_HOSTS.contains(&host);
        if !known || public.port().is_some() {
            return None;
        }
        let mut wire = self.base.clone()?;
        let path = format!("{}{}", wire.path().trim_end_matches('/'), public.path());
        wire.set_path(&path);
        wire.set_query(public.query());
        Some(wire)
    }

    /// The URL that `location` means in an answer from `wire`, in the charm's
    /// terms, where the request was for `public`. `None` when it is no URL.
    pub(crate) fn follow(&self, location: &str, public: &Url, wire: &Url) -> Option<Url> {
        let Some(base) = self
            .base
            .as_ref()
            .filter(|_| wire.origin() != public.origin())
        else {
            return public.join(location).ok();
        };
        let next = wire.join(location).ok()?;
        let prefix = base.path().trim_end_matches('/');
        let inside = next
            .path()
            .strip_prefix(prefix)
            .filter(|rest| rest.starts_with('/'));
        match inside {
            // Several Google hosts share one base; the answer stays on the host
            // that was asked.
            Some(rest) if next.origin() == base.origin() => {
                let mut url = public.clone();
                url.set_path(rest);
                url.set_query(next.query());
                url.set_fragment(next.fragment());
                Some(url)
            }
            _ => Some(next),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn below(base: &str) -> HostMap {
        HostMap::new(&Endpoints::below(&url(base)).unwrap())
    }

    #[test]
    fn google_itself_is_not_mapped() {
        let map = HostMap::new(&Endpoints::google());
        let public = url("https://gmail.googleapis.com/gmail/v1/users/me/profile");
        assert_eq!(map.to_wire(&public), None);
        assert!(map.takes_token(&public));
        let next = map.follow("/x?y", &public, &public);
        assert_eq!(next.unwrap().as_str(), "https://gmail.googleapis.com/x?y");
    }

    #[test]
    fn a_base_answers_for_googles_hosts_and_no_other() {
        let map = below("http://127.0.0.1:9/g/");
        let public = url("https://www.googleapis.com/calendar/v3/x?a=b");
        let wire = map.to_wire(&public).unwrap();
        assert_eq!(wire.as_str(), "http://127.0.0.1:9/g/calendar/v3/x?a=b");
        for other in [
            "https://example.com/x",
            "https://gmail.googleapis.com:8443/x",
            "https://gmail.googleapis.com.evil.org/x",
        ] {
            assert_eq!(map.to_wire(&url(other)), None, "{other}");
            assert!(!map.takes_token(&url(other)), "{other}");
        }
        assert!(
            map.to_wire(&url("https://oauth2.googleapis.com/token"))
                .is_some()
        );
        assert!(!map.takes_token(&url("https://oauth2.googleapis.com/token")));
    }

    #[test]
    fn redirects_come_back_in_the_charms_terms() {
        let map = below("http://127.0.0.1:9/g");
        let public = url("https://gmail.googleapis.com/a/b");
        let wire = map.to_wire(&public).unwrap();
        let follow = |l: &str| map.follow(l, &public, &wire).unwrap().to_string();
        assert_eq!(follow("c"), "https://gmail.googleapis.com/a/c");
        assert_eq!(follow("/g/c?q=1"), "https://gmail.googleapis.com/c?q=1");
        assert_eq!(
            follow("http://127.0.0.1:9/g/z"),
            "https://gmail.googleapis.com/z"
        );
        // Not below the base, or on another origin: nobody we stand in for.
        assert_eq!(follow("/other"), "http://127.0.0.1:9/other");
        assert_eq!(follow("/gx"), "http://127.0.0.1:9/gx");
        assert_eq!(follow("http://127.0.0.1:10/g/z"), "http://127.0.0.1:10/g/z");
        assert_eq!(follow("https://example.com/"), "https://example.com/");
    }
}
