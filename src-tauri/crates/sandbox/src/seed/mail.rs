//! The n-th message of an account.
//!
//! The first sixteen numbers show every kind of message once, and every
//! sixteen after them again (the large body only every 64), so that even a
//! small mailbox has them all.

use std::collections::BTreeSet;

use charmkeeper_base::UnixMs;

use super::envelope::{address, headers};
use super::texts::{CJK, EMOJI, LATIN1, RTL, SENDERS, SENTENCES, SUBJECTS};
use super::{Dice, HEX};
use crate::world::mailbox::Message;
use crate::world::mime::Part;
use crate::world::profile::Profile;
use crate::world::snippet;

/// Bytes of the large plain body, more than Gmail puts into a message.
pub(crate) const LARGE_BODY: usize = 200 * 1024;

/// A valid picture of one pixel.
const PIXEL: [u8; 67] = [
    0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0,
    1, 0, 0, 0, 1, 8, 6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 10, b'I', b'D', b'A', b'T',
    0x78, 0x9c, 0x63, 0, 1, 0, 0, 5, 0, 1, 0x0d, 0x0a, 0x2d, 0xb4, 0, 0, 0, 0, b'I', b'E', b'N',
    b'D', 0xae, 0x42, 0x60, 0x82,
];

/// The kinds of message, by number modulo sixteen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    HtmlOnly,
    Alternative,
    WithFile,
    InlineImage,
    Emoji,
    Cjk,
    RightToLeft,
    Empty,
    Large,
    Newsletter,
    Reply,
    Sent,
    Latin1,
    Markup,
    Invitation,
}

const KINDS: [Kind; 16] = [
    Kind::Plain,
    Kind::HtmlOnly,
    Kind::Alternative,
    Kind::WithFile,
    Kind::InlineImage,
    Kind::Emoji,
    Kind::Cjk,
    Kind::RightToLeft,
    Kind::Empty,
    Kind::Large,
    Kind::Newsletter,
    Kind::Reply,
    Kind::Sent,
    Kind::Latin1,
    Kind::Markup,
    Kind::Invitation,
];

fn kind_of(n: u64) -> Kind {
    match KINDS[usize::try_from(n % 16).unwrap_or(0)] {
        // One in 64 is enough: a mailbox of thousands should stay small.
        Kind::Large if n % 64 != 9 => Kind::Plain,
        kind => kind,
    }
}

/// The id of the n-th message: 16 hex digits that grow with `n`.
pub(crate) fn id(seed: u64, profile: &Profile, n: u64) -> String {
    let tail = super::digest(seed, "message", profile.email, n) & 0xff_ffff;
    format!(
        "{:016x}",
        0x1930_0000_0000_0000_u64 | ((n & 0xff_ffff_ffff) << 24) | tail
    )
}

/// The n-th message of an account, taken in at `at`.
pub(crate) fn message(seed: u64, profile: &Profile, n: u64, at: UnixMs) -> Message {
    let dice = Dice::new(seed, "mail", profile.email, n);
    let kind = kind_of(n);
    let id = id(seed, profile, n);
    let written = write(kind, &dice, n, &id);
    let thread_id = match kind {
        Kind::Reply => self::id(seed, profile, n - n % 16),
        _ => id.clone(),
    };
    let sender = *dice.pick(&SENDERS);
    let (from, to) = match kind {
        Kind::Sent => (address((profile.name, profile.email)), address(sender)),
        _ => (address(sender), address((profile.name, profile.email))),
    };
    let mut subject = written.subject;
    if kind == Kind::Reply {
        let first = Dice::new(seed, "mail", profile.email, n - n % 16);
        subject = format!(
            "Re: {}",
            write(Kind::Plain, &first, n - n % 16, &id).subject
        );
    }
    Message {
        labels: labels(kind, n, &dice),
        headers: headers(profile, &id, at, &from, &to, &subject, sender.1),
        thread_id,
        id,
        at,
        history_id: 0,
        root: written.root,
        snippet: written.snippet,
        deleted: false,
    }
}

/// What a kind of message says.
struct Written {
    subject: String,
    root: Part,
    snippet: String,
}

