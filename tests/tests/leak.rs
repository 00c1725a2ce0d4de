//! A token is nowhere but in the keychain and on the wire to Google: everything
//! that the program writes or prints is searched for it, and so is the memory of
//! a worker that is in the middle of a charm.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_sandbox::CLIENT_SECRET;
use charmkeeper_tests::needle::{Needle, assert_absent, files};
use charmkeeper_tests::processes::{descendants, keeper, memory};
use charmkeeper_tests::snoop::{MARKER, SNOOP};
use charmkeeper_tests::stage::{CALENDAR, GMAIL, Stage};
use charmkeeper_tests::{database, wait_until};

const FIRST: &str = "ya29.planted-first-token-0123456789-abcdefghij";
const SECOND: &str = "ya29.planted-second-token-9876543210-zyxwvutsr";
/// Uses the token once, then waits for an answer that does not come.
const WAITER: &str = r##"import { Default, handler, pattern, wish, Writable } from "commonfabric";

interface Input {
  kept: string | Default<"">;
}
type State = { kept: Writable<string>; auth: Writable<{ token: string }> };

const update = handler<void, State>(async (_event, { kept, auth }) => {
  const headers = { Authorization: `Bearer ${auth.get().token}` };
  const base = "https://gmail.googleapis.com/gmail/v1/users/me";
  const answer = await fetch(`${base}/profile`, { headers });
  if (!answer.ok) throw new Error(`profile: ${answer.status}`);
  kept.set([await answer.text(), "marker", "of", "the", "snoop", 6 * 7].slice(1).join("-"));
  await fetch(`${base}/labels`, { headers });
});

export default pattern<Input>(({ kept }) => {
  const auth = wish<{ auth: Writable<{ token: string }> }>({ query: "#googleAuth" }).result.auth;
  return { kept, bgUpdater: update({ kept, auth }) };
});
"##;

/// Every secret that was given out.
fn needles(stage: &Stage) -> Vec<Needle> {
    let issued = stage.world().issued_tokens();
    assert!(issued.iter().any(|t| t == FIRST), "the plant was given out");
    let tokens = issued.iter().enumerate();
    tokens
        .map(|(n, token)| Needle::new(format!("token {n} of {}", issued.len()), token))
        .chain([Needle::new("the client secret", CLIENT_SECRET)])
        .collect()
}

/// A signed-in stage whose first access token is known.
async fn planted() -> (Stage, Vec<u8>) {
    let stage = Stage::start().await;
    stage.world().plant_access_token(FIRST);
    let (connect, url) = stage.begin_connect(&["-vv"]).await;
    let account = charmkeeper_sandbox::SAMPLE_ACCOUNT;
    let status = stage.world().complete(&url, account, None).await;
    assert_eq!(status.unwrap(), 200);
    let said = connect.end().await.with_code(0);
    (stage, format!("{}{}", said.out, said.err).into_bytes())
}

