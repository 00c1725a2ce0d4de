//! Writes the manual page and the shell completions of the command line, from
//! the command line's own definition, into the folder that is named.
//!
//! A program of its own, so that what makes them is no part of what is shipped.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

#[path = "../../../src-tauri/crates/cli/src/args.rs"]
#[allow(dead_code, reason = "only its shape is used here")]
mod args;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        return told("usage: charmkeeper-packaging FOLDER");
    };
    match write(&folder) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => told(&format!("{} cannot be written: {e}.", folder.display())),
    }
}

fn write(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut command = args::Cli::command();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, "charmkeeper", folder)?;
    }
    std::fs::write(folder.join("charmkeeper.1"), manual(&command)?)
}

/// One page for the program, with a section for each command.
fn manual(command: &clap::Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let mut whole = command.clone();
    whole.build();
    clap_mangen::Man::new(whole.clone()).render(&mut page)?;
    for below in whole.get_subcommands().filter(|c| !c.is_hide_set()) {
        let name = below.get_name().to_uppercase();
        page.extend(format!(".SH \"{}\"\n", name.replace('-', "\\-")).bytes());
        let man = clap_mangen::Man::new(below.clone());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    Ok(page)
}

#[allow(clippy::print_stderr, reason = "a tool for builders")]
fn told(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::FAILURE
}
