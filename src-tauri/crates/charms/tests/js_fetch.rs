//! `fetch` in the real engine, and which calls count as failed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

mod js_support;

use charmkeeper_charms::testing::{Evaluated, FakeAnswer, FakeHost, eval_in_engine};
use serde_json::{Value, json};

/// Answers with what was asked: the status is in the path, the body tells the
/// request.
fn echo(head: &Value, body: &[u8]) -> FakeAnswer {
    let url = head["url"].as_str().unwrap();
    if url.contains("offline.test") {
        let error = json!({"kind": "offline", "message": "The network is not reachable"});
        return (json!({ "error": error }), vec![]);
    }
    if let Some(kind) = url.split("/large/").nth(1) {
        let filler = "x".repeat(70_000).into_bytes();
        let (before, after): (&[u8], &[u8]) = match kind {
            "wide" => (b"", "\u{e9}\u{20ac}".as_bytes()),
            "mark" => ("\u{feff}".as_bytes(), b""),
            "broken" => (b"", b"\xff"),
            _ => (b"", b""),
        };
        return (json!({"status": 200}), [before, &filler, after].concat());
    }
    let status = url
        .split("/status/")
        .nth(1)
        .map_or(200, |s| s[..3].parse().unwrap());
    let headers: serde_json::Map<String, Value> = head["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap().to_owned(), pair[1].clone()))
        .collect();
    let told = json!({
        "method": head["method"], "url": url, "headers": headers, "redirect": head["redirect"],
        "body": String::from_utf8_lossy(body),
    });
    let answer = json!({
        "status": status, "statusText": if status == 404 { "Not Found" } else { "OK" },
        "url": url, "redirected": false, "headers": [["Content-Type", "application/json"]],
    });
    (answer, told.to_string().into_bytes())
}

fn online() -> FakeHost {
    FakeHost {
        network: Box::new(echo),
        ..FakeHost::default()
    }
}

/// Runs the body of a handler; `get(url)` fetches and gives the status.
fn handler(body: &str, host: FakeHost) -> Evaluated {
    let code = format!(
        "import {{ action, pattern }} from 'commonfabric';
         const get = async (path) => (await fetch('https://api.test' + path)).status;
         export default pattern(() => ({{ bgUpdater: action(async () => {{ {body} }}) }}));"
    );
    eval_in_engine(&[("charm:///main.js", &code)], host)
}

fn failed(body: &str, host: FakeHost) -> u64 {
    let seen = handler(body, host);
    let report = seen.report();
    assert_eq!(report["ending"], "ok", "{report}");
    report["calls_failed"].as_u64().unwrap()
}

#[test]
fn fetch_and_its_objects() {
    let seen = js_support::run(include_str!("js/fetch.js"), online());
    assert_eq!(seen.fetches[0]["redirect"], "follow");
}

#[test]
fn a_call_that_failed_and_was_not_made_good_counts() {
    assert_eq!(failed("await get('/a')", online()), 0);
    assert_eq!(
        failed("await get('/status/500'); await get('/a')", online()),
        1
    );
    assert_eq!(failed("await get('/status/404')", online()), 1);
    assert_eq!(
        failed(
            "await fetch('https://offline.test/').catch(() => {})",
            online()
        ),
        1
    );
    let twice =
        "await get('/status/500'); await get('/status/500?again'); await get('/status/503')";
    assert_eq!(failed(twice, online()), 2);
}

#[test]
fn a_retry_that_succeeds_makes_a_call_good() {
    // Fails once per path, then answers.
    let seen = std::sync::Mutex::new(std::collections::HashSet::new());
    let flaky = move |head: &Value, body: &[u8]| {
        let first = seen
            .lock()
            .unwrap()
            .insert(head["url"].as_str().unwrap().to_owned());
        let mut answer = echo(head, body);
        if first {
            answer.0["status"] = json!(401);
        }
        answer
    };
    let host = || FakeHost {
        network: Box::new(echo),
        ..FakeHost::default()
    };
    let flaky = FakeHost {
        network: Box::new(flaky),
        ..host()
    };
    assert_eq!(
        failed("await get('/a'); await get('/b'); await get('/a')", flaky),
        1
    );
}

#[test]
fn something_gone_is_made_good_by_going_on_with_the_same_host() {
    assert_eq!(
        failed(
            "await get('/status/404/history'); await get('/messages')",
            online()
        ),
        0
    );
    assert_eq!(
        failed(
            "await get('/status/410/events'); await get('/status/500/x')",
            online()
        ),
        2
    );
    let elsewhere = "await get('/status/404'); await fetch('https://other.test/')";
    assert_eq!(failed(elsewhere, online()), 1);
}

fn batch(statuses: &[u16]) -> FakeAnswer {
    let parts: String = statuses
        .iter()
        .enumerate()
        .map(|(i, status)| {
            format!(
                "--batch_x\r\nContent-Type: application/http\r\nContent-ID: <response-item-{i}>\r\n\r\n\
                 HTTP/1.1 {status} Some\r\nContent-Type: application/json\r\n\r\n{{}}\r\n\r\n"
            )
        })
        .collect();
    let head = json!({
        "status": 200, "statusText": "OK", "url": "https://api.test/batch", "redirected": false,
        "headers": [["Content-Type", "multipart/mixed; boundary=batch_x"]],
    });
    (head, (parts + "--batch_x--").into_bytes())
}

#[test]
fn a_batch_counts_as_its_parts() {
    let send = "const part = (i) => `--b\\r\\nContent-Type: application/http\\r\\nContent-ID: <item-${i}>\\r\\n\\r\\n\
                GET /gmail/v1/users/me/messages/m${i}?format=full\\r\\nAuthorization: Bearer kc:1\\r\\n\\r\\n`;
                const batch = () => fetch('https://api.test/batch', { method: 'POST',
                  headers: { 'Content-Type': 'multipart/mixed; boundary=b' }, body: part(0) + part(1) + part(2) + '--b--' });
                await batch();";
    let answers = |statuses: &'static [u16]| FakeHost {
        network: Box::new(move |head, body| {
            if head["method"] == "POST" {
                batch(statuses)
            } else {
                echo(head, body)
            }
        }),
        ..FakeHost::default()
    };
    assert_eq!(failed(send, answers(&[200, 200, 200])), 0);
    assert_eq!(failed(send, answers(&[200, 429, 500])), 2);
    // A deleted message is not a failure when others were served after it.
    assert_eq!(failed(send, answers(&[200, 404, 200])), 0);
    let then_single = format!("{send} await get('/gmail/v1/users/me/messages/m1')");
    assert_eq!(failed(&then_single, answers(&[200, 429, 500])), 1);
}

