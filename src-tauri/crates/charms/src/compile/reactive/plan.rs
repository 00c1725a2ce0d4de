//! What the analysis found about one file, as plain tables.
//!
//! They outlive the syntax tree's nodes, which the rewriting changes.

use std::cell::RefCell;
use std::collections::HashMap;

use oxc_ast::AstKind;
use oxc_ast::ast::IdentifierReference;
use oxc_semantic::Scoping;
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;

use super::analysis::{Analysis, PLAIN};
use super::building::{Building, is_function};
use super::class::{Call, Class, Lookup, Mode};
use crate::compile::calls::Calls;

/// What the rewriting has to know about one file.
pub(in crate::compile) struct Plan {
    classes: HashMap<SymbolId, Class>,
    properties: HashMap<SymbolId, HashMap<String, Class>>,
    calls: HashMap<NodeId, Call>,
    modes: HashMap<NodeId, Mode>,
    /// Byte offsets by symbol.
    declared: HashMap<SymbolId, u32>,
    once: Vec<u32>,
    lost_defaults: Vec<u32>,
}

impl Plan {
    /// Byte offsets of the statements in building code that decide by a value
    /// that may change: they are not decided again.
    pub(in crate::compile) fn decided_once(&self) -> &[u32] {
        &self.once
    }

    /// Byte offsets of defaults in destructuring that are never applied, since
    /// what is taken apart gives cells, and a cell is not undefined.
    pub(in crate::compile) fn lost_defaults(&self) -> &[u32] {
        &self.lost_defaults
    }
}

/// Examines one file; `None` when nothing in it is reactive.
pub(in crate::compile) fn plan(
    calls: &Calls<'_, '_, '_>,
    building: &Building,
    file: usize,
) -> Option<Plan> {
    let analysis = Analysis::new(calls, building, file)?;
    let nodes = analysis.unit.semantic.nodes();
    for node in nodes.iter() {
        if is_function(analysis.unit, node.id()) {
            analysis.mode(node.id());
        }
    }
    if !analysis
        .modes
        .borrow()
        .values()
        .any(|m| *m == Some(Mode::Build))
    {
        return None;
    }
    let scoping = analysis.unit.semantic.scoping();
    let mut declared = HashMap::new();
    let mut classes = HashMap::new();
    for symbol in scoping.symbol_ids() {
        let class = analysis.class(symbol);
        if class != Class::Static {
            classes.insert(symbol, class);
            declared.insert(symbol, scoping.symbol_span(symbol).start);
        }
    }
    let infos = nodes.iter().filter_map(|node| match node.kind() {
        AstKind::CallExpression(_)
        | AstKind::NewExpression(_)
        | AstKind::TaggedTemplateExpression(_) => Some((node.id(), analysis.call(node.id()))),
        _ => None,
    });
    let infos = infos.collect();
    let once = analysis.decisions();
    let lost_defaults = analysis.lost_defaults();
    Some(Plan {
        classes,
        declared,
        calls: infos,
        properties: analysis.inputs.into_inner(),
        modes: known(analysis.modes),
        once,
        lost_defaults,
    })
}

fn known<K: std::hash::Hash + Eq, V>(table: RefCell<HashMap<K, Option<V>>>) -> HashMap<K, V> {
    table
        .into_inner()
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

/// A plan together with the scopes that it was made for.
pub(super) struct Planned<'p> {
    pub(super) plan: &'p Plan,
    pub(super) scoping: &'p Scoping,
}

impl Lookup for Planned<'_> {
    fn symbol(&self, name: &IdentifierReference<'_>) -> Option<SymbolId> {
        let reference = name.reference_id.get()?;
        self.scoping.get_reference(reference).symbol_id()
    }

    fn class(&self, symbol: SymbolId) -> Class {
        self.plan
            .classes
            .get(&symbol)
            .copied()
            .unwrap_or(Class::Static)
    }

    fn property(&self, symbol: SymbolId, key: &str) -> Option<Class> {
        self.plan.properties.get(&symbol)?.get(key).copied()
    }

    fn call(&self, node: NodeId) -> Call {
        self.plan.calls.get(&node).copied().unwrap_or(PLAIN)
    }

    fn mode(&self, function: NodeId) -> Mode {
        self.plan
            .modes
            .get(&function)
            .copied()
            .unwrap_or(Mode::Neutral)
    }

    fn declared_at(&self, symbol: SymbolId) -> u32 {
        self.plan.declared.get(&symbol).copied().unwrap_or(0)
    }
}
