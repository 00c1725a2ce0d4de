//! What a file imports, what each import names, and which of them are there
//! when the charm runs.
//!
//! Never loads anything: the files are those of the program.

use std::collections::HashMap;

use oxc_ast::AstKind;
use oxc_ast::ast::{
    Expression, ImportDeclaration, ImportDeclarationSpecifier, ImportOrExportKind, StringLiteral,
};
use oxc_span::Span;

use super::error::Diagnostic;
use super::specifier;
use super::unit::Unit;

/// What an import names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A file of the program, by its index.
    File(usize),
    /// A module that the program provides.
    BuiltIn(&'static str),
    /// Nothing that is known.
    Unknown,
}

/// One import, re-export or dynamic import with a literal specifier.
#[derive(Clone, Debug)]
pub(super) struct Import {
    pub(super) specifier: String,
    /// Span of the specifier's literal.
    pub(super) span: Span,
    pub(super) target: Target,
    /// False when only types are taken from it, so that it need not exist.
    pub(super) at_run_time: bool,
    /// True for `import("...")`.
    pub(super) dynamic: bool,
}

/// The indices of the program's files by path.
pub(super) type FileIndex<'s> = HashMap<&'s str, usize>;

/// The imports of one file, in source order.
pub(super) fn collect(unit: &Unit<'_, '_>, files: &FileIndex<'_>) -> Vec<Import> {
    let mut out = Vec::new();
    for node in unit.semantic.nodes() {
        let (source, at_run_time) = match node.kind() {
            AstKind::ImportDeclaration(d) => (&d.source, imports_values(unit, d)),
            AstKind::ExportFromDeclaration(d) => {
                let types = d.export_kind.is_type()
                    || (!d.specifiers.is_empty()
                        && d.specifiers.iter().all(|s| s.export_kind.is_type()));
                (&d.source, !types)
            }
            AstKind::ExportAllDeclaration(d) => (&d.source, !d.export_kind.is_type()),
            AstKind::ImportExpression(e) => match &e.source {
                Expression::StringLiteral(literal) => (&**literal, true),
                _ => continue,
            },
            _ => continue,
        };
        let dynamic = matches!(node.kind(), AstKind::ImportExpression(_));
        out.push(Import {
            dynamic,
            ..import(unit, files, source, at_run_time)
        });
    }
    out
}

fn import(
    unit: &Unit<'_, '_>,
    files: &FileIndex<'_>,
    source: &StringLiteral<'_>,
    at_run_time: bool,
) -> Import {
    let specifier = source.value.to_string();
    let target = resolve(unit.source.path, &specifier, files);
    Import {
        specifier,
        span: source.span,
        target,
        at_run_time,
        dynamic: false,
    }
}

/// What `specifier` names when it stands in the file `from`.
pub(super) fn resolve(from: &str, specifier: &str, files: &FileIndex<'_>) -> Target {
    if let Some(name) = specifier::built_in(specifier) {
        return Target::BuiltIn(name);
    }
    if !specifier::is_relative(specifier) {
        return Target::Unknown;
    }
    specifier::join(from, specifier)
        .and_then(|path| {
            specifier::candidates(&path)
                .iter()
                .find_map(|c| files.get(c.as_str()).copied())
        })
        .map_or(Target::Unknown, Target::File)
}

/// True unless the declaration is for types alone: written so, or every name it
/// binds is used and only as a type. A name that is never used counts as a
/// value, so that a misspelt module is reported.
fn imports_values(unit: &Unit<'_, '_>, declaration: &ImportDeclaration<'_>) -> bool {
    if declaration.import_kind.is_type() {
        return false;
    }
    let Some(specifiers) = declaration.specifiers.as_ref().filter(|s| !s.is_empty()) else {
        return true;
    };
    specifiers.iter().any(|s| {
        if let ImportDeclarationSpecifier::ImportSpecifier(s) = s
            && s.import_kind == ImportOrExportKind::Type
        {
            return false;
        }
        let Some(symbol) = s.local().symbol_id.get() else {
            return true;
        };
        let mut references = unit.semantic.symbol_references(symbol).peekable();
        references.peek().is_none() || references.any(|r| r.flags().is_value())
    })
}

/// The faults among the imports of one file.
pub(super) fn faults(unit: &Unit<'_, '_>, imports: &[Import]) -> Vec<Diagnostic> {
    imports
        .iter()
        .filter(|i| i.at_run_time && i.target == Target::Unknown)
        .map(|i| {
            let (message, hint) = explain(unit.source.path, &i.specifier);
            unit.source.diagnostic(i.span.start, message, Some(hint))
        })
        .collect()
}

/// Message and hint for an import that names nothing.
pub(super) fn explain(from: &str, specifier: &str) -> (String, String) {
    if !specifier::is_relative(specifier) {
        let message = format!("There is no module named \"{specifier}\" here.");
        if specifier == "commonfabric/cfc" {
            let hint = "It holds rules about who may see what, which a background run cannot keep: \
                 take them out, or run this charm where it was made for.";
            return (message, hint.to_owned());
        }
        return (
            message,
            format!(
                "A charm can import its own files by a relative path such as \"./util.ts\", and {}.",
                specifier::BUILT_IN
                    .iter()
                    .filter(|name| !name.ends_with("-runtime"))
                    .map(|name| format!("\"{name}\""))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
        );
    }
    match specifier::join(from, specifier) {
        None => leads_out(specifier),
        Some(path) => {
            let tried: Vec<_> = specifier::candidates(&path)
                .iter()
                .map(|c| c.trim_start_matches('/').to_owned())
                .collect();
            (
                format!(
                    "\"{specifier}\" was not found: there is no {}.",
                    path.trim_start_matches('/')
                ),
                format!("Tried {}.", tried.join(", ")),
            )
        }
    }
}

/// Message and hint for an import of something that is not the charm's.
pub(super) fn leads_out(specifier: &str) -> (String, String) {
    (
        format!("\"{specifier}\" leads out of the charm's folder."),
        "A charm can use files below its own folder, or elsewhere in its repository if they are \
         there."
            .to_owned(),
    )
}
