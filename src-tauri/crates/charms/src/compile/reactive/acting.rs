//! The charm's own functions that act: that write a cell or send an event when
//! they are called, or make a derived value that is there to do so.
//!
//! A list whose callback acts has to be gone through although nobody may read what
//! it gives, and so has an expression that calls such a function.

use std::collections::{HashMap, HashSet};

use oxc_ast::AstKind;
use oxc_ast::ast::{CallExpression, Expression, IdentifierReference};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;

use super::building::{
    Own, call_with, function_at, function_node, is_function, own_function, spread,
};
use crate::compile::calls::Calls;
use crate::compile::entry::Made;
use crate::compile::maker::Maker;
use crate::compile::unit::peel;
use crate::compile::writing::Writing;

/// Collects them, call by call.
pub(super) struct Acting<'c, 'p, 'a, 's> {
    calls: &'c Calls<'p, 'a, 's>,
    writing: &'c [Writing],
    functions: HashSet<Own>,
    /// Those that write themselves, or by a function that they call, when they are
    /// called: not by what they make.
    at_once: HashSet<Own>,
    /// Who calls a function, or runs the code around the call.
    runs: HashMap<Own, Vec<Own>>,
    /// What would act, were it not made inside another derived value or a handler,
    /// with the function that has to act for it.
    inside: Vec<(Own, Option<Own>)>,
    /// Elements with a component's name, with what stands behind it.
    elements: Vec<(Own, Component)>,
}

/// The function behind the name of a component.
#[derive(Clone, Copy)]
struct Component {
    function: Own,
    /// It is the body of a pattern, in which nothing writes at once.
    is_pattern: bool,
}

/// What [`Acting`] has found.
pub(super) struct Acted {
    /// The functions that act.
    pub(super) functions: HashSet<Own>,
    /// The calls and elements whose acting is lost.
    pub(super) lost: Vec<Own>,
    /// The elements whose component acts.
    pub(super) elements: Vec<Own>,
}

impl<'c, 'p, 'a, 's> Acting<'c, 'p, 'a, 's> {
    pub(super) fn new(calls: &'c Calls<'p, 'a, 's>, writing: &'c [Writing]) -> Self {
        let mut found = Self {
            calls,
            writing,
            functions: HashSet::new(),
            at_once: HashSet::new(),
            runs: HashMap::new(),
            inside: Vec::new(),
            elements: Vec::new(),
        };
        for (file, writing) in writing.iter().enumerate() {
            for node in writing.nodes() {
                found.functions.extend(runners(calls, file, node));
            }
        }
        found.at_once.clone_from(&found.functions);
        found
    }

    /// Looks at a call of the framework, of what it made, or of an own function.
    pub(super) fn note(
        &mut self,
        file: usize,
        node: NodeId,
        call: &'a CallExpression<'a>,
        maker: Option<Maker>,
        own: Option<Own>,
    ) {
        let target = match maker {
            Some(Maker::Computed | Maker::Lift) => {
                let writes = self
                    .writing
                    .get(file)
                    .and_then(|w| self.calls.effect(file, node, call, w));
                if writes.is_some() {
                    if around(self.calls, file, node).is_some_and(|m| m != Maker::Pattern) {
                        self.inside.push(((file, node), None));
                    }
                    self.functions.extend(runners(self.calls, file, node));
                    // What `lift` makes acts where it is called.
                    self.functions.extend(given(self.calls, file, call));
                }
                return;
            }
            Some(Maker::Instance | Maker::Lifted) => behind(self.calls, file, &call.callee),
            Some(_) => return,
            None => own,
        };
        if let Some(target) = target {
            let derived = [Maker::Computed, Maker::Lift].map(Some);
            if maker.is_some() && derived.contains(&around(self.calls, file, node)) {
                self.inside.push(((file, node), Some(target)));
            }
            let users = runners(self.calls, file, node);
            self.runs.entry(target).or_default().extend(users);
        }
    }

    /// Looks at an element with a component's name: it is called while building
    /// code runs, and nowhere else.
    pub(super) fn note_component(
        &mut self,
        file: usize,
        node: NodeId,
        name: &IdentifierReference<'a>,
    ) {
        let Some(component) = component(self.calls, file, name) else {
            return;
        };
        if around(self.calls, file, node).is_some_and(|m| m != Maker::Pattern) {
            self.inside.push(((file, node), Some(component.function)));
        } else {
            let users = runners(self.calls, file, node);
            let all = self.runs.entry(component.function).or_default();
            all.extend(users);
            self.elements.push(((file, node), component));
        }
    }

