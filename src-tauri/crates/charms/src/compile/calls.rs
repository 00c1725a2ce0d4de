//! The calls of the framework whose types matter at run time, and what is to
//! be told about each: one extra string argument, `"ck:"` and JSON.
//!
//! `pattern` and `recipe` get defaults, the kinds of their inputs, tags and
//! description; `handler` gets the kinds of its state, what its event must be
//! and its name, `action` the latter two, `lift` and `derive` those of their input where some are cells or streams; `cell` without
//! a value gets the default its type states. A property whose kind is
//! not known is left out.

use std::collections::HashMap;

use oxc_ast::AstKind;
use oxc_ast::ast::{
    Argument, CallExpression, Expression, NewExpression, TSTypeParameterInstantiation,
};
use oxc_span::Span;
use oxc_syntax::node::NodeId;
use serde_json::{Map, Value, json};

use super::function::{add_written_defaults, parameter_type, type_argument};
use super::names::{Names, Origin};
use super::types::doc::Doc;
use super::types::kinds::Kind;
use super::types::lower::{Lower, start_of};
use super::types::model::Type;
use super::types::resolve::Solver;
use super::unit::Unit;
use super::writing::Writing;

/// Beginning of every injected argument.
pub const META_PREFIX: &str = "ck:";

/// A function of the framework that takes a program's own function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    Pattern,
    Handler,
    /// `lift` and `derive`.
    Lift,
    Cell,
    Computed,
    Action,
    /// Any other name of the framework.
    Other,
}

/// What is known of a pattern beyond its code.
#[derive(Clone, Debug, Default)]
pub(super) struct PatternFacts {
    pub(super) defaults: Map<String, Value>,
    pub(super) inputs: Map<String, Value>,
    pub(super) inside: Map<String, Value>,
    pub(super) doc: Doc,
    /// Paths of inputs whose default is stated but cannot be read.
    pub(super) unclear: Vec<String>,
}

/// Extra arguments by the span of their call.
pub(super) type Injections = HashMap<Span, String>;

/// Looks at the calls of a program.
pub(super) struct Calls<'p, 'a, 's> {
    pub(super) units: &'p [Unit<'a, 's>],
    pub(super) names: &'p Names,
    pub(super) solver: &'p Solver<'p>,
}

impl<'a> Calls<'_, 'a, '_> {
    /// What to inject into one file.
    pub(super) fn injections(&self, file: usize, writing: &Writing) -> Injections {
        let mut out = Injections::new();
        let Some(unit) = self.units.get(file) else {
            return out;
        };
        for node in unit.semantic.nodes() {
            let found = match node.kind() {
                AstKind::CallExpression(call) => self
                    .meta_of_call(file, node.id(), call, writing)
                    .map(|meta| (call.span, meta)),
                AstKind::NewExpression(new) => {
                    self.meta_of_new(file, new).map(|meta| (new.span, meta))
                }
                _ => None,
            };
            if let Some((span, meta)) = found {
                out.insert(span, format!("{META_PREFIX}{meta}"));
            }
        }
        out
    }

    /// Which function of the framework an expression calls, if any.
    pub(super) fn callee(&self, file: usize, callee: &Expression<'_>) -> Option<Callee> {
        let (origin, rest) = self.names.origin_of_expression(self.units, file, callee);
        let Origin::Framework(name) = origin else {
            return None;
        };
        Some(match (name.as_str(), rest) {
            ("pattern" | "recipe", None) => Callee::Pattern,
            ("handler", None) => Callee::Handler,
            ("lift" | "derive", None) => Callee::Lift,
            ("computed", None) => Callee::Computed,
            ("action", None) => Callee::Action,
            ("cell", None) | ("Cell" | "Writable", None | Some("of")) => Callee::Cell,
            _ => Callee::Other,
        })
    }

