//! Gmail over real HTTP: what the importers and the charms of the ecosystem
//! rely on (google.md §2b, §2c).

use std::collections::BTreeSet;

use crate::common::*;
use charmkeeper_sandbox::{MessageTruth, NewMail, SAMPLE_ACCOUNT};
use serde_json::{Value, json};

pub(crate) const LIST: &str = "/gmail/v1/users/me/messages";

fn ids(list: &Value) -> Vec<String> {
    let list = list["messages"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|m| m["id"].as_str().expect("id").to_owned())
        .collect()
}

impl Bench {
    /// Every id of a list, page by page, and how many pages it took.
    async fn walk(&self, token: &str, query: &[(&str, &str)]) -> (Vec<String>, usize) {
        let (mut out, mut page, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let mut query = query.to_vec();
            if !page.is_empty() {
                query.push(("pageToken", &page));
            }
            let list = self.get_with(LIST, token, &query).await.ok();
            out.extend(ids(&list));
            pages += 1;
            assert!(pages < 200, "the list does not end");
            match list["nextPageToken"].as_str() {
                Some(next) => page = next.to_owned(),
                None => return (out, pages),
            }
        }
    }

    pub(crate) fn truth(&self) -> Vec<MessageTruth> {
        self.sandbox
            .world()
            .messages(SAMPLE_ACCOUNT)
            .expect("account")
    }
}

/// The bodies of a type that are not files, wherever they are; large ones by
/// their attachment.
async fn body(b: &Bench, token: &str, id: &str, payload: &Value, kind: &str) -> Option<String> {
    let mut open = vec![payload];
    while let Some(part) = open.pop() {
        open.extend(part["parts"].as_array().into_iter().flatten().rev());
        if part["mimeType"] == kind && part["filename"] == "" {
            let data = match part["body"]["attachmentId"].as_str() {
                Some(a) => {
                    let path = format!("{LIST}/{id}/attachments/{a}");
                    b.get(&path, token).await.ok()["data"].clone()
                }
                None if part["body"]["size"] == 0 => json!(""),
                None => part["body"]["data"].clone(),
            };
            return Some(String::from_utf8(decode(&data)).expect("UTF-8"));
        }
    }
    None
}

#[tokio::test]
async fn every_message_reads_back_as_it_is_held() {
    let b = start_with(|c| c.messages = 80).await;
    let token = b.sign_in().await;
    let (listed, _) = b.walk(&token, &[("includeSpamTrash", "true")]).await;
    assert_eq!(listed.len(), 80);
    let mut kinds = BTreeSet::new();
    let mut by_attachment = 0;
    for truth in b.truth() {
        let m = b.get(&format!("{LIST}/{}", truth.id), &token).await.ok();
        assert_eq!(m["labelIds"], json!(truth.label_ids));
        assert_eq!(m["threadId"], json!(truth.thread_id));
        assert_eq!(m["historyId"], json!(truth.history_id));
        assert_eq!(m["internalDate"], json!(truth.internal_date.to_string()));
        assert_eq!(m["snippet"], json!(truth.snippet));
        let header = |name: &str| {
            let list = m["payload"]["headers"].as_array().expect("headers");
            let found = list.iter().find(|h| h["name"] == name);
            found
                .map(|h| h["value"].as_str().expect("text").to_owned())
                .unwrap_or_default()
        };
        assert_eq!(header("Subject"), truth.subject);
        assert_eq!(header("From"), truth.from);
        assert_eq!(header("To"), truth.to);
        assert_eq!(header("Date"), truth.date);
        assert_eq!(
            body(&b, &token, &truth.id, &m["payload"], "text/plain").await,
            truth.text
        );
        assert_eq!(
            body(&b, &token, &truth.id, &m["payload"], "text/html").await,
            truth.html
        );
        kinds.insert(m["payload"]["mimeType"].as_str().expect("type").to_owned());
        by_attachment += usize::from(m["payload"]["body"].get("attachmentId").is_some());
    }
    let kinds: Vec<_> = kinds.into_iter().collect();
    assert_eq!(
        kinds,
        [
            "multipart/alternative",
            "multipart/mixed",
            "text/html",
            "text/plain"
        ]
    );
    assert_eq!(by_attachment, 2, "large bodies");
    let texts = b
        .truth()
        .iter()
        .map(|m| m.subject.clone())
        .collect::<String>();
    for sign in ["🎉", "図書館", "طردك", "Größe", "<b>not bold</b>"] {
        assert!(texts.contains(sign), "{sign}");
    }
    assert!(b.truth().iter().any(|m| m.snippet.contains("&#39;")));
    assert!(
        b.truth()
            .iter()
            .any(|m| m.subject.is_empty() && m.text.as_deref() == Some(""))
    );
}

