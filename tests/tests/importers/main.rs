//! Our importers against a Google that changes, forgets and fails: after each
//! test the cells are compared with all that the stand-in holds.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod calendar;
mod faults;
mod mail;
mod paging;

use charmkeeper_sandbox::LoggedRequest;
use charmkeeper_tests::stage::Stage;
use serde_json::Value;

/// The account that every test signs in.
const ACCOUNT: &str = charmkeeper_sandbox::SAMPLE_ACCOUNT;

/// Requests since a moment, which is a number that `now` gave.
fn since(stage: &Stage, moment: usize) -> Vec<LoggedRequest> {
    stage.google.requests().split_off(moment)
}

fn now(stage: &Stage) -> usize {
    stage.google.requests().len()
}

fn count(requests: &[LoggedRequest], fits: impl Fn(&LoggedRequest) -> bool) -> usize {
    requests.iter().filter(|r| fits(r)).count()
}

fn is_mail_list(request: &LoggedRequest) -> bool {
    request.path == "/gmail/v1/users/me/messages"
}

/// All lines of a run's log as one text.
fn log(run: &Value) -> String {
    let lines = run["log"].as_array().expect("a log");
    let texts: Vec<_> = lines.iter().filter_map(|l| l["text"].as_str()).collect();
    texts.join("\n")
}
