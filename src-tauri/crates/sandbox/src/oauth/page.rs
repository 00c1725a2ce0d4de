//! The pages a person sees in the browser: consent, and mistakes.
//!
//! No scripts, nothing from elsewhere, everything escaped. Every page says
//! first that it is not Google.

use super::authorize::Mistake;
use super::scopes::{EMAIL, OPENID, PROFILE, Scope, short};
use crate::world::snippet::escape;
use crate::world::{PROFILES, Profile};

const STYLE: &str = include_str!("page.css");

/// Colours of the discs, each readable under white.
pub(crate) const COLORS: [&str; 4] = ["#0b6b4f", "#2f55a4", "#8a3b6e", "#8a4b12"];

/// What the consent page shows.
pub(crate) struct Consent<'a> {
    /// Names the request that the answer belongs to.
    pub(crate) id: &'a str,
    /// The account that is ticked.
    pub(crate) chosen: Option<&'static Profile>,
    /// A `login_hint` that names none of the accounts.
    pub(crate) unknown_hint: Option<&'a str>,
    pub(crate) scopes: &'a [&'static Scope],
}

impl Consent<'_> {
    pub(crate) fn html(&self) -> String {
        let hint = self.unknown_hint.map_or_else(String::new, |hint| {
            format!(
                "<p class=\"bad\">The program asked for {}, which the sandbox does not have. \
                 Choose another account.</p>",
                escape(hint)
            )
        });
        let accounts: String = PROFILES
            .iter()
            .zip(0..)
            .map(|(p, n)| self.account(p, n))
            .collect();
        let body = format!(
            "<h1>Sign in with a sample account</h1>\
             <p class=\"lead\">Charmkeeper would like to read this account's made-up data.</p>{hint}\
             <form method=\"post\" action=\"/o/oauth2/v2/auth/consent\">\
             <input type=\"hidden\" name=\"request\" value=\"{id}\">\
             <fieldset><legend>Account</legend><div class=\"list\">{accounts}</div></fieldset>\
             <fieldset><legend>What Charmkeeper may do</legend><div class=\"list\">{scopes}</div></fieldset>\
             <div class=\"buttons\">\
             <button class=\"first\" name=\"action\" value=\"continue\">Continue</button>\
             <button name=\"action\" value=\"cancel\" formnovalidate>Cancel</button></div></form>\
             <p class=\"foot\">Untick a permission to see how the program copes without it.</p>",
            id = escape(self.id),
            scopes = self.scope_rows(),
        );
        frame("Sign in – Charmkeeper sandbox", &body)
    }

    fn account(&self, profile: &Profile, n: usize) -> String {
        let checked = if self.chosen == Some(profile) {
            " checked"
        } else {
            ""
        };
        format!(
            "<label class=\"row\"><input type=\"radio\" name=\"account\" value=\"{email}\" required{checked}>\
             <span class=\"disc\" style=\"background:{color}\" aria-hidden=\"true\">{initial}</span>\
             <span class=\"text\"><span dir=\"auto\" lang=\"{lang}\">{name}</span>\
             <span class=\"second\">{email}</span></span></label>",
            email = escape(profile.email),
            name = escape(profile.name),
            lang = escape(profile.locale),
            color = COLORS[n % COLORS.len()],
            initial = initial(profile),
        )
    }

    fn scope_rows(&self) -> String {
        let mut out = String::new();
        if let Some(text) = sign_in_text(self.scopes) {
            out += &format!(
                "<div class=\"row still\">{TICK}<span class=\"text\">{text}\
                 <span class=\"second\">Always part of signing in</span></span></div>"
            );
        }
        for scope in self.scopes.iter().filter(|s| !s.sign_in) {
            out += &format!(
                "<label class=\"row\"><input type=\"checkbox\" name=\"scope\" value=\"{}\" checked>\
                 <span class=\"text\"><span>{}</span><span class=\"second\"><code>{}</code></span></span></label>",
                escape(scope.name),
                escape(scope.text),
                escape(short(scope.name)),
            );
        }
        out
    }
}

