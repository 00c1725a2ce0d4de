//! What the entry file must offer: a default export that is a pattern, and in
//! what it returns a `bgUpdater` that is a stream.
//!
//! Says only what can be seen in the source. Whatever needs running to be known
//! passes here and is judged by the runtime.

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression, ObjectExpression, ObjectPropertyKind, PropertyKey};
use oxc_span::{GetSpan, Span};

use super::calls::{Callee, Calls, Function};
use super::error::{Diagnostic, Place};
use super::names::Origin;
use super::unit::{Unit, peel};

/// The name of the stream that background runs are sent to.
const BG_UPDATER: &str = "bgUpdater";
/// Names followed from one constant to the next.
pub(super) const MAX_HOPS: usize = 16;

/// What was found about the entry.
#[derive(Default)]
pub(super) struct Entry<'a> {
    /// Where the default export is.
    pub(super) default_export: Place,
    /// The call that makes the pattern, with the file it stands in; `None` when
    /// it cannot be seen.
    pub(super) pattern: Option<(usize, &'a CallExpression<'a>)>,
    /// Where `bgUpdater` is given its value.
    pub(super) bg_updater: Option<Place>,
    /// `[NAME]: "..."`.
    pub(super) name: Option<String>,
}

/// A value that was followed to where it is made.
pub(super) enum Made<'a> {
    Expression(usize, &'a Expression<'a>),
    /// A function or class declaration: plainly not a pattern.
    Declaration(usize, Span, &'static str),
    Unseen,
}

