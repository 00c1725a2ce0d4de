//! What happens in the keeper, brought to the panel, the window and the
//! person's notifications.
//!
//! Owns the one task that listens. At rest it wakes when the age in "2 min ago"
//! moves, and asks nobody for that: each thread that is woken costs a sleeping
//! computer as much as real work.

use std::sync::Arc;
use std::time::Duration;

use charmkeeper_base::{Clock, SystemClock};
use charmkeeper_keeper::api::{Event, NoticeView, Request, SettingsView, StatusView};
use charmkeeper_keeper::power::WakeTimer;
use tauri::{AppHandle, Emitter, Manager, Runtime};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;

use crate::backend::{Backend, Side};
use crate::notify::Notifier;
use crate::panel::Shade;
use crate::scheme::{self, Scheme};
use crate::setup::Plan;
use crate::tray::Tray;
use crate::tray::model::TrayModel;
use crate::window::LABEL;

/// Event that carries the keeper's events to the page.
pub(crate) const KEEPER: &str = "keeper";
/// Events come in bursts; the panel follows at this pace at most.
const PACE: Duration = Duration::from_millis(400);
/// How often the keeper is asked when nothing happens. Events tell of everything
/// that is known to change; this is for what nobody thought of.
const REST: Duration = Duration::from_secs(15 * 60);
/// Timers and the clock are not the same to the millisecond.
const SLACK: Duration = Duration::from_millis(250);

/// Follows until the program ends.
pub(crate) async fn follow<R: Runtime>(app: AppHandle<R>, backend: Arc<Backend>) {
    let mut events = backend.events();
    let mut side = backend.side();
    let notifier = Notifier::new(app.clone());
    let mut scheme = scheme::watch();
    let mut panel = Shown::new(&app);
    let mut ask = Instant::now();
    // One wake-up each; the runtime's own timers take up to three for a minute,
    // and stand still while the computer sleeps.
    let timer = WakeTimer::new();
    loop {
        let grows = panel.grows();
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => {
                    if changes_the_panel(&event) {
                        ask = ask.min(Instant::now() + PACE);
                    }
                    pass_on(&app, &event);
                    if let Event::Notice(notice) = event {
                        tell(&backend, &notifier, notice).await;
                    }
                }
                Err(RecvError::Lagged(_)) => {
                    pass_on(&app, &Event::Changed);
                    ask = ask.min(Instant::now() + PACE);
                }
                Err(RecvError::Closed) => return,
            },
            changed = side.changed() => {
                if changed.is_err() {
                    return;
                }
                pass_on(&app, &Event::Changed);
                ask = Instant::now();
            }
            Ok(()) = scheme.changed() => panel.scheme(*scheme.borrow_and_update()),
            () = timer.sleep(Some(grows.min(ask).saturating_duration_since(Instant::now()))) => {
                if Instant::now() >= ask {
                    ask = Instant::now() + REST;
                    panel.model = model(&backend).await;
                    if app.try_state::<Plan>().is_some_and(|plan| plan.sandbox) {
                        panel.model = panel.model.clone().in_sandbox();
                    }
                }
                panel.draw();
            }
        }
    }
}

/// What the panel was last told, and when its age moves on.
struct Shown<R: Runtime> {
    app: AppHandle<R>,
    model: TrayModel,
    shade: Shade,
    /// How long the age stays as it was drawn.
    until: Option<Instant>,
}

impl<R: Runtime> Shown<R> {
    fn new(app: &AppHandle<R>) -> Self {
        Self {
            app: app.clone(),
            model: TrayModel::starting(),
            shade: Shade::of(Scheme::Unset),
            until: None,
        }
    }

    /// When to draw again although nothing happened.
    fn grows(&self) -> Instant {
        self.until.unwrap_or_else(|| Instant::now() + REST)
    }

    fn draw(&mut self) {
        let now = SystemClock::default().now();
        self.model = self.model.clone().at(now);
        // A moment later than it must be, so that the next word is due for sure.
        let holds = self.model.holds(now);
        self.until = holds.map(|holds| Instant::now() + holds + SLACK);
        show(&self.app, self.model.clone(), self.shade);
    }

    /// The desktop became light or dark.
    fn scheme(&mut self, scheme: Scheme) {
        self.shade = Shade::of(scheme);
        if let Err(e) = self.app.run_on_main_thread(move || scheme::show(scheme)) {
            tracing::debug!("the program is ending: {e}");
        }
        self.draw();
    }
}

fn changes_the_panel(event: &Event) -> bool {
    !matches!(
        event,
        Event::Progress { .. }
            | Event::RunProgress { .. }
            | Event::RunSynced { .. }
            | Event::OpenUrl { .. }
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
