//! Derived values that are there for what they write, such as
//! `computed(() => { if (a.get() === "") a.set("x"); })`.
//!
//! A derived value is worked out when somebody reads it; one that writes has to be
//! worked out even if nobody does. Such are a `computed` whose function writes a
//! cell, or sends an event, that it did not make itself, and one whose function
//! gives nothing. What `lift` and `derive` give is worked out for its readers, and
//! what it writes on the way too, as in the reference system: unless it has none.

use std::collections::HashSet;

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression};
use oxc_span::{GetSpan, Span};
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;

use super::calls::{Callee, Calls};
use super::unit::{Unit, peel};

/// Methods of cells and streams that change something.
const WRITES: [&str; 9] = [
    "addUnique",
    "increment",
    "push",
    "remove",
    "removeAll",
    "removeByValue",
    "send",
    "set",
    "update",
];

/// What a file has that tells a derived value that writes from an ordinary one.
#[derive(Default)]
pub(super) struct Writing {
    writes: Vec<Write>,
    /// The functions that return a value with `return`.
    returning: HashSet<Span>,
}

/// A call of one of [`WRITES`] on something with a name.
struct Write {
    node: NodeId,
    span: Span,
    root: SymbolId,
    method: &'static str,
}

impl Writing {
    /// The nodes of the calls that may write.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.writes.iter().map(|write| write.node)
    }
}

impl<'a> Calls<'_, 'a, '_> {
    /// Looks through a file.
    pub(super) fn writing(&self, file: usize) -> Writing {
        let mut found = Writing::default();
        let Some(unit) = self.units.get(file) else {
            return found;
        };
        let nodes = unit.semantic.nodes();
        for node in nodes {
            match node.kind() {
                AstKind::CallExpression(call) => {
                    found.writes.extend(self.write(file, node.id(), call));
                }
                AstKind::ReturnStatement(r) if r.argument.is_some() => {
                    found
                        .returning
                        .extend(nodes.ancestor_kinds(node.id()).find_map(|kind| match kind {
                            AstKind::Function(f) => Some(f.span),
                            AstKind::ArrowFunctionExpression(f) => Some(f.span),
                            _ => None,
                        }));
                }
                _ => {}
            }
        }
        found
    }

    fn write(&self, file: usize, node: NodeId, call: &CallExpression<'a>) -> Option<Write> {
        let Expression::StaticMemberExpression(member) = peel(&call.callee) else {
            return None;
        };
        let name = member.property.name.as_str();
        let method = WRITES.iter().find(|w| **w == name)?;
        let unit = self.units.get(file)?;
        let root = origin(unit, root(unit, &member.object, |_| true)?);
        self.may_be_cell(file, root).then_some(Write {
            node,
            span: call.span,
            root,
            method,
        })
    }

    /// Where a derived value that writes is made, as `main.tsx:12`; `None` when it
    /// is an ordinary one.
    pub(super) fn effect(
        &self,
        file: usize,
        node: NodeId,
        call: &'a CallExpression<'a>,
        writing: &Writing,
    ) -> Option<String> {
        let unit = self.units.get(file)?;
        let function = self.function_of(file, &call.arguments)?;
        let span = function.span;
        let gives_nothing = function.result.is_none() && !writing.returning.contains(&span);
        let mut inside = writing
            .writes
            .iter()
            .filter(|w| span.contains_inclusive(w.span));
        let computed = self.callee(file, &call.callee) == Some(Callee::Computed);
        let is_effect = gives_nothing
            || (inside.any(|w| self.counts(file, w, span))
                && (computed || is_dropped(unit, node, call)));
        is_effect.then(|| unit.source.line_name(call.span.start))
    }

    /// True when a write happens while the function works out its value, on
    /// something that the function was given or closes over.
    fn counts(&self, file: usize, write: &Write, function: Span) -> bool {
        let Some(unit) = self.units.get(file) else {
            return false;
        };
        let declared = unit.declaration(write.root);
        let own = function.contains_inclusive(declared.span());
        if own && (!is_parameter(unit, write.root) || write.method == "push") {
            return false;
        }
        for kind in unit.semantic.nodes().ancestor_kinds(write.node) {
            match kind {
                // For later: somebody clicks, or sends an event.
                AstKind::JSXAttribute(_) => return false,
                AstKind::CallExpression(call) if self.is_later(file, call) => return false,
                _ if kind.span() == function => return true,
                _ => {}
            }
        }
        true
    }

