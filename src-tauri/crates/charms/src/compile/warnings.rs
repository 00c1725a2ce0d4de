//! What a charm uses that a background run does not have, told before its first
//! run: each construct once per file, at its first use.
//!
//! A warning never keeps a charm from compiling. Where only a part of the charm
//! needs what is missing, such as its page, the rest runs.

use std::collections::BTreeMap;
use std::fmt;

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression, IdentifierReference, ObjectPropertyKind};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::UnaryOperator;
use serde::{Deserialize, Serialize};

use super::calls::{Callee, Calls};
use super::error::Place;
use super::framework;
use super::names::Origin;
use super::reactive::{Building, Plan};
use super::unit::{Unit, peel};

/// Something in a charm's source that will not work, or not as elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Where it is.
    pub place: Place,
    /// What it is, as written: `generateText`, `window`, `import()`.
    pub construct: String,
    /// What happens instead: one plain sentence.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Browser globals that people expect; the message says why they are not there.
const BROWSER: [&str; 12] = [
    "alert",
    "confirm",
    "customElements",
    "document",
    "history",
    "indexedDB",
    "localStorage",
    "location",
    "navigator",
    "prompt",
    "sessionStorage",
    "window",
];

/// What happens when a function of the framework is called, if that is less
/// than its name promises.
fn shortfall(name: &str) -> Option<String> {
    let what = match name {
        "generateObject" | "generateText" | "generateImage" | "llm" | "llmDialog" => {
            "there is no language model in the background, so its result stays pending"
        }
        "fetchData" | "fetchJson" | "fetchJsonUnchecked" | "fetchText" | "fetchBinary"
        | "fetchProgram" | "streamData" => {
            "it does not run in the background, so its result stays pending; call fetch in a handler instead"
        }
        "sqliteQuery" | "sqliteDatabase" => {
            "there is no database in the background, so its result stays pending"
        }
        "compileAndRun" => "no other program is compiled, so its result stays pending",
        "cellFromUrl" => "it does not run in the background, so its result stays pending",
        "navigateTo" => "a background run has no screen, so it is noted and not followed",
        _ => return None,
    };
    Some(format!("`{name}`: {what}."))
}

/// What a wish asks for, where that is written out.
fn wish_query<'a>(call: &CallExpression<'a>) -> Option<&'a str> {
    let text = |expression: &Expression<'a>| match peel(expression) {
        Expression::StringLiteral(s) => Some(s.value.as_str()),
        Expression::TemplateLiteral(t) => t.single_quasi().map(|q| q.as_str()),
        _ => None,
    };
    let first = call.arguments.first()?.as_expression()?;
    let Expression::ObjectExpression(object) = peel(first) else {
        return text(first);
    };
    object
        .properties
        .iter()
        .find_map(|property| match property {
            ObjectPropertyKind::ObjectProperty(p) if p.key.is_specific_static_name("query") => {
                text(&p.value)
            }
            _ => None,
        })
}

/// The key of a wish that a charm of this computer is not granted as elsewhere,
/// and what happens instead.
fn unmet(query: &str) -> Option<(String, String)> {
    let query = query.trim();
    let key = match query.split('/').next().unwrap_or_default() {
        "" => "/",
        key => key,
    };
    let what = match key.to_lowercase().as_str() {
        "#pieceregistry" | "#recent" => {
            "in a space of this computer it is a list of this charm's own, and no other charm sees \
             what is put there"
        }
        "/" | "#default" | "#summaryindex" | "#knowledgegraph" | "#suggestions" | "#journal"
        | "#learned" | "#learnedsummary" | "#profile" | "#profilename" | "#profileavatar"
        | "#profilebio" | "#profilespace" => {
            "only a remote space has it; in a space of this computer nothing is found"
        }
        key if key.starts_with('#') && key.len() > 1 => return None,
        _ => "it begins with neither # nor /, so nothing is found",
    };
    Some((key.to_owned(), format!("`wish` for {key}: {what}.")))
}

