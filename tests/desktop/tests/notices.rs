//! Notifications: one when a state changes, and a click that opens its page.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::desk;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_desktop_tests::toast::Toasts;
use charmkeeper_sandbox::SAMPLE_ACCOUNT;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::Stage;

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn losing_access_is_told_once_and_a_click_opens_the_page() {
    let stage = Stage::connected().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let toasts = Toasts::appear(&stage.keyring.address).await;
    let program = Going::start(desk::command(&stage, ["--background"]));
    let pid = desk::wait_for_keeper(&stage).await;
    let item = panel.item().await;
    item.wait("the first sync", |l| l[0].text.starts_with("All synced"))
        .await;
    assert_eq!(toasts.all(), [], "nothing changed");

    stage.world().revoke_grants(SAMPLE_ACCOUNT).unwrap();
    item.click("Sync now").await;
    let toast = toasts
        .wait("the notice", |t| t.body.contains("sign in"))
        .await;
    assert_eq!(toast.actions, ["default", "Open"]);
    item.wait("the state", |l| l[0].text.contains("sign")).await;
    assert!(desk::windows(pid).await.is_empty());
    toasts.click(&toast).await;
    desk::wait_for_windows(pid, 1).await;
    let signs: Vec<_> = toasts
        .all()
        .into_iter()
        .filter(|t| t.body.contains("sign in"))
        .collect();
    assert_eq!(signs.len(), 1, "{signs:#?}");
    item.click("Quit").await;
    program.end().await.with_code(0);
}
