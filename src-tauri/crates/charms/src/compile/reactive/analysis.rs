//! Which functions of one file build and which compute, and the tables in which
//! all answers are kept.
//!
//! Answers are found when they are asked for, since a name's class depends on
//! the functions around it and the other way round; a question that leads back
//! to itself is answered with "may be reactive".

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression, IdentifierReference, MemberExpression};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;

use super::acting::place_of;
use super::building::{Building, Own, call_with, function_node, is_function, own_function};
use super::class::{
    Call, Callee, Class, LINK_METHODS, LIST_METHODS, Lookup, Mode, READ_METHODS, TEST_METHODS,
    class_of, dependencies,
};
use crate::compile::calls::Calls;
use crate::compile::maker::Maker;
use crate::compile::unit::{Unit, peel};

pub(super) const PLAIN: Call = Call {
    callee: Callee::Plain,
    result: Class::Static,
};

pub(super) struct Analysis<'x, 'p, 'a, 's> {
    pub(super) calls: &'x Calls<'p, 'a, 's>,
    pub(super) unit: &'x Unit<'a, 's>,
    pub(super) building: &'x Building,
    pub(super) file: usize,
    pub(super) classes: RefCell<HashMap<SymbolId, Option<Class>>>,
    pub(super) inputs: RefCell<HashMap<SymbolId, HashMap<String, Class>>>,
    pub(super) infos: RefCell<HashMap<NodeId, Option<Call>>>,
    pub(super) modes: RefCell<HashMap<NodeId, Option<Mode>>>,
    pub(super) patterns: RefCell<HashMap<NodeId, Rc<HashMap<String, Class>>>>,
}

/// Gives the kept answer, or finds it; `busy` while it is being looked for.
fn once<K: Copy + Eq + std::hash::Hash, V: Copy>(
    table: &RefCell<HashMap<K, Option<V>>>,
    key: K,
    busy: V,
    find: impl FnOnce() -> V,
) -> V {
    if let Some(known) = table.borrow().get(&key) {
        return known.unwrap_or(busy);
    }
    table.borrow_mut().insert(key, None);
    let found = find();
    table.borrow_mut().insert(key, Some(found));
    found
}

impl Lookup for Analysis<'_, '_, '_, '_> {
    fn symbol(&self, name: &IdentifierReference<'_>) -> Option<SymbolId> {
        self.unit.symbol_of(name)
    }

    fn class(&self, symbol: SymbolId) -> Class {
        once(&self.classes, symbol, Class::Maybe, || {
            let class = self.declared_class(symbol);
            if matches!(class, Class::Maybe | Class::Value) && self.is_used_as_cell(symbol) {
                Class::Cell
            } else {
                class
            }
        })
    }

    fn property(&self, symbol: SymbolId, key: &str) -> Option<Class> {
        self.class(symbol);
        self.inputs.borrow().get(&symbol)?.get(key).copied()
    }

    fn call(&self, node: NodeId) -> Call {
        let busy = Call {
            callee: Callee::Plain,
            result: Class::Maybe,
        };
        once(&self.infos, node, busy, || {
            match self.unit.semantic.nodes().kind(node) {
                AstKind::CallExpression(call) => self.call_info(call),
                AstKind::NewExpression(new) => self.new_info(new),
                AstKind::TaggedTemplateExpression(t) => self.template_info(t),
                _ => PLAIN,
            }
        })
    }

    fn mode(&self, function: NodeId) -> Mode {
        once(&self.modes, function, Mode::Neutral, || {
            self.find_mode(function)
        })
    }

    fn declared_at(&self, symbol: SymbolId) -> u32 {
        self.unit.semantic.scoping().symbol_span(symbol).start
    }
}