#[tokio::test]
async fn files_and_inline_images_come_by_an_attachment_id_that_changes() {
    let b = start().await;
    let token = b.sign_in().await;
    let truth = b.truth();
    let with_image = truth
        .iter()
        .find(|m| m.files.iter().any(|f| f == "dot.png"))
        .expect("one");
    let path = format!("{LIST}/{}", with_image.id);
    let get = || b.get(&path, &token);
    let find = |m: &Value| m["payload"]["parts"][0]["parts"][1].clone();
    let (first, second) = (find(&get().await.ok()), find(&get().await.ok()));
    assert_eq!(
        (&first["partId"], &first["mimeType"]),
        (&json!("0.1"), &json!("image/png"))
    );
    let html = with_image.html.as_ref().expect("html");
    let cid = first["headers"]
        .as_array()
        .expect("headers")
        .iter()
        .find(|h| h["name"] == "Content-ID");
    let cid = cid.expect("cid")["value"]
        .as_str()
        .expect("text")
        .trim_matches(['<', '>']);
    assert!(html.contains(&format!("cid:{cid}")), "{html}");
    let attachment = |p: &Value| p["body"]["attachmentId"].as_str().expect("id").to_owned();
    assert_ne!(attachment(&first), attachment(&second));
    for part in [&first, &second] {
        let path = format!("{LIST}/{}/attachments/{}", with_image.id, attachment(part));
        let file = b.get(&path, &token).await.ok();
        assert_eq!(decode(&file["data"])[1..4], *b"PNG");
        assert_eq!(file["size"], part["body"]["size"]);
    }
    let other = &truth
        .iter()
        .find(|m| m.id != with_image.id)
        .expect("another")
        .id;
    let path = format!("{LIST}/{other}/attachments/{}", attachment(&first));
    assert_eq!(b.get(&path, &token).await.status, 400);
    let path = format!("{LIST}/{}/attachments/junk", with_image.id);
    assert_eq!(b.get(&path, &token).await.status, 400);
}

