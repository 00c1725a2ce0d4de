//! `sandbox`: a profile of its own with a stand-in for Google, for trying
//! everything without an account.
//!
//! The stand-in's world is laid out around a moment that is kept in the profile,
//! so that starting again goes on with the same mailbox. A world older than half
//! a day begins anew, with a fresh profile: nothing in it is worth keeping.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use charmkeeper_accounts::{ClientId, Endpoints};
use charmkeeper_base::{Clock, SystemClock, UnixMs};
use charmkeeper_keeper::api::{CharmView, ConnectView, Event, Request, RunDetails};
use charmkeeper_keeper::export::RunJson;
use charmkeeper_keeper::home::Home;
use charmkeeper_keeper::{Keeper, KeeperConfig, VaultChoice};
use charmkeeper_sandbox::{
    CLIENT_ID, CLIENT_SECRET, Running, SAMPLE_ACCOUNT, Sandbox, SandboxConfig,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::{Interrupts, desktop, print_json, sandbox_space, sandbox_window, serve};
use crate::args::{Common, SandboxArgs};
use crate::failure::{FAILED, Failure};
use crate::{output, render, setup};

/// How often something new arrives while the sandbox runs.
const ARRIVAL: Duration = Duration::from_secs(45);
/// Age at which a world begins anew.
const WORLD_AGE: Duration = Duration::from_secs(12 * 60 * 60);

pub(crate) async fn run(common: &Common, args: &SandboxArgs) -> Result<ExitCode, Failure> {
    let mut interrupts = Interrupts::catch();
    let home = Home::open(&setup::folder(common, Some("sandbox"))?)?;
    let lock = home.lock()?;
    let world = world(&home, args)?;
    let clock = Arc::new(WorldClock::starting_at(world.begun));
    let sandbox = Sandbox::start(SandboxConfig {
        seed: world.seed,
        port: args.port.unwrap_or(0),
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        messages: world.messages,
        arrival: (!args.once).then_some(ARRIVAL),
        ..SandboxConfig::default()
    })
    .await
    .map_err(|e| Failure::of(&e))?;
    clock.go_on();
    sandbox.world().tick(clock.now());
    let base = sandbox.base_url.clone();
    // The window's program has a keychain of its own, which may be memory alone.
    let quiet = args.once || common.json || args.space_url.is_some();
    if let Some(program) = desktop::beside_and_displayed().filter(|_| !quiet) {
        // The window's program is the keeper of this profile.
        drop(lock);
        let done = sandbox_window::run(&program, &home, &sandbox, &mut interrupts).await;
        sandbox.stop().await;
        return done;
    }
    let config = KeeperConfig {
        endpoints: Endpoints::below(&base).map_err(|e| Failure::of(&e))?,
        client: ClientId::pasted(CLIENT_ID, Some(CLIENT_SECRET)).ok(),
        vault: VaultChoice::KeychainOrMemory,
        ..setup::keeper_config(common, home, lock, !args.once)?
    };
    let keeper = Keeper::open(config)
        .await
        .map_err(|e| Failure::no_keeper(&e))?;
    output::note(&format!("The stand-in for Google is at {base}"));
    let done = tokio::select! {
        done = work(&keeper, &sandbox, args, common.json) => done,
        () = interrupts.wait() => Ok(ExitCode::from(if args.once { FAILED } else { 0 })),
    };
    keeper.shutdown().await;
    sandbox.stop().await;
    done
}

/// Signs in, and runs the charms twice or until the end.
async fn work(
    keeper: &Arc<Keeper>,
    sandbox: &Running,
    args: &SandboxArgs,
    json: bool,
) -> Result<ExitCode, Failure> {
    sign_in(sandbox, async |request, events| {
        Ok(keeper.call(request, events).await?)
    })
    .await?;
    let placed = sandbox_space::place(keeper, args).await?;
    if args.once {
        return once(keeper, &placed, json).await;
    }
    output::note("New mail and events arrive every 45 seconds. Stop with Ctrl-C.");
    serve::show_runs(keeper, json).await;
    Ok(ExitCode::SUCCESS)
}

/// What a profile remembers of its world.
#[derive(Serialize, Deserialize)]
struct World {
    seed: u64,
    messages: u32,
    begun: UnixMs,
}

fn world(home: &Home, args: &SandboxArgs) -> Result<World, Failure> {
    let path = home.dir().join("sandbox.json");
    let now = SystemClock::default().now();
    let known: Option<World> = std::fs::read(&path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    if let Some(world) = known {
        let same = world.seed == args.seed && world.messages == args.messages;
        if same && world.begun <= now && now.since(world.begun) < WORLD_AGE {
            return Ok(world);
        }
        begin_anew(home)?;
    }
    let world = World {
        seed: args.seed,
        messages: args.messages,
        begun: now,
    };
    let written = serde_json::to_vec(&world)
        .map_err(std::io::Error::other)
        .and_then(|text| std::fs::write(&path, text));
    written.map_err(|e| unwritable(&path, &e))?;
    Ok(world)
}

/// Removes what the last world left. Only ever done to a folder in which
/// `sandbox.json` says that it is a try-out profile.
fn begin_anew(home: &Home) -> Result<(), Failure> {
    let database = home.database();
    for ending in ["", "-wal", "-shm"] {
        let mut path = database.clone().into_os_string();
        path.push(ending);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(unwritable(Path::new(&path), &e));
            }
            _ => {}
        }
    }
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure {
        code: FAILED,
        ..Failure::usage(format!("{} cannot be written: {error}.", path.display()))
    }
}

