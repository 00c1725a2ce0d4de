//! Everything that the keeper holds, as files that a person can read: history,
//! the source and the cells of each charm, settings, accounts. Never a secret:
//! those are in the keychain, and nothing here reads it.

use std::path::{Component, Path, PathBuf};

use charmkeeper_base::ErrorKind;
use charmkeeper_base::cell::DocRef;
use charmkeeper_store::{Charm, RunFilter, Store};
use serde::Serialize;

use super::file::{self, unwritable};
use super::history;
use crate::api::{
    AccountView, ApiError, CharmView, ExportFormat, ExportView, SettingsView, SpaceView,
};
use crate::cells::Reader;
use crate::core::of_store;
use crate::registry;

/// What is not in the store, or not in the form that people read.
pub(crate) struct Shown {
    pub(crate) charms: Vec<CharmView>,
    pub(crate) accounts: Vec<AccountView>,
    pub(crate) settings: SettingsView,
    pub(crate) spaces: Vec<SpaceView>,
}

/// Writes everything into a new folder below `folder`, called `name` or, when
/// that is there already, `name-2` and so on.
///
/// # Errors
/// When the folder cannot be written. What was written until then stays.
pub(crate) fn write(
    store: &Store,
    shown: &Shown,
    folder: &Path,
    name: &str,
) -> Result<ExportView, ApiError> {
    let path = new_folder(folder, name)?;
    let json = path.join("history.json");
    let runs = history::write(
        store,
        RunFilter::default(),
        u64::MAX,
        ExportFormat::Json,
        &json,
    )?;
    write_json(&path.join("accounts.json"), &shown.accounts)?;
    write_json(&path.join("settings.json"), &shown.settings)?;
    write_json(&path.join("spaces.json"), &shown.spaces)?;
    for row in store.charms().map_err(|e| of_store(&e))? {
        let below = path.join("charms").join(&row.handle);
        let view = shown.charms.iter().find(|c| c.id == row.id);
        charm(store, &row, view, &below)?;
    }
    Ok(ExportView { path, runs })
}

fn charm(
    store: &Store,
    row: &Charm,
    view: Option<&CharmView>,
    below: &Path,
) -> Result<(), ApiError> {
    make(below)?;
    if let Some(view) = view {
        write_json(&below.join("charm.json"), view)?;
    }
    let result = DocRef {
        space: row.space.clone(),
        id: row.piece.clone(),
    };
    let cells = Reader::new(store).show(&result, &[]);
    write_json(&below.join("cells.json"), &cells.map_err(|e| of_store(&e))?)?;
    let program = store.program(&row.program_hash).map_err(|e| of_store(&e))?;
    let Some(program) = program.as_ref().and_then(registry::program_from_json) else {
        return Ok(());
    };
    for (name, text) in &program.files {
        let Some(place) = below_of(&below.join("source"), name) else {
            continue;
        };
        if let Some(folder) = place.parent() {
            make(folder)?;
        }
        file::write(&place, |out| {
            out.write_all(text.as_bytes())
                .map_err(|e| unwritable(&place, &e))
        })?;
    }
    Ok(())
}

/// `/util/a.ts` below a folder. Nothing for a name that would lead out of it.
fn below_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let relative = Path::new(name.trim_start_matches('/'));
    let plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    let inside = relative.components().all(plain) && relative.components().next().is_some();
    inside.then(|| folder.join(relative))
}

fn new_folder(folder: &Path, name: &str) -> Result<PathBuf, ApiError> {
    if !folder.is_dir() {
        let shown = folder.display();
        return Err(ApiError::new(
            ErrorKind::Usage,
            format!("{shown} is not a folder."),
        ));
    }
    for n in 1..1000 {
        let path = match n {
            1 => folder.join(name),
            n => folder.join(format!("{name}-{n}")),
        };
        match builder(false).create(&path) {
            Ok(()) => return Ok(path),
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(unwritable(&path, &e)),
        }
    }
    let shown = folder.display();
    Err(ApiError::new(
        ErrorKind::Usage,
        format!("{shown} is full of exports already."),
    ))
}

fn make(folder: &Path) -> Result<(), ApiError> {
    builder(true)
        .create(folder)
        .map_err(|e| unwritable(folder, &e))
}

/// For the person alone: cells are their mail.
fn builder(recursive: bool) -> std::fs::DirBuilder {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), ApiError> {
    file::write(path, |out| {
        let failed = |e: std::io::Error| unwritable(path, &e);
        serde_json::to_writer_pretty(&mut *out, value).map_err(|e| failed(e.into()))?;
        out.write_all(b"\n").map_err(failed)
    })
}

#[cfg(test)]
mod tests {
    use charmkeeper_base::UnixMs;

    use super::*;
    use crate::api::ClientView;

    #[test]
    fn sources_stay_in_their_folder() {
        let folder = Path::new("/x");
        let place = below_of(folder, "/util/a.ts");
        assert_eq!(place, Some(PathBuf::from("/x/util/a.ts")));
        for out in ["/../a.ts", "a/../../b", "", "/", ".."] {
            assert_eq!(below_of(folder, out), None, "{out}");
        }
    }

    #[test]
    fn a_second_export_gets_a_folder_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let first = new_folder(dir.path(), "export").unwrap();
        let second = new_folder(dir.path(), "export").unwrap();
        assert_eq!(first, dir.path().join("export"));
        assert_eq!(second, dir.path().join("export-2"));
        let none = new_folder(&dir.path().join("none"), "export").unwrap_err();
        assert_eq!(none.kind, ErrorKind::Usage);
    }

    #[test]
    fn spaces_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("db"), UnixMs(0))
            .unwrap()
            .store;
        let shown = Shown {
            charms: Vec::new(),
            accounts: Vec::new(),
            settings: SettingsView {
                notifications: true,
                theme: "system".to_owned(),
                pause_on_metered: false,
                pause_on_battery: false,
                introduced: true,
                keep_days: 30,
                client: ClientView {
                    source: "none".to_owned(),
                    client_id: None,
                },
            },
            spaces: vec![SpaceView {
                space: "did:key:z6MkSpace".to_owned(),
                name: "Home".to_owned(),
                kind: "home".to_owned(),
                url: Some("https://space.example".to_owned()),
                identity: Some("did:key:z6MkPerson".to_owned()),
                state: "synced".to_owned(),
                detail: "Everything is in the space.".to_owned(),
                queued: 0,
                merged: 0,
                stuck: Vec::new(),
                synced_at: None,
            }],
        };
        let made = write(&store, &shown, dir.path(), "export").unwrap();
        let text = std::fs::read(made.path.join("spaces.json")).unwrap();
        let listed: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(listed[0]["space"], "did:key:z6MkSpace");
        assert_eq!(listed[0]["url"], "https://space.example");
    }
}
