//! A space's key and the tokens stay where they belong while a remote space is in
//! use: the server's files, the outbox, the wire, the program's files and all that
//! it prints are searched for the key in every form in which a person has one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use charmkeeper_tests::needle::{Needle, assert_absent, files};
use charmkeeper_tests::remote_stage::{PASSPHRASE, RemoteStage, TICKER};
use charmkeeper_tests::wait_until;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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

/// A line between the program and the server that notes every byte.
async fn tapped(to: String) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    let to = to.trim_start_matches("http://").to_owned();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&to).await else {
                continue;
            };
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(copy(from_client, to_server, Arc::clone(&noted)));
            tokio::spawn(copy(from_server, to_client, Arc::clone(&noted)));
        }
    });
    (address, heard)
}

/// Hands bytes on, and notes them.
async fn copy(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    noted: Arc<Mutex<Vec<u8>>>,
) {
    let mut part = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = from.read(&mut part).await {
        noted.lock().unwrap().extend(&part[..count]);
        if to.write_all(&part[..count]).await.is_err() {
            return;
        }
    }
}

/// What clients said. Their frames are masked (RFC 6455, section 5.3), each with a
/// mask of its own that stands in it.
fn unmasked(noted: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    let mut at = 0;
    while at + 2 <= noted.len() {
        // A text frame with a mask, of a length in 1, 2 or 8 bytes.
        if noted[at] != 0x81 || noted[at + 1] & 0x80 == 0 {
            at += 1;
            continue;
        }
        let (length, mask_at) = match noted[at + 1] & 0x7f {
            126 if at + 4 <= noted.len() => {
                let bytes = [noted[at + 2], noted[at + 3]];
                (usize::from(u16::from_be_bytes(bytes)), at + 4)
            }
            127 if at + 10 <= noted.len() => {
                let bytes: [u8; 8] = noted[at + 2..at + 10].try_into().unwrap();
                let length = u64::from_be_bytes(bytes);
                (usize::try_from(length).unwrap_or(usize::MAX), at + 10)
            }
            126 | 127 => break,
            short => (usize::from(short), at + 2),
        };
        let Some(end) = (mask_at + 4).checked_add(length) else {
            at += 1;
            continue;
        };
        if end > noted.len() {
            at += 1;
            continue;
        }
        let mask = &noted[mask_at..mask_at + 4];
        let body = &noted[mask_at + 4..end];
        let clear: Vec<u8> = body
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        if clear.starts_with(b"fvj1:") {
            all.extend(clear);
            at = end;
        } else {
            at += 1;
        }
    }
    all
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
