//! Which OAuth client Charmkeeper presents itself as.
//!
//! Owns: where the client id comes from (the person's own, the environment, or
//! the build), and the reading of the file that Google's console offers for
//! download. Never keeps anything on disk: the keeper stores a person's own id
//! in its settings, and the secret goes to the vault.

use charmkeeper_base::{ErrorKind, Explain, Secret};
use serde::Deserialize;

use crate::vault::{Vault, VaultError};

/// The variable that holds the client id, when building and when running.
pub const ID_VARIABLE: &str = "CHARMKEEPER_GOOGLE_CLIENT_ID";
/// The variable that holds the client secret.
pub const SECRET_VARIABLE: &str = "CHARMKEEPER_GOOGLE_CLIENT_SECRET";

/// The vault item that holds the secret of a person's own client.
const VAULT_ITEM: &str = "google-client-secret";

const WHAT_TO_CREATE: &str = "In Google Cloud console, under APIs & Services → Credentials, create \
    an OAuth client ID of the type “Desktop app”, download its JSON file and use that.";

/// An OAuth client of the type “Desktop app”.
///
/// Google wants its secret at the token endpoint even with PKCE, but does not
/// treat it as confidential for this type of client.
#[derive(Clone, Debug)]
pub struct ClientId {
    /// Public; appears in the consent page's address.
    pub client_id: String,
    /// Sent at the token endpoint when known.
    pub client_secret: Option<Secret<String>>,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a client id came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Put in when this program was built.
    BuiltIn,
    /// Read from the environment at run time.
    Environment,
    /// Given by the person: pasted, or imported from a download.
    Own,
}

/// Why there is no usable client id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// Nobody gave one.
    #[error("No Google client id is set up.")]
    Missing,
    /// The text is not a client id.
    #[error("That is not a Google client id.")]
    NotAnId,
    /// The file is not what Google's console offers for download.
    #[error("That file is not a client_secret_*.json from Google Cloud console.")]
    NotADownload,
    /// A client of the type “Web application”.
    #[error(
        "That file describes a client of the type “Web application”, which cannot sign in to a \
         desktop program."
    )]
    WebClient,
    /// A key of another sort: a service account, or user credentials.
    #[error("That file describes a {0}, not an OAuth client.")]
    OtherCredential(&'static str),
}

impl Explain for ClientError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Missing => format!(
                "{WHAT_TO_CREATE} (--client FILE, or {ID_VARIABLE} and {SECRET_VARIABLE} in the \
                 environment.)"
            ),
            Self::NotAnId => {
                "A client id looks like 1234-abcd.apps.googleusercontent.com.".to_owned()
            }
            _ => WHAT_TO_CREATE.to_owned(),
        })
    }
}

#[derive(Deserialize)]
struct Download {
    installed: Option<Installed>,
    web: Option<serde::de::IgnoredAny>,
    #[serde(rename = "type")]
    credential: Option<String>,
}

#[derive(Deserialize)]
struct Installed {
    client_id: String,
    client_secret: Option<String>,
}

impl ClientId {
    /// A client id that a person typed or pasted, with its secret if they did.
    ///
    /// # Errors
    /// [`ClientError::NotAnId`] when it is empty or has blanks or control
    /// characters in it. Other servers than Google use other forms of id, so
    /// the form is not checked further.
    pub fn pasted(client_id: &str, client_secret: Option<&str>) -> Result<Self, ClientError> {
        Self::checked(client_id, client_secret, Origin::Own)
    }

    /// Reads the content of a downloaded `client_secret_*.json`.
    ///
    /// # Errors
    /// [`ClientError`] that says what the file is instead and what to create.
    pub fn from_download(json: &str) -> Result<Self, ClientError> {
        let file: Download = serde_json::from_str(json).map_err(|_| ClientError::NotADownload)?;
        match file {
            Download {
                installed: Some(client),
                ..
            } => {
                let secret = client.client_secret.map(Secret::new);
                let secret = secret.as_ref().map(|s| s.expose().as_str());
                Self::checked(&client.client_id, secret, Origin::Own)
            }
            Download { web: Some(_), .. } => Err(ClientError::WebClient),
            Download {
                credential: Some(kind),
                ..
            } => Err(match kind.as_str() {
                "service_account" => ClientError::OtherCredential("service account"),
                "authorized_user" => ClientError::OtherCredential("signed-in user"),
                _ => ClientError::NotADownload,
            }),
            _ => Err(ClientError::NotADownload),
        }
    }

