//! The change of the tree.
//!
//! This file walks the tree and keeps track of what kind of code it is in;
//! [`site`](super::site) rewrites code that builds, [`value`](super::value) code
//! that computes.

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    ArrowFunctionExpression, CallExpression, ChainElement, DoWhileStatement, Expression,
    ExpressionStatement, ForStatement, Function, IfStatement, JSXElement, JSXFragment,
    ObjectProperty, Program as Tree, SwitchStatement, WhileStatement,
};
use oxc_ast_visit::VisitMut;
use oxc_ast_visit::walk_mut::{
    walk_arrow_function_expression, walk_expression, walk_for_statement_init, walk_function,
    walk_jsx_element, walk_jsx_fragment, walk_statement,
};
use oxc_semantic::Scoping;
use oxc_span::Span;
use oxc_syntax::scope::ScopeFlags;

use super::HELPERS;
use super::class::{Callee, LINK_METHODS, LIST_METHODS, Lookup, Mode, class_of, dependencies};
use super::make::Make;
use super::plan::{Plan, Planned};

/// Rewrites one file; true when something was changed, after which the scopes
/// are to be resolved anew. `helpers` is a name that the file does not use.
pub(in crate::compile) fn rewrite<'a>(
    allocator: &'a Allocator,
    tree: &mut Tree<'a>,
    plan: &Plan,
    scoping: &Scoping,
    helpers: &str,
) -> bool {
    let mut rewriter = Rewriter {
        make: Make::new(allocator, helpers),
        at: Planned { plan, scoping },
        mode: Mode::Neutral,
        in_site: false,
        wanted: Wanted::Value,
        plain: false,
        used: false,
    };
    rewriter.visit_program(tree);
    if rewriter.used {
        let import = rewriter.make.import(HELPERS);
        tree.body.insert(0, import);
    }
    rewriter.used
}

/// What a place in computing code wants of a reactive name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Value,
    /// The operand of an operator, which a cell as such is no use for.
    Operand,
    /// The link: an argument of the framework.
    Link,
}

pub(super) struct Rewriter<'a, 'p> {
    pub(super) make: Make<'a>,
    pub(super) at: Planned<'p>,
    pub(super) mode: Mode,
    /// Computing code that was cut out of building code, where a cell stands
    /// for its value.
    pub(super) in_site: bool,
    pub(super) wanted: Wanted,
    /// Inside an expression that depends on nothing reactive.
    pub(super) plain: bool,
    pub(super) used: bool,
}

impl<'a> VisitMut<'a> for Rewriter<'a, '_> {
    fn visit_expression(&mut self, expression: &mut Expression<'a>) {
        match self.mode {
            Mode::Neutral => walk_expression(self, expression),
            Mode::Build => self.site(expression),
            Mode::Compute => self.value(expression),
        }
    }

    fn visit_jsx_element(&mut self, element: &mut JSXElement<'a>) {
        let plain = std::mem::replace(&mut self.plain, false);
        walk_jsx_element(self, element);
        self.plain = plain;
    }

    fn visit_jsx_fragment(&mut self, fragment: &mut JSXFragment<'a>) {
        let plain = std::mem::replace(&mut self.plain, false);
        walk_jsx_fragment(self, fragment);
        self.plain = plain;
    }

    fn visit_function(&mut self, function: &mut Function<'a>, flags: ScopeFlags) {
        let mode = self.at.mode(function.node_id());
        self.within(mode, |this| walk_function(this, function, flags));
    }

    fn visit_arrow_function_expression(&mut self, function: &mut ArrowFunctionExpression<'a>) {
        let mode = self.at.mode(function.node_id());
        self.within(mode, |this| walk_arrow_function_expression(this, function));
    }

    fn visit_object_property(&mut self, property: &mut ObjectProperty<'a>) {
        let wanted = std::mem::replace(&mut self.wanted, Wanted::Value);
        if property.computed {
            self.visit_property_key(&mut property.key);
        }
        self.wanted = wanted;
        self.visit_expression(&mut property.value);
        self.wanted = Wanted::Value;
        if property.shorthand && !matches!(property.value, Expression::Identifier(_)) {
            property.shorthand = false;
        }
    }

    fn visit_expression_statement(&mut self, statement: &mut ExpressionStatement<'a>) {
        if self.mode == Mode::Build && self.runs_now(&statement.expression) {
            self.compute(&mut statement.expression, Wanted::Value);
        } else {
            self.visit_expression(&mut statement.expression);
        }
    }

    fn visit_if_statement(&mut self, it: &mut IfStatement<'a>) {
        self.test(&mut it.test);
        self.visit_statement(&mut it.consequent);
        if let Some(alternate) = &mut it.alternate {
            self.visit_statement(alternate);
        }
    }

