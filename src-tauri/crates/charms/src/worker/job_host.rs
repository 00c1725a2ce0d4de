//! The host of one job, over frames to the keeper.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use charmkeeper_base::random::{Random, SystemRandom};
use serde_json::{Value, json};

use super::{
    host::{HostFailure, LocalFuture, OpsHost},
    link::Link,
    log_cap::LogCap,
};
use crate::frames::{Frame, Kind, LogLine, MAX_CHANGES, MAX_PAYLOAD, Reply, join_head};

/// Room in a frame for what is not body: lengths, the head.
const HEAD_ROOM: usize = 64 * 1024;

/// Changes are sent when they are so many bytes together, or at the end.
const CHANGES_AT_ONCE: usize = 64 * 1024;

/// Implements the ops of one job.
pub(crate) struct JobHost {
    job: u32,
    link: Link,
    log: RefCell<LogCap>,
    /// Changes that were not sent yet, each with a line end.
    changes: RefCell<Vec<u8>>,
    /// Bytes of all changes so far.
    written: Cell<usize>,
    /// Calls by the number that the charm runtime gave its fetch.
    fetches: Rc<RefCell<HashMap<u32, u32>>>,
}

impl JobHost {
    pub(crate) fn new(job: u32, link: Link) -> Self {
        Self {
            job,
            link,
            log: RefCell::new(LogCap::new()),
            changes: RefCell::default(),
            written: Cell::new(0),
            fetches: Rc::default(),
        }
    }

    fn send_line(&self, level: &str, text: &str) {
        let line = LogLine {
            level: level.to_owned(),
            text: text.to_owned(),
        };
        if let Ok(json) = serde_json::to_vec(&line) {
            self.link.send(&Frame::new(Kind::Log, self.job, json));
        }
    }

    /// Says how many lines were dropped, if any were.
    pub(crate) fn finish_log(&self) {
        if let Some(summary) = self.log.borrow().summary() {
            self.send_line("warn", &summary);
        }
    }

    /// Sends the changes that have not been sent.
    pub(crate) fn finish_changes(&self) {
        let rest = self.changes.take();
        if !rest.is_empty() {
            self.link.send(&Frame::new(Kind::Changes, self.job, rest));
        }
    }

    fn ask(&self, kind: Kind, question: String) -> Result<String, HostFailure> {
        fits(question.len())?;
        text(self.link.call(kind, question.into_bytes())?)
    }
}

fn text(answer: Vec<u8>) -> Result<String, HostFailure> {
    String::from_utf8(answer)
        .map_err(|_| HostFailure::Refused("the keeper's answer is not text".to_owned()))
}

fn fits(length: usize) -> Result<(), HostFailure> {
    if length + HEAD_ROOM <= MAX_PAYLOAD {
        return Ok(());
    }
    Err(HostFailure::Refused(format!(
        "{length} bytes are more than a charm can send at once ({MAX_PAYLOAD})"
    )))
}

/// An answer to a fetch that says why there is no response.
fn no_response(kind: &str, message: &str) -> Vec<u8> {
    let head = json!({"error": {"kind": kind, "message": message}});
    join_head(&head.to_string(), &[])
}

/// The number in a fetch's head.
fn fetch_number(head: &str) -> Option<u32> {
    let head: Value = serde_json::from_str(head).ok()?;
    u32::try_from(head.get("id")?.as_u64()?).ok()
}

impl OpsHost for JobHost {
    fn read(&self, ids: String) -> Result<String, HostFailure> {
        self.ask(Kind::Read, ids)
    }

    fn wish(&self, query: String) -> Result<String, HostFailure> {
        self.ask(Kind::Wish, query)
    }

    fn fetch(&self, head: String, body: Vec<u8>) -> LocalFuture<Vec<u8>> {
        let sent = fits(head.len() + body.len())
            .and_then(|()| self.link.start_call(Kind::Fetch, join_head(&head, &body)));
        let (call, reply) = match sent {
            Ok(started) => started,
            Err(failure) => {
                let answer = no_response("charm", &failure.to_string());
                return Box::pin(std::future::ready(answer));
            }
        };
        let number = fetch_number(&head);
        if let Some(number) = number {
            self.fetches.borrow_mut().insert(number, call);
        }
        let fetches = Rc::clone(&self.fetches);
        Box::pin(async move {
            let reply = reply.await;
            if let Some(number) = number {
                fetches.borrow_mut().remove(&number);
            }
            match reply {
                Ok(Reply::Answer(bytes)) => bytes,
                Ok(Reply::Refused(reason)) => no_response("local", &reason),
                Err(_) => no_response("aborted", "the request was aborted"),
            }
        })
    }

