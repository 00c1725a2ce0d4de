//! Google accounts: signing in, keeping the sign-in, and letting charms use it.
//!
//! Owns: the endpoint table, OAuth with its loopback receiver, the vault that
//! holds refresh tokens, access tokens in memory, and the broker that puts a
//! token on the wire in the place of a charm's placeholder.
//!
//! Never writes a token anywhere but to the vault and the provider; never
//! persists account rows (the keeper does); never knows what a charm is beyond
//! the policy it is handed.

mod account;
mod accounts;
pub mod broker;
pub mod client;
pub mod endpoints;
pub mod keychain;
pub mod loopback;
pub mod oauth;
mod opener;
pub mod provider;
pub mod vault;

pub use account::{Account, AccountEvent, AccountState, SignInReason};
pub use accounts::{
    Accounts, AccountsConfig, ConnectError, ConnectRequest, Connected, DisconnectError,
    Disconnected, Progress, Revocations,
};
pub use client::{ClientError, ClientId};
pub use endpoints::{EndpointError, Endpoints};
pub use keychain::KeychainVault;
pub use opener::{Opened, Opener, PrintOnly, SystemBrowser};
pub use provider::{Service, UnknownService};
pub use vault::{MemoryVault, Vault, VaultError, VaultStatus};
