//! x
mod support;
use support::*;
use charmkeeper_charms::runner::*;
#[tokio::test]
async fn perf() {
    for _ in 0..30 {
    let jobs = (0..1).map(|i| job(&format!("{i}"), NO_OP).0).collect();
    run_batch_with(&worker(), BatchOptions{isolation: Isolation::Process, ..Default::default()}, jobs, |_| {}).await;
    }
}
