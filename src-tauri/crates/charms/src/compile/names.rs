//! Where a name comes from: a declaration in one of the charm's files, or the
//! framework, followed through imports, renames and re-exports.
//!
//! Knows values and types alike; never looks at what a declaration says.

use std::cell::Cell;
use std::collections::HashMap;

use oxc_ast::AstKind;
use oxc_ast::ast::{
    Declaration, ExportDefaultDeclarationKind, Expression, ImportDeclaration,
    ImportDeclarationSpecifier, ModuleExportName,
};
use oxc_syntax::symbol::SymbolId;

use super::imports::{Import, Target};
use super::unit::{Unit, peel};

/// A declared name: the file's index and the symbol in it.
pub(super) type Key = (usize, SymbolId);

/// Re-exports that are followed before a chain is given up as a circle.
const MAX_HOPS: u32 = 64;

/// Where a name comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// Declared in a file of the charm.
    Declared(Key),
    /// The expression after `export default` in a file.
    DefaultExpression(usize),
    /// A name of the framework, in the framework's spelling.
    Framework(String),
    /// All names of the framework: `import * as cf`.
    FrameworkModule,
    /// All names of a file: `import * as util`.
    FileModule(usize),
    /// Cannot be told.
    Unknown,
}

enum Export {
    Symbol(SymbolId),
    DefaultExpression,
    From(Target, Picked),
}

#[derive(Clone)]
enum Picked {
    Name(String),
    Everything,
}

#[derive(Default)]
struct FileNames {
    imports: HashMap<SymbolId, (Target, Picked)>,
    exports: HashMap<String, Export>,
    stars: Vec<Target>,
}

/// The names of all files of a program.
pub(super) struct Names {
    files: Vec<FileNames>,
}

impl Names {
    /// Collects imports and exports. `imports` is what
    /// [`collect`](super::imports::collect) gave for each unit.
    pub(super) fn new(units: &[Unit<'_, '_>], imports: &[Vec<Import>]) -> Self {
        let files = units
            .iter()
            .zip(imports)
            .map(|(unit, list)| file_names(unit, list))
            .collect();
        Self { files }
    }

    /// Where the symbol of a file comes from.
    pub(super) fn origin(&self, key: Key) -> Origin {
        self.follow_symbol(key, &Cell::new(MAX_HOPS))
    }

    /// Where the export `name` of a file comes from.
    pub(super) fn export(&self, file: usize, name: &str) -> Origin {
        self.follow_export(file, name, &Cell::new(MAX_HOPS))
    }

    /// Where the member `name` of an imported module comes from.
    pub(super) fn member(&self, module: &Origin, name: &str) -> Origin {
        match module {
            Origin::FrameworkModule => Origin::Framework(name.to_owned()),
            Origin::FileModule(file) => self.export(*file, name),
            _ => Origin::Unknown,
        }
    }

    /// Where the value of a plain or dotted name comes from, and the members
    /// that are left over: `cf.Cell.of` is (`Cell` of the framework, `of`).
    pub(super) fn origin_of_expression<'e>(
        &self,
        units: &[Unit<'_, '_>],
        file: usize,
        expression: &'e Expression<'_>,
    ) -> (Origin, Option<&'e str>) {
        match peel(expression) {
            Expression::Identifier(name) => {
                let symbol = units.get(file).and_then(|u| u.symbol_of(name));
                (
                    symbol.map_or(Origin::Unknown, |s| self.origin((file, s))),
                    None,
                )
            }
            Expression::StaticMemberExpression(member) => {
                let (object, rest) = self.origin_of_expression(units, file, &member.object);
                let property = member.property.name.as_str();
                match (&object, rest) {
                    (Origin::FrameworkModule | Origin::FileModule(_), None) => {
                        (self.member(&object, property), None)
                    }
                    (Origin::Framework(_), None) => (object, Some(property)),
                    _ => (Origin::Unknown, None),
                }
            }
            _ => (Origin::Unknown, None),
        }
    }

    fn follow_symbol(&self, (file, symbol): Key, hops: &Cell<u32>) -> Origin {
        match self.files.get(file).and_then(|f| f.imports.get(&symbol)) {
            Some((target, picked)) => self.follow(*target, picked, hops),
            None => Origin::Declared((file, symbol)),
        }
    }

    fn follow_export(&self, file: usize, name: &str, hops: &Cell<u32>) -> Origin {
        if hops.replace(hops.get().saturating_sub(1)) == 0 {
            return Origin::Unknown;
        }
        let Some(names) = self.files.get(file) else {
            return Origin::Unknown;
        };
        match names.exports.get(name) {
            Some(Export::Symbol(symbol)) => self.follow_symbol((file, *symbol), hops),
            Some(Export::DefaultExpression) => Origin::DefaultExpression(file),
            Some(Export::From(target, picked)) => self.follow(*target, picked, hops),
            // `export *` hands on everything except the default.
            None if name != "default" => names
                .stars
                .iter()
                .map(|target| self.follow(*target, &Picked::Name(name.to_owned()), hops))
                .find(|origin| *origin != Origin::Unknown)
                .unwrap_or(Origin::Unknown),
            None => Origin::Unknown,
        }
    }

    fn follow(&self, target: Target, picked: &Picked, hops: &Cell<u32>) -> Origin {
        match (target, picked) {
            (Target::File(file), Picked::Name(name)) => self.follow_export(file, name, hops),
            (Target::File(file), Picked::Everything) => Origin::FileModule(file),
            // A library beside the framework, not the framework itself.
            (Target::BuiltIn("turndown"), _) => Origin::Unknown,
            (Target::BuiltIn(_), Picked::Name(name)) => Origin::Framework(name.clone()),
            (Target::BuiltIn(_), Picked::Everything) => Origin::FrameworkModule,
            (Target::Unknown, _) => Origin::Unknown,
        }
    }
}

