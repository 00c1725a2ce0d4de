//! Gmail over real HTTP: history, labels, threads.

use std::collections::BTreeSet;

use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use serde_json::json;

use crate::common::*;
use crate::gmail::LIST;

#[tokio::test]
async fn history_tells_every_change_once_with_ids_as_strings() {
    let b = start().await;
    let (token, world) = (b.sign_in().await, b.sandbox.world());
    let profile = b.get("/gmail/v1/users/me/profile", &token).await.ok();
    assert_eq!(profile["emailAddress"], SAMPLE_ACCOUNT);
    assert_eq!(profile["messagesTotal"], 60);
    let start = profile["historyId"].as_str().expect("a string").to_owned();
    let path = "/gmail/v1/users/me/history";
    let nothing = b
        .get_with(path, &token, &[("startHistoryId", &start)])
        .await
        .ok();
    assert_eq!(nothing, json!({"historyId": start}));

    let new = world.arrive_mail(SAMPLE_ACCOUNT).expect("account");
    let (gone, moved) = (b.truth()[0].id.clone(), b.truth()[1].id.clone());
    world
        .relabel(SAMPLE_ACCOUNT, &moved, &["TRASH"], &["INBOX"])
        .expect("message");
    world
        .delete_message(SAMPLE_ACCOUNT, &gone)
        .expect("message");
    let list = b
        .get_with(path, &token, &[("startHistoryId", &start)])
        .await
        .ok();
    let records = list["history"].as_array().expect("records");
    assert_eq!(records[0]["messagesAdded"][0]["message"]["id"], json!(new));
    assert_eq!(records[1]["labelsAdded"][0]["labelIds"], json!(["TRASH"]));
    assert_eq!(records[1]["labelsAdded"][0]["message"]["id"], json!(moved));
    let last = records.last().expect("last");
    assert_eq!(last["messagesDeleted"][0]["message"]["id"], json!(gone));
    assert_eq!(last["id"], list["historyId"], "{list}");
    assert!(last["id"].is_string());

    let deleted = [
        ("startHistoryId", start.as_str()),
        ("historyTypes", "messageDeleted"),
    ];
    let only = b.get_with(path, &token, &deleted).await.ok();
    assert_eq!(only["history"].as_array().expect("records").len(), 1);
    let inbox = [("startHistoryId", start.as_str()), ("labelId", "TRASH")];
    assert!(
        b.get_with(path, &token, &inbox).await.ok()["history"][0]
            .get("labelsAdded")
            .is_some()
    );

    let mut page = vec![
        ("startHistoryId", start.clone()),
        ("maxResults", "1".to_owned()),
    ];
    let mut walked = Vec::new();
    loop {
        let query: Vec<_> = page.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let list = b.get_with(path, &token, &query).await.ok();
        walked.extend(list["history"].as_array().cloned().unwrap_or_default());
        page.truncate(2);
        match list["nextPageToken"].as_str() {
            Some(next) => page.push(("pageToken", next.to_owned())),
            None => break,
        }
    }
    assert_eq!(&walked, records);
    assert_eq!(b.get(&format!("{LIST}/{gone}"), &token).await.status, 404);
}

#[tokio::test]
async fn history_that_is_too_old_unknown_or_unreadable_is_refused() {
    let b = start().await;
    let (token, world) = (b.sign_in().await, b.sandbox.world());
    let status = async |start: &str| {
        b.get_with(
            "/gmail/v1/users/me/history",
            &token,
            &[("startHistoryId", start)],
        )
        .await
    };
    let now = world.history_id(SAMPLE_ACCOUNT).expect("account");
    assert_eq!(status(&now).await.status, 200);
    let week_old = b
        .truth()
        .into_iter()
        .map(|m| (m.internal_date, m.history_id))
        .min()
        .expect("one");
    assert_eq!(status(&week_old.1).await.status, 404, "older than a week");
    assert_eq!(status("999999999999").await.status, 404);
    world.expire_history(SAMPLE_ACCOUNT).expect("account");
    let old = status(&now).await;
    assert_eq!((old.status, old.reason().as_str()), (404, "notFound"));
    let new = world.history_id(SAMPLE_ACCOUNT).expect("account");
    assert_eq!(status(&new).await.status, 200);
    assert_eq!(status("abc").await.status, 400);
    assert_eq!(status("").await.status, 400);
}

#[tokio::test]
async fn labels_and_threads_are_listed() {
    let b = start().await;
    let token = b.sign_in().await;
    let labels = b.get("/gmail/v1/users/me/labels", &token).await.ok();
    let names: Vec<_> = labels["labels"]
        .as_array()
        .expect("labels")
        .iter()
        .map(|l| l["name"].as_str().expect("name"))
        .collect();
    assert!(
        names.contains(&"INBOX") && names.contains(&"家族"),
        "{names:?}"
    );
    let inbox = b.get("/gmail/v1/users/me/labels/INBOX", &token).await.ok();
    let count = b
        .truth()
        .iter()
        .filter(|m| m.label_ids.iter().any(|l| l == "INBOX"))
        .count();
    assert_eq!(inbox["messagesTotal"], json!(count));
    assert_eq!(
        b.get("/gmail/v1/users/me/labels/NONE", &token).await.status,
        404
    );

    let reply = b
        .truth()
        .into_iter()
        .find(|m| m.subject.starts_with("Re:"))
        .expect("a reply");
    let thread = b
        .get(
            &format!("/gmail/v1/users/me/threads/{}", reply.thread_id),
            &token,
        )
        .await
        .ok();
    let found: Vec<_> = thread["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|m| m["id"].clone())
        .collect();
    assert_eq!(found, [json!(reply.thread_id), json!(reply.id)]);
    let threads: BTreeSet<_> = b
        .truth()
        .into_iter()
        .filter(|m| !m.label_ids.iter().any(|l| l == "SPAM" || l == "TRASH"))
        .map(|m| m.thread_id)
        .collect();
    let (mut seen, mut page) = (Vec::new(), String::new());
    loop {
        let query = [("maxResults", "7"), ("pageToken", &page)];
        let list = b
            .get_with("/gmail/v1/users/me/threads", &token, &query)
            .await
            .ok();
        let items = list["threads"].as_array().cloned().unwrap_or_default();
        seen.extend(
            items
                .iter()
                .map(|t| t["id"].as_str().expect("id").to_owned()),
        );
        match list["nextPageToken"].as_str() {
            Some(next) => page = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(seen.len(), threads.len());
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), threads);
}
