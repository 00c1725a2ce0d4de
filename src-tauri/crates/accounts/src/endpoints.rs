//! Where Google's protocols are spoken: one table of addresses.
//!
//! Owns: Google's own addresses, their twins below another base, and the rules
//! for using such a base at all. Never opens a connection.

use std::net::IpAddr;

use charmkeeper_base::{ErrorKind, Explain};
use url::{Host, Url};

/// The environment variable that names another base than Google's.
pub const BASE_URL_VARIABLE: &str = "CHARMKEEPER_GOOGLE_BASE_URL";

/// Google's issuer identifier, from its OpenID discovery document
/// (`https://accounts.google.com/.well-known/openid-configuration`).
const GOOGLE_ISSUER: &str = "https://accounts.google.com";

/// The addresses that the rest of the crate talks to. None ends in a slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    /// The page on which a person consents.
    pub authorize: Url,
    /// Exchanges codes and refresh tokens.
    pub token: Url,
    /// Ends a grant.
    pub revoke: Url,
    /// Says who signed in (OpenID Connect).
    pub userinfo: Url,
    /// Root of the Gmail API, version included.
    pub gmail: Url,
    /// Gmail's batch endpoint.
    pub gmail_batch: Url,
    /// Root of the Calendar API, version included.
    pub calendar: Url,
    /// Values of `iss` (RFC 9207) that an authorization answer may carry.
    pub issuers: Vec<String>,
    /// The base that stands in for Google; `None` for Google itself.
    pub base: Option<Url>,
}

/// Why a base URL cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL at all, or one without a host.
    #[error("“{0}” is not a base URL for Google's services.")]
    NotAUrl(String),
    /// Has a query, a fragment, a user name or a password.
    #[error("The base URL for Google's services must be scheme, host and path only.")]
    Decorated,
    /// Plain http to another machine.
    #[error("Plain http is used on this computer only; “{0}” needs https.")]
    Insecure(String),
    /// An override in a release build without the flag.
    #[error("This build talks to Google only; {BASE_URL_VARIABLE} is set to another address.")]
    NotAllowed,
}

impl Explain for EndpointError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAUrl(_) | Self::Decorated => {
                format!("Set {BASE_URL_VARIABLE} to something like http://127.0.0.1:8080.")
            }
            Self::Insecure(_) => "Use https, or a server on 127.0.0.1.".to_owned(),
            Self::NotAllowed => format!(
                "Unset {BASE_URL_VARIABLE}, or add --allow-insecure-endpoints if you mean it."
            ),
        })
    }
}

impl Endpoints {
    /// Google's own addresses.
    ///
    /// Sources: Google's OpenID discovery document and the `rootUrl` and
    /// `batchPath` of the discovery documents of gmail v1 and calendar v3.
    #[must_use]
    pub fn google() -> Self {
        Self {
            authorize: literal("https://accounts.google.com/o/oauth2/v2/auth"),
            token: literal("https://oauth2.googleapis.com/token"),
            revoke: literal("https://oauth2.googleapis.com/revoke"),
            userinfo: literal("https://openidconnect.googleapis.com/v1/userinfo"),
            gmail: literal("https://gmail.googleapis.com/gmail/v1"),
            gmail_batch: literal("https://gmail.googleapis.com/batch/gmail/v1"),
            calendar: literal("https://www.googleapis.com/calendar/v3"),
            issuers: vec![GOOGLE_ISSUER.to_owned()],
            base: None,
        }
    }

    /// The same paths below `base`, as in `http://127.0.0.1:8080/token`.
    ///
    /// A stand-in may name either itself or Google as the issuer: there is one
    /// authorization server in the table, so nothing can be mixed up.
    ///
    /// # Errors
    /// [`EndpointError`] when `base` is not http on this computer or https, or
    /// carries more than scheme, host, port and path.
    pub fn below(base: &Url) -> Result<Self, EndpointError> {
        check_base(base)?;
        let root = base.as_str().trim_end_matches('/').to_owned();
        let at = |path: &str| {
            Url::parse(&format!("{root}{path}"))
                .map_err(|_| EndpointError::NotAUrl(base.as_str().to_owned()))
        };
        Ok(Self {
            authorize: at("/o/oauth2/v2/auth")?,
            token: at("/token")?,
            revoke: at("/revoke")?,
            userinfo: at("/v1/userinfo")?,
            gmail: at("/gmail/v1")?,
            gmail_batch: at("/batch/gmail/v1")?,
            calendar: at("/calendar/v3")?,
            issuers: vec![root, GOOGLE_ISSUER.to_owned()],
            base: Some(base.clone()),
        })
    }

    /// The table for the value of [`BASE_URL_VARIABLE`]: Google's own when it
    /// is absent or empty, otherwise the twin below it, if that is
    /// [`allowed`](Self::allowed).
    ///
    /// # Errors
    /// As [`below`](Self::below), and [`EndpointError::NotAllowed`].
    pub fn choose(
        base: Option<&str>,
        release: bool,
        allow_insecure: bool,
    ) -> Result<Self, EndpointError> {
        let Some(text) = base.map(str::trim).filter(|t| !t.is_empty()) else {
            return Ok(Self::google());
        };
        let base = Url::parse(text).map_err(|_| EndpointError::NotAUrl(text.to_owned()))?;
        let table = Self::below(&base)?;
        table.allowed(release, allow_insecure)?;
        Ok(table)
    }

