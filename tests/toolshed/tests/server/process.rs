//! The program: its one line, the control port, and the end at any moment.

use std::process::Stdio;

use charmkeeper_toolshed::SpaceServer;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::faults::in_time;
use crate::socket::http;

async fn spawn(folder: &std::path::Path) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_space-server"))
        .arg("--dir")
        .arg(folder)
        .arg("--until-stdin-closes")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let out = child.stdout.take().unwrap();
    in_time(BufReader::new(out).read_line(&mut line))
        .await
        .unwrap();
    (child, serde_json::from_str(&line).unwrap())
}

async fn steer(line: &Value, command: &str, body: Value) -> Value {
    let base = line["control"].as_str().unwrap();
    let (status, answer) = http(base, "POST", &format!("/{command}"), &body.to_string()).await;
    assert_eq!(status, 200, "{command}: {answer}");
    answer
}

#[tokio::test]
async fn what_was_accepted_survives_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, line) = spawn(folder.path()).await;
    assert!(
        line["url"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
    for n in 1..=20 {
        let operation = json!({"op": "set", "id": "of:a", "value": {"value": n}});
        let body = json!({"space": "did:key:zS", "operations": [operation]});
        assert_eq!(steer(&line, "write", body).await, json!({ "seq": n }));
    }
    child.kill().await.unwrap();
    let (mut child, line) = spawn(folder.path()).await;
    let at = json!({"space": "did:key:zS", "id": "of:a"});
    let found = steer(&line, "document", at.clone()).await;
    assert_eq!(found, json!({"seq": 20, "document": {"value": 20}}));
    assert_eq!(steer(&line, "count", at).await, json!({"count": 20}));
    let commits = steer(&line, "commits", json!({"space": "did:key:zS"})).await;
    assert_eq!(commits["commits"].as_array().unwrap().len(), 20);
    drop(child.stdin.take());
    assert!(in_time(child.wait()).await.unwrap().success());
}

#[tokio::test]
async fn every_command_of_the_control_port_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let server = SpaceServer::start(folder.path()).await.unwrap();
    let line = json!({ "control": server.control_url() });
    let space = json!({"space": "did:key:zS"});
    for (command, body) in [
        (
            "fault",
            json!({"action": "drop-after", "skip": 1, "on": "transact"}),
        ),
        (
            "fault",
            json!({"action": "refuse", "name": "TransactionError", "message": "no"}),
        ),
        ("clear-faults", json!({})),
        ("release", json!({})),
        ("held", json!({"count": 0})),
        ("drop", json!({})),
        ("offline", json!({"on": true})),
        ("offline", json!({"on": false})),
        ("flap", json!({"times": 0})),
        ("restart", json!({})),
        ("expire", json!({})),
        ("revoke", space.clone()),
        ("take-over", space.clone()),
        ("sessions", space.clone()),
    ] {
        steer(&line, command, body).await;
    }
    let base = server.control_url();
    assert_eq!(http(&base, "POST", "/nonsense", "{}").await.0, 400);
    assert_eq!(
        http(&base, "POST", "/fault", r#"{"action":"nonsense"}"#)
            .await
            .0,
        400
    );
}
