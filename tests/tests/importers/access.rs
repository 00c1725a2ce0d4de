//! Access that ends, comes back, or was never given.

use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::{CALENDAR, GMAIL, GMAIL_SCOPE, Stage};
use serde_json::json;
use url::Url;

use crate::{ACCOUNT, count, now, since};

#[tokio::test]
async fn an_expired_token_is_refreshed_once_for_all_charms() {
    let stage = Stage::connected().await;
    let serve = stage.serve().await;
    stage.ask(["pause", GMAIL]).await;
    stage.ask(["pause", CALENDAR]).await;
    stage.run_charm(GMAIL).await;
    stage.run_charm(CALENDAR).await;
    assert!(stage.world().expire_access_tokens() > 0);

    let before = now(&stage);
    let (mail, events) = tokio::join!(stage.run_charm(GMAIL), stage.run_charm(CALENDAR));
    for run in [&mail, &events] {
        assert_eq!(run["error"], json!(null), "{run:#}");
    }
    let refreshes = count(&since(&stage, before), |r| r.path == "/token");
    assert_eq!(refreshes, 1);
    drop(serve);
}

#[tokio::test]
async fn a_revoked_grant_needs_a_sign_in_and_goes_on_after_it() {
    let stage = Stage::connected().await;
    stage.expect_run(GMAIL, "ok").await;
    let before = stage.ask(["accounts"]).await;
    assert_eq!(before[0]["state"], "ready");
    assert_eq!(stage.world().revoke_grants(ACCOUNT).unwrap(), 1);
    stage.world().arrive_mail(ACCOUNT).unwrap();

    let run = stage.run_charm(GMAIL).await;
    assert_eq!(run["error"]["kind"], "sign-in", "{run:#}");
    assert_eq!(run["changed"], 0);
    let during = stage.ask(["accounts"]).await;
    assert_eq!(during[0]["state"], "needs-sign-in", "{during:#}");

    let connected = stage.connect(ACCOUNT, None).await;
    assert_eq!(connected["account"]["account"], before[0]["account"]);
    assert_eq!(connected["charms"], json!([]), "nothing is added twice");
    stage.expect_run(GMAIL, "ok").await;
    stage.assert_mail().await;
}

#[tokio::test]
async fn a_box_left_unticked_is_named_and_the_rest_works() {
    let stage = Stage::start().await;
    let connected = stage.connect(ACCOUNT, Some(&[GMAIL_SCOPE])).await;
    assert_eq!(connected["granted"], json!(["gmail"]));
    assert_eq!(connected["missing"], json!(["calendar"]));
    stage.expect_run(GMAIL, "ok").await;
    stage.assert_mail().await;
    let refused = stage.run(["run", CALENDAR]).await;
    assert_ne!(refused.code, Some(0), "{refused}");

    // Granted afterwards, it is added.
    let connected = stage.connect(ACCOUNT, None).await;
    assert_eq!(connected["missing"], json!([]));
    let run = stage.expect_run(CALENDAR, "ok").await;
    stage.assert_events(&run).await;
}

#[tokio::test]
async fn a_scope_that_was_taken_back_is_an_error_of_its_own_kind() {
    let stage = Stage::connected().await;
    stage.expect_run(CALENDAR, "ok").await;
    stage.world().revoke_grants(ACCOUNT).unwrap();
    stage.connect(ACCOUNT, Some(&[GMAIL_SCOPE])).await;

    let run = stage.run_charm(CALENDAR).await;
    assert_eq!(run["error"]["kind"], "scope", "{run:#}");
    assert_eq!(run["changed"], 0);
    stage.run_charm(GMAIL).await;
    stage.assert_mail().await;
}

#[tokio::test]
async fn connect_says_in_words_what_was_not_granted() {
    let stage = Stage::start().await;
    let mut connect = Going::start(stage.plain(["connect", "google", "--print-url"]));
    let url = connect.out_line(|l| l.starts_with("http")).await;
    let url = Url::parse(&url).unwrap();
    let answer = stage
        .world()
        .complete(&url, ACCOUNT, Some(&[GMAIL_SCOPE]))
        .await;
    assert_eq!(answer.unwrap(), 200);
    let done = connect.end().await.with_code(0);
    assert!(
        done.out.contains(&format!("Connected {ACCOUNT} (Gmail).")),
        "{done}"
    );
    assert!(done.out.contains("Not granted: Calendar."), "{done}");
}
