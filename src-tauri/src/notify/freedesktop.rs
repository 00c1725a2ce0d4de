//! Notifications over D-Bus (freedesktop.org, Desktop Notifications
//! Specification 1.2): the way to be told of a click on Linux.
//!
//! Owns the connection, opened with the first notice, and which notification
//! belongs to which cause.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use charmkeeper_keeper::api::NoticeView;
use futures_util::StreamExt;
use tauri::{AppHandle, Runtime};
use tokio::sync::OnceCell;
use zbus::zvariant::Value;

use crate::texts::text;
use crate::window;

/// Name of the action that a click on the notification itself is.
const DEFAULT: &str = "default";
/// Urgency "low": for good news.
const LOW: u8 = 0;
/// Urgency "normal".
const NORMAL: u8 = 1;
/// Let the desktop decide how long it stays.
const ITS_OWN_TIME: i32 = -1;

#[zbus::proxy(
    interface = "org.freedesktop.Notifications",
    default_service = "org.freedesktop.Notifications",
    default_path = "/org/freedesktop/Notifications",
    gen_blocking = false
)]
trait Notifications {
    fn get_capabilities(&self) -> zbus::Result<Vec<String>>;
    #[allow(clippy::too_many_arguments, reason = "the specification's")]
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: &[&str],
        hints: HashMap<&str, &Value<'_>>,
        expire_timeout: i32,
    ) -> zbus::Result<u32>;
    #[zbus(signal)]
    fn action_invoked(&self, id: u32, action_key: String) -> zbus::Result<()>;
    #[zbus(signal)]
    fn notification_closed(&self, id: u32, reason: u32) -> zbus::Result<()>;
}

/// See the module.
pub(crate) struct Notifier<R: Runtime> {
    app: AppHandle<R>,
    desk: OnceCell<Desk>,
}

/// The desktop's side.
struct Desk {
    proxy: NotificationsProxy<'static>,
    /// Whether bodies are read as markup.
    markup: bool,
    shown: Arc<Mutex<Shown>>,
}

impl<R: Runtime> Notifier<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self {
            app,
            desk: OnceCell::new(),
        }
    }

    /// Shows a notice. A desktop without notifications is not an error: the
    /// state is in the panel and in the window.
    pub(crate) async fn show(&self, notice: NoticeView) {
        let sent = async {
            let desk = self.desk.get_or_try_init(|| desk(self.app.clone())).await?;
            desk.notify(&notice).await
        };
        if let Err(e) = sent.await {
            tracing::info!("the desktop shows no notifications: {e}");
        }
    }
}

async fn desk<R: Runtime>(app: AppHandle<R>) -> zbus::Result<Desk> {
    let bus = zbus::Connection::session().await?;
    let proxy = NotificationsProxy::new(&bus).await?;
    let capabilities = proxy.get_capabilities().await?;
    let shown = Arc::new(Mutex::new(Shown::default()));
    let mut clicks = proxy.receive_action_invoked().await?;
    let mut closed = proxy.receive_notification_closed().await?;
    let known = Arc::clone(&shown);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                Some(click) = clicks.next() => {
                    let Ok(args) = click.args() else { continue };
                    let page = lock(&known).page(*args.id());
                    if let Some(page) = page {
                        window::open(&app, Some(&page));
                    }
                }
                Some(end) = closed.next() => {
                    let Ok(args) = end.args() else { continue };
                    lock(&known).closed(*args.id());
                }
                else => return,
            }
        }
    });
    Ok(Desk {
        proxy,
        markup: capabilities.iter().any(|c| c == "body-markup"),
        shown,
    })
}

impl Desk {
    async fn notify(&self, notice: &NoticeView) -> zbus::Result<()> {
        if lock(&self.shown).says(notice) {
            return Ok(());
        }
        let replaces = lock(&self.shown).id(&notice.cause).unwrap_or(0);
        let urgency = Value::from(if notice.good { LOW } else { NORMAL });
        let entry = Value::from("Charmkeeper");
        let hints = HashMap::from([("urgency", &urgency), ("desktop-entry", &entry)]);
        let body = if self.markup {
            escape(&notice.message)
        } else {
            notice.message.clone()
        };
        let actions = [DEFAULT, text("notice.open")];
        let id = self
            .proxy
            .notify(
                "Charmkeeper",
                replaces,
                "charmkeeper",
                "Charmkeeper",
                &body,
                &actions,
                hints,
                ITS_OWN_TIME,
            )
            .await?;
        lock(&self.shown).set(notice, id);
        Ok(())
    }
}

fn lock(shown: &Mutex<Shown>) -> std::sync::MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is on the desktop now: number and notice of each cause.
#[derive(Debug, Default)]
struct Shown(HashMap<String, (u32, NoticeView)>);

impl Shown {
    fn id(&self, cause: &str) -> Option<u32> {
        self.0.get(cause).map(|(id, _)| *id)
    }
    /// Whether the very same is there already.
    fn says(&self, notice: &NoticeView) -> bool {
        let known = self.0.get(&notice.cause);
        known.is_some_and(|(_, shown)| shown == notice)
    }
    fn page(&self, id: u32) -> Option<String> {
        let mut all = self.0.values();
        let found = all.find(|(known, _)| *known == id);
        found.map(|(_, notice)| notice.page.clone())
    }
    fn set(&mut self, notice: &NoticeView, id: u32) {
        self.0.insert(notice.cause.clone(), (id, notice.clone()));
    }
    fn closed(&mut self, id: u32) {
        self.0.retain(|_, (known, _)| *known != id);
    }
}

/// A charm's name is text, never markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(message: &str, page: &str) -> NoticeView {
        NoticeView {
            kind: "sign-in".into(),
            message: message.into(),
            cause: "account/1".into(),
            page: page.into(),
            good: false,
        }
    }

    #[test]
    fn a_cause_has_one_notification_and_its_page() {
        let mut shown = Shown::default();
        let first = notice("Sign in.", "/accounts");
        assert!(!shown.says(&first));
        shown.set(&first, 4);
        assert!(shown.says(&first), "told twice, shown once");
        assert_eq!(shown.id("account/1"), Some(4));
        assert_eq!(shown.page(4).as_deref(), Some("/accounts"));
        let second = notice("It works again.", "/history");
        assert!(!shown.says(&second));
        shown.set(&second, 5);
        assert_eq!(shown.page(4), None);
        shown.closed(5);
        assert_eq!(shown.id("account/1"), None);
    }

    #[test]
    fn a_name_cannot_bring_markup() {
        let name = "<b>Mail</b> & <img src=x>";
        assert_eq!(
            escape(name),
            "&lt;b&gt;Mail&lt;/b&gt; &amp; &lt;img src=x&gt;"
        );
    }
}
