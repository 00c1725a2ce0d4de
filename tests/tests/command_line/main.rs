//! The command line as a contract: what is printed, as JSON and in words, with
//! which exit code, with and without a keeper that runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod history;
mod refusals;
mod serving;
mod sign_in;

use std::path::Path;

use charmkeeper_tests::program;
use serde_json::Value;
use tokio::process::Command;

/// A charm that adds `step` to `count`.
const COUNTER: &str = r#"
import { Default, handler, NAME, pattern, Stream, Writable } from "commonfabric";

interface Input {
  count: number | Default<0>;
  step: number | Default<1>;
}

/** Counts its own runs. #counter */
export interface Output {
  [NAME]: string;
  count: number;
  bgUpdater: Stream<void>;
}

const bump = handler<void, { count: Writable<number>; step: number }>((_event, { count, step }) => {
  console.log(`adding ${step}`);
  count.set(count.get() + step);
});

export default pattern<Input, Output>(({ count, step }) => ({
  [NAME]: "Counter",
  count,
  bgUpdater: bump({ count, step }),
}));
"#;

/// A charm that always throws.
const BROKEN: &str = r#"
import { handler, NAME, pattern } from "commonfabric";

const fail = handler<void, {}>(() => {
  throw new TypeError("out of \"luck\", sorry");
});

export default pattern<{}>(() => ({ [NAME]: "Broken", bgUpdater: fail({}) }));
"#;

/// A folder with a home in it, for tests that need no Google.
struct Bare(tempfile::TempDir);

impl Bare {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// With a charm that counts and a charm that throws.
    async fn with_charms() -> Self {
        let bare = Self::new();
        for (name, text) in [("counter.tsx", COUNTER), ("broken.tsx", BROKEN)] {
            let path = bare.write(name, text);
            bare.ask(&["add", path.as_str()]).await;
        }
        bare
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program in words.
    fn plain(&self, args: &[&str]) -> Command {
        let mut command = program::command(self.folder());
        command.args(args);
        command
    }

    /// The program with `--json`.
    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.plain(args);
        command.arg("--json");
        command
    }

    async fn run(&self, args: &[&str]) -> program::Done {
        program::run(self.command(args)).await
    }

    async fn say(&self, args: &[&str]) -> program::Done {
        program::run(self.plain(args)).await
    }

    async fn ask(&self, args: &[&str]) -> Value {
        self.run(args).await.with_code(0).json()
    }
}
