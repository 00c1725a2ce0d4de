//! No token passes between the keeper and its workers: every frame of both
//! directions is recorded and searched.
//!
//! The keeper runs in this process, because the program itself has no way to
//! put something between itself and its workers. So that it finds the test's
//! keychain and no other, the test starts itself again with that session bus.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::{ClientId, Endpoints};
use charmkeeper_base::{SystemClock, random::SystemRandom};
use charmkeeper_charms::runner::WorkerCommand;
use charmkeeper_keeper::api::{Event, Request};
use charmkeeper_keeper::home::Home;
use charmkeeper_keeper::{Keeper, KeeperConfig, VaultChoice};
use charmkeeper_sandbox::{
    CLIENT_ID, CLIENT_SECRET, Running, SAMPLE_ACCOUNT, Sandbox, SandboxConfig,
};
use charmkeeper_tests::keyring::Keyring;
use charmkeeper_tests::needle::{Needle, assert_absent, files};
use charmkeeper_tests::program;
use charmkeeper_tests::stage::{CALENDAR, GMAIL};
use serde_json::Value;
use tokio::sync::mpsc;
use url::Url;

const PLANTED: &str = "ya29.planted-frame-token-0123456789-abcdefghij";
const BUS: &str = "CHARMKEEPER_TEST_PRIVATE_BUS";

#[tokio::test]
async fn no_frame_holds_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let keyring = Keyring::unlocked(folder.path()).await;
    let again = tokio::process::Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "the_frames_of_a_private_session",
            "--ignored",
            "--nocapture",
        ])
        .env("DBUS_SESSION_BUS_ADDRESS", &keyring.address)
        .env(BUS, &keyring.address)
        .kill_on_drop(true)
        .output();
    let done = tokio::time::timeout(charmkeeper_tests::PATIENCE, again).await;
    let done = done.expect("it ends in time").unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("1 passed"),
        "{said}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

/// A worker with a tap on both of its pipes.
fn tapped_worker(folder: &Path) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let script = folder.join("worker.sh");
    // The worker checks who its parent is, and that is the shell.
    let text = format!(
        "#!/bin/sh\nargs=\nwhile [ $# -gt 0 ]; do case $1 in\n\
         --parent) args=\"$args --parent $$\"; shift 2;;\n\
         *) args=\"$args $1\"; shift;;\nesac; done\n\
         tee '{0}/in.'$$ | '{1}' $args | tee '{0}/out.'$$\n",
        folder.join("frames").display(),
        program::path().display()
    );
    std::fs::create_dir(folder.join("frames")).unwrap();
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o700)).unwrap();
    script
}

async fn ask(keeper: &Arc<Keeper>, google: &Running, request: Request) -> Value {
    let (events, mut sent) = mpsc::channel(64);
    let watching = async {
        while let Some(event) = sent.recv().await {
            if let Event::OpenUrl { url } = event {
                let url = Url::parse(&url).unwrap();
                let page = google.world().complete(&url, SAMPLE_ACCOUNT, None).await;
                assert_eq!(page.unwrap(), 200);
            }
        }
    };
    let (answer, ()) = tokio::join!(keeper.call(request, events), watching);
    answer.unwrap()
}

async fn open(folder: &Path, google: &Running) -> Arc<Keeper> {
    let home = Home::open(&folder.join("home")).unwrap();
    let lock = home.lock().unwrap();
    let keeper = Keeper::open(KeeperConfig {
        home,
        lock,
        endpoints: Endpoints::below(&google.base_url).unwrap(),
        client: ClientId::pasted(CLIENT_ID, Some(CLIENT_SECRET)).ok(),
        vault: VaultChoice::Keychain,
        worker: WorkerCommand {
            program: tapped_worker(folder),
            args: vec!["worker".into()],
        },
        run_limit: Duration::from_secs(60),
        serving: false,
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
    });
    keeper.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by no_frame_holds_a_token, on a session bus of its own"]
async fn the_frames_of_a_private_session() {
    let bus = std::env::var(BUS).expect("started by no_frame_holds_a_token");
    assert_eq!(std::env::var("DBUS_SESSION_BUS_ADDRESS"), Ok(bus));
    let folder = tempfile::tempdir().unwrap();
    let config = SandboxConfig {
        messages: 20,
        events: 10,
        ..SandboxConfig::default()
    };
    let google = Sandbox::start(config).await.unwrap();
    google.world().plant_access_token(PLANTED);
    let keeper = open(folder.path(), &google).await;
    let connect = Request::Connect {
        services: Vec::new(),
        client: None,
        print_url: true,
        account: None,
    };
    ask(&keeper, &google, connect).await;
    for charm in [GMAIL, CALENDAR, "google-auth", GMAIL] {
        let request = Request::Run {
            charm: charm.to_owned(),
            argument: None,
        };
        let run = ask(&keeper, &google, request).await;
        let outcome = run["outcome"].as_str().unwrap();
        assert!(outcome.starts_with("ok"), "{charm}: {run:#}");
    }
    keeper.shutdown().await;

    let issued = google.world().issued_tokens();
    let mut secrets: Vec<_> = issued
        .iter()
        .enumerate()
        .map(|(n, token)| Needle::new(format!("token {n}"), token))
        .collect();
    secrets.push(Needle::new("the client secret", CLIENT_SECRET));
    assert!(issued.len() >= 2, "an access and a refresh token");
    let frames = files(&folder.path().join("frames"));
    assert!(frames.len() >= 4, "{} recordings", frames.len());
    for (path, bytes) in &frames {
        assert_absent(&secrets, &path.display().to_string(), bytes);
    }

    // The recordings hold what was said, and the token did go to Google.
    let all: Vec<u8> = frames.into_iter().flat_map(|(_, bytes)| bytes).collect();
    let account = Needle::new("the address", SAMPLE_ACCOUNT);
    assert!(account.found_in(&all).is_some());
    let placeholder = b"Bearer kc:";
    assert!(all.windows(placeholder.len()).any(|w| w == placeholder));
    assert!(google.saw_token(PLANTED));
}
