//! Tokens and redirects: what is dropped on the way to another host.

use charmkeeper_base::http::Redirect;

use super::support::*;

#[tokio::test]
async fn no_token_survives_a_redirect_to_another_host() {
    for status in [301, 302, 303, 307, 308] {
        let w = World::new(move |seen, _| match seen.target.as_str() {
            "/batch/gmail/v1" => with(
                status,
                &[("location", "https://accounts.google.com/away")],
                "",
            ),
            // Back to where a token would be allowed.
            "/away" => with(
                status,
                &[("location", "https://gmail.googleapis.com/batch/back")],
                "",
            ),
            // And on from there, within the host.
            "/batch/back" => with(status, &[("location", "/batch/again")], ""),
            _ => json(200, "{}"),
        })
        .await;
        let mut request = batch(&[("a", "/1")]);
        request
            .headers
            .push(("Authorization".into(), "Bearer kc:b".into()));
        request.headers.push(("X-Mine".into(), "kc:a".into()));
        request.headers.push(("X-Kept".into(), "1".into()));
        let response = w.answer(request).await;
        assert_eq!(response.url, "https://gmail.googleapis.com/batch/again");
        assert!(response.redirected);
        let seen = w.server.seen();
        assert_eq!(seen.len(), 4);
        assert!(seen[0].header("authorization").is_some());
        for hop in &seen[1..] {
            assert_eq!(hop.header("authorization"), None, "{status}");
            assert_eq!(hop.header("x-mine"), None);
            assert_eq!(hop.header("x-kept"), Some("1"));
            let body = String::from_utf8_lossy(&hop.body).into_owned();
            assert!(!body.contains("ya29"), "{status}: {body}");
        }
        let keeps_body = status >= 307;
        assert_eq!(seen[1].method, if keeps_body { "POST" } else { "GET" });
        assert_eq!(seen[1].body.is_empty(), !keeps_body);
        assert_eq!(seen[1].header("content-type").is_some(), keeps_body);
    }
}

#[tokio::test]
async fn a_redirect_on_the_same_host_keeps_the_sign_in() {
    let w = World::new(|seen, _| match seen.target.as_str() {
        "/gmail/v1/users/me/profile" => with(302, &[("location", "/gmail/v1/next?x=1")], ""),
        _ => json(200, "{}"),
    })
    .await;
    let response = w.answer(get(PROFILE)).await;
    assert_eq!(
        response.url,
        "https://gmail.googleapis.com/gmail/v1/next?x=1"
    );
    let want = format!("Bearer {}", token("a", 0));
    assert_eq!(
        w.server.seen()[1].header("authorization"),
        Some(want.as_str())
    );
}

#[tokio::test]
async fn a_token_in_a_redirects_address_goes_nowhere() {
    let w = World::new(|seen, _| match seen.header("authorization") {
        Some(auth) => {
            let secret = auth.trim_start_matches("Bearer ");
            with(
                302,
                &[(
                    "location",
                    &format!("https://accounts.google.com/?t={secret}"),
                )],
                "",
            )
        }
        None => json(200, "{}"),
    })
    .await;
    let response = w.answer(get(PROFILE)).await;
    assert_eq!(response.url, "https://accounts.google.com/?t=kc:a");
    assert_eq!(w.server.seen()[1].target, "/?t=kc:a");
    let mut manual = get(PROFILE);
    manual.redirect = Redirect::Manual;
    let response = w.answer(manual).await;
    assert_eq!(response.status, 302);
    let shown = format!("{response:?}");
    assert!(shown.contains("kc:a") && !shown.contains("ya29"), "{shown}");
}