impl<'x, 'p, 'a, 's> Analysis<'x, 'p, 'a, 's> {
    /// An analysis that knows nothing yet; `None` for a file that is not there.
    pub(super) fn new(
        calls: &'x Calls<'p, 'a, 's>,
        building: &'x Building,
        file: usize,
    ) -> Option<Self> {
        Some(Self {
            calls,
            unit: calls.units.get(file)?,
            building,
            file,
            classes: RefCell::default(),
            inputs: RefCell::default(),
            infos: RefCell::default(),
            modes: RefCell::default(),
            patterns: RefCell::default(),
        })
    }

    /// Where a statement of building code decides by a value that may change.
    pub(super) fn decisions(&self) -> Vec<u32> {
        let mut found = Vec::new();
        for node in self.unit.semantic.nodes() {
            let (span, test) = match node.kind() {
                AstKind::IfStatement(s) => (s.span, &s.test),
                AstKind::WhileStatement(s) => (s.span, &s.test),
                AstKind::SwitchStatement(s) => (s.span, &s.discriminant),
                _ => continue,
            };
            if self.mode_around(node.id()) == Mode::Build
                && dependencies(test, self).class().is_certain()
            {
                found.push(span.start);
            }
        }
        found
    }

    /// The lists whose callback answers with a derived value.
    pub(super) fn derived_tests(&self) -> HashSet<NodeId> {
        let nodes = self.unit.semantic.nodes();
        let found = nodes.iter().filter_map(|node| match node.kind() {
            AstKind::CallExpression(call) => self.is_derived_test(call).then_some(node.id()),
            _ => None,
        });
        found.collect()
    }

    pub(super) fn is_derived_test(&self, call: &CallExpression<'a>) -> bool {
        self.list_call(call).is_some_and(|(name, callback)| {
            TEST_METHODS.contains(&name) && self.building.derives(callback)
        })
    }

