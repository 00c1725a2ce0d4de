//! What a person can grant: the provider descriptor for Google.
//!
//! Owns: the services, their scopes, and the parameters that Google's consent
//! page wants from a desktop program. Never talks to anyone.

use std::collections::BTreeSet;

use charmkeeper_base::{ErrorKind, Explain};
use serde::{Deserialize, Serialize};

/// Scopes that say who signed in. They are asked for every time, because an
/// account without an address cannot be told from another.
pub const IDENTITY_SCOPES: [&str; 3] = ["openid", "email", "profile"];

/// Parameters of the consent page beyond OAuth's own (Google, "OAuth 2.0 for
/// Mobile & Desktop Apps"): `offline` asks for a refresh token; `consent` makes
/// sure that one comes, since Google sends it on the first consent only.
pub const AUTHORIZE_PARAMETERS: [(&str, &str); 3] = [
    ("access_type", "offline"),
    ("prompt", "consent"),
    ("include_granted_scopes", "true"),
];

/// A part of Google that charms read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// Mail, read only.
    Gmail,
    /// Calendars and events, read only.
    Calendar,
}

/// A service name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a service that can be connected.")]
pub struct UnknownService(pub String);

impl Explain for UnknownService {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("Choose from gmail and calendar, separated by a comma.".to_owned())
    }
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 2] = [Self::Gmail, Self::Calendar];

    /// The word on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gmail => "gmail",
            Self::Calendar => "calendar",
        }
    }

    /// The name for people.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Gmail => "Gmail",
            Self::Calendar => "Google Calendar",
        }
    }

    /// The scope that is asked for. Charms compare these full URLs.
    #[must_use]
    pub fn scope(self) -> &'static str {
        match self {
            Self::Gmail => "https://www.googleapis.com/auth/gmail.readonly",
            Self::Calendar => "https://www.googleapis.com/auth/calendar.readonly",
        }
    }

    /// Scopes that allow everything [`scope`](Self::scope) does, itself first
    /// (the `scopes` lists of the methods in Google's discovery documents).
    fn sufficient(self) -> &'static [&'static str] {
        match self {
            Self::Gmail => &[
                "https://www.googleapis.com/auth/gmail.readonly",
                "https://www.googleapis.com/auth/gmail.modify",
                "https://mail.google.com/",
            ],
            Self::Calendar => &[
                "https://www.googleapis.com/auth/calendar.readonly",
                "https://www.googleapis.com/auth/calendar",
            ],
        }
    }

    /// True when `granted` allows this service to be used.
    pub fn is_granted_by<S: AsRef<str>>(self, granted: &[S]) -> bool {
        granted
            .iter()
            .any(|g| self.sufficient().contains(&g.as_ref()))
    }

    /// The services of a comma-separated list; repeats and blanks are ignored.
    ///
    /// # Errors
    /// [`UnknownService`] for the first word that is not a service, or for a
    /// list without any.
    pub fn parse_list(list: &str) -> Result<Vec<Self>, UnknownService> {
        let mut found = BTreeSet::new();
        for word in list.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let service = Self::ALL
                .into_iter()
                .find(|s| s.as_str().eq_ignore_ascii_case(word));
            found.insert(service.ok_or_else(|| UnknownService(word.to_owned()))?);
        }
        if found.is_empty() {
            return Err(UnknownService(list.to_owned()));
        }
        Ok(found.into_iter().collect())
    }

    /// The services that `granted` allows.
    pub fn granted_by<S: AsRef<str>>(granted: &[S]) -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|s| s.is_granted_by(granted))
            .collect()
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.title())
    }
}

/// The scopes to ask for: who signed in, then one per service.
#[must_use]
pub fn scopes_for(services: &[Service]) -> Vec<String> {
    let identity = IDENTITY_SCOPES.into_iter();
    identity
        .chain(services.iter().map(|s| s.scope()))
        .map(str::to_owned)
        .collect()
}

/// “Gmail”, “Gmail and Google Calendar”: services in a sentence.
#[must_use]
pub fn in_words(services: &[Service]) -> String {
    let names: Vec<_> = services.iter().map(|s| s.title()).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_parsed_and_bad_words_named() {
        let both = vec![Service::Gmail, Service::Calendar];
        assert_eq!(Service::parse_list("gmail,calendar"), Ok(both.clone()));
        assert_eq!(Service::parse_list(" Calendar , gmail,gmail,"), Ok(both));
        assert_eq!(Service::parse_list("calendar"), Ok(vec![Service::Calendar]));
        assert_eq!(
            Service::parse_list("gmail,drive"),
            Err(UnknownService("drive".into()))
        );
        assert!(Service::parse_list(" , ").is_err());
    }

    #[test]
    fn a_broader_scope_counts_and_a_narrower_or_similar_one_does_not() {
        assert!(Service::Gmail.is_granted_by(&["https://mail.google.com/"]));
        assert!(Service::Calendar.is_granted_by(&["https://www.googleapis.com/auth/calendar"]));
        let narrow = [
            "https://www.googleapis.com/auth/gmail.metadata",
            "https://www.googleapis.com/auth/calendar.events.readonly",
            "gmail.readonly",
        ];
        assert_eq!(Service::granted_by(&narrow), vec![]);
    }

    #[test]
    fn scopes_are_full_urls_after_the_identity() {
        let scopes = scopes_for(&[Service::Calendar]);
        let calendar = "https://www.googleapis.com/auth/calendar.readonly";
        assert_eq!(scopes, ["openid", "email", "profile", calendar]);
        assert_eq!(in_words(&Service::ALL), "Gmail and Google Calendar");
        assert_eq!(in_words(&[]), "nothing");
    }
}
