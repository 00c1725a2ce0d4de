//! What only a desktop can do for the page: start at login, open a browser,
//! choose a file, copy, quit.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use charmkeeper_accounts::ClientId;
use charmkeeper_base::{ErrorKind, Secret};
use charmkeeper_keeper::api::{ApiError, Request, SettingsView};
use charmkeeper_keeper::{KeyForm, keep_identity};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tauri::{AppHandle, Manager, Runtime, State};
use tauri_plugin_dialog::{DialogExt, FileDialogBuilder};
use tokio::sync::oneshot;
use url::Url;

use super::Pending;
use crate::autostart::{self, AutostartView};
use crate::backend::Backend;
use crate::sandbox;
use crate::setup::Plan;
use crate::texts::{fill, text};

/// Longest pasted client file, in bytes; Google's are under 1 KiB.
const MAX_CLIENT_TEXT: usize = 64 * 1024;
/// Largest key file, in bytes; they are under 1 KiB.
const MAX_KEY_FILE: u64 = 64 * 1024;
/// Longest text to copy, in bytes.
const MAX_COPY: usize = 16 * 1024 * 1024;

/// Work that asks the system, off the threads that answer.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ApiError> + Send + 'static,
) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|e| {
        Err(ApiError::new(
            ErrorKind::Local,
            format!("It ended early: {e}."),
        ))
    })
}

#[tauri::command]
pub(crate) async fn autostart_get<R: Runtime>(
    app: AppHandle<R>,
) -> Result<AutostartView, ApiError> {
    blocking(move || autostart::view(&app)).await
}

#[derive(Deserialize)]
pub(crate) struct Switch {
    on: bool,
}

#[tauri::command]
pub(crate) async fn autostart_set<R: Runtime>(
    app: AppHandle<R>,
    args: Switch,
) -> Result<AutostartView, ApiError> {
    blocking(move || autostart::set(&app, args.on)).await
}

#[derive(Deserialize)]
pub(crate) struct Link {
    url: String,
}

#[tauri::command]
pub(crate) async fn open_url(pending: State<'_, Pending>, args: Link) -> Result<(), ApiError> {
    if !pending.is(&args.url) && !is_https(&args.url) {
        return Err(ApiError::new(ErrorKind::Usage, text("notice.link-refused")));
    }
    blocking(move || {
        tauri_plugin_opener::open_url(&args.url, None::<&str>).map_err(|e| {
            ApiError::new(
                ErrorKind::Local,
                format!("The browser cannot be opened: {e}."),
            )
            .with_hint("Copy the address and open it yourself.")
        })
    })
    .await
}

fn is_https(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        url.scheme() == "https" && url.host().is_some() && url.username().is_empty()
    })
}

/// What the page may have chosen.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    CharmFile,
    CharmFolder,
    ClientFile,
    KeyFile,
    Folder,
    SaveCsv,
    SaveJson,
}

#[derive(Deserialize)]
pub(crate) struct Choice {
    what: What,
}

#[tauri::command]
pub(crate) async fn pick<R: Runtime>(
    window: tauri::WebviewWindow<R>,
    args: Choice,
) -> Result<Option<PathBuf>, ApiError> {
    let dialog = window.dialog().file().set_parent(&window);
    let (chosen, answer) = oneshot::channel();
    let done = move |path: Option<tauri_plugin_dialog::FilePath>| {
        // The page that asked may be gone.
        let _ = chosen.send(path);
    };
    show(dialog, args.what, done);
    let path = answer.await.ok().flatten();
    Ok(path.and_then(|p| p.into_path().ok()))
}

fn show<R: Runtime>(
    dialog: FileDialogBuilder<R>,
    what: What,
    done: impl FnOnce(Option<tauri_plugin_dialog::FilePath>) + Send + 'static,
) {
    match what {
        What::CharmFile => dialog
            .add_filter("TypeScript", &["tsx", "ts", "jsx", "js"])
            .pick_file(done),
        What::ClientFile => dialog.add_filter("JSON", &["json"]).pick_file(done),
        What::KeyFile => dialog
            .add_filter("PEM", &["pem", "key"])
            .add_filter("*", &["*"])
            .pick_file(done),
        What::CharmFolder | What::Folder => dialog.pick_folder(done),
        What::SaveCsv => dialog.set_file_name("runs.csv").save_file(done),
        What::SaveJson => dialog.set_file_name("runs.json").save_file(done),
    }
}