/// What signing in itself shows of the person; none when it is not asked for.
fn sign_in_text(scopes: &[&Scope]) -> Option<&'static str> {
    let has = |name| scopes.iter().any(|s| s.name == name);
    match (has(EMAIL), has(PROFILE)) {
        (true, true) => Some("See your name, picture and email address"),
        (true, false) => Some("See your email address"),
        (false, true) => Some("See your name and picture"),
        (false, false) => has(OPENID).then_some("Know who you are"),
    }
}

/// The first letter of a name, for the disc.
pub(crate) fn initial(profile: &Profile) -> String {
    let first = profile.name.chars().next().unwrap_or('?');
    escape(&first.to_uppercase().collect::<String>())
}

/// What the root address shows.
pub(crate) fn root() -> String {
    let body = "<h1>Charmkeeper sandbox</h1><p class=\"lead\">Sign-in, Gmail and Calendar answer \
                below this address as Google's do. A program sends you here to sign in; there is \
                nothing to do on this page.</p><p class=\"foot\">What it holds: <a \
                href=\"/sandbox/state?bodies=false\">/sandbox/state</a></p>";
    frame("Charmkeeper sandbox", body)
}

/// The page of a mistake, with Google's words for it.
pub(crate) fn error(mistake: &Mistake) -> String {
    let body = format!(
        "<h1>Access blocked: authorization error</h1>\
         <p class=\"bad\">Error {code}: {word}</p><p class=\"lead\">{text}</p>\
         <p class=\"foot\">This is what Google would refuse as well, or what the sandbox is \
         stricter about. You can close this page.</p>",
        code = mistake.code,
        word = mistake.word,
        text = escape(&mistake.text),
    );
    frame("Error – Charmkeeper sandbox", &body)
}

const TICK: &str = "<svg viewBox=\"0 0 20 20\" aria-hidden=\"true\"><path d=\"M4 10.5l4 4 8-9\" \
                    fill=\"none\" stroke=\"currentColor\" stroke-width=\"2\" stroke-linecap=\"round\" \
                    stroke-linejoin=\"round\"/></svg>";

const FLASK: &str = "<svg width=\"22\" height=\"22\" viewBox=\"0 0 22 22\" aria-hidden=\"true\"><path \
                     d=\"M8 2.5h6M9 2.5v6L3.6 17a1.7 1.7 0 0 0 1.5 2.5h11.8a1.7 1.7 0 0 0 1.5-2.5L13 \
                     8.5v-6M6.4 13.5h9.2\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.7\" \
                     stroke-linecap=\"round\" stroke-linejoin=\"round\"/></svg>";

fn frame(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{title}</title><style>{STYLE}</style></head><body><main>\
         <p class=\"flag\">{FLASK}<span><strong>Sandbox, not Google.</strong> This page is on your \
         own computer; nothing here reaches Google.</span></p>\
         <div class=\"inside\">{body}</div></main></body></html>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::scopes;

    fn consent(hint: Option<&str>) -> String {
        let scopes = scopes::parse(&format!(
            "email {} {}",
            scopes::GMAIL_READONLY,
            scopes::CALENDAR_READONLY
        ))
        .expect("known");
        let page = Consent {
            id: "x\"><script>",
            chosen: PROFILES.get(2),
            unknown_hint: hint,
            scopes: &scopes,
        };
        page.html()
    }

    #[test]
    fn the_page_has_a_box_for_each_service_and_none_for_signing_in() {
        let html = consent(None);
        assert_eq!(html.matches("<input type=\"checkbox\"").count(), 2);
        assert_eq!(
            html.matches("<input type=\"radio\"").count(),
            PROFILES.len()
        );
        assert_eq!(html.matches("required checked>").count(), 1);
        assert!(!html.contains("<script"), "{html}");
        assert!(html.contains("Sandbox, not Google."));
    }

    #[test]
    fn what_the_program_sent_is_text() {
        let html = consent(Some("<img src=x onerror=alert(1)>"));
        assert!(
            html.contains("&lt;img src=x onerror=alert(1)&gt;"),
            "{html}"
        );
    }
}
