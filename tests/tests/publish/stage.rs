//! A keeper with a local charm, and a space server.

use std::path::Path;
use std::sync::Arc;

use charmkeeper_base::Secret;
use charmkeeper_keeper::api::Request;
use charmkeeper_keeper::{Keeper, KeyForm};
use charmkeeper_space::identity::Identity;
use charmkeeper_tests::computers::{ask, open};
use charmkeeper_toolshed::SpaceServer;
use serde_json::Value;

use crate::reader::Reader;

pub(crate) const PASSPHRASE: &str = "a person who shares";
pub(crate) const SPACE: &str = "shared notes";

/// Keeps notes in its input, a number in a cell without a name and a cursor that it
/// does not show.
pub(crate) const NOTER: &str = r#"
import { handler, NAME, pattern, Writable } from "commonfabric";
import { text } from "./words.ts";
type Note = { id: string; text: string };
const write = handler<unknown, {
  notes: Writable<Note[]>; total: Writable<number>; cursor: Writable<number>;
}>((_event, { notes, total, cursor }) => {
  const n = (cursor.get() ?? 0) + 1;
  cursor.set(n);
  notes.push({ id: "n" + n, text: text(n) });
  total.set(notes.get().length);
});
export default pattern<{ notes: Note[]; title: string }, any>(({ notes, title }) => {
  const total = new Writable(0);
  const cursor = new Writable(0);
  return {
    [NAME]: "Noter", notes, title, total, bgUpdater: write({ notes, total, cursor } as any),
  };
});
"#;
pub(crate) const WORDS: &str = "export const text = (n: number) => `note ${n}`;\n";

pub(crate) fn person() -> Identity {
    Identity::from_passphrase(PASSPHRASE)
}

pub(crate) fn shared() -> String {
    Identity::of_named_space(SPACE).did().to_owned()
}

/// Connects a named space, or the home space, as `who`.
pub(crate) async fn connect(keeper: &Keeper, url: &str, who: &str, space: Option<&str>) {
    let text = Secret::new(who.to_owned());
    let identity = keeper.add_identity(KeyForm::Passphrase, &text).await;
    let request = Request::ConnectSpace {
        url: url.to_owned(),
        identity: identity.unwrap(),
        space: space.map(str::to_owned),
        claim: true,
    };
    ask(keeper, request).await;
}

/// A keeper with the noter, run once, its timer off.
pub(crate) async fn with_noter(folder: &Path) -> Arc<Keeper> {
    let charm = folder.join("noter");
    std::fs::create_dir_all(&charm).unwrap();
    std::fs::write(charm.join("main.tsx"), NOTER).unwrap();
    std::fs::write(charm.join("words.ts"), WORDS).unwrap();
    let keeper = open(folder).await;
    let add = Request::Add {
        source: charm.to_string_lossy().into_owned(),
        space: None,
        argument: Some(serde_json::json!({ "title": "Notes", "notes": [] })),
        hosts: Vec::new(),
    };
    ask(&keeper, add).await;
    let charm = "noter".to_owned();
    ask(&keeper, Request::Pause { charm }).await;
    run(&keeper).await;
    keeper
}

pub(crate) async fn run(keeper: &Keeper) -> Value {
    let request = Request::Run {
        charm: "noter".to_owned(),
        argument: None,
    };
    let run = ask(keeper, request).await;
    assert_eq!(run["outcome"], "ok", "{run:#}");
    run
}

pub(crate) async fn cells(keeper: &Keeper) -> Value {
    let request = Request::Cells {
        charm: "noter".to_owned(),
        path: Vec::new(),
    };
    ask(keeper, request).await
}

pub(crate) fn publish(favorite: bool) -> Request {
    Request::Publish {
        charm: "noter".to_owned(),
        space: SPACE.to_owned(),
        favorite,
    }
}

/// Somebody else's view of the server.
pub(crate) fn reader(server: &SpaceServer) -> Reader {
    Reader::new(&server.url(), person())
}