/// The clipboard's owner must live as long as what was copied is to be pasted.
#[derive(Default)]
pub(crate) struct Clipboard(Mutex<Option<arboard::Clipboard>>);

#[derive(Deserialize)]
pub(crate) struct Copied {
    text: String,
}

#[tauri::command]
pub(crate) async fn copy_text<R: Runtime>(app: AppHandle<R>, args: Copied) -> Result<(), ApiError> {
    let failed = |reason: &dyn std::fmt::Display| {
        let reason = reason.to_string();
        let reason = reason.trim_end_matches('.');
        ApiError::new(
            ErrorKind::Local,
            fill("notice.clipboard-failed", &[("reason", reason)]),
        )
    };
    if args.text.len() > MAX_COPY {
        return Err(failed(&"it is too long"));
    }
    blocking(move || {
        let state = app.state::<Clipboard>();
        let mut held = state.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.is_none() {
            *held = Some(arboard::Clipboard::new().map_err(|e| failed(&e))?);
        }
        let Some(clipboard) = held.as_mut() else {
            return Ok(());
        };
        clipboard.set_text(args.text).map_err(|e| failed(&e))
    })
    .await
}

/// Never has Debug: what was pasted may hold a secret.
#[derive(Deserialize)]
pub(crate) struct Pasted {
    text: String,
}

#[tauri::command]
pub(crate) async fn use_client_text(
    backend: State<'_, Arc<Backend>>,
    plan: State<'_, Plan>,
    args: Pasted,
) -> Result<SettingsView, ApiError> {
    let json = client_file(Secret::new(args.text))?;
    let folder = plan.home.dir().to_owned();
    // The keeper takes a file, because its requests never hold a secret. This
    // one is private, and gone as soon as the keeper has read it.
    let file = blocking(move || {
        let unwritable = |e: std::io::Error| {
            let shown = folder.display();
            ApiError::new(ErrorKind::Local, format!("{shown} cannot be written: {e}."))
        };
        let file = tempfile::NamedTempFile::new_in(&folder).map_err(unwritable)?;
        std::fs::write(file.path(), json.expose()).map_err(unwritable)?;
        Ok(file)
    })
    .await?;
    let path = file.path().to_owned();
    let answer = backend.ask(Request::UseClient { path }).await;
    drop(file);
    answer
}

/// The downloaded file's text as it is, or one made of an id and, on the next
/// line, a secret.
fn client_file(text: Secret<String>) -> Result<Secret<String>, ApiError> {
    let pasted = text.expose().trim();
    if pasted.len() > MAX_CLIENT_TEXT {
        return Err(ApiError::new(
            ErrorKind::Usage,
            "That is too long to be a Google client.",
        ));
    }
    if pasted.starts_with('{') {
        ClientId::from_download(pasted).map_err(|e| ApiError::of(&e))?;
        return Ok(text);
    }
    let mut lines = pasted.lines().map(str::trim).filter(|l| !l.is_empty());
    let (id, secret) = (lines.next().unwrap_or_default(), lines.next());
    ClientId::pasted(id, secret).map_err(|e| ApiError::of(&e))?;
    let file = json!({ "installed": { "client_id": id, "client_secret": secret } });
    Ok(Secret::new(file.to_string()))
}

/// How a person names their identity in a remote space: the path of a key
/// file, 24 words, or a passphrase. Never has Debug.
#[derive(Deserialize)]
pub(crate) struct Identity {
    how: How,
    value: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    File,
    Words,
    Passphrase,
}

/// What the page gets to know of an identity.
#[derive(Debug, Serialize)]
pub(crate) struct IdentityView {
    identity: String,
}

