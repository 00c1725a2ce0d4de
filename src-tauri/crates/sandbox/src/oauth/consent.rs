//! The answer to the consent page.

use http::{StatusCode, header};

use super::authorize::{Mistake, redirect, refuse};
use super::grants::ScopeSet;
use crate::message::{Reply, Request};
use crate::shared::Shared;
use crate::world::Profile;

/// `POST /o/oauth2/v2/auth/consent`: a code for the ticked scopes, or
/// `access_denied`.
pub(crate) fn decide(shared: &Shared, request: &Request) -> Reply {
    // Another site must not be able to consent in the person's name.
    if request
        .header(header::ORIGIN)
        .is_some_and(|o| !shared.is_own_origin(o))
    {
        return Reply::text(
            StatusCode::FORBIDDEN,
            "This form can only be sent from its own page.\n",
        );
    }
    let form = request.form();
    let now = shared.clock.now();
    let mut inner = shared.lock();
    let issuer = inner.behaviour.issuer.clone();
    let issuer = issuer.as_deref();
    let Some(asked) = inner
        .grants
        .close_page(form.get("request").unwrap_or_default(), now)
    else {
        return refuse(&Mistake {
            code: 400,
            word: "invalid_request",
            text: "This page has expired or was answered already. Start again in the program \
                   that opened it."
                .to_owned(),
        });
    };
    if form.get("action") != Some("continue") {
        return redirect(asked.answer(issuer, &[("error", "access_denied")]));
    }
    let Some(profile) = form.given("account").and_then(Profile::find) else {
        return refuse(&Mistake {
            code: 400,
            word: "invalid_request",
            text: "No account was chosen. Start again in the program that opened this page."
                .to_owned(),
        });
    };
    let ticked: ScopeSet = asked
        .scopes
        .iter()
        .filter(|s| s.sign_in || form.all("scope").any(|t| t == s.name))
        .map(|s| s.name)
        .collect();
    if ticked.is_empty() {
        // Nothing granted at all is a refusal.
        return redirect(asked.answer(issuer, &[("error", "access_denied")]));
    }
    let code = inner
        .grants
        .approve(asked.clone(), profile.email, &ticked, now);
    let mut granted = ticked;
    if asked.include_granted {
        granted.extend(
            inner
                .grants
                .consent(profile.email, &asked.client_id)
                .into_iter()
                .flatten(),
        );
    }
    let scope = granted.into_iter().collect::<Vec<_>>().join(" ");
    redirect(asked.answer(
        issuer,
        &[
            ("code", &code),
            ("scope", &scope),
            ("authuser", "0"),
            ("prompt", "consent"),
        ],
    ))
}