/// A clock that stands at the world's beginning while the world is laid out,
/// and is the system's from then on.
struct WorldClock {
    begun: UnixMs,
    going: AtomicBool,
    system: SystemClock,
}

impl WorldClock {
    fn starting_at(begun: UnixMs) -> Self {
        Self {
            begun,
            going: AtomicBool::new(false),
            system: SystemClock::default(),
        }
    }
    fn go_on(&self) {
        self.going.store(true, Ordering::SeqCst);
    }
}

impl Clock for WorldClock {
    fn now(&self) -> UnixMs {
        if self.going.load(Ordering::SeqCst) {
            self.system.now()
        } else {
            self.begun
        }
    }
    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }
}

/// Signs the sample account in as a person would, through the consent page.
pub(super) async fn sign_in(
    sandbox: &Running,
    call: impl AsyncFnOnce(Request, mpsc::Sender<Event>) -> Result<Value, Failure>,
) -> Result<(), Failure> {
    let (events, mut sent) = mpsc::channel(16);
    let services = vec!["gmail".to_owned(), "calendar".to_owned()];
    let request = Request::Connect {
        services,
        client: None,
        print_url: true,
        account: None,
    };
    // Both at once: the page's last answer comes from the one who connects.
    let consenting = async move {
        while let Some(event) = sent.recv().await {
            if let Event::OpenUrl { url } = event {
                consent(sandbox, &url).await?;
            }
        }
        Ok(())
    };
    let (connected, consented) = tokio::join!(call(request, events), consenting);
    consented.and(connected.and_then(|connected| {
        let connected: ConnectView = serde_json::from_value(connected).map_err(odd_answer)?;
        output::note(&format!(
            "Signed in as {}",
            output::plain(&connected.account.email)
        ));
        Ok(())
    }))
}

async fn consent(sandbox: &Running, url: &str) -> Result<(), Failure> {
    let url = url::Url::parse(url)
        .map_err(|e| Failure::usage(format!("The sign-in address is not one: {e}.")))?;
    let page = sandbox.world().complete(&url, SAMPLE_ACCOUNT, None).await;
    page.map(|_| ()).map_err(|e| Failure::of(&e))
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that map_err wants"
)]
pub(super) fn odd_answer(error: serde_json::Error) -> Failure {
    Failure {
        code: FAILED,
        ..Failure::usage(format!("An answer is not understood: {error}."))
    }
}

/// Runs every charm twice, the sign-in first.
async fn once(keeper: &Arc<Keeper>, placed: &Value, json: bool) -> Result<ExitCode, Failure> {
    let charms: Vec<CharmView> =
        serde_json::from_value(ask(keeper, Request::Charms).await?).map_err(odd_answer)?;
    let mut runs = Vec::new();
    for _ in 0..2 {
        for charm in &charms {
            let request = Request::Run {
                charm: charm.charm.clone(),
                argument: None,
            };
            let run: RunDetails =
                serde_json::from_value(ask(keeper, request).await?).map_err(odd_answer)?;
            let row = run.row();
            if !json {
                output::line(&render::run_line(&row));
            }
            runs.push(row);
        }
    }
    let good = runs
        .iter()
        .all(|r| r.outcome.is_some_and(charmkeeper_base::Outcome::is_good));
    if !placed.is_null() {
        sandbox_space::told(keeper).await?;
    }
    let emails = count(keeper, &charms, "gmail-importer", "emails").await?;
    let events = count(keeper, &charms, "google-calendar-importer", "events").await?;
    if json {
        let rows: Vec<_> = runs.iter().map(RunJson::of).collect();
        let mut all = json!({ "runs": rows, "cells": { "emails": emails, "events": events } });
        if !placed.is_null() {
            all["space"] = placed.clone();
        }
        print_json(&all)?;
    } else {
        output::line(&format!(
            "{emails} messages and {events} events are in the cells."
        ));
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

pub(super) async fn ask(keeper: &Arc<Keeper>, request: Request) -> Result<Value, Failure> {
    let (events, mut sent) = mpsc::channel(16);
    let (answer, ()) = tokio::join!(keeper.call(request, events), async move {
        while sent.recv().await.is_some() {}
    });
    Ok(answer?)
}

async fn count(
    keeper: &Arc<Keeper>,
    charms: &[CharmView],
    handle: &str,
    cell: &str,
) -> Result<usize, Failure> {
    if !charms.iter().any(|c| c.charm == handle) {
        return Ok(0);
    }
    let request = Request::Cells {
        charm: handle.to_owned(),
        path: vec![cell.to_owned()],
    };
    let held = ask(keeper, request).await?;
    Ok(held.as_array().map_or(0, Vec::len))
}
