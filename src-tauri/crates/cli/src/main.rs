//! The slim `charmkeeper` program: the command line, `serve`, and the worker
//! entry. It links no window library, so that a worker, a server and a shell
//! command do not pay for one.
//!
//! Owns: parsing, exit codes, and what is printed. Never decides anything about
//! charms: every command is a request to the keeper.

mod args;
mod commands;
mod failure;
mod json;
mod output;
mod render;
mod session;
mod setup;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command, Common};
use failure::{Failure, USAGE};

fn main() -> ExitCode {
    // Before anything else: a worker must lock itself in before it has threads.
    if std::env::args_os().nth(1).is_some_and(|a| a == "worker") {
        charmkeeper_charms::worker::worker_main();
    }
    charmkeeper_keeper::few_heaps();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help and version are answers, not failures.
            let code = if e.use_stderr() { USAGE } else { 0 };
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    start_log(&cli.common);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("charmkeeper")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(e) => {
            let failure = Failure {
                code: failure::NO_KEEPER,
                ..Failure::usage(format!("The program's threads cannot be started: {e}."))
            };
            return failure.report(cli.common.json);
        }
    };
    let json = cli.common.json;
    let done = runtime.block_on(run(cli));
    // Threads that wait for the system (a keychain dialog) must not keep us.
    runtime.shutdown_background();
    match done {
        Ok(code) => code,
        Err(failure) => failure.report(json),
    }
}

async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let common = &cli.common;
    let Some(command) = cli.command else {
        return commands::desktop::start(common, cli.background);
    };
    match command {
        Command::Serve => commands::serve::run(common).await,
        Command::Sandbox(args) => commands::sandbox::run(common, &args).await,
        Command::Connect(args) => commands::accounts::connect(common, &args).await,
        Command::Accounts => commands::accounts::list(common).await,
        Command::Disconnect { account } => commands::accounts::disconnect(common, account).await,
        Command::Space(command) => commands::space::space(common, &command).await,
        Command::Register {
            space,
            piece,
            integration,
        } => commands::space::register(common, &space, &piece, &integration).await,
        Command::Charms => commands::charms::list(common).await,
        Command::Add(args) => commands::charms::add(common, args).await,
        Command::Remove { charm } => commands::charms::remove(common, charm).await,
        Command::Pause { charm } => commands::charms::pause(common, charm).await,
        Command::Resume { charm } => commands::charms::resume(common, charm).await,
        Command::Use(args) => commands::wishes::run(common, args).await,
        Command::Run(args) => commands::runs::run(common, args).await,
        Command::Cells { charm, path } => commands::runs::cells(common, charm, path).await,
        Command::History(args) => commands::history::run(common, &args).await,
        Command::Status => commands::status::status(common).await,
        Command::Doctor => commands::status::doctor(common).await,
        Command::Worker => Err(Failure::usage("The worker is started by the keeper.")),
    }
}

/// Logs of the program itself go to standard error, quiet unless asked.
fn start_log(common: &Common) {
    use tracing_subscriber::EnvFilter;
    let level = match common.verbose {
        0 => "warn",
        1 => "info,charmkeeper=debug",
        _ => "debug,hyper=info,reqwest=info,h2=info,rustls=info",
    };
    let filter =
        EnvFilter::try_from_env("CHARMKEEPER_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
