//! Google's answers, as they were seen, and what they mean.

use super::*;

const NOW: UnixMs = UnixMs(1_795_251_600_000);

fn answer<'a>(status: u16, body: &'a str) -> Answer<'a> {
    Answer {
        provider: true,
        signed: true,
        host: "gmail.googleapis.com",
        method: "GET",
        path: "/gmail/v1/users/me/messages",
        status,
        content_type: Some("application/json"),
        retry_after: None,
        date: None,
        challenge: None,
        body: body.as_bytes(),
    }
}

fn kind(answer: &Answer<'_>) -> Option<ErrorKind> {
    classify(answer, NOW).map(|v| match v {
        Verdict::Failed(error) => error.kind,
        Verdict::SlowDown(_) => ErrorKind::Quota,
    })
}

fn reason(code: u16, domain: &str, reason: &str) -> String {
    format!(
        r#"{{"error":{{"code":{code},"message":"Said so.","errors":[{{"message":"Said so.",
        "domain":"{domain}","reason":"{reason}"}}]}}}}"#
    )
}

#[test]
fn waiting_is_told_from_asking_for_a_scope() {
    for (status, name, want) in [
        (403, "rateLimitExceeded", ErrorKind::Quota),
        (403, "userRateLimitExceeded", ErrorKind::Quota),
        (403, "quotaExceeded", ErrorKind::Quota),
        (403, "dailyLimitExceeded", ErrorKind::Quota),
        (429, "rateLimitExceeded", ErrorKind::Quota),
        (429, "anything", ErrorKind::Quota),
        (403, "insufficientPermissions", ErrorKind::Scope),
        (403, "accessNotConfigured", ErrorKind::Usage),
        (403, "domainPolicy", ErrorKind::Usage),
        (403, "forbidden", ErrorKind::Usage),
        (401, "authError", ErrorKind::Provider),
        (400, "invalidArgument", ErrorKind::Charm),
        (500, "backendError", ErrorKind::Provider),
        (503, "", ErrorKind::Provider),
    ] {
        let body = reason(status, "usageLimits", name);
        assert_eq!(kind(&answer(status, &body)), Some(want), "{status} {name}");
    }
}

#[test]
fn the_new_error_form_is_read_too() {
    let scope = r#"{"error":{"code":403,"message":"Insufficient authentication scopes.",
        "status":"PERMISSION_DENIED","details":[{"@type":
        "type.googleapis.com/google.rpc.ErrorInfo","reason":"ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]}}"#;
    assert_eq!(kind(&answer(403, scope)), Some(ErrorKind::Scope));
    let plain = r#"{"error":{"code":403,"message":"No.","status":"PERMISSION_DENIED"}}"#;
    assert_eq!(kind(&answer(403, plain)), Some(ErrorKind::Usage));
    let off = r#"{"error":{"code":403,"message":"Gmail API has not been used.",
        "details":[{"reason":"SERVICE_DISABLED"}]}}"#;
    assert_eq!(kind(&answer(403, off)), Some(ErrorKind::Usage));
    let exhausted = r#"[{"error":{"code":403,"message":"x","status":"RESOURCE_EXHAUSTED",
        "details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"40s"}]}}]"#;
    match classify(&answer(403, exhausted), NOW) {
        Some(Verdict::SlowDown(s)) => assert_eq!(s.asked, Some(Duration::from_secs(40))),
        other => panic!("{other:?}"),
    }
    let challenge = Answer {
        challenge: Some("Bearer realm=\"x\", error=\"insufficient_scope\""),
        ..answer(403, "")
    };
    assert_eq!(kind(&challenge), Some(ErrorKind::Scope));
}

