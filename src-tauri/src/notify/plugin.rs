//! Notifications through the window library's plugin, on macOS and Windows.
//! The plugin reports no click there, so a click only brings the program
//! forward. Compiled on those systems, not run.

use charmkeeper_keeper::api::NoticeView;
use tauri::{AppHandle, Runtime};
use tauri_plugin_notification::NotificationExt;

/// See the module.
pub(crate) struct Notifier<R: Runtime> {
    app: AppHandle<R>,
}

impl<R: Runtime> Notifier<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self { app }
    }

    /// Shows a notice.
    pub(crate) async fn show(&self, notice: NoticeView) {
        let shown = self
            .app
            .notification()
            .builder()
            .title("Charmkeeper")
            .body(&notice.message)
            .show();
        if let Err(e) = shown {
            tracing::warn!("a notification could not be shown: {e}");
        }
    }
}
