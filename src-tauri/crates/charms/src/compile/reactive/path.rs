//! Paths: a name and the members that are read from it, `a.b?.["c"][i]`.

use oxc_allocator::ArenaBox;
use oxc_ast::ast::{ChainElement, Expression, IdentifierReference};
use oxc_span::Span;

/// A key of a path.
pub(super) enum Key<'e, 'a> {
    Name(&'e str),
    Expression(&'e Expression<'a>),
}

/// A path, borrowed from the tree.
pub(super) struct Path<'e, 'a> {
    pub(super) root: &'e IdentifierReference<'a>,
    /// In the order in which they are read.
    pub(super) keys: Vec<Key<'e, 'a>>,
    /// True when a step was written with `?.` and what follows the path in the
    /// same chain is skipped too when nothing is there.
    pub(super) optional: bool,
}

impl<'e, 'a> Path<'e, 'a> {
    /// The keys up to the first one that has to be computed.
    pub(super) fn static_keys(&self) -> Vec<String> {
        self.keys
            .iter()
            .map_while(|key| match key {
                Key::Name(name) => Some((*name).to_owned()),
                Key::Expression(Expression::StringLiteral(s)) => Some(s.value.to_string()),
                Key::Expression(_) => None,
            })
            .collect()
    }

    pub(super) fn computed_keys(&self) -> impl Iterator<Item = &'e Expression<'a>> {
        self.keys.iter().filter_map(|key| match key {
            Key::Expression(expression) => Some(*expression),
            Key::Name(_) => None,
        })
    }
}

/// The path that an expression is; a name alone is one without keys.
pub(super) fn path_of<'e, 'a>(expression: &'e Expression<'a>) -> Option<Path<'e, 'a>> {
    let mut keys = Vec::new();
    let mut optional = false;
    // Steps in a chain of their own do not skip what is around that chain.
    let mut same_chain = true;
    let mut at = expression;
    let root = loop {
        at = match at.get_inner_expression() {
            Expression::Identifier(name) => break name,
            Expression::StaticMemberExpression(m) => {
                keys.push(Key::Name(m.property.name.as_str()));
                optional |= m.optional && same_chain;
                &m.object
            }
            Expression::ComputedMemberExpression(m) => {
                keys.push(Key::Expression(&m.expression));
                optional |= m.optional && same_chain;
                &m.object
            }
            Expression::ChainExpression(chain) => {
                same_chain = false;
                match &chain.expression {
                    ChainElement::StaticMemberExpression(m) => {
                        keys.push(Key::Name(m.property.name.as_str()));
                        &m.object
                    }
                    ChainElement::ComputedMemberExpression(m) => {
                        keys.push(Key::Expression(&m.expression));
                        &m.object
                    }
                    ChainElement::TSNonNullExpression(inner) => &inner.expression,
                    _ => return None,
                }
            }
            _ => return None,
        };
    };
    keys.reverse();
    Some(Path {
        root,
        keys,
        optional,
    })
}

/// A key of a path that was taken out of the tree.
pub(super) enum TakenKey<'a> {
    Name(&'a str, Span),
    Expression(Expression<'a>),
}

/// Takes a path apart. `None` (and the expression is lost) when it is none: ask
/// [`path_of`] before.
pub(super) fn take_path<'a>(
    expression: Expression<'a>,
) -> Option<(ArenaBox<'a, IdentifierReference<'a>>, Vec<TakenKey<'a>>)> {
    let mut keys = Vec::new();
    let mut at = expression;
    let root = loop {
        at = match at.into_inner_expression() {
            Expression::Identifier(name) => break name,
            Expression::StaticMemberExpression(m) => {
                let m = m.unbox();
                keys.push(TakenKey::Name(m.property.name.as_str(), m.property.span));
                m.object
            }
            Expression::ComputedMemberExpression(m) => {
                let m = m.unbox();
                keys.push(TakenKey::Expression(m.expression));
                m.object
            }
            Expression::ChainExpression(chain) => match chain.unbox().expression {
                ChainElement::StaticMemberExpression(m) => {
                    let m = m.unbox();
                    keys.push(TakenKey::Name(m.property.name.as_str(), m.property.span));
                    m.object
                }
                ChainElement::ComputedMemberExpression(m) => {
                    let m = m.unbox();
                    keys.push(TakenKey::Expression(m.expression));
                    m.object
                }
                ChainElement::TSNonNullExpression(inner) => inner.unbox().expression,
                _ => return None,
            },
            _ => return None,
        };
    };
    keys.reverse();
    Some((root, keys))
}
