//! What the entry's pattern returns: its name, and a `bgUpdater` that is a stream.
//!
//! A pattern that plainly has none is at fault, unless its result has a tag: then
//! other charms find it and use its cells and streams, so it can be kept without
//! ever running by itself. That is told, with the place.

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression, ObjectExpression, ObjectPropertyKind, PropertyKey};
use oxc_span::{GetSpan, Span};

use super::calls::{Callee, Calls};
use super::entry::{Entry, MAX_HOPS, Made, plain_kind};
use super::error::Diagnostic;
use super::function::Function;
use super::names::Origin;
use super::unit::{Unit, peel};

/// The name of the stream that background runs are sent to.
const BG_UPDATER: &str = "bgUpdater";
const HINT: &str = "Return `bgUpdater: myHandler({ ... })` so that it can run in the background, or \
give the comment above its output type a #tag so that other charms can find it.";

impl<'a> Calls<'_, 'a, '_> {
    /// Looks at what the pattern's function returns.
    pub(super) fn returned(
        &self,
        file: usize,
        call: &'a CallExpression<'a>,
        required: bool,
        entry: &mut Entry<'a>,
    ) -> Result<(), Vec<Diagnostic>> {
        let (Some(unit), Some(function)) = (
            self.units.get(file),
            self.function_of(file, &call.arguments),
        ) else {
            return Ok(());
        };
        let results = results(unit, &function);
        let mut faults = Vec::new();
        let mut missing = None;
        let mut all_seen = true;
        for result in &results {
            match self.object(file, result) {
                Some((object, whole)) => match self.property(file, object, BG_UPDATER) {
                    Found::Value(span, value) => {
                        if entry.bg_updater.is_none() {
                            entry.bg_updater = Some(unit.source.place(span.start));
                        }
                        faults.extend(self.not_a_stream(file, span, value));
                    }
                    Found::Missing if whole => missing = missing.or(Some(object.span)),
                    Found::Missing | Found::Unseen => all_seen = false,
                },
                None => match plain_kind(peel(result)) {
                    Some(_) => missing = missing.or(Some(result.span())),
                    None => all_seen = false,
                },
            }
            if entry.name.is_none() {
                entry.name = self.literal_name(file, result);
            }
        }
        if results.is_empty() {
            missing = Some(function.span);
        }
        if let Some(span) = missing.filter(|_| all_seen && entry.bg_updater.is_none()) {
            if required && self.pattern(file, call).doc.tags.is_empty() {
                let message = "The pattern returns no bgUpdater.";
                let hint = Some(HINT.to_owned());
                faults.push(unit.source.diagnostic(span.start, message, hint));
            }
            entry.no_bg_updater = Some(unit.source.place(span.start));
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults)
        }
    }

    /// The object literal behind a returned expression, and whether all of its
    /// properties are there: a named object may gain some later.
    fn object(
        &self,
        file: usize,
        result: &'a Expression<'a>,
    ) -> Option<(&'a ObjectExpression<'a>, bool)> {
        match peel(result) {
            Expression::ObjectExpression(o) => Some((o, true)),
            name @ Expression::Identifier(_) => {
                match self.follow(file, Made::Expression(file, name), MAX_HOPS) {
                    Made::Expression(at, Expression::ObjectExpression(o)) if at == file => {
                        Some((o, false))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn property(&self, file: usize, object: &'a ObjectExpression<'a>, name: &str) -> Found<'a> {
        let mut found = Found::Missing;
        for property in &object.properties {
            match property {
                ObjectPropertyKind::SpreadProperty(_) => {
                    if matches!(found, Found::Missing) {
                        found = Found::Unseen;
                    }
                }
                ObjectPropertyKind::ObjectProperty(p) => match self.key(file, &p.key, p.computed) {
                    Some(key) if key == name => found = Found::Value(p.span, &p.value),
                    None if matches!(found, Found::Missing) => found = Found::Unseen,
                    _ => {}
                },
            }
        }
        found
    }

    /// The name of a property; those of the framework by what they stand for.
    fn key(&self, file: usize, key: &PropertyKey<'_>, computed: bool) -> Option<String> {
        if computed && let Some(expression) = key.as_expression() {
            let (origin, rest) = self
                .names
                .origin_of_expression(self.units, file, expression);
            if let (Origin::Framework(name), None) = (origin, rest) {
                return Some(format!("${name}"));
            }
        }
        key.static_name().map(|name| name.into_owned())
    }

    fn literal_name(&self, file: usize, result: &'a Expression<'a>) -> Option<String> {
        let (object, _) = self.object(file, result)?;
        let Found::Value(_, value) = self.property(file, object, "$NAME") else {
            return None;
        };
        match self.follow(file, Made::Expression(file, value), MAX_HOPS) {
            Made::Expression(_, Expression::StringLiteral(s)) => Some(s.value.trim().to_owned()),
            Made::Expression(_, Expression::TemplateLiteral(t)) => {
                Some(t.single_quasi()?.trim().to_owned())
            }
            _ => None,
        }
        .filter(|name| !name.is_empty())
    }

    /// The fault of a `bgUpdater` that can never be a stream.
    fn not_a_stream(
        &self,
        file: usize,
        span: Span,
        value: &'a Expression<'a>,
    ) -> Option<Diagnostic> {
        let unit = self.units.get(file)?;
        let made = self.follow(file, Made::Expression(file, value), MAX_HOPS);
        let (what, hint) = match made {
            Made::Declaration(_, _, what) => (what, None),
            Made::Expression(at, Expression::CallExpression(call)) => {
                match self.callee(at, &call.callee) {
                    Some(Callee::Handler) => {
                        let hint =
                            "Call the handler with its state: `bgUpdater: myHandler({ ... })`.";
                        ("a handler that was not given its state", Some(hint))
                    }
                    Some(Callee::Pattern) => ("a pattern", None),
                    Some(Callee::Cell) => ("a cell", None),
                    Some(_) | None => return None,
                }
            }
            Made::Expression(_, expression) => (plain_kind(expression)?, None),
            Made::Unseen => return None,
        };
        let hint = hint.unwrap_or(
            "Make a handler with `handler(...)`, call it with its state, and return the result.",
        );
        let message = format!("bgUpdater is {what}, not a stream.");
        Some(
            unit.source
                .diagnostic(span.start, message, Some(hint.to_owned())),
        )
    }
}

enum Found<'a> {
    /// The property with its value.
    Value(Span, &'a Expression<'a>),
    Missing,
    /// A spread or a computed key may bring it.
    Unseen,
}

/// The expressions that a function returns.
fn results<'a>(unit: &Unit<'a, '_>, function: &Function<'a>) -> Vec<&'a Expression<'a>> {
    if let Some(result) = function.result {
        return vec![result];
    }
    let nodes = unit.semantic.nodes();
    nodes
        .iter()
        .filter_map(|node| match node.kind() {
            AstKind::ReturnStatement(r) if function.span.contains_inclusive(r.span) => {
                let owner = nodes.ancestor_kinds(node.id()).find_map(|kind| match kind {
                    AstKind::Function(f) => Some(f.span),
                    AstKind::ArrowFunctionExpression(f) => Some(f.span),
                    _ => None,
                });
                (owner == Some(function.span)).then_some(r.argument.as_ref())?
            }
            _ => None,
        })
        .collect()
}