/// The warnings for one file, in source order.
pub(super) fn collect(
    calls: &Calls<'_, '_, '_>,
    building: &Building,
    file: usize,
    reactive: Option<&Plan>,
) -> Vec<Warning> {
    let Some(unit) = calls.units.get(file) else {
        return Vec::new();
    };
    let mut found = Found {
        unit,
        list: BTreeMap::new(),
    };
    for node in unit.semantic.nodes() {
        match node.kind() {
            AstKind::CallExpression(call) => found.call(calls, file, call),
            AstKind::ImportExpression(import)
                if !matches!(import.source, Expression::StringLiteral(_)) =>
            {
                let message = "`import()` finds only files of the charm whose path is written out.";
                found.add(import.span.start, "import()", message.to_owned());
            }
            AstKind::IdentifierReference(name) => found.global(node.id(), name),
            _ => {}
        }
    }
    for offset in reactive.map(Plan::lost_defaults).unwrap_or_default() {
        let message = "This default is not applied: a cell is taken apart here, and a cell is never undefined. \
             State the default in the input's type, or use `??` where the value is used.";
        found.add(*offset, &format!("default at {offset}"), message.to_owned());
    }
    for offset in reactive.map(Plan::decided_once).unwrap_or_default() {
        let message = "This is decided once per run, when the charm is set up, by the value at that time. \
             Use `? :` or `ifElse` where it is to follow the value.";
        found.add(
            *offset,
            &format!("decision at {offset}"),
            message.to_owned(),
        );
    }
    for node in building.lost_acts(file) {
        let kind = unit.semantic.nodes().kind(node);
        let offset = kind.span().start;
        let message = if matches!(kind, AstKind::JSXOpeningElement(_)) {
            "What this component writes is never written: it is shown inside a derived value or a handler, or writes while it is shown. \
             Show it in the pattern's body, and let it write in a `computed` of its own."
        } else {
            "What this makes is there to write, but it is made inside a derived value or a handler, where it is never run. \
             Make it in the pattern's body, or write in the function around it."
        };
        found.add(
            offset,
            &format!("lost write at {offset}"),
            message.to_owned(),
        );
    }
    let mut list: Vec<Warning> = found.list.into_values().collect();
    list.sort_by(|a, b| a.place.cmp(&b.place));
    list
}

struct Found<'u, 'a, 's> {
    unit: &'u Unit<'a, 's>,
    list: BTreeMap<String, Warning>,
}

impl<'a> Found<'_, 'a, '_> {
    fn add(&mut self, offset: u32, construct: &str, message: String) {
        let place = self.unit.source.place(offset);
        let name = construct.split(" at ").next().unwrap_or(construct);
        let warning = Warning {
            place,
            construct: name.to_owned(),
            message,
        };
        self.list.entry(construct.to_owned()).or_insert(warning);
    }

    fn call(&mut self, calls: &Calls<'_, 'a, '_>, file: usize, call: &'a CallExpression<'a>) {
        let callee = &call.callee;
        let (Origin::Framework(name), None) =
            calls.names.origin_of_expression(calls.units, file, callee)
        else {
            return;
        };
        if name == "wish"
            && let Some((query, message)) = wish_query(call).and_then(unmet)
        {
            self.add(call.span.start, &format!("wish {query}"), message);
        }
        if let Some(message) = shortfall(&name) {
            self.add(callee.span().start, &name, message);
        }
        if calls.callee(file, callee) == Some(Callee::Pattern) {
            for path in calls.pattern(file, call).unclear {
                let message = format!(
                    "The default of `{path}` cannot be read from its type, so there is none. \
                     Write it as a literal, or as `typeof` a constant of literals."
                );
                self.add(call.span.start, &format!("Default at {path}"), message);
            }
        }
    }

    /// A global name that is not there. `typeof` of one is how code finds out,
    /// and what follows such a question is taken to be prepared.
    fn global(&mut self, node: NodeId, name: &IdentifierReference<'_>) {
        let text = name.name.as_str();
        let Some(reference) = name.reference_id.get() else {
            return;
        };
        let reference = self.unit.semantic.scoping().get_reference(reference);
        if reference.symbol_id().is_some()
            || !reference.is_value()
            || framework::has_global(text)
            || matches!(text, "arguments" | "Default")
            || self.is_asked_for(node, text)
        {
            return;
        }
        let message = if BROWSER.contains(&text) {
            format!("`{text}` does not exist here: a background run has no browser window.")
        } else {
            format!("`{text}` does not exist here; using it ends the run with an error.")
        };
        self.add(name.span.start, text, message);
    }

    /// True when some `typeof name` in the file asks whether it exists.
    fn is_asked_for(&self, node: NodeId, text: &str) -> bool {
        let nodes = self.unit.semantic.nodes();
        let asks = |id: NodeId| {
            matches!(nodes.parent_kind(id), AstKind::UnaryExpression(u)
                if u.operator == UnaryOperator::Typeof)
        };
        asks(node)
            || self
                .unit
                .semantic
                .scoping()
                .root_unresolved_references()
                .iter()
                .filter(|(name, _)| name.as_str() == text)
                .flat_map(|(_, references)| references.iter())
                .any(|id| asks(self.unit.semantic.scoping().get_reference(*id).node_id()))
    }
}
