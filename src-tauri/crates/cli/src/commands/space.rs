//! `space connect | publish | status | retry | drop | take-over` and `register`.
//!
//! A key goes from the file or standard input into the keychain and nowhere else;
//! the keeper is told its DID.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use charmkeeper_base::Secret;
use charmkeeper_keeper::api::{FavoriteView, PublishView, Request, SpaceView};
use charmkeeper_keeper::{KeyForm, keep_identity};

use super::{absolute, ask, print_json, show_progress};
use crate::args::{Common, SpaceCommand, SpaceConnectArgs};
use crate::failure::Failure;
use crate::output::{self, plain};
use crate::setup;

/// The most that is read of a key: a file is 119 bytes, 24 words about 200.
const MAX_KEY: u64 = 64 * 1024;

pub(crate) async fn space(common: &Common, command: &SpaceCommand) -> Result<ExitCode, Failure> {
    match command {
        SpaceCommand::Connect(args) => connect(common, args).await,
        SpaceCommand::Publish {
            charm,
            space,
            favorite,
        } => publish(common, charm, space, *favorite).await,
        SpaceCommand::Status => status(common).await,
        SpaceCommand::Retry { id } => {
            let request = Request::RetryChange { change: *id };
            changed(common, request, "It is tried again.").await
        }
        SpaceCommand::TakeOver { charm } => {
            let request = Request::TakeOver { id: charm.clone() };
            favorite(common, request).await
        }
        SpaceCommand::Drop { id } => {
            let request = Request::DropChange { change: *id };
            changed(common, request, "It was given up.").await
        }
    }
}

async fn connect(common: &Common, args: &SpaceConnectArgs) -> Result<ExitCode, Failure> {
    let (form, text) = key(&KeySource {
        file: args.key_file.as_deref(),
        words: args.mnemonic_stdin,
        passphrase: args.passphrase_stdin,
    })?;
    let identity = keep_identity(&setup::home(common)?, form, &text).await?;
    let request = Request::ConnectSpace {
        url: args.url.clone(),
        identity,
        space: args.space.clone(),
        claim: args.claim,
    };
    let view: SpaceView = ask(common, request, show_progress).await?;
    if common.json {
        print_json(&view)?;
    } else {
        output::line(&format!(
            "Connected {} ({}).",
            plain(&view.name),
            view.space
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Where a person's key comes from.
pub(super) struct KeySource<'a> {
    pub(super) file: Option<&'a Path>,
    /// 24 words on standard input.
    pub(super) words: bool,
    /// A passphrase there.
    pub(super) passphrase: bool,
}

impl KeySource<'_> {
    /// True when none was named.
    pub(super) fn is_none(&self) -> bool {
        self.file.is_none() && !self.words && !self.passphrase
    }
}

/// The key as the person gave it.
pub(super) fn key(from: &KeySource<'_>) -> Result<(KeyForm, Secret<String>), Failure> {
    if let Some(path) = from.file {
        let path = absolute(&path.to_string_lossy())?;
        let text = std::fs::File::open(&path)
            .and_then(text_of)
            .map_err(|e| Failure::usage(format!("The key file {path} cannot be read: {e}.")))?;
        return Ok((KeyForm::File, text));
    }
    let form = if from.words {
        KeyForm::Words
    } else {
        KeyForm::Passphrase
    };
    let text = text_of(std::io::stdin())
        .map_err(|e| Failure::usage(format!("Standard input cannot be read: {e}.")))?;
    Ok((form, text))
}

fn text_of(source: impl std::io::Read) -> std::io::Result<Secret<String>> {
    let mut text = String::new();
    source.take(MAX_KEY).read_to_string(&mut text)?;
    Ok(Secret::new(text))
}

/// Places a charm in a space and says what others will not see.
async fn publish(
    common: &Common,
    charm: &str,
    space: &str,
    favorite: bool,
) -> Result<ExitCode, Failure> {
    let request = Request::Publish {
        charm: charm.to_owned(),
        space: space.to_owned(),
        favorite,
    };
    let view: PublishView = ask(common, request, show_progress).await?;
    for warning in &view.warnings {
        output::note(&format!("warning: {}", plain(warning)));
    }
    if common.json {
        print_json(&view)?;
    } else {
        output::line(&format!(
            "{}: {}",
            plain(&view.charm.name),
            plain(&view.detail)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(common: &Common) -> Result<ExitCode, Failure> {
    let spaces: Vec<SpaceView> = ask(common, Request::Spaces, show_progress).await?;
    if common.json {
        print_json(&spaces)?;
        return Ok(ExitCode::SUCCESS);
    }
    if spaces.is_empty() {
        output::line("No spaces yet.");
    }
    let rows: Vec<_> = spaces
        .iter()
        .map(|space| {
            vec![
                plain(&space.name),
                space.state.clone(),
                plain(&space.detail),
                space.space.clone(),
            ]
        })
        .collect();
    output::table(&rows);
    for change in spaces.iter().flat_map(|space| &space.stuck) {
        output::line(&format!(
            "stuck {}: {} ({} documents, {}): {}",
            change.change,
            plain(&change.charm),
            change.documents,
            change.at.to_rfc3339(),
            plain(&change.reason)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn changed(common: &Common, request: Request, done: &str) -> Result<ExitCode, Failure> {
    let view: SpaceView = ask(common, request, show_progress).await?;
    if common.json {
        print_json(&view)?;
    } else {
        output::line(done);
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn register(
    common: &Common,
    space: &str,
    piece: &str,
    integration: &str,
) -> Result<ExitCode, Failure> {
    let request = Request::Register {
        space: space.to_owned(),
        piece: piece.to_owned(),
        integration: integration.to_owned(),
    };
    favorite(common, request).await
}

/// Asks for a change of a favorite and shows what it is now.
async fn favorite(common: &Common, request: Request) -> Result<ExitCode, Failure> {
    let view: FavoriteView = ask(common, request, show_progress).await?;
    if common.json {
        print_json(&view)?;
    } else {
        output::line(&format!("{}: {}", plain(&view.name), plain(&view.detail)));
    }
    Ok(ExitCode::SUCCESS)
}
