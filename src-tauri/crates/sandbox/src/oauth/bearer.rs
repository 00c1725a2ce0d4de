//! Who is calling: the access token and its scopes, really checked.

use std::collections::BTreeSet;

use crate::google_error::ApiError;
use crate::message::Request;
use crate::shared::Shared;

/// The caller behind an access token.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) email: &'static str,
    pub(crate) scopes: BTreeSet<&'static str>,
}

impl Caller {
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.contains(scope)
    }

    /// At least one of the scopes, or 403.
    pub(crate) fn needs(&self, any: &[&str], service: &str) -> Result<(), ApiError> {
        if any.iter().any(|s| self.has(s)) {
            return Ok(());
        }
        Err(ApiError::new(
            403,
            "insufficientPermissions",
            "Request had insufficient authentication scopes.",
        )
        .inner("Insufficient Permission")
        .detail("ACCESS_TOKEN_SCOPE_INSUFFICIENT", service))
    }
}

/// The caller, or 401.
pub(crate) fn caller(shared: &Shared, request: &Request) -> Result<Caller, ApiError> {
    let Some(token) = request.bearer() else {
        return Err(ApiError::new(
            401,
            "required",
            "Request is missing required authentication credential. Expected OAuth 2 access \
             token, login cookie or other valid authentication credential.",
        )
        .inner("Login Required.")
        .at("header", "Authorization"));
    };
    let now = shared.clock.now();
    match shared.lock().grants.access(&token, now) {
        Some(access) => Ok(Caller {
            email: access.email,
            scopes: access.scopes.clone(),
        }),
        None => Err(ApiError::new(
            401,
            "authError",
            "Request had invalid authentication credentials. Expected OAuth 2 access token, \
             login cookie or other valid authentication credential.",
        )
        .inner("Invalid Credentials")
        .at("header", "Authorization")),
    }
}
