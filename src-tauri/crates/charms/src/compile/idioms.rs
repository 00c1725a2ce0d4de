//! Work on texts that an interpreter is slow at and that can be done at once.
//!
//! Owns two forms in which charms turn what `atob` gives into bytes, and one in
//! which they turn HTML into text:
//!
//! ```js
//! for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
//! Uint8Array.from(text, (c) => c.charCodeAt(0));
//! text.replace(/<br>/gi, "\n").replace(/<[^>]+>/g, "");
//! ```
//!
//! The first gets another starting value, which a helper (`js/idioms.js`) gives:
//! the end, when it has copied everything at once, else 0. The others become
//! calls of helpers that make the calls themselves when they know no shorter way.
//! So nothing has to be known of `text` and `bytes` here, and other forms are left
//! as they are.

use oxc_allocator::{Allocator, TakeIn};
use oxc_ast::ast::{
    Argument, ArrowFunctionBody, AssignmentTarget, BindingPattern, CallExpression, Expression,
    ForStatement, ForStatementInit, IdentifierName, Program as Tree, SimpleAssignmentTarget,
    Statement, VariableDeclarationKind,
};
use oxc_ast_visit::VisitMut;
use oxc_ast_visit::walk_mut::{walk_expression, walk_for_statement};
use oxc_span::{GetSpan, SPAN, Span};
use oxc_syntax::operator::{AssignmentOperator, BinaryOperator, UpdateOperator};

use super::reactive::{HELPERS, Make};

/// True when the text of a file may hold one of the forms.
pub(super) fn may_be_in(text: &str) -> bool {
    text.contains(".charCodeAt(") || text.matches(".replace(/").nth(1).is_some()
}

/// Rewrites one file; true when something was changed, after which the scopes
/// are to be resolved anew. `helpers` is the name of the helpers' module, which
/// is imported unless it is `imported` already.
pub(super) fn rewrite<'a>(
    allocator: &'a Allocator,
    tree: &mut Tree<'a>,
    helpers: &str,
    imported: bool,
) -> bool {
    let mut rewriter = Rewriter {
        make: Make::new(allocator, helpers),
        used: false,
    };
    rewriter.visit_program(tree);
    if rewriter.used && !imported {
        tree.body.insert(0, rewriter.make.import(HELPERS));
    }
    rewriter.used
}

struct Rewriter<'a> {
    make: Make<'a>,
    used: bool,
}

impl<'a> VisitMut<'a> for Rewriter<'a> {
    fn visit_for_statement(&mut self, it: &mut ForStatement<'a>) {
        walk_for_statement(self, it);
        let Some(copy) = Copy::of(it) else { return };
        let test = match &it.test {
            Some(Expression::BinaryExpression(test)) => &test.right,
            _ => return,
        };
        let end = match test {
            Expression::Identifier(name) => self.make.name(name.name.as_str()),
            // `Copy::of` has seen that it is `text.length`.
            _ => self.length(copy.text),
        };
        let [bytes, text] = [copy.bytes, copy.text].map(|name| self.make.name(name));
        let start = self.helper(it.span, "copyCodes", [bytes, text, end]);
        if let Some(ForStatementInit::VariableDeclaration(declaration)) = &mut it.init
            && let Some(counter) = declaration.declarations.first_mut()
        {
            counter.init = Some(start);
        }
    }

    fn visit_expression(&mut self, expression: &mut Expression<'a>) {
        if replacements(expression) >= 2 {
            self.chain(expression);
        }
        walk_expression(self, expression);
        let Expression::CallExpression(call) = expression else {
            return;
        };
        if !is_from_codes(call) {
            return;
        }
        let span = call.span;
        let arguments = call.arguments.take_in(&self.make.builder);
        let given = arguments.into_iter().filter_map(|argument| match argument {
            Argument::SpreadElement(_) => None,
            other => Some(other.into_expression()),
        });
        let all: Vec<_> = [self.make.name("Uint8Array")]
            .into_iter()
            .chain(given)
            .collect();
        *expression = self.helper(span, "fromCodes", all);
    }
}

