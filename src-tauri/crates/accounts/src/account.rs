//! An account as the rest of the program knows it: a row without secrets.
//!
//! Owns: the row, its states in words, and how an account gets its id. Never
//! holds a token; the keeper persists rows and hands them back.

use charmkeeper_base::UnixMs;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::broker::TokenUser;
use crate::oauth::Identity;
use crate::provider::Service;
use crate::vault::VaultStatus;

/// One signed-in Google identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `google-` and 16 hexadecimal digits; the same person gets the same id
    /// again after any number of reconnects.
    pub id: String,
    /// Mail address.
    pub email: String,
    /// Display name; may be empty.
    pub name: String,
    /// https URL of a picture; may be empty.
    pub picture: String,
    /// What was granted, as full URLs where Google has them.
    pub scopes: Vec<String>,
    /// Whether it can be used now.
    pub state: AccountState,
    /// When the person last signed in.
    pub connected_at: UnixMs,
    /// When the access token in memory ends; nothing when there is none.
    pub expires_at: Option<UnixMs>,
    /// When Google ends the grant itself, where it said so (a time-limited
    /// grant, or a client whose publishing status is “Testing”: seven days).
    #[serde(default)]
    pub grant_ends_at: Option<UnixMs>,
}

/// Whether an account can be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccountState {
    /// It can.
    Ready,
    /// Only a new sign-in helps; nothing is asked of Google until then.
    NeedsSignIn(SignInReason),
    /// Its token is in a keychain that cannot be read now. Passes by itself.
    Keychain(VaultStatus),
}

/// Why an account must sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SignInReason {
    /// Google said `invalid_grant`: revoked, password changed, unused for six
    /// months, or pushed out by newer sign-ins.
    Revoked,
    /// `invalid_grant` about seven days after the sign-in.
    TestingClient,
    /// The time that the person or Google set for this grant is over.
    GrantEnded,
    /// The organisation's session length.
    SessionPolicy,
    /// The keychain has this program's other items, but not this one.
    ItemMissing,
    /// The keychain has nothing of this program any more.
    KeychainEmpty,
    /// The item is not what this program wrote.
    ItemDamaged,
}

impl std::fmt::Display for SignInReason {
    /// Words that follow a colon, without a final full stop.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Revoked => {
                "Google has ended the sign-in (access was removed, the password changed, or it \
                 was not used for months)"
            }
            Self::TestingClient => {
                "the sign-in ended after seven days, as Google does for OAuth clients whose \
                 publishing status is “Testing”; publish the client to keep it"
            }
            Self::GrantEnded => "the time that was set for this sign-in is over",
            Self::SessionPolicy => "the organisation asks for a new sign-in from time to time",
            Self::ItemMissing => "its sign-in was removed from the keychain",
            Self::KeychainEmpty => {
                "the keychain holds no sign-in any more; it may not keep items over a restart, or \
                 this profile comes from another computer"
            }
            Self::ItemDamaged => "its sign-in in the keychain cannot be read",
        })
    }
}

/// A change that the keeper persists and shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountEvent {
    /// Connected for the first time, or again.
    Connected(Account),
    /// Its state, scopes or expiry changed.
    Changed(Account),
    /// Disconnected; holds the id.
    Removed(String),
}

impl Account {
    /// The services that its scopes allow.
    #[must_use]
    pub fn services(&self) -> Vec<Service> {
        Service::granted_by(&self.scopes)
    }

    pub(crate) fn user(&self) -> TokenUser {
        TokenUser {
            email: self.email.clone(),
            name: self.name.clone(),
            picture: self.picture.clone(),
        }
    }

    /// True when `identity` is this account's person. The address counts as
    /// well as the number, because userinfo does not always answer.
    pub(crate) fn is_of(&self, identity: &Identity) -> bool {
        self.id == id_of(identity) || self.email.eq_ignore_ascii_case(&identity.email)
    }
}

/// The id for a person: a short hash of Google's permanent number, or of the
/// address where the number is not known.
pub(crate) fn id_of(identity: &Identity) -> String {
    let subject = match &identity.sub {
        Some(sub) => format!("sub:{sub}"),
        None => format!("email:{}", identity.email.to_ascii_lowercase()),
    };
    let hash = Sha256::digest(subject.as_bytes());
    let digits: String = hash
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("google-{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(sub: Option<&str>, email: &str) -> Identity {
        Identity {
            sub: sub.map(str::to_owned),
            email: email.to_owned(),
            ..Identity::default()
        }
    }

    #[test]
    fn the_id_follows_the_number_and_not_the_address() {
        let id = id_of(&person(Some("1"), "old@example.org"));
        assert_eq!(id, id_of(&person(Some("1"), "new@example.org")));
        assert_ne!(id, id_of(&person(Some("2"), "old@example.org")));
        assert!(id.starts_with("google-") && id.len() == 7 + 16, "{id}");
        assert_eq!(
            id_of(&person(None, "A@x.org")),
            id_of(&person(None, "a@X.org"))
        );
        assert_ne!(id_of(&person(None, "1")), id_of(&person(Some("1"), "")));
    }
}