fn file_names(unit: &Unit<'_, '_>, imports: &[Import]) -> FileNames {
    let mut names = FileNames::default();
    let targets: HashMap<u32, Target> = imports.iter().map(|i| (i.span.start, i.target)).collect();
    let target_at = |start: u32| targets.get(&start).copied().unwrap_or(Target::Unknown);
    for node in unit.semantic.nodes() {
        match node.kind() {
            AstKind::ImportDeclaration(d) => {
                import_names(&mut names, d, target_at(d.source.span.start));
            }
            AstKind::ExportFromDeclaration(d) => {
                let target = target_at(d.source.span.start);
                for s in &d.specifiers {
                    let picked = Picked::Name(s.local.name().to_string());
                    names
                        .exports
                        .insert(s.exported.name().to_string(), Export::From(target, picked));
                }
            }
            AstKind::ExportAllDeclaration(d) => {
                let target = target_at(d.source.span.start);
                match &d.exported {
                    Some(name) => {
                        let export = Export::From(target, Picked::Everything);
                        names.exports.insert(name.name().to_string(), export);
                    }
                    None => names.stars.push(target),
                }
            }
            AstKind::ExportNamedDeclaration(d) => {
                for s in &d.specifiers {
                    if let ModuleExportName::IdentifierReference(local) = &s.local
                        && let Some(symbol) = unit.symbol_of(local)
                    {
                        names
                            .exports
                            .insert(s.exported.name().to_string(), Export::Symbol(symbol));
                    }
                }
            }
            AstKind::ExportDeclaration(d) => export_declared(&mut names, &d.declaration),
            AstKind::ExportDefaultDeclaration(d) => {
                let export = default_symbol(&d.declaration)
                    .map_or(Export::DefaultExpression, Export::Symbol);
                names.exports.insert("default".to_owned(), export);
            }
            _ => {}
        }
    }
    names
}

fn import_names(names: &mut FileNames, declaration: &ImportDeclaration<'_>, target: Target) {
    for specifier in declaration.specifiers.iter().flatten() {
        let picked = match specifier {
            ImportDeclarationSpecifier::ImportSpecifier(s) => {
                Picked::Name(s.imported.name().to_string())
            }
            ImportDeclarationSpecifier::ImportDefaultSpecifier(_) => {
                Picked::Name("default".to_owned())
            }
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => Picked::Everything,
        };
        if let Some(symbol) = specifier.local().symbol_id.get() {
            names.imports.insert(symbol, (target, picked));
        }
    }
}

fn default_symbol(declaration: &ExportDefaultDeclarationKind<'_>) -> Option<SymbolId> {
    match declaration {
        ExportDefaultDeclarationKind::FunctionDeclaration(f) => f.id.as_ref()?.symbol_id.get(),
        ExportDefaultDeclarationKind::ClassDeclaration(c) => c.id.as_ref()?.symbol_id.get(),
        ExportDefaultDeclarationKind::TSInterfaceDeclaration(i) => i.id.symbol_id.get(),
        _ => None,
    }
}

fn export_declared(names: &mut FileNames, declaration: &Declaration<'_>) {
    if let Declaration::VariableDeclaration(variables) = declaration {
        for identifier in variables
            .declarations
            .iter()
            .flat_map(|d| d.id.get_binding_identifiers())
        {
            if let Some(symbol) = identifier.symbol_id.get() {
                names
                    .exports
                    .insert(identifier.name.to_string(), Export::Symbol(symbol));
            }
        }
    } else if let Some(identifier) = declaration.id()
        && let Some(symbol) = identifier.symbol_id.get()
    {
        names
            .exports
            .insert(identifier.name.to_string(), Export::Symbol(symbol));
    }
}
