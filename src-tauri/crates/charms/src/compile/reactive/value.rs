//! Code that computes: each reactive name or path is read as its value, unless
//! it is there to be written, sent to or handed to the framework.

use oxc_allocator::TakeIn;
use oxc_ast::ast::{
    Argument, ArrayExpressionElement, CallExpression, ChainElement, Expression, MemberExpression,
    ObjectPropertyKind,
};
use oxc_ast_visit::VisitMut;
use oxc_ast_visit::walk_mut::walk_expression;
use oxc_span::GetSpan;

use super::class::{Callee, Class, LINK_METHODS, Lookup};
use super::path::{TakenKey, path_of, take_path};
use super::rewrite::{Rewriter, Wanted};

impl<'a> Rewriter<'a, '_> {
    /// Rewrites a place in computing code.
    pub(super) fn value(&mut self, expression: &mut Expression<'a>) {
        let wanted = std::mem::replace(&mut self.wanted, Wanted::Value);
        if path_of(expression).is_some_and(|p| self.at.class_of_name(p.root).is_reactive()) {
            return self.read(expression, wanted);
        }
        match expression {
            Expression::ParenthesizedExpression(_)
            | Expression::TSAsExpression(_)
            | Expression::TSSatisfiesExpression(_)
            | Expression::TSNonNullExpression(_)
            | Expression::TSTypeAssertion(_)
            | Expression::TSInstantiationExpression(_) => {
                self.wanted = wanted;
                walk_expression(self, expression);
                self.wanted = Wanted::Value;
            }
            Expression::ConditionalExpression(c) => {
                self.want(Wanted::Operand, &mut c.test);
                self.want(wanted, &mut c.consequent);
                self.want(wanted, &mut c.alternate);
            }
            Expression::LogicalExpression(l) => {
                self.want(Wanted::Operand, &mut l.left);
                self.want(wanted, &mut l.right);
            }
            Expression::UnaryExpression(u) => self.want(Wanted::Operand, &mut u.argument),
            Expression::BinaryExpression(b) => {
                self.want(Wanted::Operand, &mut b.left);
                self.want(Wanted::Operand, &mut b.right);
            }
            Expression::TemplateLiteral(t) => {
                for inner in &mut t.expressions {
                    self.want(Wanted::Operand, inner);
                }
            }
            Expression::ObjectExpression(o) if wanted == Wanted::Link => {
                for property in &mut o.properties {
                    if let ObjectPropertyKind::ObjectProperty(p) = property {
                        self.wanted = Wanted::Link;
                        self.visit_object_property(p);
                    } else {
                        self.visit_object_property_kind(property);
                    }
                }
            }
            Expression::ArrayExpression(a) if wanted == Wanted::Link => {
                for element in &mut a.elements {
                    match element {
                        ArrayExpressionElement::SpreadElement(_) => {
                            self.visit_array_expression_element(element);
                        }
                        other => {
                            if let Some(inner) = other.as_expression_mut() {
                                self.want(Wanted::Link, inner);
                            }
                        }
                    }
                }
            }
            Expression::TaggedTemplateExpression(t)
                if self.at.call(t.node_id()).callee == Callee::Builder =>
            {
                for inner in &mut t.quasi.expressions {
                    self.want(Wanted::Link, inner);
                }
            }
            Expression::CallExpression(call) => self.value_of_call(call),
            Expression::ChainExpression(chain) => match &mut chain.expression {
                ChainElement::CallExpression(call) => self.value_of_call(call),
                _ => walk_expression(self, expression),
            },
            _ => walk_expression(self, expression),
        }
    }

    fn want(&mut self, wanted: Wanted, expression: &mut Expression<'a>) {
        self.wanted = wanted;
        self.visit_expression(expression);
        self.wanted = Wanted::Value;
    }

    fn value_of_call(&mut self, call: &mut CallExpression<'a>) {
        let info = self.at.call(call.node_id());
        if matches!(info.callee, Callee::Builder | Callee::Pure) {
            self.visit_expression(&mut call.callee);
            for argument in &mut call.arguments {
                match argument.as_expression_mut() {
                    Some(inner) => self.want(Wanted::Link, inner),
                    None => self.visit_argument(argument),
                }
            }
            return;
        }
        let asks = self.at.plan.is_derived_test(call.node_id());
        self.receiver(&mut call.callee);
        self.visit_arguments(&mut call.arguments);
        if asks && let Some(callback) = call.arguments.first_mut() {
            self.ask(callback);
        }
    }

    /// Has the answers of a list's callback read as values.
    fn ask(&mut self, callback: &mut Argument<'a>) {
        let span = callback.span();
        if let Some(function) = callback.as_expression_mut() {
            let taken = function.take_in(&self.make.builder);
            *function = self.helper(span, "asked", [taken]);
        }
    }

    /// The called expression of a call: a method's object is a link where the
    /// method is one of cells, else a value.
    fn receiver(&mut self, callee: &mut Expression<'a>) {
        let inner = callee.get_inner_expression_mut();
        let Some(member) = inner.as_member_expression_mut() else {
            return self.visit_expression(callee);
        };
        let name = member.static_property_name().map(str::to_owned);
        let found = path_of(member.object()).and_then(|path| {
            let reactive = self.at.class_of_name(path.root).is_reactive();
            reactive.then_some(path.optional)
        });
        let Some(optional) = found else {
            return walk_expression(self, callee);
        };
        let link = name.is_some_and(|n| LINK_METHODS.contains(&n.as_str()));
        let (object, is_optional) = match member {
            MemberExpression::StaticMemberExpression(m) => {
                let m = &mut **m;
                (&mut m.object, &mut m.optional)
            }
            MemberExpression::ComputedMemberExpression(m) => {
                let m = &mut **m;
                self.visit_expression(&mut m.expression);
                (&mut m.object, &mut m.optional)
            }
            MemberExpression::PrivateFieldExpression(m) => {
                let m = &mut **m;
                (&mut m.object, &mut m.optional)
            }
        };
        // The steps with `?.` go into the helper, which gives undefined; the
        // rest of the chain has to stop there as before.
        *is_optional |= optional;
        if link {
            self.read(object, Wanted::Link);
        } else {
            // A method that cells do not have is one of the value.
            let in_site = std::mem::replace(&mut self.in_site, true);
            self.read(object, Wanted::Operand);
            self.in_site = in_site;
        }
    }

    /// Reads a path from a reactive name.
    fn read(&mut self, expression: &mut Expression<'a>, wanted: Wanted) {
        let Some(path) = path_of(expression) else {
            return;
        };
        let mut class = self.at.class_of_name(path.root);
        let bare = path.keys.is_empty();
        if let [first] = path.static_keys().as_slice()
            && path.keys.len() == 1
            && let Some(symbol) = self.at.symbol(path.root)
            && let Some(known) = self.at.property(symbol, first)
        {
            class = known;
        } else if !bare {
            class = Class::Value;
        }
        let name = match (wanted, class) {
            (Wanted::Link, _) | (_, Class::Stream | Class::Static) => "ref",
            (Wanted::Value, Class::Cell | Class::CellInput) => "ref",
            (Wanted::Operand, Class::Cell) if !self.in_site => "ref",
            (Wanted::Operand, Class::CellInput) if !self.in_site => "c",
            _ if bare => "v",
            _ => "at",
        };
        if bare && name == "ref" {
            return;
        }
        let span = expression.span();
        let Some((root, keys)) = take_path(expression.take_in(&self.make.builder)) else {
            return;
        };
        let mut arguments = vec![Expression::Identifier(root)];
        for key in keys {
            arguments.push(match key {
                TakenKey::Name(name, span) => self.make.string(name, span),
                TakenKey::Expression(mut inner) => {
                    self.want(Wanted::Operand, &mut inner);
                    inner
                }
            });
        }
        *expression = if name == "c" && !bare {
            let link = self.helper(span, "ref", arguments);
            self.helper(span, "c", [link])
        } else {
            self.helper(span, name, arguments)
        };
    }
}