impl<'a> Rewriter<'a> {
    /// `a.replace(b, c).replace(d, e)` as `helpers.replaceChain(a, steps, () => [b, c,
    /// d, e])`, with the steps as JSON.
    fn chain(&mut self, expression: &mut Expression<'a>) {
        let span = expression.span();
        let mut text = expression.take_in(&self.make.builder);
        let mut pairs = Vec::new();
        while replacements(&text) > 0 {
            let Expression::CallExpression(call) = &mut text else {
                break;
            };
            let pair = call.arguments.take_in(&self.make.builder);
            let Expression::StaticMemberExpression(callee) = &mut call.callee else {
                break;
            };
            let inner = callee.object.take_in(&self.make.builder);
            pairs.push(pair);
            text = inner;
        }
        pairs.reverse();
        let steps: Vec<_> = pairs.iter().filter_map(|pair| step(pair)).collect();
        // Plain texts always have JSON.
        let steps = serde_json::to_string(&steps).unwrap_or_default();
        let steps = self.make.string(&steps, SPAN);
        let elements = pairs.into_iter().flatten();
        let list = self.make.array(elements.map(Argument::into_expression));
        let literals = self.make.thunk(list);
        *expression = self.helper(span, "replaceChain", [text, steps, literals]);
    }

    /// `helpers.function(arguments)`, said to stand at `span`.
    fn helper(
        &mut self,
        span: Span,
        function: &'static str,
        arguments: impl IntoIterator<Item = Expression<'a>>,
    ) -> Expression<'a> {
        self.used = true;
        self.make.helper(span, function, arguments)
    }

    /// `text.length`.
    fn length(&self, text: &str) -> Expression<'a> {
        let builder = &self.make.builder;
        let property = IdentifierName::new(SPAN, "length", builder);
        let object = self.make.name(text);
        Expression::new_static_member_expression(SPAN, object, property, false, builder)
    }
}

/// How many replacements of an expression by a text end a chain.
fn replacements(expression: &Expression<'_>) -> usize {
    let mut count = 0;
    let mut at = expression;
    while let Expression::CallExpression(call) = at
        && let Expression::StaticMemberExpression(callee) = &call.callee
        && !call.optional
        && !callee.optional
        && callee.property.name == "replace"
        && step(&call.arguments).is_some()
    {
        count += 1;
        at = &callee.object;
    }
    count
}

/// Source, flags and replacement, when the arguments are plain ones.
fn step<'e>(arguments: &'e [Argument<'_>]) -> Option<(&'e str, String, &'e str)> {
    match arguments {
        [
            Argument::RegExpLiteral(expression),
            Argument::StringLiteral(by),
        ] if !by.lone_surrogates => Some((
            expression.regex.pattern.text.as_str(),
            expression.regex.flags.to_string(),
            by.value.as_str(),
        )),
        _ => None,
    }
}

/// The names in a loop that copies.
struct Copy<'e> {
    bytes: &'e str,
    text: &'e str,
}

impl<'e> Copy<'e> {
    fn of(it: &'e ForStatement<'_>) -> Option<Self> {
        let counter = counter(it)?;
        let body = match &it.body {
            Statement::BlockStatement(block) if block.body.len() == 1 => block.body.first()?,
            other => other,
        };
        let Statement::ExpressionStatement(body) = body else {
            return None;
        };
        let Expression::AssignmentExpression(assignment) = &body.expression else {
            return None;
        };
        let AssignmentTarget::ComputedMemberExpression(target) = &assignment.left else {
            return None;
        };
        let text = code_of(&assignment.right, counter)?;
        let bytes = identifier(&target.object)?;
        let fits = assignment.operator == AssignmentOperator::Assign
            && identifier(&target.expression) == Some(counter)
            && ends_at(it.test.as_ref()?, counter, text)
            && counts_up(it.update.as_ref()?, counter)
            && text != counter
            && bytes != counter;
        fits.then_some(Self { bytes, text })
    }
}

