//! `history`: filters and exports.

use charmkeeper_tests::expected::{RUN_MEMBERS, members};
use charmkeeper_tests::program::Done;

use crate::Bare;

/// Two good runs, a failed one between them, and one without a change.
async fn with_history() -> Bare {
    let bare = Bare::with_charms().await;
    bare.ask(&["run", "counter"]).await;
    let failed = bare.run(&["run", "broken"]).await.with_code(1);
    assert_eq!(failed.json()["outcome"], "failed");
    bare.ask(&["run", "counter"]).await;
    bare.ask(&["run", "counter", "--argument", r#"{"step": 0}"#])
        .await;
    bare
}

fn outcomes(done: Done) -> Vec<String> {
    let runs = done.with_code(0).json();
    let runs = runs.as_array().unwrap();
    runs.iter()
        .map(|r| r["outcome"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_filtered() {
    let bare = with_history().await;
    let all = bare.ask(&["history"]).await;
    for run in all.as_array().unwrap() {
        assert_eq!(members(run), RUN_MEMBERS);
    }
    for (filter, expected) in [
        (&[][..], &["ok-unchanged", "ok", "failed", "ok"][..]),
        (&["--charm", "counter"], &["ok-unchanged", "ok", "ok"]),
        (&["--outcome", "failed"], &["failed"]),
        (&["--changed"], &["ok", "ok"]),
        (&["--limit", "2"], &["ok-unchanged", "ok"]),
        (&["--since", "1h", "--charm", "broken"], &["failed"]),
        (&["--since", "2999-01-01T00:00:00Z"], &[]),
        (&["--outcome", "timed-out"], &[]),
    ] {
        let args = [&["history"], filter].concat();
        assert_eq!(outcomes(bare.run(&args).await), expected, "{filter:?}");
    }

    let failed = &all[2];
    assert_eq!(failed["error"]["kind"], "charm");
    let message = failed["error"]["message"].as_str().unwrap();
    assert!(message.contains("out of \"luck\", sorry"), "{message}");
    let stack = failed["error"]["stack"].as_str().unwrap();
    assert!(stack.contains("broken.tsx:5:"), "{stack}");
}

#[tokio::test]
async fn an_export_is_the_same_runs_as_json_or_csv() {
    let bare = with_history().await;
    let json = bare
        .say(&["history", "--format", "json"])
        .await
        .with_code(0);
    assert_eq!(json.json(), bare.ask(&["history"]).await);

    let csv = bare.say(&["history", "--format", "csv"]).await.with_code(0);
    let lines: Vec<_> = csv.out.lines().collect();
    assert_eq!(lines[0], RUN_MEMBERS.join(","));
    assert_eq!(lines.len(), 5, "{csv}");
    let failed = lines[3];
    assert!(
        failed.contains(",broken,") && failed.contains(",failed,"),
        "{failed}"
    );
    assert!(failed.ends_with(r#"out of ""luck"", sorry""#), "{failed}");
}

#[tokio::test]
async fn a_filter_that_means_nothing_is_refused() {
    let bare = Bare::new();
    for (args, word) in [
        (["--outcome", "great"], "great"),
        (["--since", "tomorrow"], "tomorrow"),
        (["--format", "xml"], "xml"),
        (["--limit", "-1"], "-1"),
    ] {
        let done = bare.say(&["history", args[0], args[1]]).await.with_code(2);
        assert!(done.err.contains(word), "{done}");
        assert_eq!(done.out, "");
    }
    let unknown = bare
        .say(&["history", "--charm", "nobody"])
        .await
        .with_code(2);
    assert!(
        unknown.sentence().contains("no charm of that name"),
        "{unknown}"
    );
}
