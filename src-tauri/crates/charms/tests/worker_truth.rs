//! A run is complete when its work is done, and says so truly: real workers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use charmkeeper_charms::runner::{Ending, Report};
use serde_json::json;
use support::{Network, Recorder, job_with, run_one};

/// Runs a charm whose handler has this body; `n` is a cell.
async fn report_of(name: &str, body: &str, network: Network) -> Report {
    let code = format!(
        r#"import {{ cell, handler, pattern }} from "commonfabric";
        const update = handler(async (event, {{ n }}) => {{ {body} }}, 'ck:{{"kind":"handler","state":{{"n":"cell"}}}}');
        export default pattern(() => ({{ bgUpdater: update({{ n: cell(0).for("n") }}) }}));"#
    );
    let host = Recorder {
        network,
        ..Recorder::default()
    };
    let (job, _) = job_with(name, &code, host);
    match run_one(job).await.ending {
        Ending::Finished(report) => report,
        other => panic!("{other:?}"),
    }
}

/// What the run wrote, as JSON text.
fn written(report: &Report) -> String {
    assert_eq!(report.error.as_ref().map(|e| &e.message), None);
    serde_json::to_string(&report.changes).unwrap()
}

fn message(report: &Report) -> &str {
    assert!(report.changes.is_empty(), "a failed run writes nothing");
    &report.error.as_ref().unwrap().message
}

#[tokio::test]
async fn work_that_nobody_awaits_is_part_of_the_run() {
    let promise = "(async () => { for (let i = 0; i < 50; i++) await null; n.set(7); })();";
    let report = report_of("promise", promise, Network::Echo).await;
    assert!(written(&report).contains('7'), "{:?}", report.changes);

    let fetch = "fetch('https://a.example/', { method: 'POST', body: 'abcd' }).then((r) => r.text()).then((t) => n.set(t));";
    let report = report_of("fetch", fetch, Network::Echo).await;
    assert!(written(&report).contains("abcd"), "{:?}", report.changes);

    // One that is started by the answer to another.
    let chain = "fetch('https://a.example/1').then(() => { fetch('https://a.example/2').then(() => n.set('both')); });";
    let report = report_of("chain", chain, Network::Echo).await;
    assert!(written(&report).contains("both"), "{:?}", report.changes);
}

#[tokio::test]
async fn an_endless_interval_does_not_hold_the_run() {
    let body = "setInterval(() => {}, 1); n.set(1);";
    let report = report_of("interval", body, Network::Echo).await;
    assert!(written(&report).contains('1'));
}

#[tokio::test]
async fn a_failure_after_the_handler_returned_fails_the_run() {
    for (name, body) in [
        (
            "late",
            "n.set(1); (async () => { await null; await null; throw new Error('too late'); })();",
        ),
        (
            "then",
            "n.set(1); fetch('https://a.example/').then(() => { throw new Error('too late'); });",
        ),
        (
            "timer",
            "n.set(1); setTimeout(() => { throw new Error('too late'); }, 0); await fetch('https://a.example/');",
        ),
    ] {
        let report = report_of(name, body, Network::Echo).await;
        assert_eq!(message(&report), "too late", "{name}");
    }
}

#[tokio::test]
async fn a_failed_request_that_the_charm_hides_is_counted() {
    let body = "try { await fetch('https://a.example/'); } catch {} n.set(1);";
    let report = report_of("hidden", body, Network::Fails).await;
    assert!(written(&report).contains('1'));
    assert_eq!(report.calls_failed, 1);
    // Nobody looks at the answer at all: that is a failure of the charm.
    let report = report_of("loose", "fetch('https://a.example/');", Network::Fails).await;
    assert_eq!(message(&report), "The network is not there.");
}

#[tokio::test]
async fn an_event_or_a_state_that_does_not_fit_is_an_error() {
    let cases = [
        (
            r#"{ type: "object", properties: { id: { type: "string" } }, required: ["id"] }"#,
            "true",
            "{}",
            "event",
            "\"id\" is missing",
        ),
        (
            r#"{ type: "object", properties: { id: { type: "string" } } }"#,
            "true",
            r#"{"id":5}"#,
            "event",
            "string is wanted at id, not number",
        ),
        (
            "true",
            r#"{ type: "object", properties: { limit: { type: "integer" }, list: { type: "array", items: { type: "string" } } }, required: ["limit"] }"#,
            "{}",
            "state",
            "\"limit\" is missing",
        ),
    ];
    for (event, state, sent, what, why) in cases {
        let code = format!(
            r#"import {{ handler, pattern }} from "commonfabric";
            const update = handler({event}, {state}, () => {{ console.log("ran"); }});
            export default pattern(() => ({{ bgUpdater: update({{ list: ["a"] }}) }}));"#
        );
        let (mut job, host) = job_with("misfit", &code, Recorder::default());
        job.event = serde_json::from_str(sent).unwrap();
        let Ending::Finished(report) = run_one(job).await.ending else {
            panic!("no report")
        };
        let wanted = format!("The {what} does not fit the handler: {why}");
        assert_eq!(message(&report), wanted);
        assert_eq!(host.log(), Vec::<String>::new(), "the handler did not run");
    }
    let fits = r#"import { handler, pattern } from "commonfabric";
        const update = handler({ type: "object", properties: { n: { anyOf: [{ type: "null" }, { type: "integer" }] } } },
          { type: "object", properties: { mode: { enum: ["a", "b"] }, cell: { asCell: true } }, required: ["mode"] }, () => { console.log("ran"); });
        export default pattern(() => ({ bgUpdater: update({ mode: "b" }) }));"#;
    let (mut job, host) = job_with("fits", fits, Recorder::default());
    job.event = json!({"n": 3});
    run_one(job).await;
    assert_eq!(host.log(), ["ran"]);
}
