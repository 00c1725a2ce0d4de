//! The charm's own functions that make cells, derived values or streams.
//!
//! They are given cells as they are, while other functions are given values.
//! A function also builds when it calls one that does.

use std::collections::{HashMap, HashSet};

use oxc_ast::AstKind;
use oxc_ast::ast::{Expression, JSXElementName};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;

use super::acting::Acting;
use crate::compile::calls::Calls;
use crate::compile::maker::Maker;
use crate::compile::names::Origin;
use crate::compile::unit::{Unit, peel};
use crate::compile::writing::Writing;

/// A function of the program: its file and node.
pub(super) type Own = (usize, NodeId);

/// Which functions of a program build.
#[derive(Default)]
pub(in crate::compile) struct Building {
    /// Makes cells, instances of patterns or streams.
    makes: HashSet<Own>,
    /// Makes derived values, so that its body reads like a pattern's.
    derives: HashSet<Own>,
    /// Writes, sends, or makes derived values that do.
    acts: HashSet<Own>,
    /// Calls that make what would act, where it never does.
    lost: Vec<Own>,
}

impl Building {
    /// Looks at all functions of a program; `writing` has an entry per file.
    pub(in crate::compile) fn new(calls: &Calls<'_, '_, '_>, writing: &[Writing]) -> Self {
        let mut all = Self::default();
        let mut uses: HashMap<Own, Vec<Own>> = HashMap::new();
        let mut acting = Acting::new(calls, writing);
        for (file, unit) in calls.units.iter().enumerate() {
            for node in unit.semantic.nodes() {
                let callee = match node.kind() {
                    AstKind::CallExpression(call) => &call.callee,
                    AstKind::NewExpression(new) => &new.callee,
                    AstKind::JSXOpeningElement(element) => {
                        if let JSXElementName::IdentifierReference(name) = &element.name {
                            acting.note_component(file, node.id(), name);
                        }
                        continue;
                    }
                    _ => continue,
                };
                let maker = calls.maker(file, callee);
                let own = own_function(calls, file, callee);
                if maker.is_none() && own.is_none() {
                    continue;
                }
                if let AstKind::CallExpression(call) = node.kind() {
                    acting.note(file, node.id(), call, maker, own);
                }
                for function in functions_around(calls, file, node.id()) {
                    if maker.is_some_and(Maker::makes) {
                        all.makes.insert((file, function));
                    }
                    if maker.is_some_and(Maker::derives) {
                        all.derives.insert((file, function));
                    }
                    if let Some(own) = own {
                        uses.entry(own).or_default().push((file, function));
                    }
                }
            }
        }
        let acted = acting.finish();
        // A component that acts is called where its cells are at hand, like what makes
        // derived values.
        for (file, element) in acted.elements {
            let around = functions_around(calls, file, element).into_iter();
            all.derives.extend(around.map(|function| (file, function)));
        }
        spread(&mut all.makes, &uses);
        spread(&mut all.derives, &uses);
        (all.acts, all.lost) = (acted.functions, acted.lost);
        all
    }

    /// True when the function wants cells rather than their values.
    pub(super) fn builds(&self, function: Own) -> bool {
        self.makes.contains(&function) || self.derives.contains(&function)
    }

    /// True when a call of the function writes, sends, or makes a derived value
    /// that does.
    pub(super) fn acts(&self, function: Own) -> bool {
        self.acts.contains(&function)
    }

    /// The calls and elements in a file that make derived values that write, or
    /// instances with such, where they are never run.
    pub(in crate::compile) fn lost_acts(&self, file: usize) -> impl Iterator<Item = NodeId> {
        let here = self.lost.iter().filter(move |(at, _)| *at == file);
        here.map(|(_, node)| *node)
    }

    /// True when the function's body reads like a pattern's.
    pub(super) fn derives(&self, function: Own) -> bool {
        self.derives.contains(&function)
    }
}

/// Adds all users of the members of `set`, and their users.
pub(super) fn spread(set: &mut HashSet<Own>, uses: &HashMap<Own, Vec<Own>>) {
    let mut open: Vec<Own> = set.iter().copied().collect();
    while let Some(own) = open.pop() {
        for user in uses.get(&own).into_iter().flatten() {
            if set.insert(*user) {
                open.push(*user);
            }
        }
    }
}

/// The functions around a node, innermost first, up to one that is handed to
/// the framework: what that one makes is made when the framework calls it.
fn functions_around(calls: &Calls<'_, '_, '_>, file: usize, node: NodeId) -> Vec<NodeId> {
    let Some(unit) = calls.units.get(file) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for id in unit.semantic.nodes().ancestor_ids(node) {
        if is_function(unit, id) {
            if call_with(unit, id).is_some_and(|(callee, _)| calls.maker(file, callee).is_some()) {
                break;
            }
            out.push(id);
        }
    }
    out
}

pub(super) fn is_function(unit: &Unit<'_, '_>, id: NodeId) -> bool {
    matches!(
        unit.semantic.nodes().kind(id),
        AstKind::Function(_) | AstKind::ArrowFunctionExpression(_)
    )
}

/// The call that a function, or another expression, is an argument of.
pub(super) fn call_with<'a>(
    unit: &Unit<'a, '_>,
    id: NodeId,
) -> Option<(&'a Expression<'a>, NodeId)> {
    let nodes = unit.semantic.nodes();
    let span = nodes.kind(id).span();
    for parent in nodes.ancestor_ids(id) {
        match nodes.kind(parent) {
            AstKind::ParenthesizedExpression(_)
            | AstKind::TSAsExpression(_)
            | AstKind::TSSatisfiesExpression(_)
            | AstKind::TSNonNullExpression(_) => {}
            AstKind::CallExpression(call) => {
                let argument = call
                    .arguments
                    .iter()
                    .any(|a| a.span().contains_inclusive(span));
                return argument.then_some((&call.callee, parent));
            }
            _ => return None,
        }
    }
    None
}

/// The node of a function that is written here.
pub(super) fn function_node(expression: &Expression<'_>) -> Option<NodeId> {
    match peel(expression) {
        Expression::ArrowFunctionExpression(f) => Some(f.node_id()),
        Expression::FunctionExpression(f) => Some(f.node_id()),
        _ => None,
    }
}

/// The function of the program that is called.
pub(super) fn own_function(
    calls: &Calls<'_, '_, '_>,
    file: usize,
    callee: &Expression<'_>,
) -> Option<Own> {
    let (origin, None) = calls.names.origin_of_expression(calls.units, file, callee) else {
        return None;
    };
    function_at(calls, &origin)
}

/// The function of the program that a name stands for.
pub(super) fn function_at(calls: &Calls<'_, '_, '_>, origin: &Origin) -> Option<Own> {
    let Origin::Declared((at, symbol)) = origin else {
        return None;
    };
    let unit = calls.units.get(*at)?;
    match unit.declaration(*symbol) {
        AstKind::Function(f) => Some((*at, f.node_id())),
        AstKind::VariableDeclarator(d) if unit.is_constant(*symbol) => {
            Some((*at, function_node(d.init.as_ref()?)?))
        }
        _ => None,
    }
}
