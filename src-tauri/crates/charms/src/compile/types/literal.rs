//! Literals as JSON: of literal types, constants and enums.

use std::collections::HashMap;

use oxc_ast::ast::{Expression, PropertyKey, TSEnumDeclaration, TSLiteral, UnaryOperator};
use serde_json::{Number, Value};

use super::model::{Keyword, Type};
use crate::compile::unit::peel;

/// A literal type; what JSON cannot say, such as a bigint, is only plain.
pub(super) fn literal(literal: &TSLiteral<'_>) -> Type {
    let value = match literal {
        TSLiteral::BooleanLiteral(b) => Some(Value::Bool(b.value)),
        TSLiteral::NumericLiteral(n) => number(n.value),
        TSLiteral::StringLiteral(s) if !s.lone_surrogates => Some(Value::from(s.value.as_str())),
        TSLiteral::TemplateLiteral(t) => t.single_quasi().map(|text| Value::from(text.as_str())),
        TSLiteral::UnaryExpression(u) => match (&u.argument, u.operator) {
            (Expression::NumericLiteral(n), UnaryOperator::UnaryNegation) => number(-n.value),
            (Expression::NumericLiteral(n), UnaryOperator::UnaryPlus) => number(n.value),
            _ => None,
        },
        TSLiteral::StringLiteral(_) | TSLiteral::BigIntLiteral(_) => None,
    };
    value.map_or(Type::Keyword(Keyword::Plain), Type::Literal)
}

/// A number as JSON: whole ones without a fraction, as JavaScript writes them.
fn number(n: f64) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if n.fract() == 0.0 && n.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        return Some(Value::from(n as i64));
    }
    Number::from_f64(n).map(Value::Number)
}

/// An expression of literals as JSON, arrays and objects included. Of a constant
/// it is what `typeof` stands for in a default, with or without `as const`: the
/// reference reads the initializer too (packages/schema-generator).
pub(in crate::compile) fn value_of(expression: &Expression<'_>) -> Option<Value> {
    json(expression, true)
}

/// An expression of literals as JSON.
fn json(expression: &Expression<'_>, nested: bool) -> Option<Value> {
    match peel(expression) {
        Expression::BooleanLiteral(b) => Some(Value::Bool(b.value)),
        Expression::NullLiteral(_) => Some(Value::Null),
        Expression::NumericLiteral(n) => number(n.value),
        Expression::StringLiteral(s) if !s.lone_surrogates => Some(Value::from(s.value.as_str())),
        Expression::TemplateLiteral(t) => t.single_quasi().map(|text| Value::from(text.as_str())),
        Expression::UnaryExpression(u) if u.operator == UnaryOperator::UnaryNegation => {
            match &u.argument {
                Expression::NumericLiteral(n) => number(-n.value),
                _ => None,
            }
        }
        Expression::ArrayExpression(a) if nested => a
            .elements
            .iter()
            .map(|e| json(e.as_expression()?, true))
            .collect::<Option<Vec<_>>>()
            .map(Value::Array),
        Expression::ObjectExpression(o) if nested => o
            .properties
            .iter()
            .map(|p| {
                let p = p.as_property()?;
                let plain = !p.method && !matches!(p.key, PropertyKey::PrivateIdentifier(_));
                plain.then_some(())?;
                Some((p.key.static_name()?.into_owned(), json(&p.value, true)?))
            })
            .collect::<Option<serde_json::Map<_, _>>>()
            .map(Value::Object),
        _ => None,
    }
}

/// The values of an enum's members, as far as they are known.
pub(super) fn enum_values(declaration: &TSEnumDeclaration<'_>) -> HashMap<String, Value> {
    let mut values = HashMap::new();
    // The number that a member without initializer gets, while it is known.
    let mut next = Some(0.0);
    for member in &declaration.body.members {
        let value = match &member.initializer {
            Some(init) => json(init, false),
            None => next.and_then(number),
        };
        next = value.as_ref().and_then(Value::as_f64).map(|n| n + 1.0);
        if let Some(value) = value {
            values.insert(member.id.static_name().to_string(), value);
        }
    }
    values
}
