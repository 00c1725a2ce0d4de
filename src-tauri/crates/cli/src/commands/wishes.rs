//! `use`: which charm or account a charm works with, where several fit.

use std::process::ExitCode;

use charmkeeper_keeper::api::{Request, WishMatch, WishView};

use super::{ask, print_json, show_progress};
use crate::args::{Common, UseArgs};
use crate::failure::Failure;
use crate::output::{self, plain};

pub(crate) async fn run(common: &Common, args: UseArgs) -> Result<ExitCode, Failure> {
    let UseArgs {
        charm,
        tag,
        choice,
        automatic,
    } = args;
    let request = match tag {
        Some(tag) if automatic || choice.is_some() => Request::ChooseWish { charm, tag, choice },
        Some(tag) => return show(common, charm, Some(&tag)).await,
        None => return show(common, charm, None).await,
    };
    let wishes: Vec<WishView> = ask(common, request, show_progress).await?;
    print(common, &wishes)
}

async fn show(common: &Common, charm: String, tag: Option<&str>) -> Result<ExitCode, Failure> {
    let mut wishes: Vec<WishView> = ask(common, Request::Wishes { charm }, show_progress).await?;
    if let Some(tag) = tag {
        let bare = |tag: &str| tag.trim_start_matches('#').to_lowercase();
        wishes.retain(|w| bare(&w.tag) == bare(tag));
    }
    print(common, &wishes)
}

fn print(common: &Common, wishes: &[WishView]) -> Result<ExitCode, Failure> {
    if common.json {
        print_json(&wishes)?;
    } else if wishes.is_empty() {
        output::line("It looks for nothing.");
    } else {
        for wish in wishes {
            output::line(&plain(&sentence(wish)));
            for offer in &wish.matches {
                let mark = if wish.taken.as_ref() == Some(&offer.id) {
                    "*"
                } else {
                    " "
                };
                output::line(&plain(&format!("  {mark} {}", named(offer))));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn sentence(wish: &WishView) -> String {
    let taken = wish
        .matches
        .iter()
        .find(|m| Some(&m.id) == wish.taken.as_ref());
    match taken {
        None => format!("{}: nothing answers to it.", wish.tag),
        Some(taken) if wish.chosen.as_ref() == Some(&taken.id) => {
            format!("{}: {}, as you chose.", wish.tag, named(taken))
        }
        Some(taken) => format!("{}: {}, by itself.", wish.tag, named(taken)),
    }
}

fn named(offer: &WishMatch) -> String {
    match &offer.email {
        Some(email) => email.clone(),
        None => format!("{} ({})", offer.charm, offer.name),
    }
}
