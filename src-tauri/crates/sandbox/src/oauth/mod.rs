//! Sign-in: consent page, codes, tokens, revocation, userinfo.
//!
//! Owns the rules of Google's OAuth endpoints for a desktop client
//! (reference: google.md §2a). Its tokens are worth nothing, so they need not
//! be hard to guess, and they are the same for the same seed.

pub(crate) mod authorize;
pub(crate) mod bearer;
pub(crate) mod consent;
pub(crate) mod grants;
pub(crate) mod id_token;
pub(crate) mod page;
pub(crate) mod scopes;
pub(crate) mod token;
pub(crate) mod userinfo;
