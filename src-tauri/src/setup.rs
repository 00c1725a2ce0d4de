//! What the program starts with: home folder, endpoints, Google client, worker;
//! and how a start that fails is told.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use charmkeeper_accounts::endpoints::BASE_URL_VARIABLE;
use charmkeeper_accounts::{ClientId, Endpoints};
use charmkeeper_base::random::SystemRandom;
use charmkeeper_base::{Explain, SystemClock};
use charmkeeper_charms::runner::WorkerCommand;
use charmkeeper_keeper::home::{Home, HomeLock};
use charmkeeper_keeper::{KeeperConfig, VaultChoice};

use crate::args::{Args, USAGE};
use crate::display::NoDisplay;

/// The work failed.
const FAILED: u8 = 1;
/// The keeper cannot be started.
const NO_KEEPER: u8 = 3;
/// There is no display (`EX_UNAVAILABLE`).
const NO_DISPLAY: u8 = 69;
/// How long one run of a charm may take.
const RUN_LIMIT: Duration = Duration::from_secs(120);

/// A start that failed.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
    hint: Option<String>,
}

impl Failure {
    fn of(code: u8, error: &dyn Explain) -> Self {
        Self {
            code,
            message: error.to_string(),
            hint: error.hint(),
        }
    }

    /// The window library gave up.
    pub(crate) fn window(error: &tauri::Error) -> Self {
        Self {
            code: FAILED,
            message: format!("The window library failed: {error}."),
            hint: None,
        }
    }

    /// The program's threads could not be started.
    pub(crate) fn threads(error: &std::io::Error) -> Self {
        Self {
            code: NO_KEEPER,
            message: format!("The program's threads cannot be started: {error}."),
            hint: None,
        }
    }

    /// Says it on standard error; the exit code.
    #[must_use]
    #[allow(clippy::print_stderr, reason = "the one place where a start is told")]
    pub fn report(&self) -> ExitCode {
        eprintln!("charmkeeper: {}", self.message);
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(self.code)
    }
}

impl From<NoDisplay> for Failure {
    fn from(error: NoDisplay) -> Self {
        Self::of(NO_DISPLAY, &error)
    }
}

/// Everything that is decided before the first window.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The data folder.
    pub home: Home,
    /// Whether it is the system's usual folder.
    pub usual_home: bool,
    /// Where Google is.
    pub endpoints: Endpoints,
    /// The Google client of the build or of the environment.
    pub client: Option<ClientId>,
    /// Whether this is the try-out profile.
    pub sandbox: bool,
    /// How a worker is started.
    pub worker: WorkerCommand,
}

/// Reads arguments and environment.
///
/// # Errors
/// Exit code 2 for an address that is not allowed, 3 when the data folder
/// cannot be used or the worker is missing.
pub fn plan(args: &Args) -> Result<Plan, Failure> {
    let usual = usual_folder();
    let folder = args
        .home
        .clone()
        .or_else(|| usual.clone())
        .ok_or_else(|| Failure {
            code: NO_KEEPER,
            message: "This account has no home folder to keep data in.".to_owned(),
            hint: Some("Set HOME, or name a folder with --home.".to_owned()),
        })?;
    let home = Home::open(&folder).map_err(|e| Failure::of(NO_KEEPER, &e))?;
    Ok(Plan {
        usual_home: usual.is_some_and(|u| u == home.dir()),
        home,
        endpoints: endpoints(args)?,
        client: ClientId::from_env(|name| std::env::var(name).ok())
            .map_err(|e| Failure::of(USAGE, &e))?,
        sandbox: args.sandbox.is_some(),
        worker: worker()?,
    })
}

fn usual_folder() -> Option<PathBuf> {
    let dirs = directories::ProjectDirs::from("", "", "charmkeeper")?;
    Some(dirs.data_dir().to_owned())
}

fn endpoints(args: &Args) -> Result<Endpoints, Failure> {
    if let Some(base) = &args.sandbox {
        return Endpoints::below(base).map_err(|e| Failure::of(USAGE, &e));
    }
    let base = std::env::var(BASE_URL_VARIABLE).ok();
    let release = !cfg!(debug_assertions);
    Endpoints::choose(base.as_deref(), release, args.allow_insecure_endpoints).map_err(|e| {
        Failure {
            message: format!("{BASE_URL_VARIABLE}: {e}"),
            ..Failure::of(USAGE, &e)
        }
    })
}

/// A worker is the slim program beside this one: loading the libraries behind a
/// window costs a process about 90 ms and 54 MB, which a run must not pay.
fn worker() -> Result<WorkerCommand, Failure> {
    let me = std::env::current_exe().map_err(|e| Failure {
        code: NO_KEEPER,
        message: format!("The path of this program is not known: {e}."),
        hint: None,
    })?;
    let program = slim(&me);
    if !program.is_file() {
        return Err(Failure {
            code: NO_KEEPER,
            message: format!("{} is missing.", program.display()),
            hint: Some("Both programs belong together: install Charmkeeper again.".to_owned()),
        });
    }
    Ok(WorkerCommand {
        program,
        args: vec!["worker".into()],
    })
}

fn slim(me: &Path) -> PathBuf {
    let name = format!("charmkeeper{}", std::env::consts::EXE_SUFFIX);
    me.with_file_name(name)
}

impl Plan {
    /// What a keeper of this program is made of.
    #[must_use]
    pub fn keeper(&self, lock: HomeLock) -> KeeperConfig {
        KeeperConfig {
            home: self.home.clone(),
            lock,
            endpoints: self.endpoints.clone(),
            client: self.client.clone(),
            vault: if self.sandbox {
                VaultChoice::KeychainOrMemory
            } else {
                VaultChoice::Keychain
            },
            worker: self.worker.clone(),
            run_limit: RUN_LIMIT,
            serving: true,
            clock: Arc::new(SystemClock::default()),
            random: Arc::new(SystemRandom),
        }
    }
}
