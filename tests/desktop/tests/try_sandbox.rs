//! From the first sight of the window into the sandbox, and back: two profiles
//! with a keeper each, that never meet.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::driver::Page;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::{processes, wait_until};
use serde_json::json;

const BUTTON: &str = "[...document.querySelectorAll('button')]\
    .find(b => b.textContent.includes('Try the sandbox'))";

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_sandbox_is_opened_from_the_window_and_left_again() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let page = Page::open(&stage, &["--page", "/welcome"]).await;
    let real = desk::wait_for_keeper(&stage).await;
    page.wait("the choice", &format!("return {BUTTON} !== undefined"))
        .await;
    let said = "return document.body.innerText.includes('is open in a window of its own')";

    page.run(&format!("{BUTTON}.click()")).await;
    page.wait("the sandbox", said).await;
    let home = desk::data(&stage).join("sandbox");
    let sandbox = processes::keeper(&home).expect("a keeper of its own");
    assert_ne!(sandbox, real);
    desk::wait_for_windows(sandbox, 1).await;
    let item = panel.item().await;
    item.wait("its first sync, told as the sandbox's", |l| {
        l[0].text.starts_with("All synced") && l[0].text.ends_with("sandbox")
    })
    .await;

    // Once more: the same one comes forward.
    page.run(&format!("{BUTTON}.click()")).await;
    page.wait("the sandbox again", said).await;
    assert_eq!(processes::keeper(&home), Some(sandbox));
    assert_eq!(desk::windows(sandbox).await.len(), 1);

    // Nothing of it is in the real profile, which still waits to be introduced.
    assert_eq!(stage.ask(["accounts"]).await, json!([]));
    assert_eq!(stage.ask(["charms"]).await, json!([]));
    let settings = page.invoke("settings", &json!({})).await;
    assert_eq!(settings["introduced"], false, "{settings}");

    item.click("Quit").await;
    wait_until("the end of the sandbox", async || {
        !processes::is_alive(sandbox)
    })
    .await;
    assert!(processes::is_alive(real));
    page.close().await;
}
