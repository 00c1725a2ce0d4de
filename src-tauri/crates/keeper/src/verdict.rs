//! From how a run ended to one outcome and one kind of error.
//!
//! Pure. The rule in words: what the charm threw while its requests were
//! failing is the fault of the requests, not of the charm; a charm that went on
//! although a request stayed failed is `partial`; only a run without either is
//! `ok`. Changes are kept for the outcomes that commit, and for no other.

use charmkeeper_accounts::broker::Unrecovered;
use charmkeeper_base::http::CallError;
use charmkeeper_base::{ErrorKind, Outcome, UnixMs};
use charmkeeper_charms::runner::Ending;
use charmkeeper_store::RunError;

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verdict {
    pub(crate) outcome: Outcome,
    pub(crate) error: Option<RunError>,
    /// No try before this moment, where the provider named one.
    pub(crate) retry_at: Option<UnixMs>,
}

impl Verdict {
    /// Judges a run by its ending and by the requests that stayed failed.
    pub(crate) fn of(ending: &Ending, requests: &Unrecovered) -> Self {
        let outcome = ending.outcome();
        let call = requests.first.as_ref();
        match ending.sentence() {
            // Cancelled ends here too: nothing went wrong.
            None if outcome != Outcome::Ok => Self {
                outcome,
                error: None,
                retry_at: None,
            },
            None => match call {
                None => Self {
                    outcome,
                    error: None,
                    retry_at: None,
                },
                Some(call) => Self::partial(call, requests.count),
            },
            Some(message) => {
                let (kind, retry_at) = match (ending.kind(), call) {
                    (Some(kind), None) => (kind, None),
                    (Some(ErrorKind::Charm), Some(call)) if outcome == Outcome::Failed => {
                        (outside(call.kind), call.retry_at)
                    }
                    (Some(kind), Some(_)) => (kind, None),
                    (None, _) => (ErrorKind::Charm, None),
                };
                let error = RunError {
                    kind,
                    message,
                    stack: stack(ending),
                };
                Self {
                    outcome,
                    error: Some(error),
                    retry_at,
                }
            }
        }
    }

    fn partial(call: &CallError, count: usize) -> Self {
        let message = match count {
            0 | 1 => call.message.clone(),
            n => format!("{n} requests failed, first: {}", call.message),
        };
        let error = RunError {
            kind: outside(call.kind),
            message,
            stack: None,
        };
        Self {
            outcome: Outcome::Partial,
            error: Some(error),
            retry_at: call.retry_at,
        }
    }
}

/// A request that was refused for its own form is the charm's doing.
fn outside(kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::Usage => ErrorKind::Charm,
        other => other,
    }
}

fn stack(ending: &Ending) -> Option<String> {
    match ending {
        Ending::Finished(report) => report
            .error
            .as_ref()
            .map(|e| e.stack.clone())
            .filter(|s| !s.is_empty()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use charmkeeper_charms::runner::{Failure, Report};

    fn thrown() -> Ending {
        let failure = Failure {
            kind: "exception".into(),
            name: "TypeError".into(),
            message: "x is null".into(),
            stack: "at f (charm:///main.tsx:3:7)".into(),
        };
        Ending::Finished(Report {
            error: Some(failure),
            ..Report::default()
        })
    }

    fn failed(kind: ErrorKind, retry_at: Option<UnixMs>) -> Unrecovered {
        let call = CallError {
            kind,
            message: "It did not answer.".into(),
            retry_at,
        };
        Unrecovered {
            count: 2,
            first: Some(call),
        }
    }

    fn kind(verdict: &Verdict) -> Option<ErrorKind> {
        verdict.error.as_ref().map(|e| e.kind)
    }

    #[test]
    fn a_charm_that_throws_is_blamed_with_its_stack() {
        let verdict = Verdict::of(&thrown(), &Unrecovered::default());
        assert_eq!(verdict.outcome, Outcome::Failed);
        assert_eq!(kind(&verdict), Some(ErrorKind::Charm));
        let stack = verdict.error.unwrap().stack.unwrap();
        assert!(stack.contains("main.tsx:3:7"), "{stack}");
    }

    #[test]
    fn a_charm_that_throws_because_a_request_failed_is_not_blamed() {
        for cause in [
            ErrorKind::Offline,
            ErrorKind::Quota,
            ErrorKind::SignIn,
            ErrorKind::Provider,
        ] {
            let verdict = Verdict::of(&thrown(), &failed(cause, Some(UnixMs(9))));
            assert_eq!(verdict.outcome, Outcome::Failed);
            assert_eq!(kind(&verdict), Some(cause));
            assert_eq!(verdict.retry_at, Some(UnixMs(9)));
        }
        let verdict = Verdict::of(&thrown(), &failed(ErrorKind::Usage, None));
        assert_eq!(
            kind(&verdict),
            Some(ErrorKind::Charm),
            "a host it may not call is its own doing"
        );
    }

    #[test]
    fn a_swallowed_failure_makes_the_run_partial() {
        let ending = Ending::Finished(Report::default());
        assert_eq!(
            Verdict::of(&ending, &Unrecovered::default()).outcome,
            Outcome::Ok
        );
        let verdict = Verdict::of(&ending, &failed(ErrorKind::Provider, None));
        assert_eq!(verdict.outcome, Outcome::Partial);
        assert!(verdict.error.unwrap().message.contains("2 requests"));
    }

    #[test]
    fn limits_stay_the_charms_fault_whatever_the_network_did() {
        for ending in [Ending::TimedOut, Ending::OutOfMemory] {
            let verdict = Verdict::of(&ending, &failed(ErrorKind::Offline, None));
            assert_eq!(kind(&verdict), Some(ErrorKind::Charm));
        }
        let verdict = Verdict::of(&Ending::Cancelled, &failed(ErrorKind::Offline, None));
        assert_eq!((verdict.outcome, verdict.error), (Outcome::Cancelled, None));
    }
}
