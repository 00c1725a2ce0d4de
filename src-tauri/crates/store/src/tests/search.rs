//! Finding runs by words.

use charmkeeper_base::cell::Change;
use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::{ErrorKind, Outcome, UnixMs};

use super::fixture::{Fixture, NOW, call, doc_id, line, new_charm, new_run, set, target};
use crate::{CharmUpdate, FinishRun, RunError, RunFilter, RunRow, Store};

fn find(store: &Store, text: &str) -> Vec<String> {
    let filter = RunFilter {
        text: Some(text.into()),
        ..RunFilter::default()
    };
    let runs = store.runs(&filter, 1000).unwrap();
    runs.into_iter().map(|run| run.id).collect()
}

/// Three runs, each with something else to be found by.
fn told() -> Fixture {
    let f = Fixture::with_charms();
    let at = |n: i64| UnixMs(NOW.0 + n);
    let logged = FinishRun {
        log: vec![line("Fetched 12 Nachrichten für Ada <ada@example.com>")],
        calls: vec![call("/messages", false)],
        ..FinishRun::new("logged", Outcome::Ok, 1)
    };
    let failed = FinishRun {
        error: Some(RunError {
            kind: ErrorKind::Charm,
            message: "Cannot read \"subject\" of undefined".into(),
            stack: None,
        }),
        ..FinishRun::new("failed", Outcome::Failed, 1)
    };
    let changed = FinishRun {
        changes: vec![Change::patch(
            target(&doc_id("b")),
            None,
            vec![set("/value/count", 7)],
        )],
        ..FinishRun::new("changed", Outcome::Ok, 1)
    };
    for (n, (charm, finish)) in [("a", logged), ("a", failed), ("b", changed)]
        .into_iter()
        .enumerate()
    {
        let new = new_run(&finish.run.clone(), charm, at(n as i64));
        f.store.record_run(&new, &finish).unwrap();
    }
    f
}

#[test]
fn runs_are_found_by_charm_host_log_error_and_path_in_any_order_and_case() {
    let f = told();
    for (text, expected) in [
        ("charm", vec!["changed", "failed", "logged"]),
        ("Charm a", vec!["failed", "logged"]),
        ("charm-b", vec!["changed"]),
        ("GOOGLEAPIS", vec!["failed", "logged"]),
        ("nachrichten FUR", vec!["logged"]),
        ("nachr 12 fetch", vec!["logged"]),
        ("subject googleapis", vec!["failed"]),
        ("read subj", vec!["failed"]),
        ("count", vec!["changed"]),
        ("count subject", vec![]),
        ("value", vec![]),
        ("ead", vec![]),
        ("ada@example.com", vec!["logged"]),
        ("ada@elsewhere.com", vec![]),
        ("", vec!["changed", "failed", "logged"]),
        ("!!! ...", vec!["changed", "failed", "logged"]),
    ] {
        assert_eq!(find(&f.store, text), expected, "{text}");
    }
}

#[test]
fn nothing_that_a_person_types_is_an_error() {
    let f = told();
    let mut texts: Vec<String> = [
        "\"",
        "\"a",
        "a\"b",
        "a AND",
        "OR",
        "NOT a",
        "NEAR(a b)",
        "a*",
        "*",
        "^a",
        "body:a",
        "{body} : a",
        "(a",
        "a)",
        "-a",
        "+a",
        "a\0b",
        "'; DROP TABLE runs",
        "%",
        "a%b",
        "\\",
        "日本語",
        "र्क",
        "ಪ್ರ",
        "🦀",
        "🦀a",
        "\u{301}",
        "a\u{301}",
        "\u{e000}",
        "\u{200b}a",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.push("word ".repeat(10_000));
    texts.push("x".repeat(100_000));
    let random = SeededRandom::new(3);
    for _ in 0..2000 {
        let letters = (0..random.next_u64() % 8).map(|_| {
            let n = u32::try_from(random.next_u64() % 0x3000).unwrap();
            char::from_u32(n).unwrap_or('"')
        });
        texts.push(letters.collect());
    }
    for text in texts {
        find(&f.store, &text);
    }
}

#[test]
fn a_new_name_is_found_and_the_old_one_is_not() {
    let f = told();
    let renamed = CharmUpdate {
        name: Some("Mail".into()),
        ..CharmUpdate::default()
    };
    f.store.update_charm("a", &renamed).unwrap();
    assert_eq!(find(&f.store, "mail"), ["failed", "logged"]);
    assert_eq!(
        find(&f.store, "Charm a"),
        ["failed", "logged"],
        "its handle"
    );
    assert_eq!(find(&f.store, "mail googleapis"), ["failed", "logged"]);
}

#[test]
fn pruned_runs_are_not_found_and_leave_no_words() {
    let f = told();
    f.store.prune(1, UnixMs(0)).unwrap();
    assert_eq!(find(&f.store, "nachrichten"), Vec::<String>::new());
    assert_eq!(find(&f.store, "charm"), ["changed"]);
    f.store.prune(0, UnixMs(0)).unwrap();
    let db = crate::store::lock(&f.store.reader);
    for table in ["run_text", "charm_text", "run_hosts", "run_lanes"] {
        let left: i64 = db
            .query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0))
            .unwrap();
        assert_eq!(left, 0, "{table}");
    }
}

