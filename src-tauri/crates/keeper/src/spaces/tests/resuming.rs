//! Sessions over a restart.

use charmkeeper_space::messages::Descriptor;

use super::fixture::{SPACE, connected, open, remote};
use crate::spaces::resume::{keep, which};

#[tokio::test]
async fn a_token_is_for_the_session_that_it_was_told_for_after_a_restart_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut store = connected(folder.path());
    let mut mine = Descriptor {
        session_id: Some("mine".into()),
        ..Descriptor::default()
    };
    assert_eq!(which(&store, &remote("mine")).await.expect("a read"), mine);
    for token in ["first", "second"] {
        mine.session_token = Some(token.into());
        keep(&store, SPACE, mine.clone()).await.expect("kept");
        drop(store);
        store = open(folder.path());
        assert_eq!(which(&store, &remote("mine")).await.expect("a read"), mine);
    }
    // Connected as somebody else meanwhile.
    let other = which(&store, &remote("other")).await.expect("a read");
    assert_eq!(other.session_id.as_deref(), Some("other"));
    assert_eq!(other.session_token, None);
}