/// Puts a key into the keychain; the page sees its DID alone.
#[tauri::command]
pub(crate) async fn space_identity(
    plan: State<'_, Plan>,
    args: Identity,
) -> Result<IdentityView, ApiError> {
    let (form, text) = match args.how {
        How::File => (KeyForm::File, key_file(args.value.into()).await?),
        How::Words => (KeyForm::Words, Secret::new(args.value)),
        How::Passphrase => (KeyForm::Passphrase, Secret::new(args.value)),
    };
    let identity = Box::pin(keep_identity(&plan.home, form, &text)).await?;
    Ok(IdentityView { identity })
}

async fn key_file(path: PathBuf) -> Result<Secret<String>, ApiError> {
    blocking(move || {
        let shown = path.display();
        let refused = |why: &dyn std::fmt::Display| {
            ApiError::new(ErrorKind::Usage, format!("{shown} cannot be read: {why}."))
        };
        let size = std::fs::metadata(&path).map_err(|e| refused(&e))?.len();
        if size > MAX_KEY_FILE {
            return Err(refused(&"it is too large to be a key file"));
        }
        let text = std::fs::read_to_string(&path).map_err(|e| refused(&e))?;
        Ok(Secret::new(text))
    })
    .await
}

/// What the program is.
#[derive(Debug, Serialize)]
pub(crate) struct AppInfo {
    version: &'static str,
    platform: &'static str,
    sandbox: bool,
    home: PathBuf,
    debug: bool,
}

#[tauri::command]
pub(crate) async fn app_info(plan: State<'_, Plan>) -> Result<AppInfo, ApiError> {
    Ok(AppInfo {
        version: env!("CARGO_PKG_VERSION"),
        platform: std::env::consts::OS,
        sandbox: plan.sandbox,
        home: plan.home.dir().to_owned(),
        debug: cfg!(debug_assertions),
    })
}

#[tauri::command]
pub(crate) async fn quit<R: Runtime>(app: AppHandle<R>) -> Result<(), ApiError> {
    app.exit(0);
    Ok(())
}

/// Opens the try-out profile beside this one.
#[tauri::command]
pub(crate) async fn try_sandbox(plan: State<'_, Plan>) -> Result<(), ApiError> {
    sandbox::open(&plan).await
}

#[derive(Deserialize)]
pub(crate) struct Place {
    path: PathBuf,
}

#[tauri::command]
pub(crate) async fn reveal(args: Place) -> Result<(), ApiError> {
    blocking(move || {
        let shown = args.path.display().to_string();
        tauri_plugin_opener::reveal_item_in_dir(&args.path).map_err(|e| {
            let reason = e.to_string();
            let reason = reason.trim_end_matches('.');
            let values = [("path", shown.as_str()), ("reason", reason)];
            ApiError::new(ErrorKind::Local, fill("notice.folder-refused", &values))
        })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_is_opened() {
        assert!(is_https("https://console.cloud.google.com/apis?x=1#y"));
        for url in [
            "http://example.com/",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://user@example.com/",
            "https:",
            "",
        ] {
            assert!(!is_https(url), "{url}");
        }
    }

    #[test]
    fn an_id_with_its_secret_becomes_the_file_that_google_gives() {
        let made = client_file(Secret::new("an-id\n  a-secret \n".to_owned())).unwrap();
        let client = ClientId::from_download(made.expose()).unwrap();
        assert_eq!(client.client_id, "an-id");
        assert_eq!(client.client_secret.unwrap().expose(), "a-secret");
        let alone = client_file(Secret::new("an-id".to_owned())).unwrap();
        let client = ClientId::from_download(alone.expose()).unwrap();
        assert!(client.client_secret.is_none());
    }

    #[test]
    fn what_is_not_a_client_is_refused_without_repeating_it() {
        for text in ["", "{\"web\": {}}", "{\"s3cret\"", "two words"] {
            let error = client_file(Secret::new(text.to_owned())).unwrap_err();
            assert!(!error.message.contains("s3cret"), "{error}");
            assert_eq!(error.kind, ErrorKind::Usage, "{error}");
        }
    }
}
