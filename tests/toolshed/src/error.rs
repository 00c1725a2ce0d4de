//! Why the server itself cannot go on. What it tells a client is a `WireError`.

use charmkeeper_base::{ErrorKind, Explain};

/// Why the server cannot start or keep its data.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The folder or the port cannot be used.
    #[error("the space server cannot use its folder or port: {0}")]
    Io(#[from] std::io::Error),
    /// The database cannot be read or written.
    #[error("the space server's database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// A stored row is not what was written.
    #[error("the space server's database holds a damaged row")]
    Damaged,
    /// A test's own write was refused.
    #[error("the space server refused the write: {name}: {message}")]
    Refused {
        /// The name on the wire.
        name: String,
        /// The text on the wire.
        message: String,
    },
}

impl Explain for ServerError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Io(_) | Self::Database(_) | Self::Damaged => ErrorKind::Local,
            Self::Refused { .. } => ErrorKind::Space,
        }
    }
}
