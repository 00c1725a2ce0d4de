//! The scopes that the sandbox knows, and what the consent page says of them.

const PREFIX: &str = "https://www.googleapis.com/auth/";

/// What a scope is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    /// As clients ask for it and as it is granted.
    pub(crate) name: &'static str,
    /// The line at its box on the consent page.
    pub(crate) text: &'static str,
    /// Part of signing in: never has a checkbox.
    pub(crate) sign_in: bool,
}

const fn scope(name: &'static str, text: &'static str) -> Scope {
    Scope {
        name,
        text,
        sign_in: false,
    }
}

/// The page says what signing in shows in one line of its own.
const fn sign_in(name: &'static str) -> Scope {
    Scope {
        name,
        text: "",
        sign_in: true,
    }
}

pub(crate) const OPENID: &str = "openid";
pub(crate) const EMAIL: &str = "https://www.googleapis.com/auth/userinfo.email";
pub(crate) const PROFILE: &str = "https://www.googleapis.com/auth/userinfo.profile";
pub(crate) const MAIL_ALL: &str = "https://mail.google.com/";
pub(crate) const GMAIL_READONLY: &str = "https://www.googleapis.com/auth/gmail.readonly";
pub(crate) const GMAIL_MODIFY: &str = "https://www.googleapis.com/auth/gmail.modify";
pub(crate) const GMAIL_METADATA: &str = "https://www.googleapis.com/auth/gmail.metadata";
pub(crate) const GMAIL_LABELS: &str = "https://www.googleapis.com/auth/gmail.labels";
pub(crate) const CALENDAR: &str = "https://www.googleapis.com/auth/calendar";
pub(crate) const CALENDAR_READONLY: &str = "https://www.googleapis.com/auth/calendar.readonly";
pub(crate) const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";
pub(crate) const EVENTS_READONLY: &str = "https://www.googleapis.com/auth/calendar.events.readonly";
pub(crate) const CALENDAR_LIST: &str = "https://www.googleapis.com/auth/calendar.calendarlist";
pub(crate) const CALENDAR_LIST_READONLY: &str =
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly";

const SCOPES: [Scope; 20] = [
    sign_in(OPENID),
    sign_in(EMAIL),
    sign_in(PROFILE),
    scope(GMAIL_READONLY, "Read all your mail and mail settings"),
    scope(
        GMAIL_MODIFY,
        "Read, write and send mail, without deleting it for good",
    ),
    scope(
        GMAIL_METADATA,
        "See labels and headers of mail, but no bodies",
    ),
    scope(GMAIL_LABELS, "See and change mail labels"),
    scope(
        "https://www.googleapis.com/auth/gmail.send",
        "Send mail for you",
    ),
    scope(
        "https://www.googleapis.com/auth/gmail.compose",
        "Write drafts and send mail",
    ),
    scope(
        MAIL_ALL,
        "Read, write, send and permanently delete all your mail",
    ),
    scope(CALENDAR_READONLY, "See all your calendars and their events"),
    scope(CALENDAR, "See, change, share and delete your calendars"),
    scope(EVENTS, "See and change events in all your calendars"),
    scope(EVENTS_READONLY, "See events in all your calendars"),
    scope(CALENDAR_LIST, "See and change your list of calendars"),
    scope(CALENDAR_LIST_READONLY, "See your list of calendars"),
    scope(
        "https://www.googleapis.com/auth/drive",
        "See, change and delete all your files",
    ),
    scope(
        "https://www.googleapis.com/auth/drive.readonly",
        "See all your files",
    ),
    scope(
        "https://www.googleapis.com/auth/documents",
        "See and change all your documents",
    ),
    scope(
        "https://www.googleapis.com/auth/contacts.readonly",
        "See your contacts",
    ),
];

/// The scope that a client means by a word; `email` and `profile` are short
/// forms. None for a scope that the sandbox does not know.
pub(crate) fn find(word: &str) -> Option<&'static Scope> {
    let full = match word {
        "email" => EMAIL,
        "profile" => PROFILE,
        other => other,
    };
    SCOPES.iter().find(|s| s.name == full)
}

/// The scopes of a space-separated list, each once, sign-in ones first. Asking
/// for the address or the name brings `openid` with it, as Google grants it.
///
/// # Errors
/// The first word that is not a known scope.
pub(crate) fn parse(list: &str) -> Result<Vec<&'static Scope>, String> {
    let asked: Vec<_> = list
        .split_whitespace()
        .map(|w| find(w).ok_or_else(|| w.to_owned()))
        .collect::<Result<_, _>>()?;
    let openid = asked.iter().any(|s| s.sign_in);
    let wanted = |s: &&Scope| asked.contains(s) || (openid && s.name == OPENID);
    Ok(SCOPES.iter().filter(wanted).collect())
}

/// The short form of a scope for ids in the page.
pub(crate) fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_forms_become_full_and_openid_joins_them() {
        let names =
            |list| -> Vec<_> { parse(list).expect("known").iter().map(|s| s.name).collect() };
        assert_eq!(names("email email"), [OPENID, EMAIL]);
        assert_eq!(names(GMAIL_READONLY), [GMAIL_READONLY]);
        assert_eq!(parse("email nonsense"), Err("nonsense".to_owned()));
    }
}
