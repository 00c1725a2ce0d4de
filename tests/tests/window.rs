//! The requests that only the window makes, against the real program.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use charmkeeper_base::UnixMs;
use charmkeeper_keeper::api::{ApiError, Event, ExportFormat, HistoryFilter, Request};
use charmkeeper_keeper::control::{self, ClientError};
use charmkeeper_keeper::home::Home;
use charmkeeper_sandbox::{PROFILES, SAMPLE_ACCOUNT};
use charmkeeper_tests::PATIENCE;
use charmkeeper_tests::program::Going;
use charmkeeper_tests::stage::{GMAIL, Stage};
use serde_json::{Value, json};
use url::Url;

const WEATHER: &str = r#"
import { handler, NAME, pattern, Stream, Writable, Default } from "commonfabric";
const PLACE = "https://api.weather.example/v1";
interface Input { count: Writable<Default<number, 0>> }
/** Counts. It is #weather. */
interface Output { [NAME]: string; count: number; bgUpdater: Stream<void> }
const update = handler<void, { count: Writable<number> }>((_, { count }) => {
  console.log("sunny for bob@example.com", PLACE.length);
  count.set(count.get() + 1);
});
export default pattern<Input, Output>(({ count }) => ({
  [NAME]: "Weather", count, bgUpdater: update({ count }),
}));
"#;

/// A running keeper and the way to it.
struct Window {
    stage: Stage,
    socket: PathBuf,
    serve: Going,
}

impl Window {
    async fn open(stage: Stage) -> Self {
        let serve = stage.serve().await;
        let home = stage.ask(["status"]).await["home"]
            .as_str()
            .unwrap()
            .to_owned();
        let socket = Home::open(home.as_ref()).unwrap().socket();
        Self {
            stage,
            socket,
            serve,
        }
    }

    async fn ask(&self, request: Request) -> Value {
        self.try_ask(request).await.unwrap()
    }

    async fn try_ask(&self, request: Request) -> Result<Value, ApiError> {
        let answer = tokio::time::timeout(PATIENCE, control::call(&self.socket, &request, |_| {}));
        match answer.await.expect("it answers in time") {
            Ok(value) => Ok(value),
            Err(ClientError::Refused(error)) => Err(error),
            Err(other) => panic!("{request:?}: {other}"),
        }
    }

    async fn history(&self, text: &str) -> usize {
        let filter = HistoryFilter {
            text: Some(text.into()),
            ..HistoryFilter::default()
        };
        let runs = self.ask(Request::History(filter)).await;
        runs.as_array().unwrap().len()
    }

