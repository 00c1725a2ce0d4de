//! The running program: what is started in which order, and how it ends.
//!
//! The icon comes first and the keeper's database after it, on threads of its
//! own, so that a slow disk does not keep the person waiting for a sign of
//! life.

use std::sync::Arc;
use std::time::Duration;

use tauri::{App, AppHandle, Context, Manager, RunEvent, Runtime};
use tauri_plugin_window_state::StateFlags;

use crate::args::Args;
use crate::autostart::{self, Allowed};
use crate::backend::Backend;
use crate::commands::{self, Clipboard, Pending};
use crate::panel::Shade;
use crate::scheme::Scheme;
use crate::setup::{Failure, Plan};
use crate::tray::Tray;
use crate::tray::model::TrayModel;
use crate::window::{self, Opening};
use crate::{follow, panel, revive, signals};

/// How long the end may take: five seconds for runs, and a little for the rest.
const END_PATIENCE: Duration = Duration::from_secs(8);

/// Runs until the person or the system ends it.
///
/// # Errors
/// When threads or the window library cannot be started.
pub fn run(args: &Args, plan: &Plan) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("charmkeeper")
        .enable_all()
        .build()
        .map_err(|e| Failure::threads(&e))?;
    tauri::async_runtime::set(runtime.handle().clone());
    let mut context = tauri::generate_context!();
    context.config_mut().identifier = identifier(&context, plan);
    let app = builder(tauri::Builder::default(), args, plan)
        .build(context)
        .map_err(|e| Failure::window(&e))?;
    app.run(|app, event| match event {
        // The last window closed: the icon stays, and so does the keeper.
        RunEvent::ExitRequested {
            code: None, api, ..
        } => api.prevent_exit(),
        RunEvent::Exit => end(app),
        _ => {}
    });
    // Threads that wait for the system (a keychain dialog) must not keep us.
    runtime.shutdown_background();
    Ok(())
}

/// Profiles never meet: each has its own instance, window size and page storage.
fn identifier<R: Runtime>(context: &Context<R>, plan: &Plan) -> String {
    let usual = &context.config().identifier;
    if plan.usual_home {
        usual.clone()
    } else {
        format!("{usual}.p{}", plan.home.namespace())
    }
}

/// Everything that is the same with a real window library and with the mock.
pub(crate) fn with_state<R: Runtime>(
    builder: tauri::Builder<R>,
    plan: &Plan,
    backend: Arc<Backend>,
    allowed: Allowed,
) -> tauri::Builder<R> {
    builder
        .plugin(autostart::plugin(plan))
        .manage(backend)
        .manage(plan.clone())
        .manage(allowed)
        .manage(Opening::default())
        .manage(Pending::default())
        .manage(Clipboard::default())
        .invoke_handler(commands::handler())
}

fn builder<R: Runtime>(builder: tauri::Builder<R>, args: &Args, plan: &Plan) -> tauri::Builder<R> {
    let backend = Arc::new(Backend::default());
    let allowed = Allowed::of(
        cfg!(debug_assertions),
        args.allow_debug_autostart,
        plan.sandbox,
    );
    let remembered = StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED;
    let window_state = tauri_plugin_window_state::Builder::default()
        .with_state_flags(remembered)
        .build();
    // The first plugin: a second instance must end before it opens anything.
    let builder = builder.plugin(tauri_plugin_single_instance::init(second));
    let builder = with_state(builder, plan, backend, allowed)
        .plugin(tauri_plugin_dialog::init())
        .plugin(window_state);
    #[cfg(not(target_os = "linux"))]
    let builder = builder.plugin(tauri_plugin_notification::init());
    let first = First::of(args);
    builder.setup(move |app| {
        start(app, first);
        Ok(())
    })
}

/// What the first window is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum First {
    /// Opened at once, on this page when one is named.
    Window(Option<String>),
    /// Opened only where no panel shows icons: the only way in.
    Icon(Option<String>),
    /// Never opened before a person asks again: it just took the program down.
    Nothing,
}

impl First {
    fn of(args: &Args) -> Self {
        let page = args.page.clone();
        match (args.window_died, args.background) {
            (true, _) => Self::Nothing,
            (false, true) => Self::Icon(page),
            (false, false) => Self::Window(page),
        }
    }
}

fn start<R: Runtime>(app: &mut App<R>, first: First) {
    let handle = app.handle().clone();
    revive::watch(&handle);
    let has_icon = put_icon(&handle);
    let backend = Arc::clone(&app.state::<Arc<Backend>>());
    let plan = app.state::<Plan>().inner().clone();
    let keeping = Arc::clone(&backend);
    tauri::async_runtime::spawn(async move { Box::pin(keeping.keep(&plan)).await });
    tauri::async_runtime::spawn(follow::follow(handle.clone(), backend));
    let ending = handle.clone();
    tauri::async_runtime::spawn(async move {
        signals::told_to_end().await;
        ending.exit(0);
    });
    if let First::Window(page) = &first {
        window::open(&handle, page.as_deref());
    }
    tauri::async_runtime::spawn(async move {
        if let First::Icon(page) = first
            && !(has_icon && panel::shows_icons().await)
        {
            tracing::warn!("no panel shows icons here, so the window is opened");
            window::open(&handle, page.as_deref());
        }
        let mended = tokio::task::spawn_blocking(move || autostart::mend(&handle));
        if let Err(e) = mended.await {
            tracing::warn!("start at login was not looked at: {e}");
        }
    });
}

/// False when the system has no place for an icon. The library that draws it
/// on Linux is loaded when it is first used, and missing it is a panic there.
fn put_icon<R: Runtime>(app: &AppHandle<R>) -> bool {
    let build = || Tray::build(app, &TrayModel::starting(), Shade::of(Scheme::Unset));
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(build)) {
        Ok(Ok(tray)) => app.manage(tray),
        Ok(Err(e)) => {
            tracing::warn!("the panel icon cannot be shown: {e}");
            false
        }
        Err(_) => {
            tracing::warn!("the library for panel icons is missing");
            false
        }
    }
}

/// Another instance was started and has ended: its wish is carried out here.
#[allow(clippy::needless_pass_by_value, reason = "the plugin's signature")]
fn second<R: Runtime>(app: &AppHandle<R>, argv: Vec<String>, _folder: String) {
    use clap::Parser;
    match Args::try_parse_from(argv) {
        Ok(args) if args.background || args.window_died => {}
        Ok(args) => window::open(app, args.page.as_deref()),
        Err(_) => window::open(app, None),
    }
}

/// Lets the keeper end its runs.
pub(crate) fn end<R: Runtime>(app: &AppHandle<R>) {
    let backend = Arc::clone(&app.state::<Arc<Backend>>());
    tauri::async_runtime::block_on(async move {
        let ended = tokio::time::timeout(END_PATIENCE, backend.shutdown()).await;
        if ended.is_err() {
            tracing::warn!("the keeper did not end in time");
        }
    });
}
