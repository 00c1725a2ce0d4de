//! The desktop is light or dark, and the program follows it: the picture in the
//! panel at once, and the window too.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use charmkeeper_desktop_tests::driver::Page;
use charmkeeper_desktop_tests::panel::Panel;
use charmkeeper_desktop_tests::portal::{Portal, Prefers};
use charmkeeper_tests::stage::Stage;
use charmkeeper_tests::wait_until;

const IS_DARK: &str = "return matchMedia('(prefers-color-scheme: dark)').matches \
    && document.documentElement.dataset.theme === 'dark'";
const IS_LIGHT: &str = "return matchMedia('(prefers-color-scheme: light)').matches \
    && document.documentElement.dataset.theme === 'light'";

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn the_window_and_the_icon_follow_the_desktop() {
    let stage = Stage::start().await;
    let panel = Panel::appear(&stage.keyring.address).await;
    let portal = Portal::appear(&stage.keyring.address, Prefers::Dark).await;
    let page = Page::open(&stage, &[]).await;
    page.wait("a dark page", IS_DARK).await;
    let item = panel.item().await;
    item.wait("the first state", |l| l[0].text == "Nothing to do yet")
        .await;
    let on_dark = item.picture().await;

    portal.change(Prefers::Light).await;
    page.wait("a light page", IS_LIGHT).await;
    wait_until("another picture", async || item.picture().await != on_dark).await;
    portal.change(Prefers::Dark).await;
    page.wait("a dark page again", IS_DARK).await;
    // Without a preference the window library's own setting counts: light.
    portal.change(Prefers::Nothing).await;
    page.wait("a light page again", IS_LIGHT).await;
    page.close().await;
}

#[tokio::test]
#[ignore = "needs a desktop: make desktop-test"]
async fn a_portal_that_comes_late_is_heard() {
    let stage = Stage::start().await;
    let page = Page::open(&stage, &[]).await;
    page.wait("a light page", IS_LIGHT).await;
    let _portal = Portal::appear(&stage.keyring.address, Prefers::Dark).await;
    page.wait("a dark page", IS_DARK).await;
    page.close().await;
}