/// `let i = 0`, and nothing else.
fn counter<'e>(it: &'e ForStatement<'_>) -> Option<&'e str> {
    let Some(ForStatementInit::VariableDeclaration(declaration)) = &it.init else {
        return None;
    };
    let [only] = declaration.declarations.as_slice() else {
        return None;
    };
    let from_zero = matches!(&only.init, Some(Expression::NumericLiteral(n)) if n.value == 0.0);
    match &only.id {
        BindingPattern::BindingIdentifier(name)
            if from_zero && declaration.kind == VariableDeclarationKind::Let =>
        {
            Some(name.name.as_str())
        }
        _ => None,
    }
}

/// `i < text.length`, or `i < end`.
fn ends_at(test: &Expression<'_>, counter: &str, text: &str) -> bool {
    let Expression::BinaryExpression(test) = test else {
        return false;
    };
    let end = match &test.right {
        Expression::StaticMemberExpression(m) => {
            !m.optional && m.property.name == "length" && identifier(&m.object) == Some(text)
        }
        Expression::Identifier(end) => end.name != counter,
        _ => false,
    };
    end && test.operator == BinaryOperator::LessThan && identifier(&test.left) == Some(counter)
}

/// `i++`, `++i` or `i += 1`.
fn counts_up(update: &Expression<'_>, counter: &str) -> bool {
    match update {
        Expression::UpdateExpression(it) => {
            it.operator == UpdateOperator::Increment
                && matches!(&it.argument,
                    SimpleAssignmentTarget::AssignmentTargetIdentifier(i) if i.name == counter)
        }
        Expression::AssignmentExpression(it) => {
            it.operator == AssignmentOperator::Addition
                && matches!(&it.left,
                    AssignmentTarget::AssignmentTargetIdentifier(i) if i.name == counter)
                && matches!(&it.right, Expression::NumericLiteral(n) if n.value == 1.0)
        }
        _ => false,
    }
}

/// The text of `text.charCodeAt(i)`.
fn code_of<'e>(value: &'e Expression<'_>, counter: &str) -> Option<&'e str> {
    let Expression::CallExpression(call) = value else {
        return None;
    };
    let (text, [Argument::Identifier(at)]) = (char_code_at(call)?, call.arguments.as_slice())
    else {
        return None;
    };
    (at.name == counter).then_some(text)
}

/// The text whose `charCodeAt` is called.
fn char_code_at<'e>(call: &'e CallExpression<'_>) -> Option<&'e str> {
    match &call.callee {
        Expression::StaticMemberExpression(m)
            if !call.optional && !m.optional && m.property.name == "charCodeAt" =>
        {
            identifier(&m.object)
        }
        _ => None,
    }
}

fn identifier<'e>(expression: &'e Expression<'_>) -> Option<&'e str> {
    match expression {
        Expression::Identifier(name) => Some(name.name.as_str()),
        _ => None,
    }
}

/// `Uint8Array.from(anything, (c) => c.charCodeAt(0))`.
fn is_from_codes(call: &CallExpression<'_>) -> bool {
    let Expression::StaticMemberExpression(callee) = &call.callee else {
        return false;
    };
    let [text, Argument::ArrowFunctionExpression(each)] = call.arguments.as_slice() else {
        return false;
    };
    let ArrowFunctionBody::CallExpression(code) = &each.body else {
        return false;
    };
    let [only] = each.params.items.as_slice() else {
        return false;
    };
    let BindingPattern::BindingIdentifier(name) = &only.pattern else {
        return false;
    };
    let first = matches!(code.arguments.as_slice(),
        [Argument::NumericLiteral(n)] if n.value == 0.0);
    first
        && !call.optional
        && !callee.optional
        && callee.property.name == "from"
        && identifier(&callee.object) == Some("Uint8Array")
        && !matches!(text, Argument::SpreadElement(_))
        && !each.r#async
        && each.params.rest.is_none()
        && only.initializer.is_none()
        && char_code_at(code) == Some(name.name.as_str())
}
