//! What a name or an expression may hold at run time.
//!
//! Owns [`Class`], the rules by which classes combine, and the collection of
//! what an expression depends on. Looks at expressions only through [`Lookup`],
//! so that analysis and rewriting share the rules.

use oxc_ast::ast::{
    ArrowFunctionExpression, AwaitExpression, CallExpression, ChainElement, Expression, Function,
    IdentifierReference, JSXElement, JSXFragment, MemberExpression, NewExpression,
    TaggedTemplateExpression, YieldExpression,
};
use oxc_ast_visit::Visit;
use oxc_ast_visit::walk::{
    walk_arrow_function_expression, walk_call_expression, walk_expression, walk_function,
    walk_new_expression, walk_tagged_template_expression,
};
use oxc_syntax::node::NodeId;
use oxc_syntax::operator::UnaryOperator;
use oxc_syntax::scope::ScopeFlags;
use oxc_syntax::symbol::SymbolId;

pub(super) use super::methods::{
    CELL_METHODS, LINK_METHODS, LIST_METHODS, READ_METHODS, TEST_METHODS,
};
use super::path::path_of;
use crate::compile::unit::peel;

/// What a name may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Plain data or a function: nothing to unwrap.
    Static,
    /// Plain or reactive; only running tells.
    Maybe,
    /// A derived value or an input that the code treats as a plain value.
    Value,
    /// A cell that the code knows to be one.
    Cell,
    /// A cell among the inputs that need not be there.
    CellInput,
    Stream,
}

impl Class {
    /// True when the value may have to be unwrapped.
    pub(super) fn is_reactive(self) -> bool {
        !matches!(self, Self::Static | Self::Stream)
    }

    /// True when it is a handle for certain.
    pub(super) fn is_certain(self) -> bool {
        matches!(self, Self::Value | Self::Cell | Self::CellInput)
    }

    /// The class of a value computed from both.
    pub(super) fn join(self, other: Self) -> Self {
        if self.is_certain() || other.is_certain() {
            Self::Value
        } else if self == Self::Maybe || other == Self::Maybe {
            Self::Maybe
        } else {
            Self::Static
        }
    }

    /// The class of a member.
    pub(super) fn member(self) -> Self {
        match self {
            Self::Cell | Self::CellInput => Self::Value,
            Self::Stream => Self::Static,
            other => other,
        }
    }
}

/// Who is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// The framework, or what its `pattern`, `handler` or `lift` made: takes
    /// cells as they are.
    Builder,
    /// A function of the framework that gives a plain result at once.
    Pure,
    /// A function of the charm that makes cells or derived values.
    Building,
    /// Everything else: wants plain values.
    Plain,
}

/// What is known of a call or of `new`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) callee: Callee,
    pub(super) result: Class,
}

/// How the code of a function is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// No reactive code.
    Neutral,
    /// Builds: names hold cells, results keep their links.
    Build,
    /// Computes: names of the body around it are read as values.
    Compute,
}

/// What the rules ask about names and calls.
pub(super) trait Lookup {
    fn symbol(&self, name: &IdentifierReference<'_>) -> Option<SymbolId>;
    fn class(&self, symbol: SymbolId) -> Class;
    /// The class of a property of an object whose type is known.
    fn property(&self, symbol: SymbolId, key: &str) -> Option<Class>;
    fn call(&self, node: NodeId) -> Call;
    fn mode(&self, function: NodeId) -> Mode;
    /// Where a symbol is declared, as a byte offset.
    fn declared_at(&self, symbol: SymbolId) -> u32;

    fn class_of_name(&self, name: &IdentifierReference<'_>) -> Class {
        self.symbol(name).map_or(Class::Static, |s| self.class(s))
    }
}

/// The class of an expression's value.
pub(super) fn class_of<L: Lookup>(expression: &Expression<'_>, at: &L) -> Class {
    match peel(expression) {
        Expression::Identifier(name) => at.class_of_name(name),
        Expression::ChainExpression(chain) => match &chain.expression {
            ChainElement::CallExpression(call) => at.call(call.node_id()).result,
            ChainElement::TSNonNullExpression(inner) => class_of(&inner.expression, at),
            other => match other.as_member_expression() {
                Some(member) => class_of_member(member, at),
                None => Class::Static,
            },
        },
        member if member.is_member_expression() => member
            .as_member_expression()
            .map_or(Class::Static, |m| class_of_member(m, at)),
        Expression::CallExpression(call) => at.call(call.node_id()).result,
        Expression::NewExpression(new) => at.call(new.node_id()).result,
        Expression::ConditionalExpression(c) => {
            let both = class_of(&c.consequent, at).join(class_of(&c.alternate, at));
            // Which one it is may follow a cell.
            dependencies(&c.test, at).class().join(both)
        }
        Expression::LogicalExpression(l) => class_of(&l.left, at).join(class_of(&l.right, at)),
        Expression::UnaryExpression(u) if u.operator != UnaryOperator::Void => {
            class_of(&u.argument, at).join(Class::Static)
        }
        Expression::BinaryExpression(b) => class_of(&b.left, at).join(class_of(&b.right, at)),
        Expression::TemplateLiteral(t) => join_all(t.expressions.iter(), at),
        Expression::TaggedTemplateExpression(t) => at.call(t.node_id()).result,
        Expression::ObjectExpression(_) | Expression::ArrayExpression(_) => {
            if dependencies(expression, at).class().is_reactive() {
                Class::Maybe
            } else {
                Class::Static
            }
        }
        Expression::AssignmentExpression(a) => class_of(&a.right, at),
        Expression::SequenceExpression(s) => s
            .expressions
            .last()
            .map_or(Class::Static, |e| class_of(e, at)),
        _ => Class::Static,
    }
}

fn join_all<'e, 'a: 'e, L: Lookup>(
    list: impl Iterator<Item = &'e Expression<'a>>,
    at: &L,
) -> Class {
    list.fold(Class::Static, |all, e| all.join(class_of(e, at)))
}

