//! What can go wrong between us and a space server.
//!
//! Owns the sentences a person reads. Never decides on a retry.

use charmkeeper_base::{ErrorKind, Explain};

use crate::codec::CodecError;
use crate::messages::{RevokedReason, ShapeError, WireError, error_name};

/// Why something with a space server did not work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceError {
    /// No connection: name, network, encryption.
    #[error("the space server cannot be reached: {detail}")]
    Unreachable {
        /// What the system said.
        detail: String,
    },
    /// The answer to the upgrade was another than a WebSocket.
    #[error("the server answered with status {status} where its spaces should be")]
    Status {
        /// HTTP status.
        status: u16,
    },
    /// The connection ended. What was asked for may have been done or not.
    #[error("the connection to the space server was lost: {detail}")]
    Lost {
        /// How.
        detail: String,
    },
    /// Not connected, or the session is not open yet.
    #[error("the space is not connected at the moment")]
    NotOpen,
    /// The connection was closed by us.
    #[error("the connection to the space server was closed")]
    Closed,
    /// The server sent something that cannot be read.
    #[error("{0}")]
    Damaged(#[from] ShapeError),
    /// Text that cannot be read, or a value that cannot be sent.
    #[error("{0}")]
    Codec(#[from] CodecError),
    /// A flag of the server with which this program cannot work.
    #[error(
        "this space server works with {flag:?}, which this version of Charmkeeper does not know yet"
    )]
    Incompatible {
        /// The flag's name.
        flag: String,
    },
    /// The server speaks another protocol.
    #[error("this space server does not understand this version of Charmkeeper: {message}")]
    Protocol {
        /// The server's words.
        message: String,
    },
    /// The server said no, and will say it again.
    #[error("{}", refused(.0))]
    Refused(WireError),
    /// The session is over.
    #[error("{}", revoked(*.0))]
    Revoked(RevokedReason),
}

fn revoked(reason: RevokedReason) -> &'static str {
    match reason {
        RevokedReason::TakenOver => "another program took over this connection to the space",
        RevokedReason::Unauthorized => "your key may no longer read this space",
        RevokedReason::Other => "the space server ended this connection to the space",
    }
}

fn refused(error: &WireError) -> String {
    match Refusal::of(error) {
        Refusal::NoRead => "your key may not read this space".to_owned(),
        Refusal::NoWrite => "your key may read this space but not write to it".to_owned(),
        Refusal::NoAccessList => {
            "this space is new: it has no access list, so nothing can be written yet".to_owned()
        }
        Refusal::Other => format!("the space server refused: {}", error.message),
    }
}

/// What lies behind a refusal, as far as the server's words tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The access list does not let this key read.
    NoRead,
    /// The access list does not let this key write.
    NoWrite,
    /// A fresh space: its owner must write an access list first.
    NoAccessList,
    /// Something else.
    Other,
}

impl Refusal {
    /// Reads the server's words; they are all that tells these cases apart.
    #[must_use]
    pub fn of(error: &WireError) -> Self {
        if error.name != error_name::AUTHORIZATION {
            Self::Other
        } else if error.message.contains(" lacks READ on space ") {
            Self::NoRead
        } else if error.message.contains(" lacks WRITE on space ") {
            Self::NoWrite
        } else if error.message.contains(" requires an ACL genesis commit") {
            Self::NoAccessList
        } else {
            Self::Other
        }
    }
}

impl SpaceError {
    /// True when the connection or session is over for good: trying again changes
    /// nothing.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Incompatible { .. } | Self::Protocol { .. } | Self::Refused(_) | Self::Revoked(_)
        )
    }
}

impl Explain for SpaceError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::NotOpen | Self::Closed => {
                ErrorKind::Offline
            }
            Self::Status { status } if *status >= 500 => ErrorKind::Provider,
            Self::Damaged(_) => ErrorKind::Provider,
            Self::Codec(error) => error.kind(),
            Self::Status { .. }
            | Self::Incompatible { .. }
            | Self::Protocol { .. }
            | Self::Refused(_)
            | Self::Revoked(_) => ErrorKind::Space,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Status { status } if *status < 500 => "Check the address of the space server.",
            Self::Incompatible { .. } | Self::Protocol { .. } => "Look for a newer Charmkeeper.",
            Self::Refused(error) => match Refusal::of(error) {
                Refusal::NoRead | Refusal::NoWrite => {
                    "Ask the owner of the space to add your key, or connect with another key."
                }
                Refusal::NoAccessList => "Set up the space as its owner first.",
                Refusal::Other => return None,
            },
            Self::Revoked(RevokedReason::TakenOver) => {
                "Close the other program, then connect the space again."
            }
            Self::Revoked(RevokedReason::Unauthorized) => {
                "Ask the owner of the space to add your key again."
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