fn write(kind: Kind, dice: &Dice, n: u64, id: &str) -> Written {
    let subject = format!("{} (no. {n})", dice.pick(&SUBJECTS));
    let text = paragraphs(dice, 2);
    let boundary = |k: &str| format!("{k}_{}", dice.word(HEX, 20));
    let plain = |subject: &str, text: &str| Written {
        subject: subject.to_owned(),
        root: Part::text("plain", text),
        snippet: snippet::of_text(text),
    };
    let both = |text: &str| {
        let parts = vec![Part::text("plain", text), Part::text("html", &html(text))];
        Part::multi("alternative", &boundary("alt"), parts)
    };
    let with = |root: Part, text: &str| Written {
        subject: subject.clone(),
        root,
        snippet: snippet::of_text(text),
    };
    match kind {
        Kind::Plain | Kind::Reply | Kind::Sent => plain(&subject, &text),
        Kind::HtmlOnly => with(Part::text("html", &html(&text)), &text),
        Kind::Alternative => with(both(&text), &text),
        Kind::Emoji => Written {
            subject: EMOJI.0.into(),
            ..with(both(EMOJI.1), EMOJI.1)
        },
        Kind::Cjk => plain(CJK.0, CJK.1),
        Kind::RightToLeft => Written {
            subject: RTL.0.into(),
            ..with(both(RTL.1), RTL.1)
        },
        Kind::Empty => plain("", ""),
        Kind::Large => plain(&format!("A very long log (no. {n})"), &large_text(dice)),
        Kind::Latin1 => Written {
            subject: LATIN1.0.into(),
            root: Part::latin1("plain", LATIN1.1),
            snippet: snippet::of_text(LATIN1.1),
        },
        Kind::Markup => plain(
            &format!("1 < 2 && \"quoted\" <b>not bold</b> it's (no. {n})"),
            &format!("<script>alert(1)</script> is only text here.\n\n{text}"),
        ),
        Kind::Newsletter => newsletter(dice, n),
        Kind::WithFile => {
            let files = vec![
                both(&text),
                Part::file("application/pdf", "Rechnung-ü.pdf", pdf(n), None),
                Part::file(
                    "text/csv",
                    "positions.csv",
                    format!("no,amount\n{n},42.50\n"),
                    None,
                ),
            ];
            with(Part::multi("mixed", &boundary("mix"), files), &text)
        }
        Kind::InlineImage => {
            let cid = format!("ii_{}", dice.word(HEX, 12));
            let page = format!(
                "{}<p><img src=\"cid:{cid}\" alt=\"a dot\"></p>",
                html(&text)
            );
            let body = Part::multi(
                "alternative",
                &boundary("alt"),
                vec![
                    Part::text("plain", &format!("{text}\n[image: dot.png]")),
                    Part::text("html", &page),
                ],
            );
            let image = Part::file("image/png", "dot.png", PIXEL.to_vec(), Some(&cid));
            let related = Part::multi("related", &boundary("rel"), vec![body, image]);
            let file = Part::file(
                "application/zip",
                "backup.zip",
                b"PK\x05\x06".to_vec(),
                None,
            );
            with(
                Part::multi("mixed", &boundary("mix"), vec![related, file]),
                &text,
            )
        }
        Kind::Invitation => {
            let ics = format!(
                "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:{id}@sandbox.example\r\n\
                 SUMMARY:Invitation {n}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
            );
            let parts = vec![
                both(&text),
                Part::file("text/calendar", "invite.ics", ics, None),
            ];
            with(Part::multi("mixed", &boundary("mix"), parts), &text)
        }
    }
}

fn newsletter(dice: &Dice, n: u64) -> Written {
    let text = paragraphs(dice, 3);
    // Senders pad the preview so that nothing of the body shows in it.
    let padding = "\u{34f} \u{200c} ".repeat(20);
    let page = format!(
        "<!doctype html><html><head><style>p{{margin:0}}</style><title>News</title></head><body>\
         <div style=\"display:none\">Only today{padding}</div>\
         <h1>News &amp; offers&nbsp;no.&#160;{n}</h1>{}\
         <p><a href=\"https://shop.sandbox.example/?a=1&amp;b=2\">Shop now</a></p></body></html>",
        html(&text)
    );
    Written {
        subject: format!("🛍️ Up to 50% off – only today (no. {n})"),
        root: Part::multi(
            "alternative",
            &format!("news_{}", dice.word(HEX, 20)),
            vec![
                Part::text(
                    "plain",
                    &format!(
                        "News & offers no. {n}\n\n{text}\n\nShop now: https://shop.sandbox.example/?a=1&b=2\n"
                    ),
                ),
                Part::text("html", &page),
            ],
        ),
        snippet: format!("Only today{}", padding.trim_end()),
    }
}