/// The class of a member, by the type of the object where that is known.
pub(super) fn class_of_member<L: Lookup>(member: &MemberExpression<'_>, at: &L) -> Class {
    if let Expression::Identifier(root) = peel(member.object())
        && let Some(key) = member.static_property_name()
        && let Some(known) = at.symbol(root).and_then(|symbol| at.property(symbol, key))
    {
        return known;
    }
    class_of(member.object(), at).member()
}

/// A reactive name, with the static keys that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) keys: Vec<String>,
    pub(super) class: Class,
    /// Where the name is declared, as a byte offset.
    pub(super) declared_at: u32,
}

/// What an expression depends on.
#[derive(Default)]
pub(super) struct Dependencies {
    pub(super) names: Vec<Dependency>,
    /// A call in it gives something reactive.
    pub(super) calls: Option<Class>,
    /// It waits (`await`, `yield`) and cannot be moved into a function.
    pub(super) waits: bool,
}

impl Dependencies {
    /// What a value computed from all of them is.
    pub(super) fn class(&self) -> Class {
        self.names
            .iter()
            .map(|d| d.class)
            .chain(self.calls)
            .fold(Class::Static, Class::join)
    }
}

/// Collects the dependencies of an expression.
pub(super) fn dependencies<L: Lookup>(expression: &Expression<'_>, at: &L) -> Dependencies {
    let mut collect = Collect {
        at,
        found: Dependencies::default(),
        depth: 0,
    };
    collect.visit_expression(expression);
    collect.found
}

struct Collect<'l, L> {
    at: &'l L,
    found: Dependencies,
    /// Functions around the present place, inside the expression.
    depth: usize,
}

impl<L: Lookup> Collect<'_, L> {
    fn add(&mut self, name: &IdentifierReference<'_>, keys: Vec<String>) {
        let Some(symbol) = self.at.symbol(name) else {
            return;
        };
        let first = keys.first().and_then(|k| self.at.property(symbol, k));
        if first == Some(Class::Stream) {
            return;
        }
        let class = self.at.class(symbol);
        if class.is_reactive() {
            let dependency = Dependency {
                name: name.name.to_string(),
                keys: if class.is_certain() { Vec::new() } else { keys },
                class,
                declared_at: self.at.declared_at(symbol),
            };
            if !self.found.names.contains(&dependency) {
                self.found.names.push(dependency);
            }
        }
    }

    /// Notes what a call gives; true when its inside does not matter any more.
    fn note_call(&mut self, node: NodeId) -> bool {
        let call = self.at.call(node);
        let ends = matches!(call.callee, Callee::Builder | Callee::Building);
        if ends && call.result.is_reactive() {
            let all = self.found.calls.unwrap_or(Class::Static);
            self.found.calls = Some(all.join(call.result));
        }
        ends
    }
}

impl<'a, L: Lookup> Visit<'a> for Collect<'_, L> {
    fn visit_expression(&mut self, expression: &Expression<'a>) {
        if let Some(path) = path_of(expression) {
            self.add(path.root, path.static_keys());
            for key in path.computed_keys() {
                self.visit_expression(key);
            }
            return;
        }
        walk_expression(self, expression);
    }

    fn visit_call_expression(&mut self, call: &CallExpression<'a>) {
        if !self.note_call(call.node_id()) {
            // A method is not part of what its object holds.
            if let Some(member) = peel(&call.callee).as_member_expression()
                && let Some(path) = path_of(member.object())
            {
                self.add(path.root, path.static_keys());
                for key in path.computed_keys() {
                    self.visit_expression(key);
                }
                self.visit_arguments(&call.arguments);
                return;
            }
            walk_call_expression(self, call);
        }
    }

    fn visit_tagged_template_expression(&mut self, template: &TaggedTemplateExpression<'a>) {
        if !self.note_call(template.node_id()) {
            walk_tagged_template_expression(self, template);
        }
    }

    fn visit_new_expression(&mut self, new: &NewExpression<'a>) {
        if !self.note_call(new.node_id()) {
            walk_new_expression(self, new);
        }
    }

    fn visit_function(&mut self, function: &Function<'a>, flags: ScopeFlags) {
        if self.at.mode(function.node_id()) != Mode::Build {
            self.depth += 1;
            walk_function(self, function, flags);
            self.depth -= 1;
        }
    }

    fn visit_arrow_function_expression(&mut self, function: &ArrowFunctionExpression<'a>) {
        if self.at.mode(function.node_id()) != Mode::Build {
            self.depth += 1;
            walk_arrow_function_expression(self, function);
            self.depth -= 1;
        }
    }

    // Elements hold cells as they are.
    fn visit_jsx_element(&mut self, _: &JSXElement<'a>) {}

    fn visit_jsx_fragment(&mut self, _: &JSXFragment<'a>) {}

    fn visit_await_expression(&mut self, it: &AwaitExpression<'a>) {
        self.found.waits |= self.depth == 0;
        self.visit_expression(&it.argument);
    }

    fn visit_yield_expression(&mut self, it: &YieldExpression<'a>) {
        self.found.waits |= self.depth == 0;
        if let Some(argument) = &it.argument {
            self.visit_expression(argument);
        }
    }
}
