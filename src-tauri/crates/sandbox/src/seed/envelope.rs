//! What is around a message: headers and addresses, and messages that a test
//! wrote itself.

use std::collections::BTreeSet;

use charmkeeper_base::UnixMs;
use jiff::fmt::rfc2822;

use super::texts::SENDERS;
use crate::world::mailbox::Message;
use crate::world::mime::Part;
use crate::world::profile::Profile;
use crate::world::truth::NewMail;
use crate::world::{snippet, zone};

/// A message that a test wrote itself.
pub(crate) fn written_by_test(profile: &Profile, id: &str, at: UnixMs, mail: &NewMail) -> Message {
    let boundary = format!("b-{id}");
    let text = mail.text.as_deref();
    let root = match (text, mail.html.as_deref()) {
        (Some(text), Some(html)) => {
            let parts = vec![Part::text("plain", text), Part::text("html", html)];
            Part::multi("alternative", &boundary, parts)
        }
        (None, Some(html)) => Part::text("html", html),
        (text, None) => Part::text("plain", text.unwrap_or_default()),
    };
    let preview = text
        .map(str::to_owned)
        .or_else(|| mail.html.as_deref().map(snippet::strip_html));
    let from = if mail.from.is_empty() {
        address(SENDERS[0])
    } else {
        mail.from.clone()
    };
    let to = address((profile.name, profile.email));
    let labels: BTreeSet<String> = if mail.labels.is_empty() {
        ["INBOX", "UNREAD", "CATEGORY_PERSONAL"]
            .map(str::to_owned)
            .into()
    } else {
        mail.labels.iter().cloned().collect()
    };
    Message {
        id: id.to_owned(),
        thread_id: mail.thread_id.clone().unwrap_or_else(|| id.to_owned()),
        labels,
        at,
        history_id: 0,
        headers: headers(profile, id, at, &from, &to, &mail.subject, SENDERS[0].1),
        root,
        snippet: snippet::of_text(&preview.unwrap_or_default()),
        deleted: false,
    }
}

/// `Name <address>`.
pub(super) fn address((name, email): (&str, &str)) -> String {
    format!("{name} <{email}>")
}

#[allow(clippy::too_many_arguments)]
pub(super) fn headers(
    profile: &Profile,
    id: &str,
    at: UnixMs,
    from: &str,
    to: &str,
    subject: &str,
    return_path: &str,
) -> Vec<(String, String)> {
    let zone = zone::find_or_utc(profile.time_zone);
    let zoned = zone::timestamp(at).to_zoned(zone);
    let date = rfc2822::to_string(&zoned).unwrap_or_default();
    [
        ("Delivered-To", profile.email),
        (
            "Received",
            &format!("by mx.sandbox.example with SMTP id {id}; {date}"),
        ),
        ("Return-Path", &format!("<{return_path}>")),
        ("MIME-Version", "1.0"),
        ("Date", &date),
        ("Message-ID", &format!("<{id}@mail.sandbox.example>")),
        ("Subject", subject),
        ("From", from),
        ("To", to),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