fn paragraphs(dice: &Dice, count: u64) -> String {
    let sentences = |_| {
        let lines: Vec<_> = (0..2 + dice.below(3))
            .map(|_| *dice.pick(&SENTENCES))
            .collect();
        lines.join(" ")
    };
    (0..count)
        .map(sentences)
        .collect::<Vec<_>>()
        .join("\r\n\r\n")
}

fn html(text: &str) -> String {
    let line = |l: &str| {
        if l.is_empty() {
            String::new()
        } else {
            format!("<p>{}</p>", snippet::escape(l))
        }
    };
    let body: Vec<_> = text.lines().map(line).collect();
    format!("<div dir=\"auto\">{}</div>", body.concat())
}

fn large_text(dice: &Dice) -> String {
    let mut out = String::with_capacity(LARGE_BODY + 200);
    let mut line = 0;
    while out.len() < LARGE_BODY {
        line += 1;
        out += &format!("{line:05} ✓ {}\r\n", dice.pick(&SENTENCES));
    }
    out
}

fn pdf(n: u64) -> Vec<u8> {
    format!("%PDF-1.4\n% no. {n}\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n")
        .into_bytes()
}

/// Where the message lies: mostly the inbox, some archived, a few in spam and
/// trash, half of it unread.
fn labels(kind: Kind, n: u64, dice: &Dice) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut add = |l: &str| {
        out.insert(l.to_owned());
    };
    if kind == Kind::Sent {
        add("SENT");
        return out;
    }
    match n % 37 {
        19 => {
            add("SPAM");
            add("UNREAD");
            return out;
        }
        27 => {
            add("TRASH");
            return out;
        }
        7 | 24 => {}
        _ => add("INBOX"),
    }
    add(match kind {
        Kind::Newsletter => "CATEGORY_PROMOTIONS",
        Kind::Large | Kind::Markup => "CATEGORY_UPDATES",
        Kind::Emoji => "CATEGORY_SOCIAL",
        _ => "CATEGORY_PERSONAL",
    });
    if dice.below(2) == 0 {
        add("UNREAD");
    }
    match dice.below(8) {
        0 => add("STARRED"),
        1 => add("IMPORTANT"),
        2 => add("Label_1"),
        3 => add("Label_3"),
        _ => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::profile::PROFILES;

    #[test]
    fn a_number_always_gives_the_same_message_and_another_seed_gives_another() {
        let make = |seed, n| {
            let m = message(seed, &PROFILES[0], n, UnixMs(1_795_253_400_000));
            (
                m.id.clone(),
                m.snippet.clone(),
                crate::world::mime::raw(&m.headers, &m.root),
            )
        };
        for n in 0..40 {
            assert_eq!(make(7, n), make(7, n));
        }
        assert_ne!(make(7, 0), make(8, 0));
    }

    #[test]
    fn ids_grow_and_replies_join_the_thread_of_their_first_message() {
        let ids: Vec<_> = (0..300).map(|n| id(3, &PROFILES[1], n)).collect();
        assert!(ids.windows(2).all(|w| w[0] < w[1] && w[0].len() == 16));
        let reply = message(3, &PROFILES[1], 27, UnixMs(0));
        assert_eq!(reply.thread_id, ids[16]);
        assert!(
            reply
                .header("Subject")
                .expect("subject")
                .starts_with("Re: ")
        );
    }

    #[test]
    fn the_large_body_is_large_and_the_empty_one_empty() {
        let large = message(1, &PROFILES[0], 9, UnixMs(0));
        assert!(large.root.size() >= LARGE_BODY);
        let empty = message(1, &PROFILES[0], 8, UnixMs(0));
        assert_eq!((empty.root.size(), empty.snippet.as_str()), (0, ""));
    }
}
