//! Whether a charm has work for the background, and what is said when it has none.
//!
//! The rule: a charm without `bgUpdater` can be added when its result has a tag.
//! Then others find it with `wish`, read its cells and send to its streams, as with
//! a sign-in charm. It is never started by a timer, and that is said with the place
//! when it is looked at, added or run. Any other charm without `bgUpdater`, and one
//! whose `bgUpdater` is no stream, is refused. Pure.

use charmkeeper_base::ErrorKind;
use charmkeeper_charms::compile::{Compiled, Place};
use charmkeeper_charms::runner::Inspection;
use charmkeeper_store::Charm;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::registry;

/// Name of the stream that a background run is sent to.
pub(crate) const BG_UPDATER: &str = "bgUpdater";
/// Member of a charm's stored facts; false when it has no `bgUpdater`.
const BACKGROUND: &str = "background";

/// True when the charm has a `bgUpdater`; rows of an older version all have.
pub(crate) fn works(charm: &Charm) -> bool {
    charm.facts.get(BACKGROUND) != Some(&Value::Bool(false))
}

/// The stored facts of a charm that was looked at.
///
/// # Errors
/// Kind `charm`, with the place, when it cannot work: see the module's text.
pub(crate) fn facts(compiled: &Compiled, seen: &Inspection) -> Result<Value, ApiError> {
    let mut facts = registry::facts(compiled);
    let known = &compiled.facts;
    let refuse = |place: &Option<Place>, message: &str| {
        let place = place.as_ref().unwrap_or(&known.default_export);
        Err(ApiError::new(
            ErrorKind::Charm,
            format!("{place}: {message}"),
        ))
    };
    match seen.outputs.get(BG_UPDATER).map(String::as_str) {
        Some("stream") => Ok(facts),
        Some(_) => refuse(&known.bg_updater, "bgUpdater is not a stream."),
        None => {
            let Some(tag) = registry::tags(compiled, seen).into_iter().next() else {
                return refuse(&known.no_bg_updater, "The pattern returns no bgUpdater.");
            };
            let place = known.no_bg_updater.as_ref();
            let place = place.unwrap_or(&known.default_export);
            let warning = json!({
                "file": place.file,
                "line": place.line,
                "column": place.column,
                "message": format!(
                    "This charm has no bgUpdater: it will not run by itself. Other charms find it by \
                     #{tag} and can use its cells and streams."
                ),
            });
            if let Some(object) = facts.as_object_mut() {
                object.insert(BACKGROUND.to_owned(), Value::Bool(false));
                let warnings = object.entry("warnings").or_insert_with(|| json!([]));
                if let Some(list) = warnings.as_array_mut() {
                    list.insert(0, warning);
                }
            }
            Ok(facts)
        }
    }
}