    /// Refuses a table other than Google's in a release build, unless the
    /// person asked for it with `--allow-insecure-endpoints`.
    ///
    /// # Errors
    /// [`EndpointError::NotAllowed`].
    pub fn allowed(&self, release: bool, allow_insecure: bool) -> Result<(), EndpointError> {
        if self.base.is_some() && release && !allow_insecure {
            return Err(EndpointError::NotAllowed);
        }
        Ok(())
    }

    /// True when `iss` of an authorization answer names this table's server.
    #[must_use]
    pub fn is_issuer(&self, iss: &str) -> bool {
        let bare = iss.trim_end_matches('/');
        self.issuers.iter().any(|known| known == bare)
    }
}

/// True for hosts that stay on this computer, which a proxy must never see.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

fn check_base(base: &Url) -> Result<(), EndpointError> {
    if base.host().is_none() || !matches!(base.scheme(), "http" | "https") {
        return Err(EndpointError::NotAUrl(base.as_str().to_owned()));
    }
    let decorated = base.query().is_some()
        || base.fragment().is_some()
        || !base.username().is_empty()
        || base.password().is_some();
    if decorated {
        return Err(EndpointError::Decorated);
    }
    if base.scheme() == "http" && !is_loopback(base) {
        return Err(EndpointError::Insecure(base.as_str().to_owned()));
    }
    Ok(())
}

#[allow(clippy::expect_used)] // Only ever called with the literals above, each of which is parsed by a test.
fn literal(url: &'static str) -> Url {
    Url::parse(url).expect("the literal is a URL: the test of Endpoints::google parses each")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn google_is_always_allowed_and_speaks_https() {
        let g = Endpoints::google();
        assert_eq!(g.allowed(true, false), Ok(()));
        let all = [
            &g.authorize,
            &g.token,
            &g.revoke,
            &g.userinfo,
            &g.gmail,
            &g.gmail_batch,
            &g.calendar,
        ];
        assert!(all.iter().all(|u| u.scheme() == "https"));
        assert!(g.is_issuer("https://accounts.google.com"));
        assert!(!g.is_issuer("https://accounts.google.com.example.org"));
    }

    #[test]
    fn a_base_keeps_googles_paths_with_or_without_a_path_of_its_own() {
        for base in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/"] {
            let e = Endpoints::below(&url(base)).unwrap();
            assert_eq!(
                e.authorize.as_str(),
                "http://127.0.0.1:8080/o/oauth2/v2/auth"
            );
            assert_eq!(e.token.as_str(), "http://127.0.0.1:8080/token");
            assert_eq!(e.revoke.as_str(), "http://127.0.0.1:8080/revoke");
            assert_eq!(e.userinfo.as_str(), "http://127.0.0.1:8080/v1/userinfo");
            assert_eq!(e.gmail.as_str(), "http://127.0.0.1:8080/gmail/v1");
            assert_eq!(
                e.gmail_batch.as_str(),
                "http://127.0.0.1:8080/batch/gmail/v1"
            );
            assert_eq!(e.calendar.as_str(), "http://127.0.0.1:8080/calendar/v3");
            assert!(e.is_issuer("http://127.0.0.1:8080/"));
        }
        let e = Endpoints::below(&url("https://stand-in.example/google/")).unwrap();
        assert_eq!(e.token.as_str(), "https://stand-in.example/google/token");
    }

    #[test]
    fn an_override_is_refused_in_release_builds_without_the_flag() {
        let base = Some("http://127.0.0.1:1");
        assert_eq!(
            Endpoints::choose(base, true, false),
            Err(EndpointError::NotAllowed)
        );
        assert!(Endpoints::choose(base, true, true).is_ok());
        assert!(Endpoints::choose(base, false, false).is_ok());
        assert_eq!(
            Endpoints::choose(None, true, false),
            Ok(Endpoints::google())
        );
        assert_eq!(
            Endpoints::choose(Some("  "), true, false),
            Ok(Endpoints::google())
        );
    }

    #[test]
    fn http_is_for_this_computer_only() {
        for good in [
            "http://127.9.9.9:1",
            "http://[::1]:1",
            "http://localhost:1",
            "https://x.org",
        ] {
            assert!(Endpoints::below(&url(good)).is_ok(), "{good}");
        }
        for bad in [
            "http://x.org",
            "http://10.0.0.1",
            "http://localhost.x.org",
            "http://[::2]",
        ] {
            let error = Endpoints::below(&url(bad)).unwrap_err();
            assert!(
                matches!(error, EndpointError::Insecure(_)),
                "{bad}: {error:?}"
            );
        }
    }

    #[test]
    fn nonsense_is_refused_with_a_sentence() {
        for bad in ["nonsense", "file:///etc/passwd", "data:,x"] {
            let error = Endpoints::choose(Some(bad), false, false).unwrap_err();
            assert!(
                matches!(error, EndpointError::NotAUrl(_)),
                "{bad}: {error:?}"
            );
        }
        for bad in ["https://a:b@x.org", "https://x.org/?q", "https://x.org/#f"] {
            assert_eq!(
                Endpoints::below(&url(bad)),
                Err(EndpointError::Decorated),
                "{bad}"
            );
        }
    }
}
