//! The space server as a program, for tests that drive real processes.
//!
//! Prints one line of JSON with its addresses and runs until it is ended, or until
//! its standard input closes when it was asked to.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use charmkeeper_toolshed::{Options, ServerError, SpaceServer};
use clap::Parser;
use serde_json::json;

/// A space server for tests
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Port for clients; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port for steering it; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// Folder that holds the spaces
    #[arg(long)]
    dir: PathBuf,
    /// Stop when standard input closes
    #[arg(long)]
    until_stdin_closes: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "space-server: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: Args) -> Result<(), ServerError> {
    let options = Options {
        port: args.port,
        control_port: args.control_port,
        ..Options::default()
    };
    let server = SpaceServer::start_with(&args.dir, options).await?;
    let line = json!({ "url": server.url(), "control": server.control_url() });
    let mut out = std::io::stdout();
    writeln!(out, "{line}")?;
    out.flush()?;
    if args.until_stdin_closes {
        // Standard input has no end to wait for but a read of its own thread.
        let (closed, end) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = closed.send(());
        });
        // An error means that the thread is gone, which is the end as well.
        let _ = end.await;
    } else {
        tokio::signal::ctrl_c().await?;
    }
    Ok(())
}