    fn meta_of_call(
        &self,
        file: usize,
        node: NodeId,
        call: &'a CallExpression<'a>,
        writing: &Writing,
    ) -> Option<Value> {
        match self.callee(file, &call.callee)? {
            Callee::Pattern => {
                let facts = self.pattern(file, call);
                let mut meta = json!({
                    "kind": "pattern",
                    "defaults": facts.defaults,
                    "inputs": facts.inputs,
                    "tags": facts.doc.tags,
                });
                put(&mut meta, "inside", some(facts.inside));
                put(&mut meta, "description", facts.doc.description);
                put(&mut meta, "name", self.name_of(file, node, call));
                Some(meta)
            }
            Callee::Handler => {
                let state = self.handler_type(file, call, 1);
                let mut meta = json!({ "kind": "handler" });
                put(
                    &mut meta,
                    "state",
                    state.as_ref().and_then(|t| self.solver.kinds(t)),
                );
                self.put_event(&mut meta, file, call);
                let inside = state.as_ref().map(|t| self.solver.inside(t));
                put(&mut meta, "inside", inside.and_then(some));
                let nullable = state.as_ref().map(|t| self.solver.nullable_cells(t));
                put(
                    &mut meta,
                    "nullable",
                    nullable.filter(|names| !names.is_empty()),
                );
                put(&mut meta, "name", self.name_of(file, node, call));
                Some(meta)
            }
            Callee::Lift => {
                let meta = self.meta_of_lift(file, call);
                let Some(place) = self.effect(file, node, call, writing) else {
                    return meta;
                };
                let mut meta = meta.unwrap_or_else(|| json!({ "kind": "lift" }));
                put(&mut meta, "effect", Some(place));
                Some(meta)
            }
            Callee::Computed => {
                let place = self.effect(file, node, call, writing)?;
                Some(json!({ "kind": "computed", "effect": place }))
            }
            Callee::Cell => {
                self.meta_of_cell(file, &call.arguments, call.type_arguments.as_deref())
            }
            Callee::Action => {
                let mut meta = json!({});
                self.put_event(&mut meta, file, call);
                put(&mut meta, "name", self.name_of(file, node, call));
                meta.as_object()
                    .is_some_and(|m| !m.is_empty())
                    .then_some(meta)
            }
            Callee::Other => None,
        }
    }

    /// Only a function that is given cells or streams needs to be told.
    fn meta_of_lift(&self, file: usize, call: &CallExpression<'a>) -> Option<Value> {
        let lower = self.lower(file)?;
        let given = type_argument(call.type_arguments.as_deref(), 0);
        let written = || parameter_type(self.function_of(file, &call.arguments)?.parameters, 0);
        let input = given.or_else(written).map(|t| lower.ty(t))?;
        let state = self.solver.kinds(&input)?;
        let inside = self.solver.inside(&input);
        let plain = Value::from(Kind::Plain.as_str());
        (!inside.is_empty() || state.values().any(|kind| *kind != plain))
            .then(|| json!({ "kind": "lift", "state": state, "inside": inside }))
    }

    fn meta_of_new(&self, file: usize, new: &NewExpression<'_>) -> Option<Value> {
        let is_cell = self.callee(file, &new.callee)? == Callee::Cell;
        is_cell.then(|| self.meta_of_cell(file, &new.arguments, new.type_arguments.as_deref()))?
    }

