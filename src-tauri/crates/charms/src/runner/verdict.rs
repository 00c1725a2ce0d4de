//! How a run ended, from what the worker said or how it died.

use super::{Ending, Report, child::Exit};
use crate::{
    frames::{DoneHead, End, split_head},
    worker::Failure,
};

/// The most characters of a worker's last words that are shown.
const DETAIL: usize = 300;

/// Why the keeper killed a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Killed {
    /// The hard clock.
    Deadline,
    /// It held more memory than it may.
    Memory,
    /// It did not stop when it was asked to.
    Cancelled,
    /// It sent what a worker does not send.
    Protocol(String),
}

/// The verdict on a job that the worker ended itself; `None` when the frame
/// cannot be read.
pub(super) fn of_done(payload: &[u8]) -> Option<(Ending, DoneHead)> {
    let (head, report) = split_head(payload)?;
    let head: DoneHead = serde_json::from_str(head).ok()?;
    let ending = match head.end {
        End::Report => finished(Report::read(report)),
        End::Failed => {
            let failure = head.failure.clone();
            finished(Report::failed(
                failure.unwrap_or_else(|| Failure::of_charm("the charm failed")),
            ))
        }
        End::Stalled => Ending::Stalled,
        End::TimedOut => Ending::TimedOut,
        End::OutOfMemory => Ending::OutOfMemory,
        End::Cancelled => Ending::Cancelled,
    };
    Some((ending, head))
}

fn finished(report: Report) -> Ending {
    if report.error.as_ref().is_some_and(Failure::is_out_of_memory) {
        return Ending::OutOfMemory;
    }
    Ending::Finished(report)
}

/// The verdict on a job whose worker is dead.
pub(super) fn of_death(killed: Option<Killed>, exit: &Exit) -> Ending {
    match killed {
        Some(Killed::Deadline) => Ending::TimedOut,
        Some(Killed::Memory) => Ending::OutOfMemory,
        Some(Killed::Cancelled) => Ending::Cancelled,
        Some(Killed::Protocol(what)) => Ending::Protocol(what),
        None if exit.code == Some(3) => Ending::Protocol(detail(&exit.last_words)),
        None if died_of_time(exit) => Ending::TimedOut,
        None if died_of_memory(exit) => Ending::OutOfMemory,
        None => Ending::Crashed {
            signal: exit.signal,
            code: exit.code,
            detail: detail(&exit.last_words),
        },
    }
}

#[cfg(unix)]
fn died_of_time(exit: &Exit) -> bool {
    exit.signal == Some(libc::SIGXCPU)
}

#[cfg(not(unix))]
fn died_of_time(_exit: &Exit) -> bool {
    false
}

/// RLIMIT_AS makes an allocation fail, and Rust then says so and aborts.
fn died_of_memory(exit: &Exit) -> bool {
    exit.last_words.contains("memory allocation of") && exit.last_words.contains("failed")
}

/// The last line that says something.
fn detail(last_words: &str) -> String {
    let said = |line: &&str| !line.trim().is_empty() && !line.starts_with("note:");
    let lines: Vec<_> = last_words.lines().filter(said).collect();
    // A panic says where, and on the line after it what.
    let text = match lines.iter().rposition(|l| l.contains("panicked at")) {
        Some(i) => lines[i..]
            .iter()
            .take(2)
            .copied()
            .collect::<Vec<_>>()
            .join(" "),
        None => lines.last().copied().unwrap_or_default().to_owned(),
    };
    text.chars()
        .filter(|c| !c.is_control())
        .take(DETAIL)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn died(signal: i32, words: &str) -> Exit {
        Exit {
            signal: Some(signal),
            last_words: words.to_owned(),
            ..Exit::default()
        }
    }

    #[test]
    fn a_death_is_named_after_its_cause() {
        assert_eq!(
            of_death(Some(Killed::Deadline), &died(9, "")),
            Ending::TimedOut
        );
        assert_eq!(
            of_death(Some(Killed::Memory), &died(9, "")),
            Ending::OutOfMemory
        );
        assert_eq!(
            of_death(None, &died(6, "memory allocation of 26 bytes failed\n")),
            Ending::OutOfMemory
        );
        #[cfg(unix)]
        assert_eq!(of_death(None, &died(libc::SIGXCPU, "")), Ending::TimedOut);
        let Ending::Crashed { signal, detail, .. } = of_death(
            None,
            &died(6, "panicked at a.rs:1:2:\ncalled unwrap\nnote: run with\n"),
        ) else {
            panic!("not a crash")
        };
        assert_eq!(
            (signal, detail.as_str()),
            (Some(6), "panicked at a.rs:1:2: called unwrap")
        );
    }

    #[test]
    fn a_frame_that_is_no_end_is_none() {
        for junk in [&b""[..], b"\x02\0\0\0{}", b"\xff\xff\xff\xff"] {
            assert!(of_done(junk).is_none());
        }
    }
}
