//! A space's key and the tokens stay where they belong while a remote space is in
//! use: the server's files, the outbox, the wire, the program's files and all that
//! it prints are searched for the key in every form in which a person has one, and
//! for the tokens that charms use whose cells are in the space.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use charmkeeper_sandbox::{CLIENT_SECRET, SAMPLE_ACCOUNT};
use charmkeeper_space::identity::Identity;
use charmkeeper_tests::needle::{Needle, assert_absent, files};
use charmkeeper_tests::remote_stage::{PASSPHRASE, RemoteStage, TICKER};
use charmkeeper_tests::snoop::{MARKER, SNOOP};
use charmkeeper_tests::space_server::SpaceServer;
use charmkeeper_tests::stage::{GMAIL, Stage};
use charmkeeper_tests::tap::{tapped, unmasked};
use charmkeeper_tests::{program, wait_until};

/// The 24 words of one of BIP39's published test vectors.
const WORDS: &str = "void come effort suffer camp survey warrior heavy shoot primary clutch crush \
                     open amazing screen patrol group space point ten exist slush involve unfold";
/// The access token that Google's stand-in gives out.
const TOKEN: &str = "ya29.planted-space-token-0123456789-abcdefghij";
const SHARED: &str = "shared by the snoop";

/// The person's key: the 32 bytes, what they were made of, the line of the file.
fn needles() -> Vec<Needle> {
    let person = RemoteStage::person();
    let seed: Vec<u8> = person.seed().expose().clone();
    let pem = pem(&seed);
    let line = pem.lines().nth(1).unwrap().to_owned();
    vec![
        Needle::bytes("the seed", &seed),
        Needle::new("the passphrase", PASSPHRASE),
        Needle::new("the line of the key file", &line),
    ]
}

/// The key as a PKCS8 file: RFC 8410, with the seed at its end.
fn pem(seed: &[u8]) -> String {
    let head = [
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    let body = STANDARD.encode([&head[..], seed].concat());
    format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spaces_key_is_in_the_keychain_alone() {
    let mut stage = RemoteStage::start().await;
    let (address, wire) = tapped(stage.server.url().to_owned()).await;
    let seed: Vec<u8> = RemoteStage::person().seed().expose().clone();
    let key_file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key_file.path(), pem(&seed)).unwrap();

    let log = std::fs::File::create(stage.folder().join("serve.log")).unwrap();
    let mut serve = stage.command(&["serve", "-vv"]);
    serve.stdout(log.try_clone().unwrap()).stderr(log);
    let mut serve = serve.spawn().unwrap();
    let socket = stage.home().join("keeper.sock");
    wait_until("serve listens", async || socket.exists()).await;

    // The key as a passphrase and as a file is the same key.
    stage.url = Some(address);
    let mut said = Vec::new();
    let file = key_file.path().to_str().unwrap().to_owned();
    for (key, typed) in [
        (vec!["-vv", "--passphrase-stdin"], PASSPHRASE),
        (vec!["-vv", "--key-file", &file], ""),
    ] {
        let done = stage.connect(&key, typed).await;
        said.extend(format!("{}{}", done.out, done.err).into_bytes());
    }
    stage.adopt().await;
    stage.tick().await;
    stage.settled().await;
    // One change is on its way for good, so that the outbox holds it.
    let space = stage.piece.piece.space.clone();
    stage.server.fault("hold-before", "transact", &space).await;
    stage.tick().await;
    stage.server.held().await;
    assert_eq!(stage.number("SELECT count(*) FROM outbox"), 1);
    for args in [
        &["space", "status", "-vv"][..],
        &["cells", TICKER],
        &["history", "--limit", "0", "--format", "json"],
        &["history", "--limit", "0", "--format", "csv"],
        &["charms"],
        &["status"],
        &["doctor"],
    ] {
        let done = stage.run(args).await;
        said.extend(format!("{}{}", done.out, done.err).into_bytes());
    }

    let secrets = needles();
    let noted = wire.lock().unwrap().clone();
    let spoken = unmasked(&noted);
    assert_absent(&secrets, "the wire", &noted);
    assert_absent(&secrets, "what was sent to the server", &spoken);
    assert_absent(&secrets, "what commands printed", &said);
    for folder in [stage.home(), stage.server_data()] {
        for (path, bytes) in files(&folder) {
            assert_absent(&secrets, &path.display().to_string(), &bytes);
        }
    }
    let log = std::fs::read(stage.folder().join("serve.log")).unwrap();
    assert_absent(&secrets, "the log of serve", &log);

    // The searches can find something: a word that only a commit holds is on the
    // wire and in the server's files, and a signature went over the wire.
    let word = Needle::new("an element", "run 1\",\"run\":1");
    assert!(word.found_in(&spoken).is_some(), "the wire was heard");
    let signed = b"\"signature\":{\"/Bytes@1\"";
    assert!(spoken.windows(signed.len()).any(|part| part == signed));
    let did = Needle::new("the person", RemoteStage::person().did());
    for folder in [stage.server_data(), stage.home()] {
        let found = files(&folder);
        assert!(found.iter().any(|(_, bytes)| did.found_in(bytes).is_some()));
    }
    serve.kill().await.unwrap();
}

/// The words as they are written, as a list, and the key that they are.
fn words() -> Vec<Needle> {
    let person = Identity::from_words(WORDS).unwrap();
    let seed: Vec<u8> = person.seed().expose().clone();
    let list: Vec<&str> = WORDS.split_whitespace().collect();
    let part = |from: usize, with: &str| list[from..from + 4].join(with);
    let mut all = vec![Needle::bytes("the seed of the words", &seed)];
    for from in [0, 10, 20] {
        all.push(Needle::new("some of the words", &part(from, " ")));
        all.push(Needle::new("a list of the words", &part(from, "\",\"")));
    }
    all
}

/// Commands at the highest verbosity; what they printed.
async fn said(stage: &Stage, commands: &[&[&str]]) -> Vec<u8> {
    let mut all = Vec::new();
    for args in commands {
        let done = stage.run([*args, &["-vv"]].concat()).await;
        // Requests of the snoop fail; that is a run that did not go well.
        assert!(matches!(done.code, Some(0 | 1)), "{args:?}: {done}");
        all.extend(format!("{}{}", done.out, done.err).into_bytes());
    }
    all
}

/// `space connect` with the words.
async fn connect(stage: &Stage, url: &str, space: Option<&str>) -> Vec<u8> {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), WORDS).unwrap();
    let mut command = stage.command(["space", "connect", "-vv", "--mnemonic-stdin", "--claim"]);
    command.args(["--url", url]);
    command.args(space.iter().flat_map(|name| ["--space", name]));
    command.stdin(std::fs::File::open(key.path()).unwrap());
    let done = program::run(command).await.with_code(0);
    format!("{}{}", done.out, done.err).into_bytes()
}

