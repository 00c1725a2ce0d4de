//! `run` and `cells`.

use std::process::ExitCode;

use charmkeeper_keeper::api::{Event, Request, RunDetails};
use serde_json::Value;

use super::{absolute, argument, ask, print_json, show_progress};
use crate::args::{Common, RunArgs};
use crate::failure::{FAILED, Failure};
use crate::json::DetailsJson;
use crate::{output, render};

pub(crate) async fn run(common: &Common, args: RunArgs) -> Result<ExitCode, Failure> {
    let charm = if looks_like_a_path(&args.charm) {
        absolute(&args.charm)?
    } else {
        args.charm
    };
    let request = Request::Run {
        charm,
        argument: argument(args.argument.as_deref())?,
    };
    let json = common.json;
    let details: RunDetails = ask(common, request, move |event| match event {
        Event::RunStarted { charm, .. } if !json => output::note(&format!("Running {charm}")),
        other => show_progress(other),
    })
    .await?;
    if json {
        print_json(&DetailsJson::of(&details))?;
    } else {
        render::details(&details);
    }
    let good = details
        .outcome
        .is_some_and(charmkeeper_base::Outcome::is_good);
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FAILED)
    })
}

/// A name of a charm has no slash and no ending; anything that exists as a file
/// with one of a source's endings is a path.
fn looks_like_a_path(text: &str) -> bool {
    let ending = [".ts", ".tsx", ".js", ".jsx"]
        .iter()
        .any(|e| text.ends_with(e));
    ending
        || text.contains(std::path::MAIN_SEPARATOR)
        || text.contains('/')
        || text.starts_with('.')
}

pub(crate) async fn cells(
    common: &Common,
    charm: String,
    path: Option<String>,
) -> Result<ExitCode, Failure> {
    let path: Vec<String> = path
        .iter()
        .flat_map(|p| p.split('/'))
        .filter(|s| !s.is_empty())
        .map(str::to_owned)
        .collect();
    let cells: Value = ask(common, Request::Cells { charm, path }, show_progress).await?;
    if common.json {
        print_json(&cells)?;
    } else {
        match serde_json::to_string_pretty(&cells) {
            // Control characters are escaped by JSON itself.
            Ok(text) => output::line(&text),
            Err(e) => {
                return Err(Failure {
                    code: FAILED,
                    ..Failure::usage(format!("The cells cannot be written as JSON: {e}."))
                });
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_told_apart() {
        for path in ["./a.tsx", "a.tsx", "dir/a", "../x", "/abs/main.ts", "."] {
            assert!(looks_like_a_path(path), "{path}");
        }
        for name in ["gmail-importer", "weather", "0192-uuid"] {
            assert!(!looks_like_a_path(name), "{name}");
        }
    }
}
