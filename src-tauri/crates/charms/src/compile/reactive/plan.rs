//! What the analysis found about one file, as plain tables.
//!
//! They outlive the syntax tree's nodes, which the rewriting changes.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use oxc_ast::AstKind;
use oxc_ast::ast::IdentifierReference;
use oxc_semantic::Scoping;
use oxc_span::{GetSpan, Span};
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;

use super::acting::{place_of, runners};
use super::analysis::{Analysis, PLAIN};
use super::building::{Building, call_with, is_function, own_function};
use super::class::{Call, Class, Lookup, Mode};
use crate::compile::calls::Calls;
use crate::compile::maker::Maker;
use crate::compile::writing::Writing;

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
    /// Lists that are gone through for what their callback does, with their place.
    acting_lists: HashMap<NodeId, String>,
    /// Lists whose callback answers with a derived value.
    derived_tests: HashSet<NodeId>,
    acting: Vec<Act>,
}

/// A write in building code, or a call of something that writes.
struct Act {
    span: Span,
    /// The function that builds.
    within: Span,
    /// That function is the pattern's body, where nothing can be written at once.
    in_body: bool,
    place: String,
}

impl Plan {
    /// The place of a list whose callback acts.
    pub(super) fn acting_list(&self, call: NodeId) -> Option<&str> {
        self.acting_lists.get(&call).map(String::as_str)
    }

    /// True for `list.filter(callback)` and the like with a callback that answers
    /// with a derived value.
    pub(super) fn is_derived_test(&self, call: NodeId) -> bool {
        self.derived_tests.contains(&call)
    }

    /// The place of what acts when an expression of building code is worked out,
    /// leaving out the functions in it that build for themselves.
    pub(super) fn act_within(&self, expression: Span) -> Option<&str> {
        let act = self.acting.iter().find(|act| {
            expression.contains_inclusive(act.span) && act.within.contains_inclusive(expression)
        })?;
        Some(&act.place)
    }

    /// True for a write that is done while a list's element is set up.
    pub(super) fn writes_now(&self, call: Span) -> bool {
        self.acting
            .iter()
            .any(|act| act.span == call && !act.in_body)
    }

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
    writing: &Writing,
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
    let derived_tests = analysis.derived_tests();
    let acting_lists = analysis.acting_lists(&derived_tests);
    let acting = acts(&analysis, writing);
    Some(Plan {
        classes,
        declared,
        calls: infos,
        properties: analysis.inputs.into_inner(),
        modes: known(analysis.modes),
        once,
        lost_defaults,
        acting_lists,
        derived_tests,
        acting,
    })
}

/// What acts in building code itself, not in a callback that builds.
fn acts(analysis: &Analysis<'_, '_, '_, '_>, writing: &Writing) -> Vec<Act> {
    let nodes = analysis.unit.semantic.nodes();
    let calls = nodes.iter().filter_map(|node| {
        let AstKind::CallExpression(call) = node.kind() else {
            return None;
        };
        let own = own_function(analysis.calls, analysis.file, &call.callee)?;
        analysis.building.acts(own).then_some(node.id())
    });
    let act = |node: NodeId| {
        let around = runners(analysis.calls, analysis.file, node);
        let (_, within) = around
            .into_iter()
            .find(|(_, function)| analysis.mode(*function) == Mode::Build)?;
        let handed = call_with(analysis.unit, within);
        let maker = handed.and_then(|(callee, _)| analysis.calls.maker(analysis.file, callee));
        Some(Act {
            span: nodes.kind(node).span(),
            within: nodes.kind(within).span(),
            in_body: maker == Some(Maker::Pattern),
            place: place_of(analysis.calls, analysis.file, node)?,
        })
    };
    writing.nodes().chain(calls).filter_map(act).collect()
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
