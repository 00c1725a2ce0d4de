//! The keeper's requests as commands, one line each in `list.rs`.

use std::sync::{Arc, Mutex, PoisonError};

use charmkeeper_base::ErrorKind;
use charmkeeper_keeper::api::{ApiError, Event, Request};
use serde_json::{Map, Value};
use tauri::{AppHandle, Emitter, Manager, Runtime, State};
use tokio::sync::mpsc;

use crate::backend::Backend;
use crate::follow::KEEPER;
use crate::window::LABEL;

/// Address of the sign-in that waits for the browser: the only one besides
/// https that the page may have opened.
#[derive(Debug, Default)]
pub(crate) struct Pending(Mutex<Option<String>>);

impl Pending {
    pub(crate) fn is(&self, url: &str) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_deref()
            == Some(url)
    }
    fn set(&self, url: &str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(url.to_owned());
    }
}

macro_rules! commands {
    (requests { $($name:ident => $kind:literal,)* } shell { $($own:ident,)* }) => { $(
        #[tauri::command]
        pub(crate) async fn $name<R: Runtime>(
            app: AppHandle<R>,
            backend: State<'_, Arc<Backend>>,
            args: Option<Value>,
        ) -> Result<Value, ApiError> {
            carry_out(&app, &backend, request($kind, args)?).await
        }
    )* };
}

each_command!(commands);

/// The request of this kind with the page's arguments.
///
/// # Errors
/// Kind `usage` when the arguments are not the request's.
pub(crate) fn request(kind: &str, args: Option<Value>) -> Result<Request, ApiError> {
    let mut fields = match args {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(malformed("the arguments are not an object")),
    };
    // The command's own name decides, whatever the arguments say.
    fields.insert("do".to_owned(), Value::from(kind));
    serde_json::from_value(Value::Object(fields)).map_err(|e| malformed(&e.to_string()))
}

fn malformed(why: &str) -> ApiError {
    let why = why.trim_end_matches('.');
    ApiError::new(
        ErrorKind::Usage,
        format!("The window asked for something that is not understood: {why}."),
    )
}

async fn carry_out<R: Runtime>(
    app: &AppHandle<R>,
    backend: &Backend,
    request: Request,
) -> Result<Value, ApiError> {
    let (sender, mut events) = mpsc::channel(16);
    let passing = async {
        while let Some(event) = events.recv().await {
            pass_on(app, &event);
        }
    };
    let (answer, ()) = tokio::join!(Box::pin(backend.call(request, sender)), passing);
    answer
}

/// Events of this request alone; the others reach the page from the follower.
fn pass_on<R: Runtime>(app: &AppHandle<R>, event: &Event) {
    match event {
        Event::OpenUrl { url } => app.state::<Pending>().set(url),
        Event::Progress { .. } => {}
        _ => return,
    }
    if let Err(e) = app.emit_to(LABEL, KEEPER, event) {
        tracing::debug!("the page missed an event: {e}");
    }
}
