//! One parsed file with its scopes: what the analyses look at.
//!
//! Never changes the tree.

use oxc_ast::AstKind;
use oxc_ast::ast::{Declaration, Expression, IdentifierReference, Program as Tree};
use oxc_semantic::{Semantic, SemanticBuilder};
use oxc_syntax::symbol::SymbolId;

use super::error::Diagnostic;
use super::parse::sentence;
use super::source::Source;

/// A file of the program between parsing and transforming.
pub(super) struct Unit<'a, 's> {
    pub(super) source: &'s Source<'s>,
    pub(super) semantic: Semantic<'a>,
}

impl<'a, 's> Unit<'a, 's> {
    /// Resolves scopes and names.
    ///
    /// # Errors
    /// What the grammar forbids beyond its form: a name declared twice, `await`
    /// outside an async function, a stray `break`.
    pub(super) fn new(tree: &'a Tree<'a>, source: &'s Source<'s>) -> Result<Self, Vec<Diagnostic>> {
        let ret = SemanticBuilder::new()
            .with_check_syntax_error(true)
            .with_build_nodes(true)
            .with_enum_eval(true)
            .with_excess_capacity(0.5)
            .build(tree);
        let faults: Vec<_> = ret
            .diagnostics
            .errors()
            .map(|d| {
                let offset = d.labels.first().map_or(0, |l| l.offset());
                let hint = d.help.as_ref().map(ToString::to_string);
                source.diagnostic(offset, sentence(&d.message), hint)
            })
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        let unit = Self {
            source,
            semantic: ret.semantic,
        };
        let faults = unit.unsupported();
        if faults.is_empty() {
            Ok(unit)
        } else {
            Err(faults)
        }
    }

    /// What parses but neither the transformer nor the engine takes.
    fn unsupported(&self) -> Vec<Diagnostic> {
        self.semantic
            .nodes()
            .iter()
            .filter_map(|node| match node.kind() {
                AstKind::Decorator(d) => {
                    let message = "Decorators cannot be used in a charm.";
                    Some(self.source.diagnostic(d.span.start, message, None))
                }
                AstKind::ExportDeclaration(d)
                    if matches!(d.declaration, Declaration::TSGlobalDeclaration(_)) =>
                {
                    let message = "A global declaration cannot be exported.";
                    Some(self.source.diagnostic(d.span.start, message, None))
                }
                _ => None,
            })
            .collect()
    }

    /// The symbol that a name refers to; `None` for globals.
    pub(super) fn symbol_of(&self, name: &IdentifierReference<'_>) -> Option<SymbolId> {
        let reference = name.reference_id.get()?;
        self.semantic.scoping().get_reference(reference).symbol_id()
    }

    /// The node that declares a symbol.
    pub(super) fn declaration(&self, symbol: SymbolId) -> AstKind<'a> {
        self.semantic.symbol_declaration(symbol).kind()
    }

    /// True when nothing assigns to the symbol after its declaration.
    pub(super) fn is_constant(&self, symbol: SymbolId) -> bool {
        !self.semantic.scoping().symbol_is_mutated(symbol)
    }
}

/// The expression without parentheses and without what only TypeScript sees:
/// `as`, `satisfies`, `!`.
pub(super) fn peel<'e, 'a>(expression: &'e Expression<'a>) -> &'e Expression<'a> {
    expression.get_inner_expression()
}