    fn send(&self, event: String) -> LocalFuture<Result<String, HostFailure>> {
        let sent =
            fits(event.len()).and_then(|()| self.link.start_call(Kind::Send, event.into_bytes()));
        Box::pin(async move {
            let (_call, reply) = sent?;
            match reply.await {
                Ok(Reply::Answer(bytes)) => text(bytes),
                Ok(Reply::Refused(reason)) => Err(HostFailure::Refused(reason)),
                Err(_) => Err(HostFailure::Stopped),
            }
        })
    }

    fn change(&self, json: &[u8]) -> Result<(), HostFailure> {
        let all = self.written.get() + json.len() + 1;
        if all > MAX_CHANGES {
            return Err(HostFailure::Refused(format!(
                "what the charm wrote in one run is larger than {} MiB",
                MAX_CHANGES / (1024 * 1024)
            )));
        }
        self.written.set(all);
        let mut waiting = self.changes.borrow_mut();
        waiting.extend_from_slice(json);
        waiting.push(b'\n');
        if waiting.len() >= CHANGES_AT_ONCE {
            let now = std::mem::take(&mut *waiting);
            self.link.send(&Frame::new(Kind::Changes, self.job, now));
        }
        Ok(())
    }

    fn fetch_abort(&self, id: u32) {
        let call = self.fetches.borrow_mut().remove(&id);
        if let Some(call) = call {
            self.link.abandon(call);
        }
    }

    fn wants_log(&self) -> bool {
        let mut log = self.log.borrow_mut();
        !log.is_full() || log.admit("").is_some()
    }

    fn log(&self, level: &str, text: &str) {
        let admitted = self.log.borrow_mut().admit(text).map(str::to_owned);
        if let Some(text) = admitted {
            let level = match level {
                "debug" | "warn" | "error" => level,
                _ => "info",
            };
            self.send_line(level, &text);
        }
    }

    fn random(&self, bytes: &mut [u8]) {
        SystemRandom.fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{frames::split_head, worker::link::Frames};

    fn host() -> (JobHost, Frames) {
        let frames = Frames::default();
        (JobHost::new(7, Link::new(frames.clone())), frames)
    }

    fn now<T>(mut future: LocalFuture<T>) -> Option<T> {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(value) => Some(value),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn a_body_that_fits_no_frame_is_an_answer_not_a_frame() {
        let (host, frames) = host();
        let answer = now(host.fetch("{\"id\":1}".to_owned(), vec![0; MAX_PAYLOAD])).unwrap();
        let (head, _) = split_head(&answer).unwrap();
        assert!(head.contains("more than a charm can send"), "{head}");
        assert!(frames.try_next().is_none());
        assert!(host.read("x".repeat(MAX_PAYLOAD)).is_err());
    }

    #[test]
    fn changes_are_sent_in_parts_and_end_at_the_limit() {
        let (host, frames) = host();
        let change = format!("\"{}\"", "x".repeat(CHANGES_AT_ONCE / 2));
        for _ in 0..3 {
            host.change(change.as_bytes()).unwrap();
        }
        assert_eq!(frames.kinds(), [(Kind::Changes, 7)]);
        host.finish_changes();
        host.finish_changes();
        let rest = frames.next();
        assert_eq!(rest.payload, format!("{change}\n").into_bytes());
        assert!(frames.try_next().is_none());
        let refused = host.change(&vec![b'x'; MAX_CHANGES]).unwrap_err();
        assert!(
            refused.to_string().contains("larger than 15 MiB"),
            "{refused}"
        );
    }

    #[test]
    fn an_abort_ends_the_fetch_of_that_number() {
        let (host, frames) = host();
        let fetch = host.fetch("{\"id\":5}".to_owned(), Vec::new());
        host.fetch_abort(4);
        host.fetch_abort(5);
        let answer = now(fetch).unwrap();
        assert!(split_head(&answer).unwrap().0.contains("aborted"));
        let kinds: Vec<_> = frames.kinds().into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(kinds, [Kind::Fetch, Kind::Abort]);
    }

    #[test]
    fn log_lines_carry_the_job_and_a_known_level() {
        let (host, frames) = host();
        host.log("shout", "hello");
        let frame = frames.next();
        assert_eq!((frame.kind, frame.id), (Kind::Log, 7));
        let line: LogLine = serde_json::from_slice(&frame.payload).unwrap();
        assert_eq!((line.level.as_str(), line.text.as_str()), ("info", "hello"));
    }
}
