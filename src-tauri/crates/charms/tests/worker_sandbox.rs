//! The walls of a real worker: what its native code reaches, what it is started
//! with, what its JavaScript finds, and what becomes of bad frames.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod support;

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    process::{Command, Stdio},
};

use charmkeeper_base::{Outcome, random::SeededRandom};
use charmkeeper_charms::{
    frames::{self, Frame, Kind},
    runner::{BatchOptions, Ending, Isolation, Job, JobEnd, WorkerCommand, probe, run_batch_with},
};
use support::{NO_OP, job, run_one, worker};

async fn run_in(cmd: &WorkerCommand, job: Job) -> JobEnd {
    let mut ends = Vec::new();
    Box::pin(run_batch_with(
        cmd,
        BatchOptions::default(),
        vec![job],
        |end| ends.push(end),
    ))
    .await;
    assert_eq!(ends.len(), 1);
    ends.remove(0)
}

/// A shell script in the place of the worker; `$1` is its argument.
fn script(text: &str, argument: &std::path::Path) -> WorkerCommand {
    WorkerCommand {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), text.into(), "sh".into(), argument.into()],
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn native_code_in_a_worker_reaches_nothing() {
    let report = probe(&worker()).await.unwrap();
    assert!(report.confined(), "{report:#?}");
    let refused: Vec<_> = report.attempts.iter().map(|a| a.errno).collect();
    let (eperm, ebadf) = (Some(1), Some(9));
    let wanted = [eperm, eperm, eperm, eperm, eperm, eperm, eperm, ebadf];
    assert_eq!(refused, wanted, "{report:#?}");
    assert!(report.level.contains("seccomp on"), "{}", report.level);
    assert!(report.level.contains("limits on"), "{}", report.level);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_worker_closes_what_it_inherits() {
    let text = "exec 7</etc/passwd; program=$1; shift; exec \"$program\" worker \"$@\"";
    let report = probe(&script(text, &worker().program)).await.unwrap();
    assert!(report.confined(), "{report:#?}");
}

#[tokio::test]
async fn a_worker_gets_a_time_zone_and_nothing_else_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("environment");
    let cmd = script("env > \"$1\"; pwd > \"$1.folder\"; exit 1", &file);
    run_in(&cmd, job("a", NO_OP).0).await;
    let text = std::fs::read_to_string(&file).unwrap();
    let names: BTreeSet<_> = text.lines().filter_map(|l| l.split('=').next()).collect();
    // What the shell adds by itself.
    let own = BTreeSet::from(["PWD", "OLDPWD", "SHLVL", "_"]);
    let given: Vec<_> = names.difference(&own).copied().collect();
    assert!(
        given
            .iter()
            .all(|n| ["TZ", "V82JSC_NO_BC_CACHE"].contains(n)),
        "{given:?}"
    );
    assert!(text.lines().any(|l| l == "V82JSC_NO_BC_CACHE=1"), "{text}");
    let folder = std::fs::read_to_string(file.with_extension("folder")).unwrap();
    assert_eq!(folder.trim(), "/");
}

