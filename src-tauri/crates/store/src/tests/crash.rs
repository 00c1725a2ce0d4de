//! `kill -9` at every step of the end of a run, and at moments of its choosing.
//!
//! The program that is killed is this test program itself, started again with
//! one of the two ignored tests below. They wait for the kill in a read that
//! never returns, so nothing depends on timing.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use charmkeeper_base::Outcome;

use super::fixture::{Fixture, NOW, assert_whole, busy_finish, doc, doc_id, new_run, open};
use super::steps;
use crate::{RunFilter, Store};

const DATABASE: &str = "CHARMKEEPER_TEST_DATABASE";
const STOP_AT: &str = "CHARMKEEPER_TEST_STOP_AT";
/// Documents that a run of these tests makes.
const MADE: usize = 3;

fn start(test: &str, path: &Path, stop_at: usize) -> (Child, BufReader<ChildStdout>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            &format!("tests::crash::{test}"),
            "--exact",
            "--ignored",
            "--nocapture",
        ])
        .env(DATABASE, path)
        .env(STOP_AT, stop_at.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// The next line of the child that begins with `mark`, without it.
fn next(output: &mut BufReader<ChildStdout>, mark: &str) -> Option<String> {
    for text in output.lines() {
        let text = text.unwrap();
        // The first line shares its line with the test runner's own output.
        if let Some((_, rest)) = text.split_once(mark) {
            return Some(rest.to_owned());
        }
    }
    None
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

fn path_for_child() -> std::path::PathBuf {
    std::env::var_os(DATABASE)
        .expect("started by the tests of this module only")
        .into()
}

/// Says `step` and waits to be killed.
fn wait_for_the_end(step: &str) {
    println!("\nSTEP {step}");
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read(&mut [0]);
    std::process::exit(3);
}

#[test]
#[ignore = "the child of killed_at_every_step"]
fn child_stops_at_a_step() {
    let store = open(&path_for_child());
    let stop_at: usize = std::env::var(STOP_AT).unwrap().parse().unwrap();
    let mut step = 0;
    steps::watch(move |name| {
        step += 1;
        if step == stop_at {
            wait_for_the_end(name);
        }
    });
    store.finish_run(&busy_finish("r1", 0, MADE)).unwrap();
    println!("\nSTEP finished");
}

#[test]
fn killed_at_every_step_a_run_has_ended_whole_or_not_at_all() {
    let mut seen = Vec::new();
    for stop_at in 1.. {
        let f = Fixture::with_charms();
        f.begin("r1", "a");
        let (child, mut output) = start("child_stops_at_a_step", &f.path, stop_at);
        let step = next(&mut output, "STEP ").expect("the child says where it is");
        kill(child);
        // This process had the database open all along; so would a second reader.
        let ended = assert_whole(&f.store, "r1", MADE);
        drop(f.store);
        let store = open(&f.path);
        assert_eq!(assert_whole(&store, "r1", MADE), ended);
        assert_eq!(
            ended,
            ["committed", "finished"].contains(&step.as_str()),
            "{step}"
        );
        let last = store.charm("a").unwrap().unwrap().schedule.last_outcome;
        assert_eq!(last, ended.then_some(Outcome::Ok));
        assert_the_next_start_goes_on(&store, ended);
        if step == "finished" {
            break;
        }
        seen.push(step);
    }
    for step in [
        "begun",
        "document",
        "changed cells",
        "calls",
        "log",
        "row",
        "charm",
        "accounts",
    ] {
        assert!(
            seen.iter().any(|s| s == step),
            "{step} was not among {seen:?}"
        );
    }
    assert_eq!(seen.last().unwrap(), "committed");
}

/// What the keeper does next: notes the interruption and runs again.
fn assert_the_next_start_goes_on(store: &Store, ended: bool) {
    let interrupted = store.mark_interrupted().unwrap();
    assert_eq!(interrupted.len(), usize::from(!ended));
    store.begin_runs(&[new_run("r2", "a", NOW)]).unwrap();
    store
        .finish_run(&busy_finish("r2", u64::from(ended), MADE))
        .unwrap();
    assert!(assert_whole(store, "r2", MADE));
}

#[test]
#[ignore = "the child of killed_in_full_swing"]
fn child_runs_without_end() {
    let store = open(&path_for_child());
    let first = doc(&store, &doc_id("a")).version - 1;
    for n in first.. {
        let run = format!("run-{n}");
        store.begin_runs(&[new_run(&run, "a", NOW)]).unwrap();
        store.finish_run(&busy_finish(&run, n, MADE)).unwrap();
        println!("\nDONE {run}");
        std::io::stdout().flush().unwrap();
    }
}

#[test]
fn killed_in_full_swing_nothing_that_was_done_is_lost() {
    let f = Fixture::with_charms();
    let path = f.path.clone();
    drop(f.store);
    let mut done = Vec::new();
    for round in 0..12 {
        let (child, mut output) = start("child_runs_without_end", &path, 0);
        for _ in 0..=round {
            done.push(next(&mut output, "DONE ").expect("the child keeps going"));
        }
        kill(child);
        // What it had said by then was done, too.
        while let Some(run) = next(&mut output, "DONE ") {
            done.push(run);
        }
        let store = open(&path);
        let interrupted = store.mark_interrupted().unwrap();
        assert!(interrupted.len() <= 1, "{interrupted:?}");
        for run in &interrupted {
            // Its number is used again in the next round.
            assert!(!assert_whole(&store, &run.id, MADE));
            store
                .write(crate::store::Durability::Power, |tx| {
                    tx.execute("DELETE FROM runs WHERE id = ?1", [&run.id])?;
                    Ok(())
                })
                .unwrap();
        }
        for run in &done {
            assert!(assert_whole(&store, run, MADE), "{run} was done");
        }
        let rows = store.runs(&RunFilter::default(), 1000).unwrap();
        assert!(rows.iter().all(|row| row.outcome == Some(Outcome::Ok)));
        assert_eq!(doc(&store, &doc_id("a")).version as usize, rows.len() + 1);
        assert!(rows.len() >= done.len());
    }
}
