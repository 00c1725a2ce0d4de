//! Names to addresses, checked at the moment of connecting.
//!
//! Owns: the resolver that the HTTP client of unmapped hosts uses. A connection
//! is made only to addresses that passed the check, so that a name cannot
//! change its meaning between check and use (DNS rebinding).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address;

/// Looks a name up. A trait, so that a test can play the part of DNS.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The addresses of `host`.
    ///
    /// # Errors
    /// Whatever the system says, as when the name does not exist.
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>>;
}

/// The system's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0))
            .await?
            .map(|a| a.ip())
            .collect())
    }
}

/// A name that leads to an address a charm may not reach.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{host} leads to {what}")]
pub(crate) struct ForbiddenAddress {
    pub host: String,
    pub what: &'static str,
}

/// Lets only names through all of whose addresses are public.
pub(crate) struct CheckedResolver(pub Arc<dyn Lookup>);

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = Arc::clone(&self.0);
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = lookup.lookup(&host).await?;
            // One special address among public ones is as good as an attack.
            if let Some(what) = found.iter().find_map(|ip| address::forbidden(*ip)) {
                return Err(ForbiddenAddress { host, what }.into());
            }
            // Port 0 means the port of the URL.
            let addrs: Addrs = Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0)));
            Ok(addrs)
        })
    }
}