    async fn handles(&self) -> Vec<String> {
        let charms = self.ask(Request::Charms).await;
        let all = charms.as_array().unwrap().iter();
        all.map(|c| c["charm"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn end(self) {
        self.serve.signal("TERM").await;
        self.serve.end().await.with_code(0);
    }
}

fn add(source: &str) -> Request {
    Request::Add {
        source: source.into(),
        space: None,
        argument: None,
        hosts: vec![],
    }
}

#[tokio::test]
async fn a_charm_is_looked_at_added_changed_removed_and_brought_back() {
    let window = Window::open(Stage::connected().await).await;
    let before = window.handles().await;
    let source = window.stage.write("weather.tsx", WEATHER);
    let source = source.to_str().unwrap().to_owned();

    let preview = window
        .ask(Request::Preview {
            source: source.clone(),
        })
        .await;
    assert_eq!(preview["name"], "Weather", "{preview:#}");
    assert_eq!(preview["hosts"], json!(["api.weather.example"]));
    assert_eq!(preview["background"], true);
    assert_eq!(preview["tags"], json!(["weather"]));
    assert_eq!(preview["problem"], Value::Null);
    let bad = window.stage.write("bad.tsx", "const = 1");
    let bad = bad.to_str().unwrap().to_owned();
    let preview = window.ask(Request::Preview { source: bad }).await;
    assert_eq!(preview["problem"]["kind"], "charm", "{preview:#}");
    assert_eq!(window.handles().await, before, "a look stores nothing");

    let charm = window.ask(add(&source)).await;
    let (handle, id) = (
        "weather".to_owned(),
        charm["id"].as_str().unwrap().to_owned(),
    );
    let run = Request::Run {
        charm: handle.clone(),
        argument: None,
    };
    assert_eq!(window.ask(run).await["outcome"], "ok");
    let hosts = vec!["API.example.com".to_owned()];
    let set = Request::SetHosts {
        charm: handle.clone(),
        hosts,
    };
    assert_eq!(window.ask(set).await["hosts"], json!(["api.example.com"]));
    let account = Some(SAMPLE_ACCOUNT.to_owned());
    let set = Request::SetAccount {
        charm: handle.clone(),
        account,
    };
    assert!(
        window.ask(set).await["account"]
            .as_str()
            .unwrap()
            .starts_with("google-")
    );
    let set = Request::SetAccount {
        charm: handle.clone(),
        account: Some("nobody".into()),
    };
    assert_eq!(
        window.try_ask(set).await.unwrap_err().kind.as_str(),
        "usage"
    );

    window
        .ask(Request::Remove {
            charm: handle.clone(),
        })
        .await;
    assert_eq!(window.handles().await, before);
    let again = window.ask(add(&source)).await;
    assert_eq!(again["charm"], "weather", "the name is free");
    let back = window.ask(Request::Restore { charm: id.clone() }).await;
    assert_eq!(
        (&back["charm"], &back["id"]),
        (&json!("weather-2"), &json!(id))
    );
    let cells = Request::Cells {
        charm: "weather-2".into(),
        path: vec!["count".into()],
    };
    assert!(
        window.ask(cells).await.as_u64() >= Some(1),
        "its cells came back"
    );
    assert!(
        window
            .try_ask(Request::Restore { charm: id })
            .await
            .is_err()
    );
    window.end().await;
}

#[tokio::test]
async fn the_history_is_searched_drawn_reported_and_exported() {
    let stage = Stage::connected().await;
    let source = stage.write("weather.tsx", WEATHER);
    stage.ask(["add", source.to_str().unwrap()]).await;
    let run = stage.ask(["run", "weather"]).await;
    stage.expect_run(GMAIL, "ok").await;
    let window = Window::open(stage).await;
    let id = run["run"].as_str().unwrap().to_owned();

    assert_eq!(window.history("sunny weath").await, 1);
    assert!(window.history("googleapis").await >= 1);
    assert_eq!(window.history("sunny googleapis").await, 0);
    let facets = window.ask(Request::Facets).await;
    let account = facets["accounts"][0].clone();
    assert_eq!(account["label"], SAMPLE_ACCOUNT, "{facets:#}");
    let filter = HistoryFilter {
        account: account["value"].as_str().map(str::to_owned),
        charm: Some(GMAIL.into()),
        ..HistoryFilter::default()
    };
    let rows = window.ask(Request::History(filter)).await;
    assert_eq!(rows[0]["account"], account["value"], "{rows:#}");
    assert!(rows[0]["charm_name"].is_string());

    let now = UnixMs::parse_rfc3339(run["started_at"].as_str().unwrap()).unwrap();
    let lanes = Request::Lanes {
        since: UnixMs(now.0 - 3_600_000),
        until: UnixMs(now.0 + 3_600_000),
        buckets: 24,
    };
    let lanes = window.ask(lanes).await;
    let weather = lanes
        .as_array()
        .unwrap()
        .iter()
        .find(|l| l["charm"] == "weather");
    assert_eq!(weather.unwrap()["buckets"][0]["changed"], 1, "{lanes:#}");

    let report = window.ask(Request::RunReport { run: id }).await;
    let report = report.as_str().unwrap();
    assert!(
        report.contains("sunny for [removed]@example.com"),
        "{report}"
    );

    let folder = window.stage.folder().to_owned();
    for (format, name) in [
        (ExportFormat::Csv, "runs.csv"),
        (ExportFormat::Json, "runs.json"),
    ] {
        let path = folder.join(name);
        let export = Request::ExportHistory {
            filter: HistoryFilter::default(),
            format,
            path: path.clone(),
        };
        let count = window.ask(export).await["runs"].as_u64().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let rows = match format {
            ExportFormat::Csv => text.matches("\r\n").count() - 1,
            ExportFormat::Json => serde_json::from_str::<Vec<Value>>(&text).unwrap().len(),
        };
        assert_eq!(rows as u64, count);
    }
    let all = window.ask(Request::ExportAll { folder }).await;
    let path = PathBuf::from(all["path"].as_str().unwrap());
    for file in [
        "history.json",
        "accounts.json",
        "settings.json",
        "charms/weather/cells.json",
        "charms/weather/source/weather.tsx",
    ] {
        assert!(path.join(file).is_file(), "{file} in {}", path.display());
    }
    window.end().await;
}

#[tokio::test]
async fn settings_are_kept_and_a_reset_leaves_nothing() {
    let window = Window::open(Stage::connected().await).await;
    let change = json!({"do": "change-settings", "theme": "dark", "introduced": true});
    let settings = window.ask(serde_json::from_value(change).unwrap()).await;
    assert_eq!(
        (&settings["theme"], &settings["introduced"]),
        (&json!("dark"), &json!(true))
    );
    assert_eq!(settings["client"]["source"], "built-in");
    let file = window.stage.write(
        "client.json",
        r#"{"installed":{"client_id":"own","client_secret":"GOCSPX-x"}}"#,
    );
    let settings = window.ask(Request::UseClient { path: file }).await;
    assert_eq!(
        settings["client"],
        json!({"source": "own", "client_id": "own"})
    );
    assert!(!settings.to_string().contains("GOCSPX"));
    let settings = window.ask(Request::ForgetClient).await;
    assert_eq!(settings["client"]["source"], "built-in");

    window.ask(Request::Reset).await;
    assert_eq!(window.ask(Request::Accounts).await, json!([]));
    assert_eq!(window.ask(Request::Charms).await, json!([]));
    assert_eq!(
        window.ask(Request::History(HistoryFilter::default())).await,
        json!([])
    );
    assert_eq!(window.ask(Request::Settings).await["introduced"], false);
    // And everything can begin again.
    window.stage.connect(SAMPLE_ACCOUNT, None).await;
    window.stage.expect_run(GMAIL, "ok").await;
    window.end().await;
}

#[tokio::test]
async fn a_second_sign_in_takes_over_and_the_person_can_end_it() {
    let window = Window::open(Stage::start().await).await;
    let none = window.try_ask(Request::CancelConnect).await.unwrap_err();
    assert!(none.message.contains("No sign-in"), "{none}");
    let (first, _) = window.stage.begin_connect(&[]).await;
    let (second, _) = window.stage.begin_connect(&[]).await;
    let done = first.end().await.with_code(1);
    assert!(done.sentence().contains("Another sign-in"), "{done}");
    window.ask(Request::CancelConnect).await;
    let done = second.end().await.with_code(1);
    assert!(done.sentence().contains("cancelled"), "{done}");
    // The port and the place are free again.
    window.stage.connect(SAMPLE_ACCOUNT, None).await;
    window.end().await;
}

#[tokio::test]
async fn connecting_an_account_again_refuses_another_one() {
    let stage = Stage::connected().await;
    let window = Window::open(stage).await;
    let other = PROFILES[1].email;
    let known = window.ask(Request::Accounts).await[0]["account"].clone();
    for (chosen, good) in [(other, false), (SAMPLE_ACCOUNT, true)] {
        let request = Request::Connect {
            services: vec!["gmail".into()],
            client: None,
            print_url: true,
            account: known.as_str().map(str::to_owned),
        };
        let (url, mut urls) = tokio::sync::mpsc::unbounded_channel();
        let calling = control::call(&window.socket, &request, |event| {
            if let Event::OpenUrl { url: address } = event {
                url.send(address).unwrap();
            }
        });
        let consenting = async {
            let address = Url::parse(&urls.recv().await.unwrap()).unwrap();
            let hint = address.query_pairs().find(|(name, _)| name == "login_hint");
            assert_eq!(hint.unwrap().1, SAMPLE_ACCOUNT);
            let world = window.stage.world();
            world.complete(&address, chosen, None).await.unwrap();
        };
        let (answer, ()) = tokio::join!(calling, consenting);
        match answer {
            Ok(view) => {
                assert!(good, "{view:#}");
                assert_eq!(view["account"]["account"], known);
            }
            Err(error) => {
                assert!(
                    !good && error.to_string().contains(SAMPLE_ACCOUNT),
                    "{error}"
                );
            }
        }
    }
    window.end().await;
}
