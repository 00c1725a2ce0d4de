//! The main job against a remote space: the try-out profile runs its importers
//! there, and another client finds the mail.

use charmkeeper_base::cell::DocRef;
use charmkeeper_space::identity::Identity;
use charmkeeper_tests::program;
use charmkeeper_toolshed::SpaceServer;
use charmkeeper_toolshed::seed::PieceSeed;
use serde_json::{Value, json};

use crate::reader::Reader;
use crate::stage::NOTER;

/// The key that the sandbox uses when it is given none.
const PASSPHRASE: &str = "charmkeeper sandbox";

async fn run(folder: &std::path::Path, server: &SpaceServer) -> Value {
    let mut command = program::command(folder);
    command.args(["sandbox", "--once", "--json", "--messages", "30"]);
    command.args(["--space-url", &server.url()]);
    program::run(command).await.with_code(0).json()
}

/// Finds the mail and the events by favorites, pieces and links.
async fn assert_found(answer: &Value, server: &SpaceServer, more: usize) {
    let key = Identity::from_passphrase(PASSPHRASE);
    assert_eq!(answer["space"]["home"], key.home_space());
    let mut reader = Reader::new(&server.url(), key);
    let favorites = reader.favorites().await;
    assert_eq!(favorites.len(), 2 + more, "{favorites:#?}");
    for (tag, cell, sample) in [
        ("gmailEmails", "emails", "subject"),
        ("calendarEvents", "events", "summary"),
    ] {
        let starred = favorites
            .iter()
            .find(|f| f.tags.iter().any(|t| t.eq_ignore_ascii_case(tag)))
            .unwrap_or_else(|| panic!("{tag} is starred: {favorites:#?}"));
        let at: &DocRef = &starred.piece;
        let listed = reader.pieces(&at.space).await;
        assert!(listed.contains(at), "it is on the space's list too");
        let piece = reader.piece(at).await;
        assert!(piece.background());
        let program = reader.source(&piece).await;
        assert!(program.files[&program.entry].contains("bgUpdater"));
        let shown = reader.show(at).await;
        let held = shown[cell]
            .as_array()
            .unwrap_or_else(|| panic!("{cell}: {shown:#}"));
        assert_eq!(json!(held.len()), answer["cells"][cell]);
        assert!(!held.is_empty());
        assert!(
            held.iter().all(|one| one[sample].is_string()),
            "{:#}",
            held[0]
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_fills_a_new_space_and_another_client_finds_the_mail() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let answer = run(folder.path(), &server).await;
    for run in answer["runs"].as_array().unwrap() {
        let stays = run["charm"] == "google-auth";
        let local = run["sync"] == "local";
        let unchanged = run["outcome"] == "ok-unchanged";
        assert!(stays == local || unchanged, "{run:#}");
    }
    assert_found(&answer, &server, 0).await;
    // No placeholder of the account left this computer.
    let space = answer["space"]["space"].as_str().unwrap();
    for commit in server.commits(space).unwrap() {
        let text = commit.to_value().to_string();
        assert!(!text.contains("\"kc:"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_adds_to_spaces_of_the_real_client() {
    let (folder, data) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = SpaceServer::start(data.path()).await.unwrap();
    let inputs = json!({ "title": "x", "notes": [] });
    let theirs = PieceSeed::simple("charmkeeper sandbox", "Theirs", NOTER, inputs);
    let key = Identity::from_passphrase(PASSPHRASE);
    server.seed_home(&key, &[theirs]).unwrap();
    let answer = run(folder.path(), &server).await;
    assert_found(&answer, &server, 1).await;
}
