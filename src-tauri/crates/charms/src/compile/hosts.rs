//! The hosts that a charm names: those of every absolute http or https URL that
//! is written out in its sources.
//!
//! Only hosts that stand there in full. Links in the attributes of HTML
//! elements are for a person to click and are left out: nothing fetches them.

use std::collections::BTreeSet;

use oxc_ast::AstKind;
use oxc_ast::ast::{BinaryOperator, Expression, JSXElementName, StringLiteral};
use oxc_syntax::node::NodeId;

use super::unit::Unit;

/// Adds the hosts named in one file; with a port where it is not the usual one.
pub(super) fn collect(unit: &Unit<'_, '_>, hosts: &mut BTreeSet<String>) {
    for node in unit.semantic.nodes() {
        let host = match node.kind() {
            AstKind::StringLiteral(s) => literal(unit, node.id(), s),
            AstKind::TemplateLiteral(t) => t.quasis.first().and_then(|first| {
                let text = first.value.cooked?;
                host(text.as_str(), t.expressions.is_empty())
            }),
            AstKind::TSTemplateLiteralType(t) => t.quasis.first().and_then(|first| {
                let text = first.value.cooked?;
                host(text.as_str(), t.types.is_empty())
            }),
            _ => None,
        };
        hosts.extend(host);
    }
}

fn literal(unit: &Unit<'_, '_>, node: NodeId, literal: &StringLiteral<'_>) -> Option<String> {
    // Most strings are no URL; look at the surroundings of those that are.
    let text = literal.value.as_str();
    host(text, false).or_else(|| host(text, true))?;
    let nodes = unit.semantic.nodes();
    let complete = match nodes.parent_kind(node) {
        AstKind::JSXAttribute(_) if in_html_element(unit, node) => return None,
        AstKind::BinaryExpression(b) if b.operator == BinaryOperator::Addition => {
            // What is added may go on with the host's name.
            let is_right =
                matches!(&b.right, Expression::StringLiteral(s) if s.span == literal.span);
            is_right
                || matches!(&b.right, Expression::StringLiteral(s) if s.value.starts_with(['/', '?', '#']))
        }
        _ => true,
    };
    host(text, complete)
}

/// True for a value of an attribute of an element that is not a component.
fn in_html_element(unit: &Unit<'_, '_>, node: NodeId) -> bool {
    unit.semantic
        .nodes()
        .ancestor_kinds(node)
        .find_map(|kind| match kind {
            AstKind::JSXOpeningElement(e) => Some(matches!(e.name, JSXElementName::Identifier(_))),
            _ => None,
        })
        == Some(true)
}

/// The host of an absolute URL at the beginning of `text`. When more may follow
/// (`complete` is false), the host must be ended by a path, a query or a
/// fragment.
fn host(text: &str, complete: bool) -> Option<String> {
    let scheme = text
        .get(..8)
        .or_else(|| text.get(..7))?
        .to_ascii_lowercase();
    let rest = match (
        scheme.starts_with("https://"),
        scheme.starts_with("http://"),
    ) {
        (true, _) => text.get(8..)?,
        (_, true) => text.get(7..)?,
        _ => return None,
    };
    let end = rest.find(['/', '?', '#', '\\']);
    if end.is_none() && !complete {
        return None;
    }
    let url = url::Url::parse(&text[..text.len() - rest.len() + end.unwrap_or(rest.len())]).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let name = url.host_str()?.trim_end_matches('.');
    match url.port() {
        _ if name.is_empty() => None,
        Some(port) => Some(format!("{name}:{port}")),
        None => Some(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_counts_only_when_it_is_written_out() {
        let full = |t: &str| host(t, true);
        assert_eq!(
            full("https://API.Example.com/x?y").as_deref(),
            Some("api.example.com")
        );
        assert_eq!(full("http://example.com").as_deref(), Some("example.com"));
        assert_eq!(
            full("HTTPS://example.com:8443/").as_deref(),
            Some("example.com:8443")
        );
        assert_eq!(
            full("https://example.com:443/").as_deref(),
            Some("example.com")
        );
        assert_eq!(
            full("https://b\u{fc}cher.example/").as_deref(),
            Some("xn--bcher-kva.example")
        );
        for none in [
            "",
            "https://",
            "https:///x",
            "ftp://a.b/",
            "see https://a.b/",
            "//a.b/",
            "https://user:pw@a.b/",
            "https://a b/",
            "mailto:x@y.z",
        ] {
            assert_eq!(full(none), None, "{none}");
        }
        assert_eq!(host("https://api.", false), None);
        assert_eq!(host("https://api.example.com", false), None);
        assert_eq!(
            host("https://api.example.com/", false).as_deref(),
            Some("api.example.com")
        );
        assert_eq!(host("https://a.b?", false).as_deref(), Some("a.b"));
    }
}
