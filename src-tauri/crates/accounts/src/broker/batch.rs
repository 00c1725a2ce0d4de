//! The answer to a batch, part by part.
//!
//! Owns: matching the parts of an answer with the requests they answer (by
//! `Content-ID`, as Google's documentation of batching says, else by position)
//! and classifying each. Never repeats a part: that is the charm's business.

use charmkeeper_base::http::CallError;
use charmkeeper_base::{ErrorKind, UnixMs};

use super::classify::{Answer, Verdict, classify};
use super::errors::refusal;
use super::multipart::{self, Message};
use super::placeholder::{Part, content_id};

/// How one request of a batch ended.
#[derive(Debug)]
pub(crate) struct PartEnd {
    /// 0 when no answer to it was found.
    pub status: u16,
    pub verdict: Option<Verdict>,
}

/// How each of `parts` ended, in their order. `outer` is the answer to the
/// batch as a whole, with a status below 400.
pub(crate) fn read(parts: &[Part], outer: &Answer<'_>, now: UnixMs) -> Vec<PartEnd> {
    let boundary = outer.content_type.and_then(multipart::boundary);
    let messages: Vec<Message> = boundary
        .map(|b| multipart::parts(outer.body, &b))
        .unwrap_or_default()
        .into_iter()
        .filter_map(|range| multipart::message(outer.body, range))
        .collect();
    let places = places(parts, &messages, outer.body);
    let pairs = parts.iter().zip(places);
    pairs
        .map(|(part, place)| end(part, place.map(|at| &messages[at]), outer, now))
        .collect()
}

/// For each request the index of its answer.
fn places(parts: &[Part], messages: &[Message], body: &[u8]) -> Vec<Option<usize>> {
    let ids: Vec<Option<String>> = messages
        .iter()
        .map(|m| m.id.clone().map(|range| content_id(&body[range])))
        .map(|id| id.and_then(|id| id.strip_prefix("response-").map(str::to_owned)))
        .collect();
    let same_count = parts.len() == messages.len();
    let by_id = |part: &Part| {
        let wanted = part.id.as_ref()?;
        ids.iter().position(|id| id.as_ref() == Some(wanted))
    };
    parts
        .iter()
        .enumerate()
        .map(|(at, part)| by_id(part).or_else(|| same_count.then_some(at)))
        .collect()
}

fn end(part: &Part, message: Option<&Message>, outer: &Answer<'_>, now: UnixMs) -> PartEnd {
    let Some(message) = message else {
        return unanswered();
    };
    let status = std::str::from_utf8(&outer.body[message.start.clone()])
        .ok()
        .filter(|line| line.starts_with("HTTP/"))
        .and_then(|line| line.split_ascii_whitespace().nth(1)?.parse::<u16>().ok());
    let Some(status) = status else {
        return unanswered();
    };
    let header = |name| {
        let range = message.only(outer.body, name)?;
        std::str::from_utf8(&outer.body[range]).ok()
    };
    let answer = Answer {
        signed: part.account.is_some(),
        method: &part.method,
        path: part.path.split('?').next().unwrap_or_default(),
        status,
        content_type: header("content-type"),
        retry_after: header("retry-after").or(outer.retry_after),
        challenge: header("www-authenticate"),
        body: &outer.body[message.body.clone()],
        ..*outer
    };
    let verdict = match classify(&answer, now) {
        Some(Verdict::Failed(_)) if status == 401 && answer.signed => {
            let text = "The access token expired before this part of the batch was answered.";
            Some(Verdict::Failed(refusal(ErrorKind::Provider, text)))
        }
        other => other,
    };
    PartEnd { status, verdict }
}

fn unanswered() -> PartEnd {
    let text = "Google left a part of the batch unanswered.";
    PartEnd {
        status: 0,
        verdict: Some(Verdict::Failed(refusal(ErrorKind::Provider, text))),
    }
}