    /// The name and the callback of a call such as `list.map(callback)`.
    fn list_call<'e>(&self, call: &'e CallExpression<'a>) -> Option<(&'e str, Own)> {
        let name = method(&call.callee)?.static_property_name()?;
        let callback = call.arguments.first()?.as_expression()?;
        let callback = match function_node(callback) {
            Some(written) => (self.file, written),
            None => own_function(self.calls, self.file, peel(callback))?,
        };
        Some((name, callback))
    }

    /// The lists in building code whose callback acts, with their places; `tests`
    /// are those that [`derived_tests`](Self::derived_tests) gives.
    pub(super) fn acting_lists(&self, tests: &HashSet<NodeId>) -> HashMap<NodeId, String> {
        let nodes = self.unit.semantic.nodes();
        let found = nodes.iter().filter_map(|node| {
            let AstKind::CallExpression(call) = node.kind() else {
                return None;
            };
            let (name, callback) = self.list_call(call)?;
            let each = LIST_METHODS.contains(&name) || tests.contains(&node.id());
            if !each || self.mode_around(node.id()) != Mode::Build {
                return None;
            }
            let place = || place_of(self.calls, self.file, node.id());
            self.building
                .acts(callback)
                .then(place)
                .flatten()
                .map(|p| (node.id(), p))
        });
        found.collect()
    }

    /// The innermost function around a node.
    pub(super) fn function_around(&self, node: NodeId) -> Option<NodeId> {
        let nodes = self.unit.semantic.nodes();
        nodes
            .ancestor_ids(node)
            .find(|id| is_function(self.unit, *id))
    }

    fn mode_around(&self, node: NodeId) -> Mode {
        self.function_around(node)
            .map_or(Mode::Neutral, |f| self.mode(f))
    }

    fn find_mode(&self, function: NodeId) -> Mode {
        let outer = self.mode_around(function);
        if let Some((callee, call)) = call_with(self.unit, function) {
            match self.calls.maker(self.file, callee) {
                Some(Maker::Pattern) => return Mode::Build,
                Some(Maker::Pure) | None => {}
                Some(_) => return Mode::Compute,
            }
            if outer == Mode::Build
                && self.is_list_callback(callee, function)
                && self.is_first(call, function)
                && self.is_site(call)
            {
                return Mode::Build;
            }
        }
        let derives = self.building.derives((self.file, function));
        match outer {
            Mode::Compute => Mode::Compute,
            Mode::Build if derives => Mode::Build,
            Mode::Build => Mode::Compute,
            Mode::Neutral if derives && !self.waits(function) => Mode::Build,
            Mode::Neutral => Mode::Neutral,
        }
    }

    fn waits(&self, function: NodeId) -> bool {
        match self.unit.semantic.nodes().kind(function) {
            AstKind::Function(f) => f.r#async || f.generator,
            AstKind::ArrowFunctionExpression(f) => f.r#async,
            _ => false,
        }
    }

    /// True when `callee` is a list's method that calls the function once for each
    /// element, with the element's cell.
    pub(super) fn is_list_callback(&self, callee: &Expression<'a>, function: NodeId) -> bool {
        let Some(member) = method(callee) else {
            return false;
        };
        let Some(name) = member.static_property_name() else {
            return false;
        };
        LIST_METHODS.contains(&name)
            || (TEST_METHODS.contains(&name) && self.building.derives((self.file, function)))
            || (name == "forEach" && !class_of(member.object(), self).is_reactive())
    }

    fn is_first(&self, call: NodeId, argument: NodeId) -> bool {
        let nodes = self.unit.semantic.nodes();
        let AstKind::CallExpression(call) = nodes.kind(call) else {
            return false;
        };
        let span = nodes.kind(argument).span();
        call.arguments
            .first()
            .is_some_and(|a| a.span().contains_inclusive(span))
    }

    /// True when the value of a call stays what it is: when it is stored, given
    /// to the framework, shown or chosen, but not computed with.
    fn is_site(&self, call: NodeId) -> bool {
        let nodes = self.unit.semantic.nodes();
        let mut inner = call;
        for above in nodes.ancestor_ids(call) {
            let span = nodes.kind(inner).span();
            match nodes.kind(above) {
                AstKind::ParenthesizedExpression(_)
                | AstKind::TSAsExpression(_)
                | AstKind::TSSatisfiesExpression(_)
                | AstKind::TSNonNullExpression(_)
                | AstKind::ChainExpression(_)
                | AstKind::ConditionalExpression(_)
                | AstKind::LogicalExpression(_)
                | AstKind::ObjectProperty(_)
                | AstKind::ObjectExpression(_)
                | AstKind::ArrayExpression(_)
                | AstKind::SpreadElement(_)
                | AstKind::AssignmentExpression(_)
                | AstKind::SequenceExpression(_) => {}
                AstKind::StaticMemberExpression(m)
                    if LIST_METHODS.contains(&m.property.name.as_str()) => {}
                AstKind::CallExpression(outer) if outer.callee.span().contains_inclusive(span) => {}
                AstKind::CallExpression(outer) => {
                    let takes_cells = method(&outer.callee).is_some_and(|m| {
                        m.static_property_name().is_some_and(|n| {
                            LINK_METHODS.contains(&n) && !READ_METHODS.contains(&n)
                        })
                    });
                    let callee = self.call(above).callee;
                    return takes_cells || matches!(callee, Callee::Builder | Callee::Building);
                }
                AstKind::NewExpression(_) => return self.call(above).callee == Callee::Builder,
                AstKind::StaticMemberExpression(_)
                | AstKind::ComputedMemberExpression(_)
                | AstKind::UnaryExpression(_)
                | AstKind::BinaryExpression(_)
                | AstKind::TemplateLiteral(_)
                | AstKind::AwaitExpression(_)
                | AstKind::YieldExpression(_) => return false,
                _ => return true,
            }
            inner = above;
        }
        true
    }
}

/// The member expression of a method call.
pub(super) fn method<'e, 'a>(callee: &'e Expression<'a>) -> Option<&'e MemberExpression<'a>> {
    peel(callee).as_member_expression()
}