#[test]
fn the_wait_is_read_from_header_and_text() {
    let text = r#"{"error":{"code":403,"message":"User-rate limit exceeded.  Retry after
        2026-11-21T09:15:00.000Z","errors":[{"reason":"userRateLimitExceeded"}]}}"#;
    let body = text.replace("\n        ", " ");
    let both = Answer {
        retry_after: Some("30"),
        ..answer(403, &body)
    };
    match classify(&both, NOW) {
        Some(Verdict::SlowDown(s)) => {
            assert_eq!(s.asked, Some(Duration::from_secs(900)));
            assert!(
                s.reason.contains("User-rate limit exceeded"),
                "{}",
                s.reason
            );
        }
        other => panic!("{other:?}"),
    }
    let day = reason(403, "usageLimits", "dailyLimitExceeded");
    match classify(&answer(403, &day), NOW) {
        Some(Verdict::SlowDown(s)) => assert_eq!(s.floor, MAX_WAIT),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failing_server_may_name_a_moment_too() {
    let busy = Answer {
        retry_after: Some("120"),
        ..answer(503, "")
    };
    match classify(&busy, NOW) {
        Some(Verdict::Failed(e)) => {
            assert_eq!(e.kind, ErrorKind::Provider);
            assert_eq!(e.retry_at, Some(NOW.plus(Duration::from_secs(120))));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_belongs_to_the_sync_protocols_is_no_failure() {
    for status in [200, 204, 304, 302, 404, 410, 412] {
        assert_eq!(kind(&answer(status, "{}")), None, "{status}");
    }
    let post = Answer {
        method: "POST",
        ..answer(404, "{}")
    };
    assert_eq!(kind(&post), Some(ErrorKind::Charm));
    let elsewhere = Answer {
        provider: false,
        signed: false,
        ..answer(404, "{}")
    };
    assert_eq!(kind(&elsewhere), Some(ErrorKind::Charm));
}

#[test]
fn other_hosts_and_requests_without_a_token_pause_nobody() {
    let other = Answer {
        provider: false,
        signed: false,
        host: "api.example.com",
        retry_after: Some("99999999"),
        ..answer(429, "{}")
    };
    match classify(&other, NOW) {
        Some(Verdict::Failed(e)) => {
            assert_eq!(e.kind, ErrorKind::Quota);
            assert_eq!(e.retry_at, Some(NOW.plus(MAX_WAIT)));
            assert!(e.message.contains("api.example.com"), "{}", e.message);
        }
        other => panic!("{other:?}"),
    }
    let unsigned = Answer {
        signed: false,
        ..answer(401, "{}")
    };
    assert_eq!(kind(&unsigned), Some(ErrorKind::Charm));
    let strange = Answer {
        provider: false,
        signed: false,
        ..answer(403, "{}")
    };
    assert_eq!(kind(&strange), Some(ErrorKind::Charm));
}

#[test]
fn networks_that_want_a_sign_in_are_offline() {
    for status in [407, 511] {
        assert_eq!(kind(&answer(status, "<html>")), Some(ErrorKind::Offline));
    }
    let html = Answer {
        content_type: Some("Text/HTML; charset=utf-8"),
        ..answer(200, "<html>")
    };
    assert!(is_portal(&html));
    assert!(!is_portal(&answer(200, "{}")));
    assert!(!is_portal(&Answer {
        provider: false,
        ..html
    }));
    assert!(!is_portal(&Answer {
        status: 404,
        ..html
    }));
    // An API of the same host that does answer with pages.
    assert!(!is_portal(&Answer {
        path: "/drive/v3/files/x/export",
        ..html
    }));
    assert!(!is_portal(&Answer {
        content_type: Some("téxt"),
        ..html
    }));
}

#[test]
fn a_servers_text_is_made_fit_for_a_sentence() {
    let body = r#"{"error":{"message":"line one\nline\u0007 two..."}}"#;
    match classify(&answer(500, body), NOW) {
        Some(Verdict::Failed(e)) => {
            assert_eq!(e.message, "Google failed: line one line two (status 500).");
        }
        other => panic!("{other:?}"),
    }
    let long = format!(r#"{{"error":{{"message":"{}"}}}}"#, "x".repeat(5_000));
    match classify(&answer(500, &long), NOW) {
        Some(Verdict::Failed(e)) => assert!(e.message.len() < 300),
        other => panic!("{other:?}"),
    }
    for nonsense in [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"error":7}"#,
        r#"{"error":{"errors":[1]}}"#,
    ] {
        assert_eq!(
            kind(&answer(500, nonsense)),
            Some(ErrorKind::Provider),
            "{nonsense}"
        );
    }
}
