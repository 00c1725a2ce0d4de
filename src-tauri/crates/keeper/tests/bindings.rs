//! The window's types are made from the API's. This test holds the two
//! together: it fails when `ui/src/lib/bindings.ts` is not what the Rust types
//! say, and writes that file when `CHARMKEEPER_WRITE_BINDINGS` is 1.

use std::any::TypeId;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use charmkeeper_keeper::api::{
    AccountView, ApiError, CharmView, CheckView, ConnectView, DisconnectView, Event, ExportView,
    FacetsView, FavoriteView, LaneView, PreviewView, PublishView, Request, RunDetails, RunView,
    SettingsView, SpaceView, StatusView, WishView,
};
use ts_rs::{Config, TS, TypeVisitor};

const HEAD: &str = "// The types of the keeper's API, made from the Rust types by\n\
// src-tauri/crates/keeper/tests/bindings.rs. Not edited by hand: run that test\n\
// with CHARMKEEPER_WRITE_BINDINGS=1 after a change of the API.\n";

/// Every type that can be reached, by name.
struct Types {
    config: Config,
    seen: BTreeSet<TypeId>,
    text: BTreeMap<String, String>,
}

impl TypeVisitor for Types {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        // Types of the language itself have no file and no declaration.
        if T::output_path().is_some() {
            let docs = T::docs().unwrap_or_default();
            let text = format!("{docs}export {}\n", T::decl(&self.config));
            let name = T::ident(&self.config);
            let known = self.text.insert(name.clone(), text.clone());
            assert!(known.is_none_or(|known| known == text), "two types {name}");
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

fn bindings() -> String {
    let mut types = Types {
        // Counts and milliseconds stay far below 2^53.
        config: Config::new().with_large_int("number"),
        seen: BTreeSet::new(),
        text: BTreeMap::new(),
    };
    types.visit::<Request>();
    types.visit::<Event>();
    types.visit::<ApiError>();
    types.visit::<StatusView>();
    types.visit::<CharmView>();
    types.visit::<PreviewView>();
    types.visit::<WishView>();
    types.visit::<RunView>();
    types.visit::<RunDetails>();
    types.visit::<FacetsView>();
    types.visit::<LaneView>();
    types.visit::<ExportView>();
    types.visit::<SettingsView>();
    types.visit::<CheckView>();
    types.visit::<AccountView>();
    types.visit::<ConnectView>();
    types.visit::<DisconnectView>();
    types.visit::<SpaceView>();
    types.visit::<FavoriteView>();
    types.visit::<PublishView>();
    let all: Vec<String> = types.text.into_values().collect();
    let text = format!("{HEAD}\n{}", all.join("\n"));
    text.lines().flat_map(|l| [l.trim_end(), "\n"]).collect()
}

#[test]
fn the_window_knows_the_types_of_the_api() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../ui/src/lib/bindings.ts");
    let made = bindings();
    if std::env::var("CHARMKEEPER_WRITE_BINDINGS").is_ok_and(|v| v == "1") {
        std::fs::write(&file, &made).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap();
    assert!(
        there == made,
        "{} is not up to date; run this test with CHARMKEEPER_WRITE_BINDINGS=1",
        file.display()
    );
}

#[test]
fn times_are_strings_and_counts_are_numbers() {
    let made = bindings();
    assert!(made.contains("started_at: UnixMs") || made.contains("started_at: string"));
    assert!(!made.contains("bigint"), "{made}");
    assert!(made.contains("\"do\": \"run-all\""), "{made}");
}