    pub(super) fn finish(mut self) -> Acted {
        spread(&mut self.functions, &self.runs);
        spread(&mut self.at_once, &self.runs);
        let acts = |target: &Option<Own>| target.is_none_or(|t| self.functions.contains(&t));
        let inside = self.inside.iter().filter(|(_, target)| acts(target));
        // A pattern's body is set up when the component is called, and no cell is
        // written then.
        let refused = self.elements.iter().filter(|(_, component)| {
            !component.is_pattern && self.at_once.contains(&component.function)
        });
        let lost = inside.map(|(at, _)| *at).chain(refused.map(|(at, _)| *at));
        let lost = lost.collect();
        let elements = self.elements.iter();
        let elements = elements
            .filter(|(_, component)| self.functions.contains(&component.function))
            .map(|(at, _)| *at)
            .collect();
        Acted {
            functions: self.functions,
            lost,
            elements,
        }
    }
}

/// The call of the framework that the code around a node is handed to.
fn around(calls: &Calls<'_, '_, '_>, file: usize, node: NodeId) -> Option<Maker> {
    let unit = calls.units.get(file)?;
    let functions = unit.semantic.nodes().ancestor_ids(node);
    functions
        .filter(|id| is_function(unit, *id))
        .filter_map(|id| call_with(unit, id))
        .find_map(|(callee, _)| calls.maker(file, callee).filter(|m| *m != Maker::Pure))
}

/// The functions that run a node: the innermost one around it, and those in which
/// that one is handed to a plain method or function, such as a list's `forEach`.
/// None when it is run later, by a handler or for a derived value.
pub(super) fn runners(calls: &Calls<'_, '_, '_>, file: usize, node: NodeId) -> Vec<Own> {
    let Some(unit) = calls.units.get(file) else {
        return Vec::new();
    };
    let mut out = Vec::new();
    for id in unit.semantic.nodes().ancestor_ids(node) {
        // An event's handler, not called while the element is made.
        if !out.is_empty() && matches!(unit.semantic.nodes().kind(id), AstKind::JSXAttribute(_)) {
            return out;
        }
        if !is_function(unit, id) {
            continue;
        }
        let handed = call_with(unit, id).map(|(callee, _)| calls.maker(file, callee));
        match handed {
            Some(Some(Maker::Pattern)) | None => {
                out.push((file, id));
                return out;
            }
            Some(Some(maker)) if maker != Maker::Pure => return Vec::new(),
            Some(_) => out.push((file, id)),
        }
    }
    out
}

/// The function behind the name of a pattern, or of what `lift` gave.
fn behind<'a>(calls: &Calls<'_, 'a, '_>, file: usize, callee: &'a Expression<'a>) -> Option<Own> {
    let callee = peel(callee);
    if let Expression::CallExpression(call) = callee {
        return given(calls, file, call);
    }
    let (origin, None) = calls.names.origin_of_expression(calls.units, file, callee) else {
        return None;
    };
    match calls.made(&origin)? {
        Made::Expression(at, Expression::CallExpression(call)) => given(calls, at, call),
        _ => None,
    }
}

/// What stands behind the name of a component: a pattern, or a plain function.
fn component(
    calls: &Calls<'_, '_, '_>,
    file: usize,
    name: &IdentifierReference<'_>,
) -> Option<Component> {
    let symbol = calls.units.get(file)?.symbol_of(name)?;
    let origin = calls.names.origin((file, symbol));
    if let Some(Made::Expression(at, Expression::CallExpression(call))) = calls.made(&origin)
        && calls.maker(at, &call.callee) == Some(Maker::Pattern)
    {
        return Some(Component {
            function: given(calls, at, call)?,
            is_pattern: true,
        });
    }
    Some(Component {
        function: function_at(calls, &origin)?,
        is_pattern: false,
    })
}

/// The function that a call is given, by its node.
fn given<'a>(calls: &Calls<'_, 'a, '_>, file: usize, call: &'a CallExpression<'a>) -> Option<Own> {
    let written = call.arguments.iter().filter_map(|a| a.as_expression());
    written.map(peel).find_map(|argument| match argument {
        Expression::Identifier(_) => own_function(calls, file, argument),
        written => Some((file, function_node(written)?)),
    })
}

/// The place of a node as the run's log names it: `main.tsx:12`.
pub(super) fn place_of(calls: &Calls<'_, '_, '_>, file: usize, node: NodeId) -> Option<String> {
    let unit = calls.units.get(file)?;
    let start = unit.semantic.nodes().kind(node).span().start;
    Some(unit.source.line_name(start))
}
