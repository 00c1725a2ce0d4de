//! The program `charmkeeper-desktop`: command line, exit codes, and the order in
//! which things start.

// Without this a console window opens beside the program on Windows.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::io::IsTerminal;
use std::process::ExitCode;

use charmkeeper_desktop::args::{Args, USAGE};
use charmkeeper_desktop::{app, display, setup};
use clap::Parser;

fn main() -> ExitCode {
    quieten();
    charmkeeper_keeper::few_heaps();
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(e) => {
            // Help and version are answers, not failures.
            let code = if e.use_stderr() { USAGE } else { 0 };
            let _ = e.print();
            return ExitCode::from(code);
        }
    };
    start_log(args.verbose);
    // Before anything is opened: without a display nothing here can work.
    let started = display::check()
        .map_err(setup::Failure::from)
        .and_then(|()| setup::plan(&args))
        .and_then(|plan| app::run(&args, &plan));
    match started {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Once a window was opened, a watcher of WebKit's would wake this process every
/// few seconds until it ends, for the sake of pages that are long gone.
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the environment is changed; see below")]
fn quieten() {
    // SAFETY: this is the first thing that the program does, so no other thread
    // can be reading the environment.
    unsafe { std::env::set_var("WEBKIT_DISABLE_MEMORY_PRESSURE_MONITOR", "1") };
}

/// Nothing of the kind elsewhere.
#[cfg(not(target_os = "linux"))]
fn quieten() {}

/// Logs of the program itself go to standard error, quiet unless asked.
fn start_log(verbose: u8) {
    use tracing_subscriber::EnvFilter;
    let level = match verbose {
        0 => "warn",
        1 => "info,charmkeeper=debug,charmkeeper_desktop=debug",
        _ => "debug,hyper=info,reqwest=info,h2=info,rustls=info,zbus=info",
    };
    let filter =
        EnvFilter::try_from_env("CHARMKEEPER_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
}