const WORDS: [&str; 6] = ["apple", "apricot", "banana", "berry", "cherry", "charm"];

/// 400 runs of 24 charms, with words of few.
fn many() -> (Fixture, Vec<(RunRow, Vec<&'static str>)>) {
    let f = Fixture::new();
    let random = SeededRandom::new(11);
    for n in 0..24 {
        let mut new = new_charm(&format!("k{n}"));
        new.charm.name = if n % 3 == 0 { "Banana boat" } else { "Plain" }.into();
        f.store.add_charm(&new).unwrap();
    }
    let mut own = Vec::new();
    for n in 0..400 {
        let id = format!("r{n}");
        let words: Vec<_> = (0..random.next_u64() % 3)
            .map(|_| WORDS[random.next_u64() as usize % WORDS.len()])
            .collect();
        let outcome = if random.next_u64().is_multiple_of(4) {
            Outcome::Failed
        } else {
            Outcome::Ok
        };
        let finish = FinishRun {
            log: words.iter().map(|w| line(w)).collect(),
            ..FinishRun::new(&id, outcome, 1)
        };
        let charm = format!("k{}", random.next_u64() % 24);
        let at = i64::try_from(random.next_u64() % 50).unwrap();
        let new = new_run(&id, &charm, UnixMs(NOW.0 + at));
        f.store.record_run(&new, &finish).unwrap();
        own.push((f.run(&id), words));
    }
    own.sort_by_key(|(run, _)| std::cmp::Reverse((run.started_at, run.seq)));
    (f, own)
}

#[test]
fn pages_of_a_search_hold_every_matching_run_once_and_newest_first() {
    let (f, own) = many();
    let has = |run: &RunRow, words: &[&str], wanted: &str| {
        let name = format!("{} {}", run.charm_name, run.charm_handle).to_lowercase();
        words.iter().any(|w| w.starts_with(wanted))
            || name
                .split([' ', '-'])
                .any(|w| !w.is_empty() && w.starts_with(wanted))
    };
    for text in [
        "ap",
        "banana",
        "banana ap",
        "b ch",
        "plain",
        "charm berry",
        "c b a",
        "zebra",
    ] {
        for charm in [None, Some("k3".to_owned()), Some("nobody".to_owned())] {
            for outcome in [None, Some(Outcome::Failed)] {
                for since in [None, Some(UnixMs(NOW.0 + 20))] {
                    let mut filter = RunFilter {
                        charm: charm.clone(),
                        outcome,
                        since,
                        text: Some(text.into()),
                        ..RunFilter::default()
                    };
                    let expected: Vec<_> = own
                        .iter()
                        .filter(|(run, words)| {
                            text.split(' ').all(|wanted| has(run, words, wanted))
                                && charm.as_ref().is_none_or(|c| *c == run.charm)
                                && outcome.is_none_or(|o| Some(o) == run.outcome)
                                && since.is_none_or(|s| run.started_at >= s)
                        })
                        .map(|(run, _)| run.id.clone())
                        .collect();
                    let mut found = Vec::new();
                    loop {
                        let page = f.store.runs(&filter, 7).unwrap();
                        filter.after = page.last().map(RunRow::cursor);
                        if page.is_empty() || found.len() > 400 {
                            break;
                        }
                        found.extend(page.into_iter().map(|run| run.id));
                    }
                    assert_eq!(found, expected, "{text} {charm:?} {outcome:?} {since:?}");
                }
            }
        }
    }
}
