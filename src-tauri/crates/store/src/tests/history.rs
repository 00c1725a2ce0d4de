//! Pages of the history, and runs that were cut off.

use charmkeeper_base::random::SeededRandom;
use charmkeeper_base::{Outcome, UnixMs};
use rusqlite::types::ToSql;
use serde_json::json;

use super::fixture::{Fixture, NOW, call, doc_id, new_run, set, target};
use crate::history::{Cursor, page_query};
use crate::{CharmUpdate, FinishRun, RunFilter, RunRow};
use charmkeeper_base::cell::{Change, Patch};

/// Every combination of filters over the runs of `mixed`.
fn filters() -> Vec<RunFilter> {
    let mut all = Vec::new();
    for charm in [None, Some("a"), Some("nobody")] {
        for outcome in [
            None,
            Some(Outcome::Ok),
            Some(Outcome::Partial),
            Some(Outcome::Failed),
        ] {
            for changed in [false, true] {
                for since in [None, Some(UnixMs(NOW.0 + 10))] {
                    for account in [None, Some("account"), Some("unused")] {
                        all.push(RunFilter {
                            charm: charm.map(str::to_owned),
                            account: account.map(str::to_owned),
                            outcome,
                            since,
                            changed,
                            ..RunFilter::default()
                        });
                    }
                }
            }
        }
    }
    all
}

fn matches(filter: &RunFilter, run: &RunRow) -> bool {
    filter
        .charm
        .as_ref()
        .is_none_or(|charm| *charm == run.charm)
        && filter
            .outcome
            .is_none_or(|outcome| Some(outcome) == run.outcome)
        && filter.since.is_none_or(|since| run.started_at >= since)
        && (!filter.changed || run.changed > 0)
        && (filter.account.is_none() || filter.account == run.account)
}

/// 300 runs of two charms with few distinct start times, in no order.
fn mixed() -> Fixture {
    let f = Fixture::with_charms();
    let random = SeededRandom::new(5);
    for n in 0..300 {
        let (id, charm) = (
            format!("r{n}"),
            if random.next_u64().is_multiple_of(3) {
                "a"
            } else {
                "b"
            },
        );
        let at = i64::try_from(random.next_u64() % 20).unwrap();
        f.store
            .begin_runs(&[new_run(&id, charm, UnixMs(NOW.0 + at))])
            .unwrap();
        let outcome = match random.next_u64() % 4 {
            0 => Outcome::Ok,
            1 => Outcome::Partial,
            2 => Outcome::Failed,
            _ => continue,
        };
        let mut finish = FinishRun::new(&id, outcome, 1);
        if random.next_u64().is_multiple_of(2) {
            finish.calls = vec![call("/messages", false)];
        }
        if outcome.commits() && random.next_u64().is_multiple_of(2) {
            let patch: Patch = set("/value/count", n);
            finish.changes = vec![Change::patch(target(&doc_id(charm)), None, vec![patch])];
        }
        f.store.finish_run(&finish).unwrap();
    }
    f
}

