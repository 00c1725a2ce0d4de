//! The seam between the broker and whoever holds the tokens.
//!
//! Owns: the trait that hands out access tokens, and its errors. Never stores a
//! token and never talks to the network or to the keychain itself.

use std::time::Duration;

use async_trait::async_trait;
use charmkeeper_base::{ErrorKind, Explain, Secret, UnixMs};

/// Gives out access tokens. Implementations refresh ahead of expiry and make
/// sure that concurrent callers share one refresh.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token that should be usable now.
    ///
    /// `stale` is the generation of a token that a server answered with 401: when
    /// it is still the current one, exactly one refresh follows, however many
    /// callers ask; when a newer one is known already, that one is returned.
    ///
    /// # Errors
    /// See [`TokenError`]. Nothing is erased by a failure.
    async fn access_token(
        &self,
        account: &str,
        stale: Option<u64>,
    ) -> Result<AccessToken, TokenError>;

    /// What the refresh endpoint tells a charm: no secret is in it.
    ///
    /// With `refresh` the token is renewed first when it is near its end;
    /// one that still has minutes to live may be described as it is.
    ///
    /// # Errors
    /// See [`TokenError`].
    async fn describe(&self, account: &str, refresh: bool) -> Result<TokenInfo, TokenError>;
}

/// An access token and its place in the sequence of this account's tokens.
#[derive(Clone, Debug)]
pub struct AccessToken {
    /// The token itself.
    pub secret: Secret<String>,
    /// Grows by at least one with each refresh of this account.
    pub generation: u64,
}

/// An account's token in words that are safe to show to JavaScript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenInfo {
    /// The scopes that were granted, as full URLs.
    pub scopes: Vec<String>,
    /// Time left; zero when the token has expired.
    pub expires_in: Duration,
    /// The moment of expiry on the wall clock.
    pub expires_at: UnixMs,
    /// Whose account it is.
    pub user: TokenUser,
}

/// The person behind an account; fields the provider did not give are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenUser {
    /// Mail address.
    pub email: String,
    /// Display name.
    pub name: String,
    /// URL of a picture.
    pub picture: String,
}

/// Why there is no token. Cheap to clone, so that callers who share one refresh
/// also share its failure. The texts never hold a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The token endpoint cannot be reached.
    #[error("The sign-in server cannot be reached: {detail}.")]
    Offline {
        /// What failed, without a final full stop.
        detail: String,
    },
    /// The token endpoint answered with a failure of its own (5xx, nonsense).
    #[error("The sign-in server failed: {detail}.")]
    Provider {
        /// What it said, without a final full stop.
        detail: String,
    },
    /// The token endpoint asked us to slow down.
    #[error("The sign-in server asks to wait until {}.", retry_at.to_rfc3339())]
    Quota {
        /// No try before this moment.
        retry_at: UnixMs,
    },
    /// The grant is dead (`invalid_grant`): only a new sign-in helps.
    #[error("The account {account} must sign in again: {reason}.")]
    SignIn {
        /// The account as the person knows it.
        account: String,
        /// Why, without a final full stop.
        reason: String,
    },
    /// The keychain is locked or absent.
    #[error("The keychain cannot be read: {reason}.")]
    Keychain {
        /// Why, without a final full stop.
        reason: String,
    },
    /// The client id is missing, or the provider refuses it (`invalid_client`).
    #[error("The Google client id was refused: {reason}.")]
    Client {
        /// Why, without a final full stop.
        reason: String,
    },
    /// There is no such account.
    #[error("There is no account {account}.")]
    UnknownAccount {
        /// The id that was asked for.
        account: String,
    },
}

impl Explain for TokenError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Offline { .. } => ErrorKind::Offline,
            Self::Provider { .. } => ErrorKind::Provider,
            Self::Quota { .. } => ErrorKind::Quota,
            Self::SignIn { .. } => ErrorKind::SignIn,
            Self::Keychain { .. } => ErrorKind::Keychain,
            Self::Client { .. } | Self::UnknownAccount { .. } => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::SignIn { .. } => Some("Reconnect the account.".to_owned()),
            Self::Keychain { .. } => Some("Unlock your keychain.".to_owned()),
            Self::Client { .. } => Some("Check the client id in the settings.".to_owned()),
            Self::UnknownAccount { .. } => Some("Connect the account first.".to_owned()),
            Self::Offline { .. } | Self::Provider { .. } | Self::Quota { .. } => None,
        }
    }
}
