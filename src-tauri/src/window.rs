//! The window: made when it is asked for, destroyed when it is closed, so that
//! a closed window costs no web process.
//!
//! Owns: opening, bringing forward, which page it shows, and what the page may
//! navigate to (nothing but itself). Never looks into what the page asks.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tauri::webview::{NewWindowResponse, PageLoadEvent};
use tauri::{
    AppHandle, DragDropEvent, Emitter, Manager, Runtime, Url, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, WindowEvent,
};

use crate::args::page as checked;
use crate::setup::Plan;
use crate::texts::text;

/// The only window.
pub const LABEL: &str = "main";
/// Event that asks the page to show another page; its payload is one, as in
/// `/accounts`.
const NAVIGATE: &str = "navigate";
/// Folder of the profile in which the page's own storage is kept.
const STORAGE: &str = "window";
/// Width and height at the first start, and the least, in logical pixels.
const SIZE: (f64, f64) = (1080.0, 720.0);
const LEAST: (f64, f64) = (480.0, 360.0);

/// How often, and how soon again, a window is asked for that is just closing.
const TRIES: u32 = 40;
const PACE: Duration = Duration::from_millis(50);

/// What is remembered of the window.
#[derive(Debug, Default)]
pub struct Opening {
    /// Held while one is being made, so that two clicks make one.
    making: Mutex<()>,
    /// Whether its page listens for `navigate`.
    loaded: AtomicBool,
}

/// Shows the window, on this page when one is named.
pub fn open<R: Runtime>(app: &AppHandle<R>, page: Option<&str>) {
    let page = page.and_then(|p| checked(p).ok());
    let app = app.clone();
    // Not on the main thread: making a window waits for it.
    std::thread::spawn(move || {
        let opening = app.state::<Opening>();
        let _one_at_a_time = opening
            .making
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut tries = 0;
        while let Err(e) = show(&app, &opening, page.as_deref()) {
            tries += 1;
            if tries == TRIES {
                tracing::error!("the window cannot be opened: {e}");
                return;
            }
            // It is being closed at this moment, and still has its name.
            std::thread::sleep(PACE);
        }
    });
}

fn show<R: Runtime>(
    app: &AppHandle<R>,
    opening: &Opening,
    page: Option<&str>,
) -> tauri::Result<()> {
    let Some(window) = app.get_webview_window(LABEL) else {
        opening.loaded.store(false, Ordering::SeqCst);
        make(app, page)?;
        return Ok(());
    };
    // The one question that a window which is going away does not answer.
    window.is_visible()?;
    window.unminimize()?;
    window.show()?;
    window.set_focus()?;
    page.map_or(Ok(()), |page| go(app, &window, opening, page))
}

/// Takes an open window to a page. Asked again until its address says so: a page
/// that was loaded a moment ago may not listen yet.
fn go<R: Runtime>(
    app: &AppHandle<R>,
    window: &WebviewWindow<R>,
    opening: &Opening,
    page: &str,
) -> tauri::Result<()> {
    let (path, _) = page.split_once('?').unwrap_or((page, ""));
    for _ in 0..TRIES {
        if opening.loaded.load(Ordering::SeqCst) {
            app.emit_to(LABEL, NAVIGATE, page)?;
        }
        std::thread::sleep(PACE);
        let url = window.url()?;
        if url.fragment().is_some_and(|shown| shown.starts_with(path)) {
            return Ok(());
        }
    }
    tracing::warn!("the window did not go to {path}");
    Ok(())
}