#[test]
fn pages_hold_every_matching_run_once_and_newest_first() {
    let f = mixed();
    let everything = f.store.runs(&RunFilter::default(), 1000).unwrap();
    assert_eq!(everything.len(), 300);
    for filter in filters() {
        let expected: Vec<_> = everything
            .iter()
            .filter(|run| matches(&filter, run))
            .collect();
        let mut paged = Vec::new();
        let mut page_filter = filter.clone();
        while paged.len() <= everything.len() {
            let page = f.store.runs(&page_filter, 7).unwrap();
            page_filter.after = page.last().map(RunRow::cursor);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        let ids = |runs: Vec<&RunRow>| runs.iter().map(|run| run.id.clone()).collect::<Vec<_>>();
        assert_eq!(ids(paged.iter().collect()), ids(expected), "{filter:?}");
    }
    let key = |run: &RunRow| (run.started_at, run.seq);
    assert!(
        everything
            .windows(2)
            .all(|pair| key(&pair[0]) > key(&pair[1]))
    );
}

#[test]
fn every_page_comes_straight_from_an_index() {
    let f = mixed();
    let after = Some(Cursor {
        started_at: NOW,
        seq: 5,
    });
    for filter in filters() {
        for filter in [filter.clone(), RunFilter { after, ..filter }] {
            let query = page_query(&filter, 50);
            let values: Vec<&dyn ToSql> = query.values.iter().map(AsRef::as_ref).collect();
            let db = crate::store::lock(&f.store.reader);
            let mut explain = db
                .prepare(&format!("EXPLAIN QUERY PLAN {}", query.sql))
                .unwrap();
            let plan: Vec<String> = explain
                .query_map(values.as_slice(), |row| row.get(3))
                .unwrap()
                .collect::<Result<_, _>>()
                .unwrap();
            assert!(
                !plan.iter().any(|step| step.contains("TEMP B-TREE")),
                "{filter:?}: {plan:?}"
            );
            let runs = plan.iter().find(|step| step.contains(" r ")).unwrap();
            assert!(runs.contains("INDEX runs_"), "{filter:?}: {plan:?}");
            for (used, part) in [
                (filter.charm.is_some(), "charm=?"),
                (filter.outcome.is_some(), "outcome=?"),
                (filter.changed, "INDEX runs_changed"),
                (
                    filter.account.is_some() && filter.charm.is_none(),
                    "account=?",
                ),
                (filter.since.is_some(), "started_at>?"),
                (filter.after.is_some(), "started_at<?"),
            ] {
                assert_eq!(runs.contains(part), used, "{filter:?}: {part} in {plan:?}");
            }
        }
    }
}

#[test]
fn runs_cut_off_are_interrupted_and_nothing_else_is_touched() {
    let f = Fixture::with_charms();
    f.begin("done", "a");
    f.store
        .finish_run(&FinishRun::new("done", Outcome::Failed, 3))
        .unwrap();
    let later = UnixMs(NOW.0 + 5);
    f.store
        .begin_runs(&[
            new_run("cut-2", "a", later),
            new_run("cut-1", "a", NOW),
            new_run("cut-3", "b", NOW),
        ])
        .unwrap();
    let due = f.store.charm("a").unwrap().unwrap().schedule.next_due_at;

    let cut = f.store.mark_interrupted().unwrap();
    assert_eq!(
        cut.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(),
        ["cut-2", "cut-3", "cut-1"]
    );
    for run in &cut {
        assert_eq!(&f.run(&run.id), run);
        assert_eq!(
            (run.outcome, run.duration_ms),
            (Some(Outcome::Interrupted), None)
        );
    }
    assert_eq!(f.run("done").outcome, Some(Outcome::Failed));
    let schedule = f.store.charm("a").unwrap().unwrap().schedule;
    assert_eq!(schedule.last_outcome, Some(Outcome::Interrupted));
    assert_eq!(schedule.last_run_at, Some(later));
    // Whether and when it runs again is the scheduler's to decide.
    assert_eq!((schedule.next_due_at, schedule.failures), (due, 0));
    assert_eq!(f.store.mark_interrupted().unwrap(), []);
}

#[test]
fn the_history_outlives_its_charm_and_follows_its_name() {
    let f = Fixture::with_charms();
    f.begin("r1", "a");
    f.store
        .finish_run(&FinishRun::new("r1", Outcome::Ok, 3))
        .unwrap();
    let renamed = CharmUpdate {
        name: Some("Mail".into()),
        ..CharmUpdate::default()
    };
    f.store.update_charm("a", &renamed).unwrap();
    assert_eq!(f.store.remove_charm("a").unwrap(), 1);
    assert_eq!(f.run("r1").charm_name, "Mail");
    for which in ["a", "charm-a", "Mail"] {
        let id = f.store.charm_in_history(which).unwrap();
        assert_eq!(id.as_deref(), Some("a"), "{which}");
    }
    assert_eq!(f.store.charm_in_history("Charm b").unwrap(), None);
    let filter = RunFilter {
        charm: Some("a".into()),
        ..RunFilter::default()
    };
    assert_eq!(f.store.runs(&filter, 10).unwrap().len(), 1);
    assert_eq!(f.doc(&doc_id("a")).doc, None);
    assert_eq!(
        f.doc(&doc_id("b")).doc,
        Some(json!({ "value": { "count": 0, "list": [] } }))
    );
}