#[tokio::test]
async fn formats_show_what_they_should_and_raw_is_ascii() {
    let b = start().await;
    let token = b.sign_in().await;
    let truth = b.truth();
    let m = truth
        .iter()
        .find(|m| m.subject.contains("Größe"))
        .expect("latin-1");
    let path = format!("{LIST}/{}", m.id);
    let minimal = b
        .get_with(&path, &token, &[("format", "minimal")])
        .await
        .ok();
    assert!(minimal.get("payload").is_none() && minimal["snippet"] == json!(m.snippet));
    let query = [
        ("format", "metadata"),
        ("metadataHeaders", "subject"),
        ("metadataHeaders", "From"),
    ];
    let metadata = b.get_with(&path, &token, &query).await.ok();
    let names: Vec<_> = metadata["payload"]["headers"]
        .as_array()
        .expect("headers")
        .iter()
        .map(|h| h["name"].as_str().expect("name"))
        .collect();
    assert_eq!(names, ["Subject", "From"]);
    let raw = b.get_with(&path, &token, &[("format", "RAW")]).await.ok();
    let raw = String::from_utf8(decode(&raw["raw"])).expect("text");
    assert!(raw.is_ascii() && raw.contains("Subject: =?UTF-8?B?") && raw.contains("ISO-8859-1"));
    assert_eq!(
        b.get_with(&path, &token, &[("format", "x")]).await.status,
        400
    );
    assert_eq!(
        b.get(&format!("{LIST}/not-an-id"), &token).await.status,
        400
    );
    let unknown = b.get(&format!("{LIST}/00000000000000ff"), &token).await;
    assert_eq!(
        (unknown.status, unknown.reason().as_str()),
        (404, "notFound")
    );
    assert_eq!(unknown.json()["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn a_list_is_newest_first_stable_while_mail_arrives_and_may_end_empty() {
    let b = start_with(|c| c.messages = 100).await;
    let token = b.sign_in().await;
    let all: Vec<(&str, &str)> = vec![("includeSpamTrash", "true"), ("maxResults", "25")];
    let (found, pages) = b.walk(&token, &all).await;
    assert_eq!((found.len(), pages), (100, 5), "the fifth page is empty");
    let mut truth = b.truth();
    truth.sort_by_key(|m| std::cmp::Reverse(m.internal_date));
    assert_eq!(
        found,
        truth.iter().map(|m| m.id.clone()).collect::<Vec<_>>()
    );

    let first = b.get_with(LIST, &token, &all).await.ok();
    b.sandbox
        .world()
        .arrive_mail(SAMPLE_ACCOUNT)
        .expect("account");
    let next = first["nextPageToken"].as_str().expect("more");
    let second = b
        .get_with(LIST, &token, &[all[0], all[1], ("pageToken", next)])
        .await
        .ok();
    assert_eq!(ids(&second), found[25..50]);

    b.sandbox.world().set_behaviour(|x| x.empty_pages = false);
    assert_eq!(
        b.walk(
            &token,
            &[("includeSpamTrash", "true"), ("maxResults", "101")]
        )
        .await
        .1,
        1
    );
    let default = b.get(LIST, &token).await.ok();
    assert!(default["messages"].as_array().expect("list").len() <= 100);
    assert_eq!(
        b.get_with(LIST, &token, &[("pageToken", "junk")])
            .await
            .status,
        400
    );
    assert_eq!(
        b.get_with(LIST, &token, &[("maxResults", "x")])
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn a_list_shows_no_spam_and_trash_unless_asked() {
    let b = start_with(|c| c.messages = 80).await;
    let token = b.sign_in().await;
    let listed = |query: Vec<(&'static str, &'static str)>| {
        let (b, token) = (&b, &token);
        async move {
            b.walk(token, &query)
                .await
                .0
                .into_iter()
                .collect::<BTreeSet<_>>()
        }
    };
    let truth = |keep: &dyn Fn(&[String]) -> bool| -> BTreeSet<_> {
        b.truth()
            .iter()
            .filter(|m| keep(&m.label_ids))
            .map(|m| m.id.clone())
            .collect()
    };
    let has = |l: &[String], label: &str| l.iter().any(|x| x == label);
    let junk = |l: &[String]| has(l, "SPAM") || has(l, "TRASH");
    assert!(!truth(&junk).is_empty());
    assert_eq!(listed(vec![]).await, truth(&|l| !junk(l)));
    assert_eq!(listed(vec![("q", "in:anywhere")]).await.len(), 80);
    assert_eq!(
        listed(vec![("q", "in:spam")]).await,
        truth(&|l| has(l, "SPAM"))
    );
    assert_eq!(
        listed(vec![("q", "in:INBOX")]).await,
        truth(&|l| has(l, "INBOX"))
    );
    assert_eq!(
        listed(vec![("labelIds", "INBOX"), ("labelIds", "UNREAD")]).await,
        truth(&|l| has(l, "INBOX") && has(l, "UNREAD"))
    );
    let none = b
        .get_with(LIST, &token, &[("q", "no-such-word-anywhere")])
        .await
        .ok();
    assert_eq!(none, json!({"resultSizeEstimate": 0}));
}

#[tokio::test]
async fn what_a_test_adds_is_there() {
    let b = start_with(|c| c.messages = 0).await;
    let token = b.sign_in().await;
    let mail = NewMail {
        from: "Ärger <a@sandbox.example>".into(),
        subject: "ein 'Betreff'".into(),
        text: Some("Grüße 🎈".into()),
        html: Some("<p>Grüße 🎈</p>".into()),
        ..NewMail::default()
    };
    let id = b
        .sandbox
        .world()
        .add_mail(SAMPLE_ACCOUNT, &mail)
        .expect("account");
    let (listed, _) = b.walk(&token, &[("q", "from:ärger grüße")]).await;
    assert_eq!(listed, std::slice::from_ref(&id));
    let m = b.get(&format!("{LIST}/{id}"), &token).await.ok();
    assert_eq!(m["payload"]["mimeType"], "multipart/alternative");
    assert_eq!(m["snippet"], "Grüße 🎈");
    assert_eq!(m["internalDate"], at(NOW).0.to_string());
}
