//! Who signed in: the OpenID form and the older one.

use serde_json::{Map, Value, json};

use super::bearer;
use super::scopes::{EMAIL, OPENID, PROFILE};
use crate::google_error::{ApiError, Style};
use crate::message::{Reply, Request};
use crate::shared::Shared;
use crate::world::{PROFILES, Profile};

/// `/v1/userinfo` (OpenID names) and `/oauth2/v2/userinfo` (older names).
pub(crate) fn userinfo(shared: &Shared, request: &Request, openid: bool) -> Reply {
    let caller = match bearer::caller(shared, request) {
        Ok(caller) => caller,
        Err(error) if openid => {
            return ApiError::new(error.code, "invalid_request", "Invalid Credentials")
                .reply(Style::Oauth);
        }
        Err(error) => return error.reply(Style::Modern),
    };
    if let Err(error) = caller.needs(&[OPENID, EMAIL, PROFILE], "oauth2.googleapis.com") {
        return error.reply(if openid { Style::Oauth } else { Style::Modern });
    }
    let Some(profile) = Profile::find(caller.email) else {
        return ApiError::not_found().reply(Style::Modern);
    };
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        out.insert(name.to_owned(), value);
    };
    put(if openid { "sub" } else { "id" }, profile.sub.into());
    if caller.has(PROFILE) {
        put("name", profile.name.into());
        put("given_name", profile.given_name.into());
        put("family_name", profile.family_name.into());
        put("picture", picture(shared, profile).into());
        put("locale", profile.locale.into());
    }
    if caller.has(EMAIL) {
        put("email", profile.email.into());
        put(
            if openid {
                "email_verified"
            } else {
                "verified_email"
            },
            true.into(),
        );
    }
    Reply::ok(&json!(out))
}

/// Where the account's picture is.
pub(crate) fn picture(shared: &Shared, profile: &Profile) -> String {
    let n = PROFILES.iter().position(|p| p == profile).unwrap_or(0);
    format!(
        "{}/sandbox/picture/{n}.svg",
        shared.base_url.as_str().trim_end_matches('/')
    )
}

/// The picture itself: a disc of the account's colour.
pub(crate) fn picture_svg(n: usize) -> Option<String> {
    let profile = PROFILES.get(n)?;
    let color = super::page::COLORS[n % super::page::COLORS.len()];
    let letter = super::page::initial(profile);
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 96 96\"><rect width=\"96\" \
         height=\"96\" fill=\"{color}\"/><text x=\"48\" y=\"64\" font-size=\"46\" \
         font-family=\"sans-serif\" text-anchor=\"middle\" fill=\"#fff\">{letter}</text></svg>"
    ))
}
