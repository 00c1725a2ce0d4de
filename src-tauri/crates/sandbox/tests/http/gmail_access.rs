//! Gmail over real HTTP: batches, tokens, scopes and quota.

use std::time::Duration;

use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use serde_json::{Value, json};

use crate::common::*;
use crate::gmail::LIST;

fn batch(paths: &[String], inner: Option<&str>) -> String {
    let auth = inner.map_or_else(String::new, |t| format!("Authorization: Bearer {t}\n"));
    let part = |(n, p): (usize, &String)| {
        format!(
            "--batch_boundary\nContent-Type: application/http\nContent-ID: <batch-{n}>\n\nGET {p}\n{auth}Accept: application/json\n\n"
        )
    };
    paths.iter().enumerate().map(part).collect::<String>() + "--batch_boundary--"
}

impl Bench {
    async fn batch(&self, outer: Option<&str>, body: String) -> Answer {
        let request = self
            .http
            .post(self.url("/batch/gmail/v1"))
            .header("content-type", "multipart/mixed; boundary=batch_boundary")
            .body(body);
        self.send(match outer {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
        .await
    }
}

#[tokio::test]
async fn a_batch_answers_every_part_with_its_own_status() {
    let b = start().await;
    let token = b.sign_in().await;
    let good = b.truth()[0].id.clone();
    let paths = [
        format!("{LIST}/{good}?format=full"),
        format!("{LIST}/00000000000000ff?format=full"),
        "/calendar/v3/users/me/calendarList".to_owned(),
    ];
    for (outer, inner) in [(Some(token.as_str()), None), (None, Some(token.as_str()))] {
        let answer = b.batch(outer, batch(&paths, inner)).await;
        assert_eq!(answer.status, 200);
        let kind = answer.headers["content-type"]
            .to_str()
            .expect("text")
            .to_owned();
        let boundary = kind
            .strip_prefix("multipart/mixed; boundary=")
            .expect("boundary");
        assert!(boundary.starts_with("batch_"), "{boundary}");
        let parts: Vec<_> = answer.text.split(&format!("--{boundary}")).collect();
        assert_eq!(parts.len(), 5, "{}", answer.text);
        assert_eq!(parts[4], "--\r\n");
        assert!(parts[1].contains("Content-Type: application/http\r\nContent-ID: <response-batch-0>\r\n\r\nHTTP/1.1 200 OK\r\n"), "{}", parts[1]);
        assert!(
            parts[2].contains("<response-batch-1>") && parts[2].contains("HTTP/1.1 404 Not Found")
        );
        assert!(parts[3].contains("HTTP/1.1 404"), "another service");
        let json = &parts[1][parts[1].find('{').expect("JSON")..];
        let message: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!(message["id"], json!(good));
    }
    let without = b.batch(None, batch(&paths[..1], None)).await;
    assert_eq!(without.status, 200);
    assert!(
        without.text.contains("HTTP/1.1 401 Unauthorized"),
        "{}",
        without.text
    );
    let log = b.sandbox.requests();
    let parts: Vec<_> = log.iter().filter(|r| r.in_batch).collect();
    assert_eq!(parts.len(), 7);
    assert!(parts[0].authorization && parts[0].path == format!("{LIST}/{good}"));
}

#[tokio::test]
async fn a_batch_that_is_too_long_or_broken_is_refused_whole() {
    let b = start().await;
    let token = b.sign_in().await;
    let paths = vec!["/gmail/v1/users/me/profile".to_owned(); 101];
    let long = b.batch(Some(&token), batch(&paths, None)).await;
    assert_eq!(long.status, 400);
    assert!(
        long.text.contains("Received: 101, Limit: 100"),
        "{}",
        long.text
    );
    b.sandbox.world().set_behaviour(|x| x.batch_limit = 50);
    assert_eq!(
        b.batch(Some(&token), batch(&paths[..51], None))
            .await
            .status,
        400
    );
    assert_eq!(
        b.batch(Some(&token), batch(&paths[..50], None))
            .await
            .status,
        200
    );
    assert_eq!(b.batch(Some(&token), "junk".into()).await.status, 400);
    let plain = b
        .send(b.http.post(b.url("/batch/gmail/v1")).body("x"))
        .await;
    assert_eq!(plain.status, 400);
}

#[tokio::test]
async fn tokens_and_scopes_are_really_checked() {
    let b = start().await;
    let missing = b.send(b.http.get(b.url(LIST))).await;
    assert_eq!(
        (missing.status, missing.reason().as_str()),
        (401, "required")
    );
    assert_eq!(missing.json()["error"]["status"], "UNAUTHENTICATED");
    assert_eq!(b.get(LIST, "kc:placeholder").await.reason(), "authError");
    let token = b.sign_in().await;
    b.get_with(LIST, "", &[("access_token", &token)]).await;
    let by_query = b
        .send(b.http.get(b.url(LIST)).query(&[("access_token", &token)]))
        .await;
    assert_eq!(by_query.status, 200);

    let calendar = b.token_for(CALENDAR).await;
    let closed = b.get(LIST, &calendar).await;
    assert_eq!(
        (closed.status, closed.reason().as_str()),
        (403, "insufficientPermissions")
    );
    assert_eq!(
        closed.json()["error"]["details"][0]["reason"],
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
    );

    let metadata = b
        .token_for("https://www.googleapis.com/auth/gmail.metadata")
        .await;
    let path = format!("{LIST}/{}", b.truth()[0].id);
    assert_eq!(b.get(&path, &metadata).await.status, 403);
    assert_eq!(
        b.get_with(&path, &metadata, &[("format", "metadata")])
            .await
            .status,
        200
    );
    assert_eq!(b.get_with(LIST, &metadata, &[("q", "x")]).await.status, 403);
    assert_eq!(b.get(LIST, &metadata).await.status, 200);

    let mine = b
        .get(&format!("/gmail/v1/users/{SAMPLE_ACCOUNT}/profile"), &token)
        .await;
    assert_eq!(mine.status, 200);
    let other = b
        .get("/gmail/v1/users/work@sandbox.example/profile", &token)
        .await;
    assert_eq!(other.status, 403);
    let write = b
        .send(
            b.http
                .post(b.url(&format!("{path}/trash")))
                .bearer_auth(&token),
        )
        .await;
    assert_eq!(write.reason(), "insufficientPermissions");
    assert_eq!(b.get("/gmail/v1/nonsense", &token).await.status, 404);
}

#[tokio::test]
async fn quota_units_are_counted_and_a_limit_refuses_until_the_minute_is_over() {
    let b = start().await;
    let token = b.sign_in().await;
    b.sandbox.world().set_behaviour(|x| {
        x.gmail_units_per_minute = Some(25);
        x.calendar_requests_per_minute = Some(1);
    });
    b.get(LIST, &token).await.ok();
    let path = format!("{LIST}/{}", b.truth()[0].id);
    b.get(&path, &token).await.ok();
    let over = b.get(LIST, &token).await;
    assert_eq!(
        (over.status, over.reason().as_str()),
        (403, "rateLimitExceeded")
    );
    assert_eq!(over.json()["error"]["errors"][0]["domain"], "usageLimits");
    assert_eq!(b.sandbox.world().gmail_units(SAMPLE_ACCOUNT), 25);
    b.clock.advance(Duration::from_secs(60));
    b.get(LIST, &token).await.ok();
    let list = "/calendar/v3/users/me/calendarList";
    b.get(list, &token).await.ok();
    assert_eq!(b.get(list, &token).await.reason(), "rateLimitExceeded");
}
