//! Text that is safe to paste: without names of mailboxes, secrets and queries.
//!
//! Pure, and only ever takes away. It errs on the side of taking too much.

/// What stands for something that was taken away.
const GONE: &str = "[removed]";
/// Runs of letters and digits from this length on are taken for secrets.
const LONG: usize = 28;
/// What tokens begin with.
const TOKENS: [&str; 9] = [
    "ya29.", "1//", "4/", "GOCSPX-", "kc:", "kc-r:", "eyJ", "sk-", "AIza",
];

/// `text` without the local parts of mail addresses, without anything that may
/// be a token, and without the queries and fragments of addresses.
pub(crate) fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut word = String::new();
    let mut after_bearer = false;
    let mut flush = |word: &mut String, out: &mut String| {
        if word.is_empty() {
            return;
        }
        if after_bearer {
            out.push_str(GONE);
        } else {
            out.push_str(&piece(word));
        }
        after_bearer = word.eq_ignore_ascii_case("bearer");
        word.clear();
    };
    for c in text.chars() {
        // Control characters could hide or move what follows.
        let c = if c.is_control() && c != '\n' && c != '\t' {
            '\u{fffd}'
        } else {
            c
        };
        if c.is_whitespace() || "\"'`<>()[]{},;|".contains(c) {
            flush(&mut word, &mut out);
            out.push(c);
        } else {
            word.push(c);
        }
    }
    flush(&mut word, &mut out);
    out
}

/// One word, without what ends words of prose.
fn piece(word: &str) -> String {
    let (address, query) = match word.find(['?', '#']) {
        Some(at) if at + 1 < word.len() => (&word[..at], Some(&word[at..=at])),
        _ => (word, None),
    };
    let mut out = mailbox(address);
    if let Some(mark) = query {
        out.push_str(mark);
        out.push_str(GONE);
    }
    out
}

fn mailbox(word: &str) -> String {
    if let Some((local, domain)) = word.rsplit_once('@')
        && !local.is_empty()
        && domain.contains(|c: char| c.is_alphanumeric())
    {
        return format!("{GONE}@{}", secrets(domain));
    }
    // %40 is an @ in an address.
    if let Some(at) = word.to_ascii_lowercase().rfind("%40") {
        let start = word[..at].rfind('/').map_or(0, |slash| slash + 1);
        if start == at {
            return secrets(word);
        }
        return format!("{}{GONE}{}", secrets(&word[..start]), secrets(&word[at..]));
    }
    secrets(word)
}

/// Each part between slashes, equal signs and the like on its own.
fn secrets(word: &str) -> String {
    if TOKENS
        .iter()
        .any(|t| word.starts_with(t) && word.len() > t.len() + 3)
    {
        return GONE.to_owned();
    }
    let mut out = String::with_capacity(word.len());
    let mut part = String::new();
    for c in word.chars().chain(['\0']) {
        if c != '\0' && (c.is_alphanumeric() || "-_.+~%".contains(c)) {
            part.push(c);
            continue;
        }
        let token = TOKENS
            .iter()
            .any(|t| part.starts_with(t) && part.len() > t.len() + 3);
        let solid = part.chars().filter(char::is_ascii_alphanumeric).count();
        let digits = part.chars().any(|c| c.is_ascii_digit());
        let dotted = part.split(['.', '-', '_']).all(|p| p.len() < 20);
        if token || (solid >= LONG && digits && !dotted) {
            out.push_str(GONE);
        } else {
            out.push_str(&part);
        }
        part.clear();
        if c != '\0' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_tokens_and_queries_go_and_the_rest_stays() {
        for (text, expected) in [
            (
                "Ada wrote to ada.l@example.com.",
                "Ada wrote to [removed]@example.com.",
            ),
            ("<ada@example.com>", "<[removed]@example.com>"),
            ("mailto:a@b.org", "[removed]@b.org"),
            (
                "GET https://gmail.googleapis.com/gmail/v1/users/me/messages?q=from:bob&x=1 failed",
                "GET https://gmail.googleapis.com/gmail/v1/users/me/messages?[removed] failed",
            ),
            (
                "/calendars/ada%40example.com/events",
                "/calendars/[removed]%40example.com/events",
            ),
            (
                "Authorization: Bearer abc.def",
                "Authorization: Bearer [removed]",
            ),
            ("token ya29.a0AfH6SMBx", "token [removed]"),
            (
                "{\"token\":\"kc:google-0123456789abcdef\"}",
                "{\"token\":\"[removed]\"}",
            ),
            ("key=4f1c2a7be09d4f1c2a7be09d4f1c2a7b", "key=[removed]"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.sig", "[removed]"),
            ("Why? Because.", "Why? Because."),
            (
                "at main.tsx:12:7 (charm:///util/google.ts:3:1)",
                "at main.tsx:12:7 (charm:///util/google.ts:3:1)",
            ),
            ("2026-11-21T09:30:00.000Z", "2026-11-21T09:30:00.000Z"),
            (
                "googleCalendarImporterSettings",
                "googleCalendarImporterSettings",
            ),
            ("a\u{1b}[31mb", "a\u{fffd}[31mb"),
            ("", ""),
        ] {
            assert_eq!(redact(text), expected, "{text}");
        }
    }

    #[test]
    fn it_never_panics_and_is_done_in_one_go() {
        for text in [
            "@", "a@", "@b", "%40", "?", "#", "é@é.é", "\0", "ya29.", "Bearer", "%4é",
        ] {
            let once = redact(text);
            assert_eq!(redact(&once), once, "{text}");
        }
    }
}
