//! Names that a charm imports from the framework and that are not here: said
//! before its first run, with what to do instead.

use oxc_ast::AstKind;

use super::error::Diagnostic;
use super::framework;
use super::imports::{Import, Target};
use super::unit::Unit;

/// What to do about a name of the framework that is not here.
fn hint(name: &str) -> &'static str {
    match name {
        "dataFile" => {
            "A charm here is made of source files only: put the text into a .ts file of the charm and import it."
        }
        "cfSqlite" | "sqliteDatabase" | "table" | "column" | "rowLabel" => {
            "There is no database here: keep the rows in a cell, such as a Writable list."
        }
        "assert" | "multiUserTest" | "participant" => {
            "It belongs to the tests of patterns, which do not run here: add the pattern itself."
        }
        _ => "Charmkeeper does not provide it, so this charm cannot run.",
    }
}

/// The faults of imports of names that the framework does not have. Names that
/// are used only as types are no fault: they vanish.
pub(super) fn unknown_imports(unit: &Unit<'_, '_>, imports: &[Import]) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for node in unit.semantic.nodes() {
        let AstKind::ImportSpecifier(specifier) = node.kind() else {
            continue;
        };
        let AstKind::ImportDeclaration(declaration) = unit.semantic.nodes().parent_kind(node.id())
        else {
            continue;
        };
        let module = imports.iter().find(|i| i.span == declaration.source.span);
        let Some(Target::BuiltIn(module)) = module.map(|i| i.target) else {
            continue;
        };
        let name = specifier.imported.name();
        let is_type = declaration.import_kind.is_type() || specifier.import_kind.is_type();
        if !framework::is_framework(module) || is_type || framework::exports(&name) {
            continue;
        }
        let used = specifier.local.symbol_id.get().is_some_and(|symbol| {
            unit.semantic
                .symbol_references(symbol)
                .any(oxc_semantic::Reference::is_value)
        });
        if used {
            let message = format!("\"{module}\" has no `{name}` here.");
            let hint = Some(hint(&name).to_owned());
            faults.push(unit.source.diagnostic(specifier.span.start, message, hint));
        }
    }
    faults
}
