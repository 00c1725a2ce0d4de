//! How the program starts, stays one, and ends: displays, panels, buses, second
//! instances, other keepers.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_tests::program::{self, Done, Going};
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{processes, wait_until};

async fn without_display(change: impl FnOnce(&mut tokio::process::Command)) -> Done {
    let stage = Stage::start().await;
    let mut command = desk::command(&stage, ["--background"]);
    command.env_remove("DISPLAY");
    change(&mut command);
    program::run(command).await
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn without_a_display_it_says_so_and_ends_with_69() {
    let done = without_display(|_| ()).await.with_code(69);
    assert!(done.sentence().contains("no display"), "{done}");
    assert!(done.err.contains("charmkeeper serve"), "{done}");
    assert_eq!(done.out, "");
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn a_display_that_is_not_there_ends_it_the_same_way() {
    let done = without_display(|command| {
        command.env("DISPLAY", ":77");
    })
    .await
    .with_code(69);
    assert!(done.sentence().contains(":77"), "{done}");
    assert!(!done.err.contains("panicked"), "{done}");
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn without_a_panel_the_window_opens_even_in_the_background() {
    let stage = Stage::start().await;
    let program = Going::start(desk::command(&stage, ["--background"]));
    let pid = desk::wait_for_keeper(&stage).await;
    desk::wait_for_windows(pid, 1).await;
    program.signal("TERM").await;
    program.end().await.with_code(0);
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn it_works_without_a_session_bus() {
    let stage = Stage::start().await;
    let mut command = desk::command(&stage, ["--background"]);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent");
    let program = Going::start(command);
    let pid = desk::wait_for_keeper(&stage).await;
    desk::wait_for_windows(pid, 1).await;
    assert_eq!(stage.ask(["status"]).await["pid"], pid);
    program.signal("TERM").await;
    program.end().await.with_code(0);
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn a_second_instance_brings_the_first_ones_window_and_ends() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let first = Going::start(desk::command(&stage, ["--background"]));
    let pid = desk::wait_for_keeper(&stage).await;
    panel.item().await;
    let quiet = program::run(desk::command(&stage, ["--background"])).await;
    quiet.with_code(0);
    assert!(desk::windows(pid).await.is_empty(), "start at login twice");
    let second = program::run(desk::command(&stage, ["--page", "/accounts"])).await;
    second.with_code(0);
    desk::wait_for_windows(pid, 1).await;
    let third = program::run(desk::command::<&str>(&stage, [])).await;
    third.with_code(0);
    assert_eq!(desk::windows(pid).await.len(), 1, "the same window");
    assert_eq!(stage.ask(["status"]).await["pid"], pid);
    first.signal("TERM").await;
    first.end().await.with_code(0);
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn another_keeper_is_used_and_its_place_taken_when_it_ends() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let serve = stage.serve().await;
    let other = desk::wait_for_keeper(&stage).await;
    let program = Going::start(desk::command(&stage, ["--background"]));
    let item = panel.item().await;
    item.wait("the other keeper's state", |l| {
        l[0].text == "Nothing to do yet"
    })
    .await;
    assert_eq!(processes::keeper(&desk::data(&stage)), Some(other));

    serve.signal("TERM").await;
    serve.end().await.with_code(0);
    wait_until("the desktop's own keeper", async || {
        let keeper = processes::keeper(&desk::data(&stage));
        keeper.is_some_and(|pid| pid != other) && processes::is_alive(keeper.unwrap())
    })
    .await;
    let pid = desk::wait_for_keeper(&stage).await;
    wait_until("its answer", async || {
        stage.run(["status"]).await.code == Some(0)
    })
    .await;
    assert_eq!(stage.ask(["status"]).await["pid"], pid);
    item.click("Quit").await;
    program.end().await.with_code(0);
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn told_to_end_it_lets_a_run_finish() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let program = Going::start(desk::command(&stage, ["--background"]));
    desk::wait_for_keeper(&stage).await;
    panel.item().await;
    let source = stage.write(
        "slow.tsx",
        r#"import { handler, pattern, Writable } from "commonfabric";
const update = handler<unknown, { n: Writable<number> }>(async (_, { n }) => {
  console.log("begun");
  await new Promise((done) => setTimeout(done, 1500));
  n.set(n.get() + 1);
});
export default pattern<{ n: Writable<number> }>(({ n }) => ({ n, bgUpdater: update({ n }) }));
"#,
    );
    let added = stage
        .ask([
            "add".as_ref(),
            source.as_os_str(),
            "--argument".as_ref(),
            r#"{"n":0}"#.as_ref(),
        ])
        .await;
    let charm = added["charm"].as_str().unwrap().to_owned();
    wait_until("the first run", async || {
        let status = stage.ask(["status"]).await;
        status["running"].as_array().is_some_and(|r| !r.is_empty())
    })
    .await;
    program.signal("TERM").await;
    program.end().await.with_code(0);
    let runs = stage.ask(["history", "--charm", &charm]).await;
    assert_eq!(runs[0]["outcome"], "ok", "{runs:#}");
}