    fn is_later(&self, file: usize, call: &CallExpression<'_>) -> bool {
        let Some(callee) = self.callee(file, &call.callee) else {
            return false;
        };
        matches!(callee, Callee::Handler | Callee::Pattern | Callee::Action)
    }

    /// False for what is plainly a collection of the charm's own.
    fn may_be_cell(&self, file: usize, symbol: SymbolId) -> bool {
        let Some(unit) = self.units.get(file) else {
            return false;
        };
        let AstKind::VariableDeclarator(declared) = unit.declaration(symbol) else {
            return true;
        };
        match declared.init.as_ref().map(peel) {
            Some(Expression::ArrayExpression(_) | Expression::ObjectExpression(_)) => {
                !declared.id.is_binding_identifier()
            }
            Some(Expression::NewExpression(new)) => {
                self.callee(file, &new.callee) == Some(Callee::Cell)
            }
            _ => true,
        }
    }
}

/// The name at the beginning of `a.b.key("c")`, as long as the calls on the way
/// may be passed.
fn root(
    unit: &Unit<'_, '_>,
    expression: &Expression<'_>,
    may_pass: fn(&CallExpression<'_>) -> bool,
) -> Option<SymbolId> {
    let mut at = peel(expression);
    loop {
        at = peel(match at {
            Expression::Identifier(name) => return unit.symbol_of(name),
            Expression::StaticMemberExpression(member) => &member.object,
            Expression::ComputedMemberExpression(member) => &member.object,
            Expression::CallExpression(call) if may_pass(call) => &call.callee,
            _ => return None,
        });
    }
}

/// Whether a call is `something.key(..)`.
fn is_key(call: &CallExpression<'_>) -> bool {
    matches!(peel(&call.callee), Expression::StaticMemberExpression(m) if m.property.name == "key")
}

/// The name that a name for a member of it goes back to: `item` for what
/// `const flag = item.key("flag")` declares.
fn origin(unit: &Unit<'_, '_>, symbol: SymbolId) -> SymbolId {
    let mut at = symbol;
    for _ in 0..8 {
        let AstKind::VariableDeclarator(declared) = unit.declaration(at) else {
            return at;
        };
        let below = declared
            .init
            .as_ref()
            .and_then(|init| root(unit, init, is_key));
        match below {
            Some(symbol) => at = symbol,
            None => return at,
        }
    }
    at
}

fn is_parameter(unit: &Unit<'_, '_>, symbol: SymbolId) -> bool {
    let scoping = unit.semantic.scoping();
    let node = scoping.symbol_declaration(symbol);
    let mut kinds = std::iter::once(unit.semantic.nodes().kind(node))
        .chain(unit.semantic.nodes().ancestor_kinds(node));
    kinds.find_map(|kind| match kind {
        AstKind::FormalParameter(_) => Some(true),
        AstKind::VariableDeclarator(_) | AstKind::Function(_) => Some(false),
        AstKind::ArrowFunctionExpression(_) => Some(false),
        _ => None,
    }) == Some(true)
}

/// True when nobody takes the value: `computed(..);`, or `const _ = computed(..)`.
fn is_dropped(unit: &Unit<'_, '_>, node: NodeId, call: &CallExpression<'_>) -> bool {
    let mut inner = call.span;
    for kind in unit.semantic.nodes().ancestor_kinds(node) {
        match kind {
            AstKind::ParenthesizedExpression(_) => {}
            // `lift(..)(input)`.
            AstKind::CallExpression(outer) if outer.callee.span() == inner => {}
            AstKind::ExpressionStatement(_) => return true,
            AstKind::VariableDeclarator(declared) => {
                let Some(name) = declared.id.get_binding_identifier() else {
                    return false;
                };
                let mut uses = name
                    .symbol_id
                    .get()
                    .into_iter()
                    .flat_map(|s| unit.semantic.symbol_references(s));
                let exported = unit
                    .semantic
                    .nodes()
                    .ancestor_kinds(node)
                    .any(|k| matches!(k, AstKind::ExportDeclaration(_)));
                return !exported && uses.next().is_none();
            }
            _ => return false,
        }
        inner = kind.span();
    }
    false
}
