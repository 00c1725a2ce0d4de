//! What happens to a mailbox between two runs.

use charmkeeper_sandbox::{MessageTruth, NewMail};
use charmkeeper_tests::expected::is_listed;
use charmkeeper_tests::stage::{GMAIL, Stage};
use serde_json::Value;

use crate::{ACCOUNT, count, is_mail_list, log, now, since};

fn inbox(stage: &Stage) -> Vec<MessageTruth> {
    let all = stage.world().messages(ACCOUNT).unwrap();
    let in_inbox = |m: &MessageTruth| m.label_ids.iter().any(|l| l == "INBOX");
    let mail: Vec<_> = all
        .into_iter()
        .filter(|m| is_listed(m) && in_inbox(m))
        .collect();
    assert!(mail.len() >= 4, "too small a mailbox for this test");
    mail
}

async fn held(stage: &Stage, id: &str) -> Option<Value> {
    let emails = stage.cells(GMAIL, "emails").await;
    let all = emails.as_array().unwrap();
    all.iter().find(|e| e["id"] == id).cloned()
}

#[tokio::test]
async fn only_what_changed_is_read_after_the_first_run() {
    let stage = Stage::connected().await;
    stage.expect_run(GMAIL, "ok").await;
    let [deleted, archived, trashed, read] = &inbox(&stage)[..4] else {
        panic!("four messages");
    };
    let world = stage.world();
    let mail = NewMail {
        from: "Zoë Ünlü <zoe@example.com>".into(),
        subject: "Grüße aus København 🎉 — 見積書".into(),
        text: Some("Zeile eins\nστίχος δύο\n三行目\n".into()),
        html: Some("<p>Zeile <b>eins</b> &amp; mehr</p>".into()),
        ..NewMail::default()
    };
    let added = world.add_mail(ACCOUNT, &mail).unwrap();
    let arrived = world.arrive_mail(ACCOUNT).unwrap();
    world.delete_message(ACCOUNT, &deleted.id).unwrap();
    world
        .relabel(ACCOUNT, &archived.id, &[], &["INBOX"])
        .unwrap();
    world
        .relabel(ACCOUNT, &trashed.id, &["TRASH"], &["INBOX"])
        .unwrap();
    world
        .relabel(ACCOUNT, &read.id, &["STARRED"], &["UNREAD"])
        .unwrap();

    let before = now(&stage);
    let run = stage.expect_run(GMAIL, "ok").await;
    assert!(run["changed"].as_u64() > Some(0), "{run:#}");
    let requests = since(&stage, before);
    assert_eq!(
        count(&requests, is_mail_list),
        0,
        "the list was walked again"
    );
    let parts = count(&requests, |r| r.in_batch);
    assert!((1..=6).contains(&parts), "{parts} messages were read");
    stage.assert_mail().await;
    assert!(held(&stage, &added).await.is_some());
    assert!(held(&stage, &arrived).await.is_some());
    assert!(held(&stage, &deleted.id).await.is_none());
    assert!(held(&stage, &trashed.id).await.is_none());
    let labels = held(&stage, &archived.id).await.unwrap()["labelIds"].clone();
    assert!(
        !labels.as_array().unwrap().contains(&"INBOX".into()),
        "{labels}"
    );

    // Out of the trash again.
    world
        .relabel(ACCOUNT, &trashed.id, &["INBOX"], &["TRASH"])
        .unwrap();
    stage.expect_run(GMAIL, "ok").await;
    assert!(held(&stage, &trashed.id).await.is_some());
    stage.assert_mail().await;

    stage.expect_run(GMAIL, "ok-unchanged").await;
}

#[tokio::test]
async fn a_message_that_comes_and_goes_between_runs_leaves_nothing() {
    let stage = Stage::connected().await;
    stage.expect_run(GMAIL, "ok").await;
    let id = stage.world().arrive_mail(ACCOUNT).unwrap();
    stage
        .world()
        .relabel(ACCOUNT, &id, &["STARRED"], &[])
        .unwrap();
    stage.world().delete_message(ACCOUNT, &id).unwrap();

    let run = stage.run_charm(GMAIL).await;
    assert_eq!(run["error"], Value::Null, "{run:#}");
    assert!(held(&stage, &id).await.is_none());
    stage.assert_mail().await;
}

#[tokio::test]
async fn a_history_that_expired_is_replaced_by_the_whole_list() {
    let stage = Stage::connected().await;
    stage.expect_run(GMAIL, "ok").await;
    let gone = &inbox(&stage)[..2];
    let world = stage.world();
    world.delete_message(ACCOUNT, &gone[0].id).unwrap();
    world
        .relabel(ACCOUNT, &gone[1].id, &["TRASH"], &["INBOX"])
        .unwrap();
    world.arrive_mail(ACCOUNT).unwrap();
    world.expire_history(ACCOUNT).unwrap();

    let run = stage.expect_run(GMAIL, "ok").await;
    assert!(log(&run).contains("reading the list again"), "{run:#}");
    assert_eq!(run["calls"][0]["status"], 404, "{run:#}");
    stage.assert_mail().await;

    stage.expect_run(GMAIL, "ok-unchanged").await;
}

#[tokio::test]
async fn large_bodies_and_many_labels_arrive_whole() {
    let stage = Stage::connected().await;
    stage.expect_run(GMAIL, "ok").await;
    // Above what the stand-in, like Gmail, puts into the message itself.
    let line = "Ein langer Satz mit Umlauten: äöü, und 漢字.\n";
    let labels: Vec<String> = (0..200).map(|n| format!("Label_{n}")).collect();
    let mail = NewMail {
        subject: "A long one".into(),
        text: Some(line.repeat(6_000)),
        html: Some(format!("<p>{}</p>", line.repeat(6_000))),
        labels: [vec!["INBOX".to_owned()], labels].concat(),
        ..NewMail::default()
    };
    let id = stage.world().add_mail(ACCOUNT, &mail).unwrap();

    let before = now(&stage);
    stage.expect_run(GMAIL, "ok").await;
    let attachments = count(&since(&stage, before), |r| {
        r.path.contains(&format!("/messages/{id}/attachments/"))
    });
    assert_eq!(attachments, 2, "one for each body");
    let email = held(&stage, &id).await.unwrap();
    assert_eq!(email["labelIds"].as_array().unwrap().len(), 201);
    stage.assert_mail().await;
}