#[tokio::test]
async fn the_engine_leaves_no_bytecode_behind() {
    // Unverified bytecode below HOME would be a way into every later run.
    let home = tempfile::tempdir().unwrap();
    let cmd = WorkerCommand {
        program: "/usr/bin/env".into(),
        args: [
            format!("HOME={}", home.path().display()).as_str(),
            worker().program.to_str().unwrap(),
            "worker",
        ]
        .map(Into::into)
        .into(),
    };
    let end = run_in(&cmd, job("a", NO_OP).0).await;
    assert_eq!(end.ending.outcome(), Outcome::Ok, "{end:?}");
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn local_time_is_that_of_the_zone_although_its_files_are_out_of_reach() {
    let cmd = WorkerCommand {
        program: "/usr/bin/env".into(),
        args: [
            "TZ=America/New_York",
            worker().program.to_str().unwrap(),
            "worker",
        ]
        .map(Into::into)
        .into(),
    };
    let code = format!("console.log(new Date(0).getTimezoneOffset());{NO_OP}");
    let (job, host) = job("zone", &code);
    run_in(&cmd, job).await;
    assert_eq!(host.log()[0], "300");
}

#[tokio::test]
async fn what_the_engine_would_give_away_is_gone() {
    let code = "const names = Object.getOwnPropertyNames(globalThis);
        const bad = ['Deno', 'gc', 'WebAssembly', 'SharedArrayBuffer', 'Atomics', 'ShadowRealm',
            '__bootstrap', '__ck', 'process', 'require'];
        console.log('found ' + names.filter((n) => bad.includes(n) || n.startsWith('__')).join());
        console.log(typeof new Intl.DateTimeFormat('en-US').format(0));";
    let (job, host) = job("globals", code);
    run_one(job).await;
    // Without this one every Intl.DateTimeFormat throws.
    assert_eq!(host.log(), ["found __v8xTemporalTimeZone", "string"]);
}

#[tokio::test]
async fn internal_and_foreign_modules_cannot_be_imported() {
    let code = "for (const name of ['ext:core/mod.js', 'ext:core/ops', 'ext:ck/rt.js', 'node:fs',
        'file:///etc/passwd', 'https://a.test/x.js', 'data:text/javascript,export%20default%201',
        './other.ts', 'lodash']) {
            try { await import(name); console.log('got ' + name); }
            catch (e) { if (!(e instanceof TypeError)) console.log(name + ': ' + e); }
        }
        console.log('done');";
    let (dynamic, host) = job("dynamic", code);
    run_one(dynamic).await;
    assert_eq!(host.log(), ["done"]);
    for name in ["ext:core/mod.js", "node:fs", "lodash"] {
        let (fixed, _) = job(
            "static",
            &format!("import * as x from '{name}'; export default x;"),
        );
        let end = run_one(fixed).await;
        let Ending::Finished(report) = &end.ending else {
            panic!("{end:?}")
        };
        let message = &report.error.as_ref().unwrap().message;
        assert!(message.contains(name), "{message}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_frames_end_the_worker_and_not_the_keeper() {
    let folder = tempfile::tempdir().unwrap();
    let r = SeededRandom::new(2);
    for round in 0..60 {
        let file = folder.path().join(format!("{round}"));
        let mut bytes = Vec::new();
        for _ in 0..r.next_u64() % 4 {
            // Real frames first, in no sensible order.
            let kind = Kind::ALL[r.next_u64() as usize % Kind::ALL.len()];
            frames::write(&mut bytes, &Frame::new(kind, r.next_u64() as u32 % 3, "{}")).unwrap();
        }
        bytes.extend((0..r.next_u64() % 40).map(|_| r.next_u64() as u8));
        std::fs::write(&file, bytes).unwrap();
        let end = run_in(&script("cat \"$1\"", &file), job("a", NO_OP).0).await;
        assert!(end.ending.kind().is_some(), "{round}: {end:?}");
    }
    // A length beyond the limit, from a worker that goes on living.
    let file = folder.path().join("long");
    std::fs::write(&file, [0xff; 16]).unwrap();
    let end = run_in(
        &script("cat \"$1\"; exec sleep 1000", &file),
        job("a", NO_OP).0,
    )
    .await;
    assert!(
        matches!(&end.ending, Ending::Protocol(why) if why.contains("limit")),
        "{end:?}"
    );
}

/// Sends bytes to a worker and closes its stdin; its exit code.
fn feed(bytes: &[u8], isolation: &str) -> Option<i32> {
    let parent = std::process::id().to_string();
    let mut child = Command::new(worker().program)
        .args([
            "worker",
            "--heap-bytes",
            "100000000",
            "--cpu-seconds",
            "30",
            "--parent",
            &parent,
            "--isolation",
            isolation,
        ])
        .env_clear()
        .env("V82JSC_NO_BC_CACHE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read everything.
    let _closed = child.stdin.take().unwrap().write_all(bytes);
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(!said.contains("panicked"), "{said}");
    child.wait().unwrap().code()
}

#[test]
fn bytes_that_are_no_frames_end_a_worker_without_a_panic() {
    let r = SeededRandom::new(3);
    for round in 0..60 {
        let mut bytes = Vec::new();
        if round % 4 < 2 {
            let kind = Kind::ALL[r.next_u64() as usize % Kind::ALL.len()];
            let junk: Vec<u8> = (0..r.next_u64() % 30).map(|_| r.next_u64() as u8).collect();
            frames::write(&mut bytes, &Frame::new(kind, 1, junk)).unwrap();
        }
        bytes.extend((0..r.next_u64() % 60).map(|_| r.next_u64() as u8));
        let code = feed(&bytes, ["process", "runtime"][round % 2]);
        assert!(
            matches!(code, Some(0 | 3)),
            "round {round}: {code:?} for {bytes:?}"
        );
    }
    assert_eq!(
        feed(&[], "process"),
        Some(0),
        "the end of stdin is the end of the worker"
    );
    assert_eq!(feed(&[0xff; 9], "process"), Some(3));
}

#[test]
fn a_worker_of_another_version_or_without_a_keeper_ends_at_once() {
    let run = |args: &[&str]| {
        Command::new(worker().program)
            .args(args)
            .stdin(Stdio::piped())
            .output()
            .unwrap()
    };
    let other = run(&["worker", "--heap", "1"]);
    assert_eq!(other.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&other.stderr).contains("not those of this version"));
    let orphan = [
        "worker",
        "--heap-bytes",
        "1",
        "--cpu-seconds",
        "1",
        "--parent",
        "1",
        "--isolation",
        "process",
    ];
    let orphan = run(&orphan);
    assert_eq!((orphan.status.code(), orphan.stdout.len()), (Some(0), 0));
}

#[tokio::test]
async fn a_process_that_outlives_its_run_gets_no_other_charms_job() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("frames");
    let done = |id| {
        let head = r#"{"end":"report","failure":null,"used":{"cpu_ms":1,"peak_rss":1}}"#;
        let report = br#"{"ending":"ok","changes":[{"space":"s","id":"of:forged"}]}"#;
        Frame::new(Kind::Done, id, frames::join_head(head, report))
    };
    // Process 1 always exists. What it says about the second job is a lie.
    let said = [
        Frame::new(Kind::Started, 1, 1u32.to_le_bytes()),
        done(1),
        Frame::new(
            Kind::Gone,
            1,
            r#"{"signal":null,"code":0,"used":{"cpu_ms":1,"peak_rss":1}}"#,
        ),
        Frame::new(Kind::Started, 2, 1u32.to_le_bytes()),
        done(2),
    ];
    let mut bytes = Vec::new();
    for frame in &said {
        frames::write(&mut bytes, frame).unwrap();
    }
    std::fs::write(&file, bytes).unwrap();
    let cmd = script("cat \"$1\"; exec sleep 1000", &file);
    let jobs = vec![job("first", NO_OP).0, job("second", NO_OP).0];
    let options = BatchOptions {
        isolation: Isolation::Process,
        ..BatchOptions::default()
    };
    let mut ends = Vec::new();
    Box::pin(run_batch_with(&cmd, options, jobs, |end| ends.push(end))).await;
    assert_eq!(ends[0].ending.outcome(), Outcome::Ok);
    // The replacement worker is the same script, whose frames are about job 1.
    let second = &ends[1];
    let Ending::Finished(report) = &second.ending else {
        panic!("{second:?}")
    };
    assert_ne!(second.worker, ends[0].worker, "the lie was believed");
    assert_eq!(report.changes.len(), 1);
}
