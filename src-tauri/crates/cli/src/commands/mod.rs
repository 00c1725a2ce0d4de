//! One file per family of commands. Each asks the keeper and shows the answer.

pub(crate) mod accounts;
pub(crate) mod charms;
pub(crate) mod desktop;
pub(crate) mod history;
pub(crate) mod runs;
pub(crate) mod sandbox;
mod sandbox_space;
mod sandbox_window;
pub(crate) mod serve;
pub(crate) mod space;
pub(crate) mod status;
pub(crate) mod wishes;

use charmkeeper_keeper::api::{Event, NoticeView, Request, StatusView};
use serde::de::DeserializeOwned;

use crate::args::Common;
use crate::failure::{FAILED, Failure};
use crate::output;
use crate::session::Session;

/// A conversation with the keeper. Ctrl-C hangs up, which cancels the work.
struct Asking {
    session: Session,
    interrupts: Interrupts,
}

impl Asking {
    async fn open(common: &Common) -> Result<Self, Failure> {
        Ok(Self {
            interrupts: Interrupts::catch(),
            session: Session::open(common).await?,
        })
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        request: Request,
        on_event: impl FnMut(Event),
    ) -> Result<T, Failure> {
        let answer = tokio::select! {
            answer = self.session.call(request, on_event) => answer,
            () = self.interrupts.wait() => Err(Failure {
                code: FAILED,
                ..Failure::usage("Cancelled.")
            }),
        };
        serde_json::from_value(answer?).map_err(|e| Failure {
            code: FAILED,
            hint: Some(
                "Use the same version of charmkeeper as the one that is running.".to_owned(),
            ),
            ..Failure::usage(format!("The keeper's answer is not understood: {e}."))
        })
    }

    /// Says on standard error what the person must know of the data folder.
    async fn warn(&mut self) {
        let status: Result<StatusView, _> = self.ask(Request::Status, |_| {}).await;
        if let Ok(Some(warning)) = status.map(|status| status.warning) {
            output::note(&format!("warning: {}", output::plain(&warning)));
        }
    }

    async fn close(self) {
        self.session.close().await;
    }
}

/// Asks the keeper one thing and shows progress on standard error.
async fn ask<T: DeserializeOwned>(
    common: &Common,
    request: Request,
    on_event: impl FnMut(Event),
) -> Result<T, Failure> {
    let mut asking = Asking::open(common).await?;
    let answer = asking.ask(request, on_event).await;
    asking.close().await;
    answer
}

/// What most commands do with events: lines on standard error.
fn show_progress(event: Event) {
    match event {
        Event::Progress { message } | Event::Notice(NoticeView { message, .. }) => {
            output::note(&output::plain(&message));
        }
        _ => {}
    }
}

/// Prints a value as JSON: indented for a terminal, one line for a pipe.
fn print_json<T: serde::Serialize>(value: &T) -> Result<(), Failure> {
    use std::io::IsTerminal;
    let text = if std::io::stdout().is_terminal() {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    let text = text.map_err(|e| Failure {
        code: FAILED,
        ..Failure::usage(format!("The result cannot be written as JSON: {e}."))
    })?;
    output::line(&text);
    Ok(())
}

/// Ctrl-C and SIGTERM, caught from the moment this is made.
pub(crate) struct Interrupts {
    #[cfg(unix)]
    signals: Option<[tokio::signal::unix::Signal; 2]>,
}

impl Interrupts {
    /// Catches them from now on. Must be called inside the runtime.
    pub(crate) fn catch() -> Self {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let both = (
                signal(SignalKind::terminate()),
                signal(SignalKind::interrupt()),
            );
            let signals = match both {
                (Ok(terminate), Ok(interrupt)) => Some([terminate, interrupt]),
                // Without handlers the system ends the program, as it always did.
                _ => None,
            };
            Self { signals }
        }
        #[cfg(not(unix))]
        Self {}
    }

    /// Waits for one of them.
    pub(crate) async fn wait(&mut self) {
        #[cfg(unix)]
        match &mut self.signals {
            Some([terminate, interrupt]) => {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            }
            None => std::future::pending().await,
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Reads `--argument`: a JSON object.
fn argument(text: Option<&str>) -> Result<Option<serde_json::Value>, Failure> {
    let Some(text) = text else { return Ok(None) };
    match serde_json::from_str(text) {
        Ok(value @ serde_json::Value::Object(_)) => Ok(Some(value)),
        Ok(_) => Err(Failure::usage(
            "--argument must be a JSON object, as in '{\"city\": \"Oslo\"}'.",
        )),
        Err(e) => Err(Failure::usage(format!("--argument is not JSON: {e}."))),
    }
}

/// A path is made absolute here, because the keeper may run in another folder.
fn absolute(source: &str) -> Result<String, Failure> {
    if source.contains("://") {
        return Ok(source.to_owned());
    }
    let path = std::path::absolute(source)
        .map_err(|e| Failure::usage(format!("{source} is not a usable path: {e}.")))?;
    Ok(path.to_string_lossy().into_owned())
}
