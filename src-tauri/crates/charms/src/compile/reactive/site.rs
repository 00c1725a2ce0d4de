//! Code that builds: every expression is a site.
//!
//! Names and paths stay as they are, choices become choices that keep their
//! links, lists are mapped element by element, and everything else that depends
//! on something reactive becomes a derived value.

use oxc_allocator::{ArenaVec, TakeIn};
use oxc_ast::ast::{Argument, ChainElement, Expression, LogicalOperator, UnaryOperator};
use oxc_ast_visit::VisitMut;
use oxc_ast_visit::walk_mut::walk_expression;
use oxc_span::{GetSpan, SPAN, Span};
use serde_json::json;

use super::class::{
    Callee, Class, Dependencies, Dependency, LINK_METHODS, LIST_METHODS, Lookup, READ_METHODS,
    class_of, dependencies,
};
use super::path::path_of;
use super::rewrite::{Rewriter, Wanted, call_of, method_of};
use crate::compile::META_PREFIX;

impl<'a> Rewriter<'a, '_> {
    /// Rewrites a place in building code.
    pub(super) fn site(&mut self, expression: &mut Expression<'a>) {
        match expression {
            _ if self.plain => walk_expression(self, expression),
            // A choice of what to do is no choice between two links.
            Expression::ConditionalExpression(_) | Expression::LogicalExpression(_)
                if self.depends(expression) && self.act_within(expression).is_some() =>
            {
                let found = dependencies(expression, &self.at);
                self.derive(expression, &found);
            }
            Expression::ConditionalExpression(c) if self.depends(&c.test) => {
                self.visit_expression(&mut c.test);
                self.visit_expression(&mut c.consequent);
                self.visit_expression(&mut c.alternate);
                let span = c.span;
                let test = c.test.take_in(&self.make.builder);
                let yes = self.make.thunk(c.consequent.take_in(&self.make.builder));
                let no = self.make.thunk(c.alternate.take_in(&self.make.builder));
                *expression = self.helper(span, "ifElse", [test, yes, no]);
            }
            Expression::LogicalExpression(l) if self.depends(&l.left) => {
                self.visit_expression(&mut l.left);
                self.visit_expression(&mut l.right);
                let name = match l.operator {
                    LogicalOperator::And => "and",
                    LogicalOperator::Or => "or",
                    LogicalOperator::Coalesce => "nullish",
                };
                let span = l.span;
                let left = l.left.take_in(&self.make.builder);
                let right = self.make.thunk(l.right.take_in(&self.make.builder));
                *expression = self.helper(span, name, [left, right]);
            }
            Expression::UnaryExpression(u)
                if matches!(u.operator, UnaryOperator::Void | UnaryOperator::Delete) =>
            {
                walk_expression(self, expression);
            }
            Expression::UnaryExpression(_)
            | Expression::BinaryExpression(_)
            | Expression::TemplateLiteral(_)
            | Expression::NewExpression(_)
            | Expression::TaggedTemplateExpression(_) => self.derive_or_walk(expression),
            Expression::CallExpression(_) => self.site_of_call(expression),
            Expression::ChainExpression(chain)
                if matches!(chain.expression, ChainElement::CallExpression(_)) =>
            {
                self.site_of_call(expression);
            }
            Expression::ChainExpression(_)
            | Expression::StaticMemberExpression(_)
            | Expression::ComputedMemberExpression(_) => self.site_of_member(expression),
            _ => walk_expression(self, expression),
        }
    }

    /// Makes a derived value of an expression that depends on something
    /// reactive; what the framework makes stays.
    fn derive_or_walk(&mut self, expression: &mut Expression<'a>) {
        let is_builder = match &*expression {
            Expression::NewExpression(new) => self.at.call(new.node_id()).callee == Callee::Builder,
            Expression::TaggedTemplateExpression(t) => {
                self.at.call(t.node_id()).callee == Callee::Builder
            }
            _ => false,
        };
        let found = if is_builder {
            Dependencies::default()
        } else {
            dependencies(expression, &self.at)
        };
        if !is_builder && !found.waits && !found.class().is_reactive() {
            // Nor does any part of it, up to what is not looked into.
            let plain = std::mem::replace(&mut self.plain, true);
            walk_expression(self, expression);
            self.plain = plain;
        } else if is_builder || found.waits {
            walk_expression(self, expression);
        } else {
            self.derive(expression, &found);
        }
    }

    fn derive(&mut self, expression: &mut Expression<'a>, found: &Dependencies) {
        let span = expression.span();
        let place = self.act_within(expression);
        let on = self.dependencies_list(found, span);
        self.compute(expression, Wanted::Value);
        let thunk = self.make.thunk(expression.take_in(&self.make.builder));
        let place = place.map(|place| self.make.string(&place, SPAN));
        *expression = self.helper(span, "d", [on, thunk].into_iter().chain(place));
    }

    fn act_within(&self, expression: &Expression<'a>) -> Option<String> {
        let found = self.at.plan.act_within(expression.span());
        found.map(str::to_owned)
    }

    /// `[a, helpers.ref(b, "c")]`; `null` when it is a cell in any case.
    fn dependencies_list(&mut self, found: &Dependencies, span: Span) -> Expression<'a> {
        if found.calls.is_some_and(Class::is_certain) {
            return self.make.null();
        }
        // A name that is declared further down is only used by inner functions.
        let usable = |d: &&Dependency| d.declared_at <= span.end;
        let certain = found
            .names
            .iter()
            .filter(usable)
            .find(|d| d.class.is_certain());
        let list: Vec<_> = match certain {
            Some(one) => vec![one],
            None => found.names.iter().filter(usable).collect(),
        };
        if list.is_empty() {
            return self.make.null();
        }
        let mut elements = Vec::new();
        for dependency in list {
            let name = self.make.name(&dependency.name);
            elements.push(if dependency.keys.is_empty() {
                name
            } else {
                let mut arguments = vec![name];
                arguments.extend(dependency.keys.iter().map(|k| self.make.string(k, SPAN)));
                self.helper(SPAN, "ref", arguments)
            });
        }
        self.make.array(elements)
    }

    fn site_of_member(&mut self, expression: &mut Expression<'a>) {
        if let Some(path) = path_of(expression) {
            // A plain path stays; a key that follows a cell needs computing.
            let computed = path.computed_keys().any(|key| self.depends(key));
            if !computed {
                return;
            }
            return self.derive_or_walk(expression);
        }
        if is_made_by_framework(expression, &self.at) {
            walk_expression(self, expression);
        } else {
            self.derive_or_walk(expression);
        }
    }

    fn site_of_call(&mut self, expression: &mut Expression<'a>) {
        let Some(call) = call_of(expression) else {
            return walk_expression(self, expression);
        };
        match self.at.call(call.node_id()).callee {
            Callee::Builder | Callee::Building => return self.keep_call(expression),
            Callee::Pure => return self.derive_or_walk(expression),
            Callee::Plain => {}
        }
        if let Some((object, name)) = method_of(call) {
            if self.at.plan.is_derived_test(call.node_id()) {
                return self.list(expression);
            }
            let class = class_of(object, &self.at);
            if class.is_reactive() {
                if LIST_METHODS.contains(&name) {
                    return self.list(expression);
                }
                if LINK_METHODS.contains(&name) && !READ_METHODS.contains(&name) {
                    // What is written is what is there now, not a link to it.
                    return if self.at.plan.writes_now(call.span) {
                        self.compute(expression, Wanted::Value);
                    } else {
                        self.keep_call(expression);
                    };
                }
            } else if LIST_METHODS.contains(&name) || name == "forEach" || class == Class::Stream {
                return self.keep_call(expression);
            }
        }
        self.derive_or_walk(expression);
    }

    /// A call that stays: its arguments are sites, and so is what a method is
    /// called on, but not the method.
    fn keep_call(&mut self, expression: &mut Expression<'a>) {
        let call = match expression {
            Expression::CallExpression(call) => call,
            Expression::ChainExpression(chain) => match &mut chain.expression {
                ChainElement::CallExpression(call) => call,
                _ => return,
            },
            _ => return,
        };
        match call.callee.get_inner_expression_mut() {
            Expression::StaticMemberExpression(member) => self.visit_expression(&mut member.object),
            Expression::ComputedMemberExpression(member) => {
                self.visit_expression(&mut member.object);
                self.visit_expression(&mut member.expression);
            }
            callee => self.visit_expression(callee),
        }
        self.visit_arguments(&mut call.arguments);
    }

    /// `list.map(callback)` as a helper's call.
    fn list(&mut self, expression: &mut Expression<'a>) {
        let span = expression.span();
        let taken = expression.take_in(&self.make.builder);
        let call = match taken {
            Expression::CallExpression(call) => call.unbox(),
            Expression::ChainExpression(chain) => match chain.unbox().expression {
                ChainElement::CallExpression(call) => call.unbox(),
                _ => return,
            },
            _ => return,
        };
        let acts = self.at.plan.acting_list(call.node_id());
        let meta = acts.map(|place| json!({ "effect": place }));
        let (mut object, name, name_span) = match call.callee.into_inner_expression() {
            Expression::StaticMemberExpression(m) => {
                let m = m.unbox();
                (m.object, m.property.name.to_string(), m.property.span)
            }
            Expression::ComputedMemberExpression(m) => {
                let m = m.unbox();
                let name = match &m.expression {
                    Expression::StringLiteral(s) => s.value.to_string(),
                    _ => return,
                };
                (m.object, name, m.expression.span())
            }
            _ => return,
        };
        self.visit_expression(&mut object);
        let mut arguments = ArenaVec::new_in(&self.make.builder);
        arguments.push(Argument::from(object));
        arguments.push(Argument::from(self.make.string(&name, name_span)));
        let mut rest = call.arguments;
        self.visit_arguments(&mut rest);
        arguments.extend(rest);
        if let Some(meta) = meta {
            let text = format!("{META_PREFIX}{meta}");
            arguments.push(Argument::from(self.make.string(&text, SPAN)));
        }
        let mut made = self.helper(span, "list", []);
        if let Expression::CallExpression(made) = &mut made {
            made.arguments = arguments;
        }
        *expression = made;
    }
}

/// True for members of what the framework or a building function gives.
fn is_made_by_framework<L: Lookup>(expression: &Expression<'_>, at: &L) -> bool {
    let mut inner = expression;
    loop {
        inner = match inner.get_inner_expression() {
            Expression::StaticMemberExpression(m) => &m.object,
            Expression::ComputedMemberExpression(m) => &m.object,
            Expression::ChainExpression(chain) => match chain.expression.as_member_expression() {
                Some(member) => member.object(),
                None => return false,
            },
            Expression::CallExpression(call) => {
                let info = at.call(call.node_id());
                if matches!(info.callee, Callee::Builder | Callee::Building) {
                    return true;
                }
                // `new Writable(..).key("a").b`.
                match method_of(call) {
                    Some((object, name))
                        if LINK_METHODS.contains(&name) && !READ_METHODS.contains(&name) =>
                    {
                        object
                    }
                    _ => return false,
                }
            }
            Expression::NewExpression(new) => {
                return at.call(new.node_id()).callee == Callee::Builder;
            }
            _ => return false,
        };
    }
}