#[test]
fn the_run_is_complete_when_every_request_is_settled() {
    let seen = handler(
        "(async () => { for (let i = 0; i < 60; i++) await get('/' + i); console.log('all of them'); })();",
        online(),
    );
    assert_eq!(seen.report()["ending"], "ok");
    assert_eq!(seen.fetches.len(), 60);
    assert_eq!(seen.log[0].1, "all of them");
}

#[test]
fn an_abort_reaches_the_host_and_is_no_failed_call() {
    let body = "const c = new AbortController();
                const pending = fetch('https://api.test/x', { signal: c.signal });
                setTimeout(() => c.abort(), 1);
                try { await pending; console.log('answered'); } catch (e) { console.log(e.name); }";
    let host = FakeHost {
        network_hangs: true,
        ..online()
    };
    let seen = handler(body, host);
    assert_eq!(
        (seen.log[0].1.as_str(), seen.aborted.clone()),
        ("AbortError", vec![1])
    );
    assert_eq!(seen.report()["calls_failed"], 0);
}

#[test]
fn a_request_that_timed_out_is_a_failed_call() {
    let body = "await fetch('https://api.test/x', { signal: AbortSignal.timeout(1) }).catch((e) => console.log(e.name));";
    let seen = handler(
        body,
        FakeHost {
            network_hangs: true,
            ..online()
        },
    );
    assert_eq!(
        (seen.log[0].1.as_str(), seen.aborted.clone()),
        ("TimeoutError", vec![1])
    );
    assert_eq!(seen.report()["calls_failed"], 1);
}

#[test]
fn requests_under_way_are_given_up_when_the_run_fails() {
    let host = FakeHost {
        network_hangs: true,
        ..online()
    };
    let seen = handler("get('/never'); throw new Error('stop')", host);
    let report = seen.report();
    assert_eq!(
        (
            report["ending"].as_str(),
            report["error"]["message"].as_str()
        ),
        (Some("error"), Some("stop"))
    );
    assert_eq!(seen.aborted, [1]);
}
