//! Where a space server is.
//!
//! Owns which addresses are allowed. Never connects.

use charmkeeper_base::{ErrorKind, Explain};
use url::{Host, Url};

/// The path of the memory protocol on a server.
const PATH: &str = "/api/storage/memory";

/// Why text is not the address of a space server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL with a host.
    #[error("{text:?} is not the address of a space server")]
    NotAUrl {
        /// As given.
        text: String,
    },
    /// Another scheme.
    #[error("a space server's address starts with https://, not {scheme}://")]
    Scheme {
        /// As given.
        scheme: String,
    },
    /// Not encrypted, and not on this computer.
    #[error("the space server {host} must be reached by https, as it is on another computer")]
    Plain {
        /// As given.
        host: String,
    },
    /// A name and password in the address.
    #[error("the address of a space server holds no name and no password")]
    Credentials,
}

impl Explain for AddressError {
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }

    fn hint(&self) -> Option<String> {
        Some("Give the address that you open in the browser, such as https://example.org.".into())
    }
}

/// The address of a server, fit to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ServerAddress {
    socket: Url,
    host: String,
    port: u16,
    tls: bool,
}

impl ServerAddress {
    /// Reads what a person gives: `https://host`, `wss://host`, or without
    /// encryption on this computer. A path is not part of it.
    ///
    /// # Errors
    /// When it is no such URL, or a plain one to another computer.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let not_a_url = || AddressError::NotAUrl {
            text: text.to_owned(),
        };
        let given = Url::parse(text.trim()).map_err(|_| not_a_url())?;
        let tls = match given.scheme() {
            "https" | "wss" => true,
            "http" | "ws" => false,
            scheme => {
                return Err(AddressError::Scheme {
                    scheme: scheme.to_owned(),
                });
            }
        };
        if !given.username().is_empty() || given.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let host = given.host().ok_or_else(not_a_url)?.to_owned();
        if !tls && !is_loopback(&host) {
            return Err(AddressError::Plain {
                host: host.to_string(),
            });
        }
        let port = given.port_or_known_default().ok_or_else(not_a_url)?;
        let scheme = if tls { "wss" } else { "ws" };
        let socket = Url::parse(&format!("{scheme}://{host}:{port}{PATH}"));
        Ok(Self {
            socket: socket.map_err(|_| not_a_url())?,
            host: match &host {
                Host::Domain(name) => name.clone(),
                Host::Ipv4(address) => address.to_string(),
                Host::Ipv6(address) => address.to_string(),
            },
            port,
            tls,
        })
    }

    /// The URL of the WebSocket.
    #[must_use]
    pub fn socket_url(&self) -> &Url {
        &self.socket
    }

    /// The address without the path, as in `https://example.org`; the same for
    /// every way of writing it.
    #[must_use]
    pub fn origin(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        let mut origin = self.socket.clone();
        origin.set_path("");
        let rest = origin
            .as_str()
            .split_once("://")
            .map_or("", |(_, rest)| rest);
        format!("{scheme}://{}", rest.trim_end_matches('/'))
    }

    /// Host name, or an IP address without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// TCP port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// True when the connection is encrypted.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.origin())
    }
}

fn is_loopback(host: &Host<impl AsRef<str>>) -> bool {
    match host {
        // Browsers and systems keep this name for the computer itself (RFC 6761).
        Host::Domain(name) => name.as_ref() == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_all_forms_name_one_socket() {
        for (text, socket, origin) in [
            (
                "https://Example.org",
                "wss://example.org/api/storage/memory",
                "https://example.org",
            ),
            (
                "wss://example.org:443/x?y#z",
                "wss://example.org/api/storage/memory",
                "https://example.org",
            ),
            (
                " https://example.org:8443/ ",
                "wss://example.org:8443/api/storage/memory",
                "https://example.org:8443",
            ),
            (
                "http://localhost:8000",
                "ws://localhost:8000/api/storage/memory",
                "http://localhost:8000",
            ),
            (
                "ws://127.0.0.1",
                "ws://127.0.0.1/api/storage/memory",
                "http://127.0.0.1",
            ),
            (
                "http://[::1]:5000",
                "ws://[::1]:5000/api/storage/memory",
                "http://[::1]:5000",
            ),
        ] {
            let address = ServerAddress::parse(text).unwrap();
            assert_eq!(address.socket_url().as_str(), socket);
            assert_eq!(address.to_string(), origin);
            assert_eq!(address.is_tls(), socket.starts_with("wss"));
        }
        let six = ServerAddress::parse("http://[::1]:5000").unwrap();
        assert_eq!((six.host(), six.port()), ("::1", 5000));
    }

    #[test]
    fn plain_addresses_of_other_computers_and_odd_ones_are_refused() {
        for host in [
            "example.org",
            "192.168.1.5",
            "localhost.example.org",
            "0.0.0.0",
            "[2001:db8::1]",
        ] {
            let error = ServerAddress::parse(&format!("http://{host}")).unwrap_err();
            assert_eq!(error, AddressError::Plain { host: host.into() });
        }
        assert_eq!(
            ServerAddress::parse("ftp://localhost").unwrap_err(),
            AddressError::Scheme {
                scheme: "ftp".into()
            }
        );
        assert_eq!(
            ServerAddress::parse("https://a:b@c").unwrap_err(),
            AddressError::Credentials
        );
        for text in ["", "example.org", "https://", "did:key:z6Mk"] {
            assert!(ServerAddress::parse(text).is_err(), "{text}");
        }
    }
}