fn make<R: Runtime>(app: &AppHandle<R>, page: Option<&str>) -> tauri::Result<WebviewWindow<R>> {
    let address = page.map_or_else(
        || "index.html".to_owned(),
        |page| format!("index.html#{page}"),
    );
    let mut builder = WebviewWindowBuilder::new(app, LABEL, WebviewUrl::App(address.into()))
        .title("Charmkeeper")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(LEAST.0, LEAST.1)
        .on_navigation(may_navigate)
        .on_new_window(|url, _| {
            tracing::warn!("a new window for {} was refused", told(&url));
            NewWindowResponse::Deny
        })
        .on_page_load(|window, load| {
            if load.event() == PageLoadEvent::Finished {
                tracing::debug!("the page is loaded");
                window
                    .state::<Opening>()
                    .loaded
                    .store(true, Ordering::SeqCst);
            }
        });
    if let Some(plan) = app.try_state::<Plan>() {
        builder = builder.data_directory(plan.home.dir().join(STORAGE));
        if plan.sandbox {
            builder = builder.title(text("tray.sandbox-title"));
        }
    }
    let window = builder.build()?;
    crash::watch(&window);
    let handle = window.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::DragDrop(DragDropEvent::Drop { paths, .. }) = event
            && let Some(path) = paths.first()
        {
            dropped(&handle, path);
        }
    });
    Ok(window)
}

/// A charm's file or folder was dropped on the window: shown before it is added.
fn dropped<R: Runtime>(window: &WebviewWindow<R>, path: &Path) {
    if let Err(e) = window.app_handle().emit_to(LABEL, NAVIGATE, add_page(path)) {
        tracing::warn!("a dropped file could not be shown: {e}");
    }
}

/// The page that shows a charm before it is added.
#[must_use]
pub fn add_page(source: &Path) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("source", &source.to_string_lossy());
    // Pages read it as a URI component, in which a plus is a plus.
    format!("/add?{}", query.finish().replace('+', "%20"))
}

/// The page itself, and nothing else.
fn may_navigate(url: &Url) -> bool {
    let own = match url.scheme() {
        "tauri" => url.host_str() == Some("localhost"),
        // Windows serves the page under this name.
        "http" | "https" if cfg!(windows) => url.host_str() == Some("tauri.localhost"),
        _ => false,
    };
    if !own {
        tracing::warn!("navigation to {} was refused", told(url));
    }
    own
}

/// An address without what it may carry.
fn told(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

/// The page's process can end by itself; the keeper goes on without it. What
/// happens when it ends while it is still being started is in `revive`.
#[cfg(target_os = "linux")]
mod crash {
    use tauri::{AppHandle, Manager, Runtime, WebviewWindow};
    use webkit2gtk::{WebProcessTerminationReason, WebViewExt};

    use super::LABEL;

    pub(super) fn watch<R: Runtime>(window: &WebviewWindow<R>) {
        let app = window.app_handle().clone();
        let watched = window.with_webview(move |view| {
            view.inner()
                .connect_web_process_terminated(move |_, reason| {
                    if reason != WebProcessTerminationReason::TerminatedByApi {
                        // Not from inside the view's own signal: it must live
                        // until the signal is done.
                        let app = app.clone();
                        std::thread::spawn(move || ended(&app));
                    }
                });
        });
        if let Err(e) = watched {
            tracing::warn!("the page's process cannot be watched: {e}");
        }
    }

    /// Closes the empty window; the next click opens a new one.
    fn ended<R: Runtime>(app: &AppHandle<R>) {
        tracing::error!("the window's process ended; everything else goes on");
        if let Some(window) = app.get_webview_window(LABEL)
            && let Err(e) = window.destroy()
        {
            tracing::warn!("the empty window could not be closed: {e}");
        }
    }
}

/// Other systems' web views start their page again by themselves.
#[cfg(not(target_os = "linux"))]
mod crash {
    pub(super) fn watch<R: tauri::Runtime>(_window: &tauri::WebviewWindow<R>) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_may_go_nowhere_but_to_itself() {
        let may = |text: &str| may_navigate(&Url::parse(text).unwrap());
        assert!(may("tauri://localhost/index.html#/history"));
        for other in [
            "https://example.com/",
            "http://localhost/",
            "file:///etc/passwd",
            "tauri://elsewhere/",
            "data:text/html,x",
            "javascript:alert(1)",
        ] {
            assert!(!may(other), "{other}");
        }
    }

    #[test]
    fn a_dropped_path_survives_the_address() {
        let page = add_page(Path::new("/tmp/a b/ü&x=1.tsx"));
        assert_eq!(page, "/add?source=%2Ftmp%2Fa%20b%2F%C3%BC%26x%3D1.tsx");
    }
}
