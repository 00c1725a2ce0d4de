//! `charms`, `add`, `remove`, `pause`, `resume`.

use std::process::ExitCode;

use charmkeeper_keeper::api::{CharmView, Request};

use super::{absolute, argument, ask, print_json, show_progress};
use crate::args::{AddArgs, Common};
use crate::failure::Failure;
use crate::output::{self, cut, plain};
use crate::render;

pub(crate) async fn list(common: &Common) -> Result<ExitCode, Failure> {
    let charms: Vec<CharmView> = ask(common, Request::Charms, show_progress).await?;
    if common.json {
        print_json(&charms)?;
    } else if charms.is_empty() {
        output::line(
            "No charms. Add one with `charmkeeper add FILE`, or sign in with `charmkeeper connect google`.",
        );
    } else {
        output::table(&charms.iter().map(render::charm_row).collect::<Vec<_>>());
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn add(common: &Common, args: AddArgs) -> Result<ExitCode, Failure> {
    let request = Request::Add {
        source: absolute(&args.source)?,
        space: args.space,
        argument: argument(args.argument.as_deref())?,
        hosts: args.hosts,
    };
    let added: CharmView = ask(common, request, show_progress).await?;
    for warning in &added.warnings {
        let (line, column) = (warning.line, warning.column);
        let place = format!("{}:{line}:{column}", plain(&warning.file));
        output::note(&format!("warning: {place}: {}", plain(&warning.message)));
    }
    if common.json {
        print_json(&added)?;
    } else {
        output::line(&format!(
            "Added {} ({}).",
            added.charm,
            cut(&added.name, 60)
        ));
        if !added.hosts.is_empty() {
            output::line(&format!("It may call {}.", plain(&added.hosts.join(", "))));
        }
        output::line(&plain(&added.detail));
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn remove(common: &Common, charm: String) -> Result<ExitCode, Failure> {
    change(common, Request::Remove { charm }, "Removed").await
}

pub(crate) async fn pause(common: &Common, charm: String) -> Result<ExitCode, Failure> {
    change(common, Request::Pause { charm }, "Paused").await
}

pub(crate) async fn resume(common: &Common, charm: String) -> Result<ExitCode, Failure> {
    change(common, Request::Resume { charm }, "Resumed").await
}

async fn change(common: &Common, request: Request, word: &str) -> Result<ExitCode, Failure> {
    let charm: CharmView = ask(common, request, show_progress).await?;
    if common.json {
        print_json(&charm)?;
    } else {
        output::line(&format!("{word} {}.", charm.charm));
    }
    Ok(ExitCode::SUCCESS)
}
