//! What the entry file must offer: a default export that is a pattern. What that
//! returns is looked at in `returned`.
//!
//! Says only what can be seen in the source. Whatever needs running to be known
//! passes here and is judged by the runtime.

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression};
use oxc_span::{GetSpan, Span};

use super::calls::{Callee, Calls};
use super::error::{Diagnostic, Place};
use super::names::Origin;
use super::unit::{Unit, peel};

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
    /// Where a result without `bgUpdater` is returned, when none has one.
    pub(super) no_bg_updater: Option<Place>,
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
            no_bg_updater: None,
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
                    Some(_) | None => {}
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

    pub(super) fn follow(&self, file: usize, made: Made<'a>, hops: usize) -> Made<'a> {
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
}

/// What an expression plainly is, as "a ..."; `None` when it needs running.
pub(super) fn plain_kind(expression: &Expression<'_>) -> Option<&'static str> {
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