    /// Only a cell made without a value has a use for a default.
    fn meta_of_cell(
        &self,
        file: usize,
        arguments: &[Argument<'_>],
        types: Option<&TSTypeParameterInstantiation<'_>>,
    ) -> Option<Value> {
        if !arguments.is_empty() {
            return None;
        }
        let of = self.lower(file)?.args(types).into_iter().next()?;
        let default = self.solver.default_of(&of)?;
        Some(json!({ "kind": "cell", "default": default }))
    }

    /// What the types of a `pattern(...)` or `recipe(...)` call say.
    pub(super) fn pattern(&self, file: usize, call: &CallExpression<'a>) -> PatternFacts {
        let Some(lower) = self.lower(file) else {
            return PatternFacts::default();
        };
        let function = self.function_of(file, &call.arguments);
        let types = call.type_arguments.as_deref();
        let input = type_argument(types, 0)
            .or_else(|| parameter_type(function.as_ref()?.parameters, 0))
            .map(|t| lower.ty(t));
        let output = type_argument(types, 1).or_else(|| function.as_ref()?.returns);
        let mut facts = PatternFacts::default();
        if let Some(input) = &input {
            if let Some(Value::Object(defaults)) = self.solver.default_of(input) {
                facts.defaults = defaults;
            }
            facts.inputs = self.solver.kinds(input).unwrap_or_default();
            facts.inside = self.solver.inside(input);
            facts.unclear = self.solver.unclear_defaults(input);
        }
        if let Some(function) = &function {
            add_written_defaults(function.parameters, &mut facts.defaults);
        }
        if let Some(output) = output {
            facts.doc = lower
                .doc_at(start_of(output))
                .or_else(|| self.doc_of(&lower.ty(output)))
                .unwrap_or_default();
        }
        facts
    }

    /// The documentation of a named type, or of the type it is another name of.
    fn doc_of(&self, ty: &Type) -> Option<Doc> {
        let mut ty = ty.clone();
        for _ in 0..16 {
            let (_, declared) = self.solver.declaration(&ty)?;
            if declared.doc.is_some() {
                return declared.doc.clone();
            }
            match &declared.body {
                super::types::model::Body::Alias(of) => ty = of.clone(),
                _ => return None,
            }
        }
        None
    }

    /// What is to be told of the event of a handler or an action.
    fn put_event(&self, meta: &mut Value, file: usize, call: &CallExpression<'a>) {
        let Some(event) = self.handler_type(file, call, 0) else {
            return;
        };
        put(meta, "event", self.solver.fit(&event));
        put(meta, "cells", some_list(self.solver.cells_in(&event)));
    }

    /// The type of a handler's event (0) or state (1).
    fn handler_type(&self, file: usize, call: &CallExpression<'a>, at: usize) -> Option<Type> {
        let lower = self.lower(file)?;
        let given = type_argument(call.type_arguments.as_deref(), at);
        let written = || parameter_type(self.function_of(file, &call.arguments)?.parameters, at);
        given.or_else(written).map(|t| lower.ty(t))
    }

    fn lower(&self, file: usize) -> Option<Lower<'_, 'a, '_>> {
        self.units.get(file).map(|unit| Lower::new(unit, file))
    }

    /// The name under which a call's result is known: of the constant or the
    /// property it is assigned to, else of the function it is given.
    fn name_of(&self, file: usize, node: NodeId, call: &CallExpression<'a>) -> Option<String> {
        let nodes = self.units.get(file)?.semantic.nodes();
        for kind in nodes.ancestor_kinds(node) {
            match kind {
                AstKind::ParenthesizedExpression(_)
                | AstKind::TSAsExpression(_)
                | AstKind::TSSatisfiesExpression(_)
                | AstKind::TSNonNullExpression(_) => {}
                AstKind::VariableDeclarator(d) => {
                    return d.id.get_binding_identifier().map(|id| id.name.to_string());
                }
                AstKind::ObjectProperty(p) => {
                    return p.key.static_name().map(|name| name.into_owned());
                }
                _ => break,
            }
        }
        self.function_of(file, &call.arguments)?.name
    }
}

fn some_list(list: Vec<Value>) -> Option<Vec<Value>> {
    (!list.is_empty()).then_some(list)
}

fn some(map: Map<String, Value>) -> Option<Map<String, Value>> {
    (!map.is_empty()).then_some(map)
}

fn put(meta: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (meta.as_object_mut(), value) {
        object.insert(key.to_owned(), value.into());
    }
}
