//! What a charm is and asks for, before it is added.
//!
//! The charm is compiled and built once in a locked-in worker, as when it is
//! added; its handler is not run and nothing is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use charmkeeper_base::cell::did;
use charmkeeper_charms::compile::Program;
use serde_json::Value;

use crate::api::{ApiError, PreviewView};
use crate::core::Core;
use crate::registry::{self, Addition, Draft};
use crate::{handles, source, updater, views};

/// How far behind the word `wish` its tag is looked for, in bytes.
const WISH_REACH: usize = 160;

/// Looks at a charm. What is wrong with it is a part of the answer.
pub(crate) async fn preview(core: &Arc<Core>, source: &str) -> PreviewView {
    let mut view = empty(source);
    let program = match source::load(source).await {
        Ok(program) => program,
        Err(problem) => return failed(view, problem),
    };
    view.files = program.files.keys().cloned().collect();
    view.wishes = wishes(&program);
    view.services = services(&program);
    let addition = Addition {
        program,
        source: source.to_owned(),
        handle: handles::handle_of(source),
        space: None,
        argument: None,
        hosts: Vec::new(),
        account: None,
        enabled: false,
        position: 0,
    };
    // A space that nothing is in.
    let nowhere = did::from_public_key(&[0u8; 32]);
    match registry::draft(core, &addition, &nowhere).await {
        Ok(draft) => described(view, &draft),
        Err(problem) => failed(view, problem),
    }
}

fn empty(source: &str) -> PreviewView {
    PreviewView {
        name: handles::handle_of(source),
        description: None,
        source: source.to_owned(),
        files: Vec::new(),
        tags: Vec::new(),
        hosts: Vec::new(),
        wishes: Vec::new(),
        services: Vec::new(),
        background: false,
        warnings: Vec::new(),
        problem: None,
    }
}

fn failed(view: PreviewView, problem: ApiError) -> PreviewView {
    PreviewView {
        problem: Some(problem),
        ..view
    }
}

fn described(view: PreviewView, draft: &Draft) -> PreviewView {
    let facts = &draft.charm.facts;
    PreviewView {
        name: draft.charm.name.clone(),
        description: facts
            .get("description")
            .and_then(Value::as_str)
            .map(str::to_owned),
        tags: draft.charm.tags.clone(),
        hosts: draft.charm.hosts.clone(),
        background: updater::works(&draft.charm),
        warnings: views::warnings(facts),
        ..view
    }
}

/// The tags that the sources wish for, found by their shape.
pub(crate) fn wishes(program: &Program) -> Vec<String> {
    let mut found = BTreeSet::new();
    for text in program.files.values() {
        for (at, _) in text.match_indices("wish") {
            let end = text.floor_char_boundary(at + WISH_REACH);
            let near = &text[at..end];
            let Some(quoted) = near.find(['"', '\'', '`']).map(|q| &near[q + 1..]) else {
                continue;
            };
            let tag: String = quoted
                .strip_prefix('#')
                .unwrap_or_default()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !tag.is_empty() {
                found.insert(format!("#{tag}"));
            }
        }
    }
    found.into_iter().collect()
}

/// The services of Google whose addresses the sources name.
fn services(program: &Program) -> Vec<String> {
    let names = |parts: &[&str]| {
        let mut texts = program.files.values();
        texts.any(|text| parts.iter().any(|part| text.contains(part)))
    };
    let mut services = Vec::new();
    if names(&["gmail.googleapis.com", "googleapis.com/gmail/"]) {
        services.push("gmail".to_owned());
    }
    if names(&["googleapis.com/calendar/", "calendar.googleapis.com"]) {
        services.push("calendar".to_owned());
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::Builtin;

    #[test]
    fn our_importers_wish_for_a_sign_in_and_use_one_service() {
        for (builtin, service) in [
            (Builtin::GmailImporter, "gmail"),
            (Builtin::CalendarImporter, "calendar"),
        ] {
            let program = builtin.program().unwrap();
            assert_eq!(wishes(&program), ["#googleAuth"], "{builtin:?}");
            assert_eq!(services(&program), [service], "{builtin:?}");
        }
    }
}