/// Nothing waits for the server.
async fn told(stage: &Stage) {
    wait_until("all is told", async || {
        let spaces = stage.ask(["space", "status"]).await;
        let spaces = spaces.as_array().unwrap();
        let mut remote = spaces.iter().filter(|space| space["url"].is_string());
        remote.all(|space| space["state"] == "synced" && space["queued"] == 0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charm_that_writes_to_a_space_takes_no_token_and_no_word_of_the_key_there() {
    let stage = Stage::start().await;
    stage.world().plant_access_token(TOKEN);
    stage.connect(SAMPLE_ACCOUNT, None).await;
    let there = stage.folder().join("server");
    let server = SpaceServer::start(&there).await;
    let (address, wire) = tapped(server.url().to_owned()).await;

    let home = stage.folder().join("data");
    let log = std::fs::File::create(stage.folder().join("serve.log")).unwrap();
    let mut serve = stage.command(["serve", "-vv"]);
    serve.stdout(log.try_clone().unwrap()).stderr(log);
    let mut serve = serve.spawn().unwrap();
    wait_until("serve listens", async || home.join("keeper.sock").exists()).await;

    let mut heard = connect(&stage, &address, None).await;
    heard.extend(connect(&stage, &address, Some(SHARED)).await);
    let snoop = stage.write("snoop.tsx", SNOOP);
    let place = |charm| ["space", "publish", charm, "--space", SHARED];
    let steps: &[&[&str]] = &[
        &["add", snoop.to_str().unwrap()],
        &["pause", "snoop"],
        &["run", GMAIL],
        &place(GMAIL),
        &place("snoop"),
    ];
    heard.extend(said(&stage, steps).await);
    told(&stage).await;
    // What it finds from now on goes to the server.
    let steps: &[&[&str]] = &[&["run", "snoop"], &["run", GMAIL]];
    heard.extend(said(&stage, steps).await);
    told(&stage).await;
    // And one change stays in the outbox.
    server.offline(true).await;
    let looks: &[&[&str]] = &[
        &["run", "snoop"],
        &["cells", "snoop"],
        &["cells", GMAIL],
        &["space", "status"],
        &["history", "--limit", "0", "--format", "json"],
        &["history", "--limit", "0", "--format", "csv"],
        &["accounts"],
        &["charms"],
        &["status"],
    ];
    heard.extend(said(&stage, looks).await);

    let issued = stage.world().issued_tokens();
    let tokens = issued.iter().enumerate();
    let mut secrets: Vec<Needle> = tokens
        .map(|(n, token)| Needle::new(format!("token {n} of {}", issued.len()), token))
        .chain([Needle::new("the client secret", CLIENT_SECRET)])
        .collect();
    secrets.extend(words());
    let noted = wire.lock().unwrap().clone();
    let spoken = unmasked(&noted);
    assert_absent(&secrets, "the wire", &noted);
    assert_absent(&secrets, "what was sent to the server", &spoken);
    assert_absent(&secrets, "what commands printed", &heard);
    let log = std::fs::read(stage.folder().join("serve.log")).unwrap();
    assert_absent(&secrets, "the log of serve", &log);
    for folder in [&home, &there] {
        for (path, bytes) in files(folder) {
            assert_absent(&secrets, &path.display().to_string(), &bytes);
        }
    }

    // There was something to find, and the snoop's finds are in all these places.
    assert!(issued.iter().any(|token| token == TOKEN));
    assert!(stage.google.saw_token(TOKEN), "it was used on the wire");
    let marker = Needle::new("the marker", MARKER);
    for (place, bytes) in [("the wire", &spoken), ("what was printed", &heard)] {
        assert!(marker.found_in(bytes).is_some(), "{place}");
    }
    for folder in [&home, &there] {
        let found = files(folder);
        assert!(
            found
                .iter()
                .any(|(_, bytes)| marker.found_in(bytes).is_some())
        );
    }
    serve.kill().await.unwrap();
}
