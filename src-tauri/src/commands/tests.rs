//! The page's way to the keeper on the mock runtime, with the real capability
//! file: no display is needed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use charmkeeper_accounts::Endpoints;
use charmkeeper_base::ErrorKind;
use charmkeeper_charms::runner::WorkerCommand;
use charmkeeper_keeper::api::{ApiError, Event, Request};
use charmkeeper_keeper::control::Service;
use charmkeeper_keeper::home::Home;
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{WebviewWindow, WebviewWindowBuilder};
use tokio::sync::mpsc;

use super::{COMMANDS, REQUESTS};
use crate::app::with_state;
use crate::autostart::Allowed;
use crate::backend::{Backend, Side};
use crate::setup::Plan;

/// A keeper that notes what it is asked.
#[derive(Default)]
struct Noting(Mutex<Vec<Request>>);

#[async_trait]
impl Service for Noting {
    async fn call(&self, request: Request, _: mpsc::Sender<Event>) -> Result<Value, ApiError> {
        let refused = matches!(&request, Request::Remove { .. });
        self.0.lock().unwrap().push(request);
        if refused {
            let error = ApiError::new(ErrorKind::Usage, "There is no such charm.");
            return Err(error.with_hint("Look at the list."));
        }
        Ok(json!({ "answer": 7 }))
    }
}

struct Stage {
    keeper: Arc<Noting>,
    app: tauri::App<MockRuntime>,
    _folder: tempfile::TempDir,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plan = Plan {
            home: Home::open(folder.path()).unwrap(),
            usual_home: false,
            endpoints: Endpoints::google(),
            client: None,
            sandbox: false,
            worker: WorkerCommand {
                program: "/nonexistent".into(),
                args: vec![],
            },
        };
        let keeper = Arc::new(Noting::default());
        let service: Arc<dyn Service> = Arc::clone(&keeper) as _;
        let backend = Arc::new(Backend::new(Side::Ready(service)));
        let app = with_state(mock_builder(), &plan, backend, Allowed::DebugBuild)
            .build(tauri::generate_context!())
            .unwrap();
        Self {
            keeper,
            app,
            _folder: folder,
        }
    }

    fn window(&self, label: &str) -> WebviewWindow<MockRuntime> {
        WebviewWindowBuilder::new(&self.app, label, tauri::WebviewUrl::default())
            .build()
            .unwrap()
    }
}

fn invoke(window: &WebviewWindow<MockRuntime>, command: &str, args: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.to_owned(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: if cfg!(windows) {
            "http://tauri.localhost"
        } else {
            "tauri://localhost"
        }
        .parse()
        .unwrap(),
        body: InvokeBody::Json(args),
        headers: tauri::http::HeaderMap::default(),
        invoke_key: INVOKE_KEY.to_owned(),
    };
    get_ipc_response(window, request).map(|body| body.deserialize().unwrap())
}

#[test]
fn a_call_reaches_the_keeper_as_its_request() {
    let stage = Stage::new();
    let window = stage.window("main");
    let args = json!({ "args": { "charm": "mail", "seconds": 60 } });
    let answer = invoke(&window, "set_interval", args).unwrap();
    assert_eq!(answer, json!({ "answer": 7 }));
    assert_eq!(invoke(&window, "status", json!({})), Ok(answer.clone()));
    assert_eq!(invoke(&window, "charms", json!({ "args": {} })), Ok(answer));
    let asked = stage.keeper.0.lock().unwrap();
    let Request::SetInterval { charm, seconds } = &asked[0] else {
        panic!("{asked:?}");
    };
    assert_eq!((charm.as_str(), *seconds), ("mail", 60));
    assert!(matches!(asked[1..], [Request::Status, Request::Charms]));
}

#[test]
fn an_error_keeps_its_kind_sentence_and_hint() {
    let stage = Stage::new();
    let window = stage.window("main");
    let error = invoke(&window, "remove", json!({ "args": { "charm": "x" } })).unwrap_err();
    let told = json!({
        "kind": "usage", "message": "There is no such charm.", "hint": "Look at the list."
    });
    assert_eq!(error, told);
}

#[test]
fn malformed_arguments_are_refused_before_the_keeper() {
    let stage = Stage::new();
    let window = stage.window("main");
    for args in [
        json!({}),
        json!({ "args": 7 }),
        json!({ "args": { "charm": "x", "seconds": "often" } }),
        json!({ "args": { "charm": "x", "seconds": -1 } }),
    ] {
        let error = invoke(&window, "set_interval", args.clone()).unwrap_err();
        assert_eq!(error["kind"], "usage", "{args}: {error}");
    }
    // Another request cannot be smuggled in.
    let args = json!({ "args": { "do": "reset" } });
    invoke(&window, "status", args).unwrap();
    let asked = stage.keeper.0.lock().unwrap();
    assert!(matches!(asked[..], [Request::Status]), "{asked:?}");
}

#[test]
fn what_is_not_granted_is_refused() {
    let stage = Stage::new();
    let window = stage.window("main");
    for command in [
        "plugin:autostart|enable",
        "plugin:event|emit",
        "plugin:window|set_title",
        "delete_everything",
    ] {
        let error = invoke(&window, command, json!({})).unwrap_err().to_string();
        let denied = error.contains("not allowed") || error.contains("not found");
        assert!(denied, "{command}: {error}");
    }
    let other = stage.window("other");
    let error = invoke(&other, "status", json!({})).unwrap_err().to_string();
    assert!(error.contains("not allowed"), "{error}");
    assert!(stage.keeper.0.lock().unwrap().is_empty());
}

#[test]
fn a_development_build_refuses_to_start_at_login() {
    let stage = Stage::new();
    let window = stage.window("main");
    let view = invoke(&window, "autostart_get", json!({})).unwrap();
    assert_eq!(view["available"], false, "{view}");
    assert!(view["reason"].is_string(), "{view}");
    let args = json!({ "args": { "on": true } });
    let error = invoke(&window, "autostart_set", args).unwrap_err();
    assert_eq!(error["kind"], "usage", "{error}");
}

#[test]
fn the_capability_file_grants_our_commands_and_listening_alone() {
    let text = include_str!("../../capabilities/main.json");
    let file: Value = serde_json::from_str(text).unwrap();
    assert_eq!(file["windows"], json!(["main"]));
    let granted: BTreeSet<String> = file["permissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap().to_owned())
        .collect();
    let own = COMMANDS
        .iter()
        .map(|c| format!("allow-{}", c.replace('_', "-")));
    let listening = ["core:event:allow-listen", "core:event:allow-unlisten"];
    let wanted: BTreeSet<String> = own.chain(listening.map(str::to_owned)).collect();
    assert_eq!(granted, wanted);
}

#[test]
fn every_request_of_the_keeper_is_a_command() {
    // The reader of requests names them all when it does not know one.
    let known = serde_json::from_value::<Request>(json!({ "do": "?" })).unwrap_err();
    let known = known.to_string();
    let mut named: BTreeSet<&str> = known.split('`').skip(3).step_by(2).collect();
    assert!(named.len() > 20, "{known}");
    // Watching is the keeper's events, which the window gets without asking.
    assert!(named.remove("watch"));
    assert_eq!(REQUESTS.iter().copied().collect::<BTreeSet<_>>(), named);
    let names: Vec<_> = REQUESTS.iter().map(|r| r.replace('-', "_")).collect();
    assert_eq!(names, COMMANDS[..names.len()]);
}
