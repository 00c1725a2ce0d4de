//! What the names of one file may hold, by their declarations.

use std::collections::HashMap;
use std::rc::Rc;

use oxc_ast::AstKind;
use oxc_ast::ast::{BindingPattern, CallExpression, FormalParameters, TSType, VariableDeclarator};
use oxc_span::GetSpan;
use oxc_syntax::node::NodeId;
use oxc_syntax::symbol::SymbolId;

use super::analysis::{Analysis, method};
use super::building::call_with;
use super::class::{Class, Lookup, Mode, class_of};
use crate::compile::maker::Maker;
use crate::compile::types::kinds::Kind;
use crate::compile::types::literal::value_of;
use crate::compile::types::lower::Lower;
use crate::compile::types::model::Type;

/// Methods by whose use a name shows that it is a cell.
const TELLING_METHODS: [&str; 6] = ["get", "key", "sample", "set", "update", "addUnique"];

impl<'a> Analysis<'_, '_, 'a, '_> {
    /// The class that a declaration gives a name; how the name is used is not
    /// looked at.
    pub(super) fn declared_class(&self, symbol: SymbolId) -> Class {
        let semantic = &self.unit.semantic;
        let declaration = semantic.scoping().symbol_declaration(symbol);
        let Some(function) = self.function_around(declaration) else {
            return Class::Static;
        };
        if self.mode(function) != Mode::Build {
            return Class::Static;
        }
        let nodes = semantic.nodes();
        let here = std::iter::once(declaration).chain(nodes.ancestor_ids(declaration));
        for id in here {
            match nodes.kind(id) {
                AstKind::FormalParameter(p) => {
                    let parameters = nodes.parent_kind(id);
                    let AstKind::FormalParameters(all) = parameters else {
                        return Class::Maybe;
                    };
                    let index = all.items.iter().position(|i| i.span == p.span);
                    return self.parameter(function, all, index.unwrap_or(usize::MAX), symbol);
                }
                AstKind::FormalParameterRest(_) => return Class::Maybe,
                AstKind::VariableDeclarator(d) => {
                    let class = self.variable(id, d);
                    return self.bound(
                        symbol,
                        &d.id,
                        class,
                        d.type_annotation.as_ref().map(|t| &t.type_annotation),
                    );
                }
                AstKind::BindingRestElement(_)
                | AstKind::ArrayPattern(_)
                | AstKind::ObjectPattern(_)
                | AstKind::BindingProperty(_)
                | AstKind::AssignmentPattern(_) => {}
                _ => return Class::Static,
            }
        }
        Class::Static
    }

    /// Where a binding states a default for something reactive. The inputs of a
    /// pattern are not among them where the default is a literal: it becomes a
    /// default of the input.
    pub(super) fn lost_defaults(&self) -> Vec<u32> {
        let nodes = self.unit.semantic.nodes();
        let mut found = Vec::new();
        for node in nodes {
            let AstKind::AssignmentPattern(assigned) = node.kind() else {
                continue;
            };
            let symbol = assigned.left.get_binding_identifier();
            let symbol = symbol.and_then(|id| id.symbol_id.get());
            if !symbol.is_some_and(|s| self.class(s).is_certain()) {
                continue;
            }
            // Property, pattern, parameter.
            let above: Vec<_> = nodes.ancestor_kinds(node.id()).take(3).collect();
            let is_input = matches!(above.last(), Some(AstKind::FormalParameter(_)))
                && value_of(&assigned.right).is_some()
                && self.function_around(node.id()).is_some_and(|f| {
                    call_with(self.unit, f).is_some_and(|(callee, _)| {
                        self.calls.maker(self.file, callee) == Some(Maker::Pattern)
                    })
                });
            if !is_input {
                found.push(assigned.span.start);
            }
        }
        found
    }

    /// The class of a name that a parameter binds.
    fn parameter(
        &self,
        function: NodeId,
        all: &FormalParameters<'a>,
        index: usize,
        symbol: SymbolId,
    ) -> Class {
        let Some(parameter) = all.items.get(index) else {
            return Class::Maybe;
        };
        let annotation = parameter
            .type_annotation
            .as_ref()
            .map(|t| &t.type_annotation);
        let Some((callee, call)) = call_with(self.unit, function) else {
            return self.bound(symbol, &parameter.pattern, Class::Maybe, annotation);
        };
        if self.calls.maker(self.file, callee) == Some(Maker::Pattern) {
            let AstKind::CallExpression(call) = self.unit.semantic.nodes().kind(call) else {
                return Class::Value;
            };
            let class = if index == 0 {
                Class::Value
            } else {
                Class::Maybe
            };
            return self.pick(symbol, &parameter.pattern, class, &self.inputs_of(call));
        }
        match method(callee).filter(|_| self.is_list_callback(callee, function)) {
            Some(member) => {
                let list = class_of(member.object(), self);
                let class = match (index, list) {
                    // The position is a plain number.
                    (1, _) | (_, Class::Static | Class::Stream) => Class::Static,
                    (_, Class::Maybe) => Class::Maybe,
                    _ => Class::Value,
                };
                self.bound(symbol, &parameter.pattern, class, annotation)
            }
            None => self.bound(symbol, &parameter.pattern, Class::Maybe, annotation),
        }
    }

    /// The classes of a pattern's inputs, as far as its types tell.
    fn inputs_of(&self, call: &CallExpression<'a>) -> Rc<HashMap<String, Class>> {
        let node = call.node_id();
        if let Some(known) = self.patterns.borrow().get(&node) {
            return known.clone();
        }
        let inputs = self.calls.pattern(self.file, call).inputs.into_iter();
        let classes = inputs.filter_map(|(key, kind)| {
            Some((key, class_of_kind(serde_json::from_value(kind).ok()?)))
        });
        let classes: Rc<HashMap<_, _>> = Rc::new(classes.collect());
        self.patterns.borrow_mut().insert(node, classes.clone());
        classes
    }

    /// The class of a name in a binding whose value has this class and type.
    fn bound(
        &self,
        symbol: SymbolId,
        pattern: &BindingPattern<'_>,
        class: Class,
        annotation: Option<&TSType<'_>>,
    ) -> Class {
        let ty = annotation.map(|t| Lower::new(self.unit, self.file).ty(t));
        let Some(ty) = ty else {
            return self.pick(symbol, pattern, class, &HashMap::new());
        };
        if pattern.get_binding_identifier().is_some() {
            match self.calls.solver.kind(&ty) {
                Some(Kind::Cell) => return Class::Cell,
                Some(Kind::Stream) => return Class::Stream,
                _ => {}
            }
        }
        self.pick(symbol, pattern, class, &self.kinds(&ty))
    }

    fn kinds(&self, ty: &Type) -> HashMap<String, Class> {
        let kinds = self.calls.solver.kinds(ty).unwrap_or_default();
        let known = kinds.into_iter().filter_map(|(key, kind)| {
            match class_of_kind(serde_json::from_value(kind).ok()?) {
                Class::Value => None,
                class => Some((key, class)),
            }
        });
        known.collect()
    }

    /// The class of a name by its place in a binding pattern.
    fn pick(
        &self,
        symbol: SymbolId,
        pattern: &BindingPattern<'_>,
        class: Class,
        known: &HashMap<String, Class>,
    ) -> Class {
        match pattern {
            BindingPattern::BindingIdentifier(_) => {
                if class.is_reactive() && !known.is_empty() {
                    self.inputs.borrow_mut().insert(symbol, known.clone());
                }
                class
            }
            BindingPattern::AssignmentPattern(inner) => {
                self.pick(symbol, &inner.left, class, known)
            }
            BindingPattern::ObjectPattern(object) => {
                for property in &object.properties {
                    let direct = match &property.value {
                        BindingPattern::AssignmentPattern(inner) => &inner.left,
                        other => other,
                    };
                    let named = direct
                        .get_binding_identifier()
                        .and_then(|id| id.symbol_id.get());
                    if named == Some(symbol)
                        && let Some(key) = property.key.static_name()
                        && let Some(found) = known.get(key.as_ref())
                    {
                        return *found;
                    }
                }
                class.member()
            }
            BindingPattern::ArrayPattern(_) => class.member(),
        }
    }

    /// The class of what a declarator is given.
    fn variable(&self, id: NodeId, d: &VariableDeclarator<'a>) -> Class {
        if let Some(init) = &d.init {
            return class_of(init, self);
        }
        let nodes = self.unit.semantic.nodes();
        for kind in nodes.ancestor_kinds(id).take(2) {
            if let AstKind::ForOfStatement(f) = kind {
                return class_of(&f.right, self).member();
            }
        }
        // Assigned later.
        Class::Maybe
    }

    /// True when a method is called on the name that only cells have.
    pub(super) fn is_used_as_cell(&self, symbol: SymbolId) -> bool {
        let nodes = self.unit.semantic.nodes();
        self.unit
            .semantic
            .symbol_references(symbol)
            .any(|reference| {
                let mut above = nodes.ancestor_kinds(reference.node_id()).filter(|kind| {
                    !matches!(
                        kind,
                        AstKind::TSNonNullExpression(_) | AstKind::ParenthesizedExpression(_)
                    )
                });
                let Some(AstKind::StaticMemberExpression(member)) = above.next() else {
                    return false;
                };
                let Some(AstKind::CallExpression(call)) = above.next() else {
                    return false;
                };
                TELLING_METHODS.contains(&member.property.name.as_str())
                    && call.callee.span() == member.span
            })
    }
}

fn class_of_kind(kind: Kind) -> Class {
    match kind {
        Kind::Cell => Class::CellInput,
        Kind::Stream => Class::Stream,
        Kind::Plain => Class::Value,
    }
}