impl<'a> Calls<'_, 'a, '_> {
    /// Examines the default export of `file`.
    ///
    /// # Errors
    /// The faults, when there are any.
    pub(super) fn entry(
        &self,
        file: usize,
        require_bg_updater: bool,
    ) -> Result<Entry<'a>, Vec<Diagnostic>> {
        let Some(unit) = self.units.get(file) else {
            return Err(Vec::new());
        };
        let Some(at) = default_export_span(unit) else {
            let hint = "Write `export default pattern(...)`.".to_owned();
            let message = "This charm has no default export.";
            return Err(vec![unit.source.diagnostic(0, message, Some(hint))]);
        };
        let mut entry = Entry {
            default_export: unit.source.place(at.start),
            pattern: None,
            bg_updater: None,
            name: None,
        };
        let fault = |file: usize, span: Span, what: &str| {
            let hint = "Write `export default pattern(...)`.".to_owned();
            let message = format!("The default export is {what}, not a pattern.");
            let unit = self.units.get(file).unwrap_or(unit);
            Err(vec![unit.source.diagnostic(
                span.start,
                message,
                Some(hint),
            )])
        };
        match self.default_export(file) {
            Made::Declaration(at, span, what) => return fault(at, span, what),
            Made::Unseen => {}
            Made::Expression(at, expression) => match expression {
                Expression::CallExpression(call) => match self.callee(at, &call.callee) {
                    Some(Callee::Pattern) => entry.pattern = Some((at, call)),
                    Some(Callee::Handler) => return fault(at, call.span, "a handler"),
                    Some(Callee::Cell) => return fault(at, call.span, "a cell"),
                    Some(Callee::Lift | Callee::Other) | None => {}
                },
                other => {
                    if let Some(what) = plain_kind(other) {
                        return fault(at, other.span(), what);
                    }
                }
            },
        }
        if let Some((at, call)) = entry.pattern {
            self.returned(at, call, require_bg_updater, &mut entry)?;
        }
        Ok(entry)
    }

    fn default_export(&self, file: usize) -> Made<'a> {
        self.made(&self.names.export(file, "default"))
            .unwrap_or(Made::Unseen)
    }

    /// What stands behind a name of the program; `None` for other names.
    pub(super) fn made(&self, origin: &Origin) -> Option<Made<'a>> {
        match origin {
            Origin::DefaultExpression(at) => {
                let found = default_expression(self.units.get(*at)?, *at)?;
                Some(self.follow(*at, found, MAX_HOPS))
            }
            Origin::Declared((at, symbol)) => Some(self.follow_symbol(*at, *symbol, MAX_HOPS)),
            _ => None,
        }
    }

    fn follow(&self, file: usize, made: Made<'a>, hops: usize) -> Made<'a> {
        let Made::Expression(_, expression) = made else {
            return made;
        };
        let expression = peel(expression);
        if let Expression::Identifier(name) = expression
            && hops > 0
        {
            let Some(symbol) = self.units.get(file).and_then(|u| u.symbol_of(name)) else {
                return Made::Expression(file, expression);
            };
            return match self.names.origin((file, symbol)) {
                Origin::Declared((at, symbol)) => self.follow_symbol(at, symbol, hops - 1),
                Origin::DefaultExpression(at) => {
                    let found = self.units.get(at).and_then(|u| default_expression(u, at));
                    found.map_or(Made::Unseen, |f| self.follow(at, f, hops - 1))
                }
                _ => Made::Unseen,
            };
        }
        Made::Expression(file, expression)
    }

    fn follow_symbol(
        &self,
        file: usize,
        symbol: oxc_syntax::symbol::SymbolId,
        hops: usize,
    ) -> Made<'a> {
        let Some(unit) = self.units.get(file) else {
            return Made::Unseen;
        };
        match unit.declaration(symbol) {
            AstKind::Function(f) => Made::Declaration(file, f.span, "a function"),
            AstKind::Class(c) => Made::Declaration(file, c.span, "a class"),
            AstKind::VariableDeclarator(d)
                if unit.is_constant(symbol) && d.id.is_binding_identifier() =>
            {
                match &d.init {
                    Some(init) => self.follow(file, Made::Expression(file, init), hops),
                    None => Made::Unseen,
                }
            }
            _ => Made::Unseen,
        }
    }

    /// Looks at what the pattern's function returns.
    fn returned(
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
        if let Some(span) = missing.filter(|_| required && all_seen && entry.bg_updater.is_none()) {
            let hint =
                "Return `bgUpdater: myHandler({ ... })` so that it can run in the background."
                    .to_owned();
            let message = "The pattern returns no bgUpdater.";
            faults.push(unit.source.diagnostic(span.start, message, Some(hint)));
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
                    Some(Callee::Lift | Callee::Other) | None => return None,
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

/// What an expression plainly is, as "a ..."; `None` when it needs running.
fn plain_kind(expression: &Expression<'_>) -> Option<&'static str> {
    Some(match expression {
        Expression::BooleanLiteral(_) => "a boolean",
        Expression::NullLiteral(_) => "null",
        Expression::NumericLiteral(_) | Expression::BigIntLiteral(_) => "a number",
        Expression::StringLiteral(_) | Expression::TemplateLiteral(_) => "a string",
        Expression::RegExpLiteral(_) => "a regular expression",
        Expression::ArrayExpression(_) => "an array",
        Expression::ObjectExpression(_) => "an object",
        Expression::ArrowFunctionExpression(_) | Expression::FunctionExpression(_) => "a function",
        Expression::ClassExpression(_) => "a class",
        Expression::JSXElement(_) | Expression::JSXFragment(_) => "an element",
        Expression::Identifier(name) if name.name == "undefined" => "undefined",
        _ => return None,
    })
}

fn default_export_span(unit: &Unit<'_, '_>) -> Option<Span> {
    unit.semantic
        .nodes()
        .iter()
        .find_map(|node| match node.kind() {
            AstKind::ExportDefaultDeclaration(d) => Some(d.declaration.span()),
            AstKind::ExportSpecifier(s)
                if s.exported.name() == "default" && !s.export_kind.is_type() =>
            {
                Some(s.span)
            }
            _ => None,
        })
}

fn default_expression<'a>(unit: &Unit<'a, '_>, file: usize) -> Option<Made<'a>> {
    use oxc_ast::ast::ExportDefaultDeclarationKind as Kind;
    unit.semantic
        .nodes()
        .iter()
        .find_map(|node| match node.kind() {
            AstKind::ExportDefaultDeclaration(d) => Some(match &d.declaration {
                Kind::FunctionDeclaration(f) => Made::Declaration(file, f.span, "a function"),
                Kind::ClassDeclaration(c) => Made::Declaration(file, c.span, "a class"),
                Kind::TSInterfaceDeclaration(i) => Made::Declaration(file, i.span, "a type"),
                other => Made::Expression(file, other.as_expression()?),
            }),
            _ => None,
        })
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