    fn visit_while_statement(&mut self, it: &mut WhileStatement<'a>) {
        self.test(&mut it.test);
        self.visit_statement(&mut it.body);
    }

    fn visit_do_while_statement(&mut self, it: &mut DoWhileStatement<'a>) {
        self.visit_statement(&mut it.body);
        self.test(&mut it.test);
    }

    fn visit_for_statement(&mut self, it: &mut ForStatement<'a>) {
        if let Some(init) = &mut it.init {
            walk_for_statement_init(self, init);
        }
        if let Some(test) = &mut it.test {
            self.test(test);
        }
        if let Some(update) = &mut it.update {
            self.visit_expression(update);
        }
        walk_statement(self, &mut it.body);
    }

    fn visit_switch_statement(&mut self, it: &mut SwitchStatement<'a>) {
        self.test(&mut it.discriminant);
        for case in &mut it.cases {
            if let Some(test) = &mut case.test {
                self.test(test);
            }
            self.visit_statements(&mut case.consequent);
        }
    }
}

impl<'a> Rewriter<'a, '_> {
    fn within(&mut self, mode: Mode, walk: impl FnOnce(&mut Self)) {
        let wanted = std::mem::replace(&mut self.wanted, Wanted::Value);
        let outer = std::mem::replace(&mut self.mode, mode);
        let in_site = self.in_site;
        let plain = self.plain;
        self.plain = plain && mode != Mode::Build;
        // Inside what was cut out of building code it stays so.
        self.in_site = in_site && outer == Mode::Compute && mode == Mode::Compute;
        walk(self);
        self.plain = plain;
        self.mode = outer;
        self.in_site = in_site;
        self.wanted = wanted;
    }

    /// Rewrites an expression as computing code, whatever is around it.
    pub(super) fn compute(&mut self, expression: &mut Expression<'a>, wanted: Wanted) {
        let mode = std::mem::replace(&mut self.mode, Mode::Compute);
        let in_site = std::mem::replace(&mut self.in_site, true);
        self.wanted = wanted;
        self.visit_expression(expression);
        self.wanted = Wanted::Value;
        self.mode = mode;
        self.in_site = in_site;
    }

    /// The test of a statement: building code decides it once, by the value that
    /// is there.
    fn test(&mut self, test: &mut Expression<'a>) {
        match self.mode {
            Mode::Build => {
                if self.depends(test) {
                    self.compute(test, Wanted::Operand);
                } else {
                    self.visit_expression(test);
                }
            }
            Mode::Compute => {
                self.wanted = Wanted::Operand;
                self.visit_expression(test);
                self.wanted = Wanted::Value;
            }
            Mode::Neutral => self.visit_expression(test),
        }
    }

    /// True when the expression's value may follow a cell.
    pub(super) fn depends(&self, expression: &Expression<'a>) -> bool {
        dependencies(expression, &self.at).class().is_reactive()
    }

    /// A statement such as `console.log(x)` or `list.forEach(..)`, which is run
    /// for its effect.
    fn runs_now(&self, expression: &Expression<'a>) -> bool {
        let Some(call) = call_of(expression) else {
            return false;
        };
        if self.at.call(call.node_id()).callee != Callee::Plain {
            return false;
        }
        if self.at.plan.is_derived_test(call.node_id()) {
            return false;
        }
        if let Some((object, name)) = method_of(call)
            && class_of(object, &self.at).is_reactive()
            && (LIST_METHODS.contains(&name) || LINK_METHODS.contains(&name))
        {
            return false;
        }
        self.depends(expression)
    }

    pub(super) fn helper(
        &mut self,
        span: Span,
        name: &'static str,
        arguments: impl IntoIterator<Item = Expression<'a>>,
    ) -> Expression<'a> {
        self.used = true;
        self.make.helper(span, name, arguments)
    }
}

pub(super) fn call_of<'e, 'a>(expression: &'e Expression<'a>) -> Option<&'e CallExpression<'a>> {
    match expression {
        Expression::CallExpression(call) => Some(call),
        Expression::ChainExpression(chain) => match &chain.expression {
            ChainElement::CallExpression(call) => Some(call),
            _ => None,
        },
        _ => None,
    }
}

/// Object and name of a method call.
pub(super) fn method_of<'e, 'a>(
    call: &'e CallExpression<'a>,
) -> Option<(&'e Expression<'a>, &'e str)> {
    match call.callee.get_inner_expression() {
        Expression::StaticMemberExpression(m) => Some((&m.object, m.property.name.as_str())),
        Expression::ComputedMemberExpression(m) => match &m.expression {
            Expression::StringLiteral(s) => Some((&m.object, s.value.as_str())),
            _ => None,
        },
        _ => None,
    }
}
