//! The functions that a charm hands to the framework: where they are, what their
//! parameters are written to be.
//!
//! Never says what a type means; see [`types`](super::types).

use oxc_ast::AstKind;
use oxc_ast::ast::{
    Argument, BindingPattern, Expression, FormalParameters, TSType, TSTypeParameterInstantiation,
};
use oxc_span::Span;
use serde_json::{Map, Value};

use super::calls::Calls;
use super::types::literal::value_of;
use super::unit::peel;

/// A function that a charm hands to the framework.
#[derive(Clone, Debug)]
pub(super) struct Function<'a> {
    pub(super) span: Span,
    pub(super) name: Option<String>,
    pub(super) parameters: &'a FormalParameters<'a>,
    pub(super) returns: Option<&'a TSType<'a>>,
    /// The result of an arrow function without a block.
    pub(super) result: Option<&'a Expression<'a>>,
}

impl<'a> Function<'a> {
    fn declared(f: &'a oxc_ast::ast::Function<'a>) -> Self {
        Self {
            span: f.span,
            name: f.id.as_ref().map(|id| id.name.to_string()),
            parameters: &f.params,
            returns: f.return_type.as_ref().map(|t| &t.type_annotation),
            result: None,
        }
    }
}

impl<'a> Calls<'_, 'a, '_> {
    /// The function among a call's arguments, written there or named there.
    pub(super) fn function_of(
        &self,
        file: usize,
        arguments: &'a [Argument<'a>],
    ) -> Option<Function<'a>> {
        arguments
            .iter()
            .find_map(|a| self.function(file, a.as_expression()?))
    }

    fn function(&self, file: usize, expression: &'a Expression<'a>) -> Option<Function<'a>> {
        let unit = self.units.get(file)?;
        match peel(expression) {
            Expression::ArrowFunctionExpression(f) => Some(Function {
                span: f.span,
                name: None,
                parameters: &f.params,
                returns: f.return_type.as_ref().map(|t| &t.type_annotation),
                result: f.get_expression(),
            }),
            Expression::FunctionExpression(f) => Some(Function::declared(f)),
            Expression::Identifier(name) => {
                let symbol = unit.symbol_of(name)?;
                match unit.declaration(symbol) {
                    AstKind::Function(f) => Some(Function::declared(f)),
                    AstKind::VariableDeclarator(d) if unit.is_constant(symbol) => {
                        let init = peel(d.init.as_ref()?);
                        // One step only: a name for a name is rare and may circle.
                        let direct = !matches!(init, Expression::Identifier(_));
                        let function = direct.then(|| self.function(file, init))??;
                        Some(Function {
                            name: Some(name.name.to_string()),
                            ..function
                        })
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

pub(super) fn type_argument<'a>(
    types: Option<&'a TSTypeParameterInstantiation<'a>>,
    index: usize,
) -> Option<&'a TSType<'a>> {
    types?.params.get(index)
}

pub(super) fn parameter_type<'a>(
    parameters: &'a FormalParameters<'a>,
    index: usize,
) -> Option<&'a TSType<'a>> {
    parameters
        .items
        .get(index)?
        .type_annotation
        .as_ref()
        .map(|t| &t.type_annotation)
}

/// Adds the defaults that the parameter itself states: `({ count = 0 }) => ..`.
/// A cell is never undefined, so that they would not be applied when it runs.
pub(super) fn add_written_defaults(
    parameters: &FormalParameters<'_>,
    defaults: &mut Map<String, Value>,
) {
    let Some(BindingPattern::ObjectPattern(object)) = parameters.items.first().map(|p| &p.pattern)
    else {
        return;
    };
    for property in &object.properties {
        if let BindingPattern::AssignmentPattern(assigned) = &property.value
            && let Some(key) = property.key.static_name()
            && let Some(value) = value_of(&assigned.right)
        {
            defaults.entry(key.into_owned()).or_insert(value);
        }
    }
}