    /// The client of the environment, where `read` looks up a variable, or
    /// else of the build. `None` when neither has one.
    ///
    /// # Errors
    /// [`ClientError::NotAnId`] when a variable is set to something else.
    pub fn from_env(read: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, ClientError> {
        let known = |text: Option<String>| text.filter(|t| !t.trim().is_empty());
        if let Some(id) = known(read(ID_VARIABLE)) {
            let secret = known(read(SECRET_VARIABLE)).map(Secret::new);
            let secret = secret.as_ref().map(|s| s.expose().as_str());
            return Self::checked(&id, secret, Origin::Environment).map(Some);
        }
        Self::built_in(
            option_env!("CHARMKEEPER_GOOGLE_CLIENT_ID"),
            option_env!("CHARMKEEPER_GOOGLE_CLIENT_SECRET"),
        )
    }

    /// The client to use: the person's own, then the environment's, then the
    /// build's.
    ///
    /// # Errors
    /// [`ClientError::Missing`] when there is none; as [`from_env`](Self::from_env).
    pub fn resolve(
        own: Option<Self>,
        read: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ClientError> {
        match own {
            Some(client) => Ok(client),
            None => Self::from_env(read)?.ok_or(ClientError::Missing),
        }
    }

    /// Keeps the secret in the vault, beside the account items. A client
    /// without a secret removes what an earlier one left there.
    ///
    /// # Errors
    /// [`VaultError`] when the vault cannot be used.
    pub fn keep_secret(&self, vault: &dyn Vault) -> Result<(), VaultError> {
        match &self.client_secret {
            Some(secret) => vault.set(
                VAULT_ITEM,
                &Secret::new(secret.expose().as_bytes().to_vec()),
            ),
            None => vault.delete(VAULT_ITEM),
        }
    }

    /// Removes the secret of a person's own client from the vault.
    ///
    /// # Errors
    /// [`VaultError`] when the vault cannot be used.
    pub fn forget_secret(vault: &dyn Vault) -> Result<(), VaultError> {
        vault.delete(VAULT_ITEM)
    }

    /// The person's own client, from the id in the keeper's settings and the
    /// secret in the vault.
    ///
    /// # Errors
    /// [`VaultError`] when the vault cannot be read.
    pub fn kept(client_id: String, vault: &dyn Vault) -> Result<Self, VaultError> {
        let client_secret = match vault.get(VAULT_ITEM)? {
            None => None,
            Some(bytes) => Some(Secret::new(
                String::from_utf8(bytes.expose().clone()).map_err(|_| VaultError::Damaged)?,
            )),
        };
        Ok(Self {
            client_id,
            client_secret,
            origin: Origin::Own,
        })
    }

    fn built_in(id: Option<&str>, secret: Option<&str>) -> Result<Option<Self>, ClientError> {
        match id.filter(|id| !id.trim().is_empty()) {
            Some(id) => Self::checked(id, secret, Origin::BuiltIn).map(Some),
            None => Ok(None),
        }
    }

    fn checked(id: &str, secret: Option<&str>, origin: Origin) -> Result<Self, ClientError> {
        let id = id.trim();
        if id.is_empty() || id.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ClientError::NotAnId);
        }
        let secret = secret.map(str::trim).filter(|s| !s.is_empty());
        Ok(Self {
            client_id: id.to_owned(),
            client_secret: secret.map(|s| Secret::new(s.to_owned())),
            origin,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::MemoryVault;

    fn secret(client: &ClientId) -> Option<&str> {
        client.client_secret.as_ref().map(|s| s.expose().as_str())
    }

    #[test]
    fn a_desktop_download_is_accepted() {
        let json = r#"{"installed":{"client_id":"1-a.apps.googleusercontent.com",
            "project_id":"p","auth_uri":"https://accounts.google.com/o/oauth2/auth",
            "client_secret":"GOCSPX-x","redirect_uris":["http://localhost"]}}"#;
        let client = ClientId::from_download(json).unwrap();
        assert_eq!(client.client_id, "1-a.apps.googleusercontent.com");
        assert_eq!(secret(&client), Some("GOCSPX-x"));
        assert_eq!(client.origin, Origin::Own);
        assert!(!format!("{client:?}").contains("GOCSPX"));
    }

    #[test]
    fn other_files_are_refused_with_what_to_create() {
        let cases = [
            (
                r#"{"web":{"client_id":"x","client_secret":"GOCSPX-x"}}"#,
                ClientError::WebClient,
            ),
            (
                r#"{"type":"service_account","private_key":"GOCSPX-x"}"#,
                ClientError::OtherCredential("service account"),
            ),
            (r#"{"hello":"GOCSPX-x"}"#, ClientError::NotADownload),
            ("not json GOCSPX-x", ClientError::NotADownload),
        ];
        for (json, expected) in cases {
            let error = ClientId::from_download(json).unwrap_err();
            assert_eq!(error, expected);
            assert!(error.hint().unwrap().contains("Desktop app"), "{error:?}");
            assert!(!format!("{error:?} {error}").contains("GOCSPX"));
        }
        let blank = r#"{"installed":{"client_id":"  "}}"#;
        assert_eq!(
            ClientId::from_download(blank).unwrap_err(),
            ClientError::NotAnId
        );
    }

    #[test]
    fn a_pasted_id_is_trimmed_and_nonsense_refused() {
        let client = ClientId::pasted(" my-client \n", Some(" ")).unwrap();
        assert_eq!(
            (client.client_id.as_str(), secret(&client)),
            ("my-client", None)
        );
        for bad in ["", "two words", "a\u{0}b"] {
            assert_eq!(
                ClientId::pasted(bad, None).unwrap_err(),
                ClientError::NotAnId,
                "{bad:?}"
            );
        }
    }

    #[test]
    fn the_persons_own_client_comes_before_the_environment() {
        let env = |name: &str| match name {
            ID_VARIABLE => Some("from-env".to_owned()),
            SECRET_VARIABLE => Some("env-secret".to_owned()),
            _ => None,
        };
        let own = ClientId::pasted("own", None).unwrap();
        assert_eq!(ClientId::resolve(Some(own), env).unwrap().client_id, "own");
        let client = ClientId::resolve(None, env).unwrap();
        assert_eq!(
            (client.client_id.as_str(), secret(&client)),
            ("from-env", Some("env-secret"))
        );
        assert_eq!(client.origin, Origin::Environment);
    }

    #[test]
    fn the_builds_client_is_the_last_resort() {
        let client = ClientId::built_in(Some("built"), Some("s"))
            .unwrap()
            .unwrap();
        assert_eq!(
            (client.origin, secret(&client)),
            (Origin::BuiltIn, Some("s"))
        );
        assert!(ClientId::built_in(None, None).unwrap().is_none());
        assert!(ClientId::built_in(Some(" "), None).unwrap().is_none());
    }

    #[test]
    fn the_secret_of_an_own_client_is_kept_in_the_vault() {
        let vault = MemoryVault::default();
        ClientId::pasted("id", Some("sesame"))
            .unwrap()
            .keep_secret(&vault)
            .unwrap();
        let kept = ClientId::kept("id".to_owned(), &vault).unwrap();
        assert_eq!(secret(&kept), Some("sesame"));
        ClientId::pasted("id", None)
            .unwrap()
            .keep_secret(&vault)
            .unwrap();
        assert_eq!(
            secret(&ClientId::kept("id".to_owned(), &vault).unwrap()),
            None
        );
    }
}