/// Runs commands at the highest verbosity; what they printed.
async fn printed(stage: &Stage, commands: &[&[&str]]) -> Vec<u8> {
    let mut all = Vec::new();
    for args in commands {
        let done = stage.run([*args, &["-vv"]].concat()).await;
        assert!(done.code.is_some_and(|c| c <= 2), "{args:?}: {done}");
        all.extend(done.out.into_bytes());
        all.extend(done.err.into_bytes());
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_in_no_file_and_in_nothing_that_is_printed() {
    let (stage, mut heard) = planted().await;
    let home = stage.folder().join("data");
    let snoop = stage.write("snoop.tsx", SNOOP);
    let add = ["add", snoop.to_str().unwrap()];
    heard.extend(printed(&stage, &[&add]).await);

    // A keeper that goes on, so that its WAL is searched as well.
    let log = std::fs::File::create(stage.folder().join("serve.log")).unwrap();
    let mut serve = stage.command(["serve", "-vv"]);
    serve.stdout(log.try_clone().unwrap()).stderr(log);
    let mut serve = serve.spawn().unwrap();
    wait_until("serve listens", async || home.join("keeper.sock").exists()).await;
    heard.extend(
        printed(
            &stage,
            &[&["run", GMAIL], &["run", CALENDAR], &["run", "snoop"]],
        )
        .await,
    );
    stage.world().plant_access_token(SECOND);
    stage.world().expire_access_tokens();
    heard.extend(printed(&stage, &[&["run", "snoop"], &["run", "google-auth"]]).await);
    let looks: &[&[&str]] = &[
        &["cells", GMAIL],
        &["cells", CALENDAR],
        &["cells", "snoop"],
        &["cells", "google-auth"],
        &["history", "--limit", "0", "--format", "json"],
        &["history", "--limit", "0", "--format", "csv"],
        &["accounts"],
        &["charms"],
        &["status"],
        &["doctor"],
        &["run", "no-such-charm"],
    ];
    heard.extend(printed(&stage, looks).await);

    let secrets = needles(&stage);
    let search = |heard: &[u8]| {
        for (path, bytes) in files(&home) {
            assert_absent(&secrets, &path.display().to_string(), &bytes);
        }
        let log = std::fs::read(stage.folder().join("serve.log")).unwrap();
        assert_absent(&secrets, "the log of serve", &log);
        assert_absent(&secrets, "what commands printed", heard);
    };
    search(&heard);
    serve.kill().await.unwrap();
    search(&heard);
    heard.extend(
        printed(
            &stage,
            &[&["disconnect", charmkeeper_sandbox::SAMPLE_ACCOUNT]],
        )
        .await,
    );
    search(&heard);

    // The searches can find something, and there was something to find.
    let marker = Needle::new("the marker", MARKER);
    assert_eq!(marker.found_in(&heard), Some("text"));
    let holds = |n: &Needle| files(&home).iter().any(|(_, b)| n.found_in(b).is_some());
    assert!(holds(&marker));
    let encoded = files(&home)
        .iter()
        .any(|(_, b)| b.windows(28).any(|w| w == b"bWFya2VyLW9mLXRoZS1zbm9vcC00"));
    assert!(encoded, "the snoop's base64 of the marker is stored");
    let loot = database::rows(&home, "SELECT text FROM log_lines WHERE text LIKE '%kc:%'");
    assert!(!loot.is_empty(), "the snoop saw its placeholder");
    for token in [FIRST, SECOND] {
        assert!(stage.google.saw_token(token), "it was used on the wire");
    }
    let refresh = stage.world().issued_tokens();
    let used = refresh.iter().filter(|t| stage.google.saw_token(t)).count();
    assert!(used > 2, "access tokens and the refresh token: {used}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_in_the_memory_of_a_worker() {
    let (stage, _) = planted().await;
    let home = stage.folder().join("data");
    let waiter = stage.write("waiter.tsx", WAITER);
    stage.ask(["add", waiter.to_str().unwrap()]).await;
    stage.fault("/gmail/v1/users/me/labels", |fault| {
        fault.delay_ms = 120_000;
    });
    stage.world().plant_access_token(SECOND);
    let mut run = stage.command(["run", "waiter"]).spawn().unwrap();
    let marker = Needle::new("the marker", MARKER);
    let mut refused = false;
    let mut held = Vec::new();
    // The worker, and the process that it makes for a charm.
    wait_until("the marker is in a worker", async || {
        let ended = run.try_wait().unwrap();
        assert!(ended.is_none(), "the run ended: {ended:?}");
        held.clear();
        for worker in keeper(&home).map(descendants).unwrap_or_default() {
            match memory(worker) {
                Ok(bytes) => held.extend(bytes),
                // What PR_SET_DUMPABLE is for: others than root may not look.
                Err(e) if e.kind() == std::io::ErrorKind::PermissionDenied => refused = true,
                Err(_) => {}
            }
        }
        refused || marker.found_in(&held).is_some()
    })
    .await;
    if refused {
        return;
    }
    assert!(
        stage.google.saw_token(SECOND),
        "the charm used it on the wire"
    );
    assert_absent(&needles(&stage), "the worker's memory", &held);

    // The same look at the keeper finds the token, where it must be.
    let own = memory(keeper(&home).unwrap()).unwrap();
    let token = Needle::new("the access token", SECOND);
    assert!(
        token.found_in(&own).is_some(),
        "the search of memory finds nothing"
    );
    run.kill().await.unwrap();
}
