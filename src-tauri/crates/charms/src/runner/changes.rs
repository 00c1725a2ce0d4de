//! What a job wrote, as it comes in.
//!
//! Owns reading it part by part, so that the text of a large run is never here
//! as a whole. It comes from the charm's own realm, so anything can be in it;
//! what cannot be read is a failure of the charm.

use charmkeeper_base::cell::{Change, document};

use super::Report;
use crate::{frames::MAX_CHANGES, worker::Failure};

/// The changes of one job so far.
#[derive(Debug, Default)]
pub(super) struct Changes {
    list: Vec<Change>,
    bytes: usize,
    fault: Option<String>,
}

impl Changes {
    /// Takes a frame's payload; false when it is more than a worker sends.
    pub(super) fn take(&mut self, payload: &[u8]) -> bool {
        self.bytes += payload.len();
        if self.bytes > MAX_CHANGES {
            return false;
        }
        for line in payload.split(|byte| *byte == b'\n') {
            if line.is_empty() || self.fault.is_some() {
                continue;
            }
            match read(line) {
                Ok(change) => self.list.push(change),
                Err(why) => self.fault = Some(why.to_string()),
            }
        }
        true
    }

    /// The report with these changes, if it says that the run went well.
    pub(super) fn join(self, mut report: Report) -> Report {
        if report.error.is_some() {
            return report;
        }
        if let Some(why) = self.fault {
            let text = format!("what the charm wrote cannot be read: {why}");
            return Report {
                calls_failed: report.calls_failed,
                ..Report::failed(Failure::of_charm(text))
            };
        }
        report.changes.extend(self.list);
        report
    }
}

fn read(line: &[u8]) -> Result<Change, Box<dyn std::error::Error>> {
    let value = document::parse(std::str::from_utf8(line)?)?;
    Ok(serde_json::from_value(value)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[u8] = b"{\"space\":\"s\",\"id\":\"of:a\"}\n{\"space\":\"s\",\"id\":\"of:b\"}\n";

    fn after(parts: &[&[u8]], report: Report) -> Report {
        let mut changes = Changes::default();
        assert!(parts.iter().all(|part| changes.take(part)));
        changes.join(report)
    }

    #[test]
    fn parts_join_in_order_and_count_only_after_a_run_that_went_well() {
        let report = after(
            &[TWO, b"{\"space\":\"s\",\"id\":\"of:c\"}\n"],
            Report::default(),
        );
        let ids: Vec<_> = report.changes.iter().map(|c| c.id.as_str()).collect();
        assert_eq!(ids, ["of:a", "of:b", "of:c"]);
        let failed = Report::failed(Failure::of_charm("no"));
        assert_eq!(after(&[TWO], failed.clone()), failed);
    }

    #[test]
    fn junk_is_the_charms_failure_and_too_much_is_the_workers() {
        let deep = format!("{{\"space\":{}1{}}}", "[".repeat(9000), "]".repeat(9000));
        for junk in [&b"{}"[..], b"[", b"\xff", deep.as_bytes()] {
            let report = after(&[TWO, junk], Report::default());
            assert!(report.changes.is_empty());
            assert!(report.error.unwrap().message.contains("cannot be read"));
        }
        let mut changes = Changes::default();
        assert!(!changes.take(&vec![b'\n'; MAX_CHANGES + 1]));
    }
}
