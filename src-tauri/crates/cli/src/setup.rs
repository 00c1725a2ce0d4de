//! What a keeper is started with: home folder, endpoints, Google client, worker.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::endpoints::BASE_URL_VARIABLE;
use charmkeeper_accounts::{ClientId, Endpoints};
use charmkeeper_base::{SystemClock, random::SystemRandom};
use charmkeeper_charms::runner::WorkerCommand;
use charmkeeper_keeper::home::{Home, HomeLock};
use charmkeeper_keeper::{Computer, KeeperConfig, VaultChoice};

use crate::args::Common;
use crate::failure::Failure;

/// The data folder: `--home`, `CHARMKEEPER_HOME`, or the system's usual place.
///
/// # Errors
/// Exit code 3 when it cannot be made.
pub(crate) fn home(common: &Common) -> Result<Home, Failure> {
    Ok(Home::open(&folder(common, None)?)?)
}

/// The folder for a profile; `inside` names a profile of its own below the
/// usual place and is ignored when the person chose a folder.
pub(crate) fn folder(common: &Common, inside: Option<&str>) -> Result<PathBuf, Failure> {
    if let Some(dir) = &common.home {
        return Ok(dir.clone());
    }
    let dirs = directories::ProjectDirs::from("", "", "charmkeeper").ok_or_else(|| Failure {
        hint: Some("Set HOME, or name a folder with --home.".to_owned()),
        code: crate::failure::NO_KEEPER,
        ..Failure::usage("This account has no home folder to keep data in.")
    })?;
    let base = dirs.data_dir().to_owned();
    Ok(match inside {
        Some(name) => base.join(name),
        None => base,
    })
}

/// The program that a worker is: this one.
pub(crate) fn worker() -> Result<WorkerCommand, Failure> {
    let program = std::env::current_exe().map_err(|e| Failure {
        code: crate::failure::NO_KEEPER,
        ..Failure::usage(format!("The path of this program is not known: {e}."))
    })?;
    Ok(WorkerCommand {
        program,
        args: vec!["worker".into()],
    })
}

/// Google's addresses, or the development override.
///
/// # Errors
/// Exit code 2 when the override is not an address, or not allowed here.
pub(crate) fn endpoints(common: &Common) -> Result<Endpoints, Failure> {
    let base = std::env::var(BASE_URL_VARIABLE).ok();
    let allow = common.allow_insecure_endpoints;
    Endpoints::choose(base.as_deref(), !cfg!(debug_assertions), allow).map_err(|e| Failure {
        code: crate::failure::USAGE,
        message: format!("{BASE_URL_VARIABLE}: {e}"),
        ..Failure::of(&e)
    })
}

/// This computer, as the person's others know it.
pub(crate) fn computer(common: &Common) -> Computer {
    Computer {
        lease: Duration::from_secs(common.lease.into()),
        ..Computer::this()
    }
}

/// Everything that a keeper of this program is made of.
///
/// # Errors
/// As [`endpoints`] and [`worker`].
pub(crate) fn keeper_config(
    common: &Common,
    home: Home,
    lock: HomeLock,
    serving: bool,
) -> Result<KeeperConfig, Failure> {
    Ok(KeeperConfig {
        home,
        lock,
        endpoints: endpoints(common)?,
        client: ClientId::from_env(|name| std::env::var(name).ok()).map_err(|e| Failure {
            code: crate::failure::USAGE,
            ..Failure::of(&e)
        })?,
        vault: VaultChoice::Keychain,
        worker: worker()?,
        run_limit: Duration::from_secs(common.run_limit.into()),
        serving,
        clock: Arc::new(SystemClock::default()),
        random: Arc::new(SystemRandom),
    })
}
