//! A failure of a charm, in the words of the report.
//!
//! Owns the reading of deno_core's errors and the clean-up of stacks, so that
//! what a person sees names the charm's own lines and nothing internal.

use deno_core::error::{CoreError, CoreErrorKind, JsError, JsStackFrame};
use serde::{Deserialize, Serialize};

/// The most characters of a message or a stack that are kept.
const MAX_TEXT: usize = 16 * 1024;

/// What went wrong, as `error` of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `exception`, `rejection`, `timer`, `no-default-export`, `no-bg-updater`,
    /// `not-a-stream`, `restless` (a derived value that writes for ever), `endless`
    /// (events without end) or `internal`.
    pub kind: String,
    /// Class of the error, as in `TypeError`; empty for a thrown primitive.
    #[serde(default)]
    pub name: String,
    /// The message alone.
    #[serde(default)]
    pub message: String,
    /// One line per frame of the charm, first the place of the failure; empty
    /// when there is none.
    #[serde(default)]
    pub stack: String,
}

impl Failure {
    /// A fault of the program itself.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self {
            kind: "internal".to_owned(),
            name: String::new(),
            message: message.into(),
            stack: String::new(),
        }
    }

    /// A fault of the charm that is no exception of its own.
    pub(crate) fn of_charm(message: impl Into<String>) -> Self {
        Self {
            kind: "exception".to_owned(),
            name: "Error".to_owned(),
            ..Self::internal(message)
        }
    }

    /// True for the engine's answer to one allocation that is larger than all
    /// that is left; a charm can catch it, unlike the end of its heap.
    pub(crate) fn is_out_of_memory(&self) -> bool {
        self.name == "InternalError" && self.message == "out of memory"
    }

    pub(crate) fn from_core(error: &CoreError) -> Self {
        match error.as_kind() {
            CoreErrorKind::Js(js) => Self::from_js(js),
            _ => Self {
                kind: "exception".to_owned(),
                name: deno_error::JsErrorClass::get_class(error).into_owned(),
                message: clip(&error.to_string()),
                stack: String::new(),
            },
        }
    }

    pub(crate) fn from_js(js: &JsError) -> Self {
        let kind = if js.exception_message.starts_with("Uncaught (in promise)") {
            "rejection"
        } else {
            "exception"
        };
        let message = js.message.clone().unwrap_or_else(|| {
            let text = js.exception_message.trim_start_matches("Uncaught ");
            text.trim_start_matches("(in promise) ").to_owned()
        });
        let frames: Vec<String> = js.frames.iter().filter_map(frame_line).collect();
        Self {
            kind: kind.to_owned(),
            name: js.name.clone().unwrap_or_default(),
            message: clip(&message),
            stack: clip(&frames.join("\n")),
        }
    }

    /// Name and message, as a person reads them.
    #[must_use]
    pub fn sentence(&self) -> String {
        match (self.name.as_str(), self.message.as_str()) {
            ("", "") => "The charm failed without saying why.".to_owned(),
            ("", message) => message.to_owned(),
            (name, "") => name.to_owned(),
            (name, message) => format!("{name}: {message}"),
        }
    }

    /// The same failure with what a person has no use for removed.
    #[must_use]
    pub fn cleaned(mut self) -> Self {
        self.stack = clip(&clean_stack(&self.stack));
        self.message = clip(&self.message);
        self.name = clip(&self.name);
        self
    }
}

/// Cuts at a character boundary.
fn clip(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let end = (0..=MAX_TEXT)
        .rev()
        .find(|i| text.is_char_boundary(*i))
        .unwrap_or(0);
    format!("{}...", &text[..end])
}

fn is_internal(file: &str) -> bool {
    ["ext:", "ck:", "[ext:", "node:", "[native", "native"]
        .iter()
        .any(|p| file.starts_with(p))
}

fn frame_line(frame: &JsStackFrame) -> Option<String> {
    let file = frame.file_name.as_deref()?;
    if is_internal(file) {
        return None;
    }
    let place = format!(
        "{file}:{}:{}",
        frame.line_number.unwrap_or_default(),
        frame.column_number.unwrap_or_default()
    );
    Some(match frame.function_name.as_deref() {
        Some(name) if !name.is_empty() => format!("at {name} ({place})"),
        _ => format!("at {place}"),
    })
}

/// Keeps the lines of a JavaScript stack that name a place in the charm.
fn clean_stack(stack: &str) -> String {
    let lines = stack.lines().filter_map(|line| {
        let line = line.trim();
        let place = line.strip_prefix("at ")?;
        let file = place.rsplit_once('(').map_or(place, |(_, p)| p);
        let file = file.trim_start_matches("async ");
        (!is_internal(file)).then_some(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_keeps_the_charms_own_frames_only() {
        let stack = "TypeError: boom\n    at f (charm:///main.tsx:3:7)\n    \
                     at start (ext:ck/rt.js:9:1)\n    at map (native)\n    \
                     at async charm:///util/x.ts:1:2\n    at async ext:core/01_core.js:1:1";
        assert_eq!(
            clean_stack(stack),
            "at f (charm:///main.tsx:3:7)\nat async charm:///util/x.ts:1:2"
        );
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let cut = clip(&"\u{e9}".repeat(MAX_TEXT));
        assert!(cut.len() <= MAX_TEXT + 3 && cut.ends_with("..."));
    }
}
