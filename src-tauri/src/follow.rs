//! What happens in the keeper, brought to the panel, the window and the
//! person's notifications.
//!
//! Owns the one task that listens. At rest it wakes once a minute, for "2 min
//! ago".

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_keeper::api::{Event, NoticeView, Request, SettingsView, StatusView};
use tauri::{AppHandle, Emitter, Manager, Runtime};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::backend::{Backend, Side};
use crate::notify::Notifier;
use crate::panel::{self, Shade};
use crate::setup::Plan;
use crate::tray::Tray;
use crate::tray::model::TrayModel;
use crate::window::LABEL;

/// Event that carries the keeper's events to the page.
pub(crate) const KEEPER: &str = "keeper";
/// Events come in bursts; the panel follows at this pace at most.
const PACE: Duration = Duration::from_millis(400);
/// How often the panel's line is read anew when nothing happens.
const REST: Duration = Duration::from_secs(60);

/// Follows until the program ends.
pub(crate) async fn follow<R: Runtime>(app: AppHandle<R>, backend: Arc<Backend>) {
    let mut events = backend.events();
    let mut side = backend.side();
    let notifier = Notifier::new(app.clone());
    let shade = panel::shade().await;
    let mut due = Instant::now();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => {
                    if changes_the_panel(&event) {
                        due = due.min(Instant::now() + PACE);
                    }
                    pass_on(&app, &event);
                    if let Event::Notice(notice) = event {
                        tell(&backend, &notifier, notice).await;
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    pass_on(&app, &Event::Changed);
                    due = due.min(Instant::now() + PACE);
                }
                Err(RecvError::Closed) => return,
            },
            changed = side.changed() => {
                if changed.is_err() {
                    return;
                }
                pass_on(&app, &Event::Changed);
                due = Instant::now();
            }
            () = tokio::time::sleep_until(due) => {
                due = Instant::now() + REST;
                let mut model = model(&backend).await;
                if app.try_state::<Plan>().is_some_and(|plan| plan.sandbox) {
                    model = model.in_sandbox();
                }
                show(&app, model, shade);
            }
        }
    }
}

fn changes_the_panel(event: &Event) -> bool {
    !matches!(
        event,
        Event::Progress { .. } | Event::RunProgress { .. } | Event::OpenUrl { .. }
    )
}

/// The page may be closed, which is fine.
fn pass_on<R: Runtime>(app: &AppHandle<R>, event: &Event) {
    if app.get_webview_window(LABEL).is_none() {
        return;
    }
    if let Err(e) = app.emit_to(LABEL, KEEPER, event) {
        tracing::debug!("the page missed an event: {e}");
    }
}

async fn model(backend: &Backend) -> TrayModel {
    match &*backend.side().borrow() {
        Side::Starting => return TrayModel::starting(),
        Side::Failed(why) => return TrayModel::failed(why),
        Side::Ready(_) => {}
    }
    match backend.ask::<StatusView>(Request::Status).await {
        Ok(status) => TrayModel::of(&status),
        Err(e) => TrayModel::failed(&e),
    }
}

fn show<R: Runtime>(app: &AppHandle<R>, model: TrayModel, shade: Shade) {
    let handle = app.clone();
    let shown = app.run_on_main_thread(move || {
        // There is none where the panel's library is missing.
        let Some(tray) = handle.try_state::<Tray<R>>() else {
            return;
        };
        if let Err(e) = tray.show(&model, shade) {
            tracing::warn!("the panel icon could not be changed: {e}");
        }
    });
    if let Err(e) = shown {
        tracing::debug!("the program is ending: {e}");
    }
}

/// Shows a notice, unless the person does not want them.
async fn tell<R: Runtime>(backend: &Backend, notifier: &Notifier<R>, notice: NoticeView) {
    let wanted = backend.ask::<SettingsView>(Request::Settings).await;
    if wanted.is_ok_and(|settings| settings.notifications) {
        notifier.show(notice).await;
    }
}