/// The failure that stands for the whole batch: the one that decides most, with
/// the count of failed parts. `None` when every part went well.
pub(crate) fn summary(ends: &[Option<CallError>]) -> Option<CallError> {
    const WEIGHT: [ErrorKind; 6] = [
        ErrorKind::Quota,
        ErrorKind::SignIn,
        ErrorKind::Scope,
        ErrorKind::Provider,
        ErrorKind::Usage,
        ErrorKind::Charm,
    ];
    let weight = |e: &CallError| {
        WEIGHT
            .iter()
            .position(|k| *k == e.kind)
            .unwrap_or(WEIGHT.len())
    };
    let failed: Vec<&CallError> = ends.iter().flatten().collect();
    let worst = *failed.iter().min_by_key(|e| weight(e))?;
    let mut summary = worst.clone();
    if ends.len() > 1 {
        let (count, all) = (failed.len(), ends.len());
        summary.message = format!(
            "{count} of {all} parts of a batch failed: {}",
            worst.message
        );
    }
    summary.retry_at = failed.iter().filter_map(|e| e.retry_at).max();
    Some(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(id: Option<&str>) -> Part {
        Part {
            own: None,
            account: Some("a".into()),
            method: "GET".into(),
            path: "/gmail/v1/users/me/messages/1".into(),
            id: id.map(str::to_owned),
        }
    }

    fn answered(parts: &[Part], body: &str) -> Vec<PartEnd> {
        let outer = Answer {
            provider: true,
            signed: true,
            host: "gmail.googleapis.com",
            method: "POST",
            path: "/batch/gmail/v1",
            status: 200,
            content_type: Some("multipart/mixed; boundary=b"),
            retry_after: None,
            date: None,
            challenge: None,
            body: body.as_bytes(),
        };
        read(parts, &outer, UnixMs(0))
    }

    fn reply(id: Option<&str>, status: &str, json: &str) -> String {
        let id = id
            .map(|i| format!("Content-ID: <response-{i}>\r\n"))
            .unwrap_or_default();
        format!(
            "--b\r\nContent-Type: application/http\r\n{id}\r\nHTTP/1.1 {status}\r\n\
             Content-Type: application/json\r\nRetry-After: 7\r\n\r\n{json}\r\n"
        )
    }

    #[test]
    fn answers_are_matched_by_id_in_any_order_and_else_by_position() {
        let parts = [part(Some("x")), part(Some("y"))];
        let body =
            reply(Some("y"), "500 Oops", "") + &reply(Some("x"), "200 OK", "{}") + "--b--\r\n";
        let ends = answered(&parts, &body);
        assert_eq!(
            ends.iter().map(|e| e.status).collect::<Vec<_>>(),
            [200, 500]
        );
        let parts = [part(None), part(None)];
        let body = reply(None, "404 Not Found", "{}") + &reply(None, "429 Slow", "{}") + "--b--";
        let ends = answered(&parts, &body);
        assert!(
            ends[0].verdict.is_none(),
            "a message that is gone is ordinary"
        );
        match &ends[1].verdict {
            Some(Verdict::SlowDown(s)) => assert_eq!(s.asked.unwrap().as_secs(), 7),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_part_without_an_answer_has_failed() {
        let parts = [part(Some("x")), part(Some("y"))];
        let ends = answered(&parts, &(reply(Some("x"), "200 OK", "{}") + "--b--"));
        assert!(ends[0].verdict.is_none());
        assert!(
            matches!(&ends[1].verdict, Some(Verdict::Failed(e)) if e.kind == ErrorKind::Provider)
        );
        assert!(answered(&parts, "").iter().all(|e| e.verdict.is_some()));
    }

    #[test]
    fn the_summary_takes_the_kind_that_decides_most() {
        let error = |kind| Some(refusal(kind, "Because."));
        let ends = [
            None,
            error(ErrorKind::Charm),
            error(ErrorKind::Quota),
            error(ErrorKind::Provider),
        ];
        let summary = summary(&ends).unwrap();
        assert_eq!(summary.kind, ErrorKind::Quota);
        assert_eq!(summary.message, "3 of 4 parts of a batch failed: Because.");
        assert_eq!(super::summary(&[None, None]), None);
    }
}
