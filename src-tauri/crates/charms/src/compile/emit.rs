//! From a checked tree to a JavaScript module with its source map.
//!
//! Owns: the edits (extra arguments, full specifiers, then the rewriting of
//! reactive code and of loops over bytes), the options of the
//! transformer and of the printer. Never decides what to inject.

use std::collections::HashMap;
use std::path::PathBuf;

use oxc_allocator::Allocator;
use oxc_ast::ast::{
    Argument, CallExpression, Expression, NewExpression, Program as Tree, Statement, StringLiteral,
};
use oxc_ast::builder::AstBuilder;
use oxc_ast_visit::VisitMut;
use oxc_ast_visit::walk_mut::{walk_call_expression, walk_new_expression};
use oxc_codegen::{Codegen, CodegenOptions, CommentOptions};
use oxc_semantic::{Scoping, SemanticBuilder};
use oxc_span::{SPAN, Span};
use oxc_transformer::{JsxOptions, TransformOptions, Transformer};

use super::calls::Injections;
use super::error::Diagnostic;
use super::parse::sentence;
use super::source::Source;
use super::{Dialect, Module, idioms, reactive, specifier};

/// What is to be changed in one file.
pub(super) struct Edits {
    /// Extra last arguments by the span of their call.
    pub(super) arguments: Injections,
    /// New specifiers by the span of the old ones.
    pub(super) specifiers: HashMap<Span, String>,
    /// What the rewriting of reactive code needs; `None` when there is none.
    pub(super) reactive: Option<reactive::Plan>,
}

/// A printed module and what it still imports.
pub(super) struct Emitted {
    pub(super) module: Module,
    /// Specifiers of the static imports that are left after types are gone.
    pub(super) imports: Vec<String>,
}

/// The specifier under which a file is loaded.
pub(super) fn module_specifier(path: &str) -> String {
    format!("{}{path}", specifier::CHARM_SCHEME)
}

/// Transforms and prints one file.
///
/// # Errors
/// What TypeScript allows and modules do not: `export =`, `import x = require()`.
pub(super) fn emit<'a>(
    allocator: &'a Allocator,
    tree: &mut Tree<'a>,
    scoping: Scoping,
    source: &Source<'_>,
    edits: &Edits,
    dialect: Dialect,
) -> Result<Emitted, Vec<Diagnostic>> {
    Editor {
        builder: AstBuilder::new(allocator),
        edits,
    }
    .visit_program(tree);
    let helpers = helpers_name(source);
    let reactive = edits
        .reactive
        .as_ref()
        .is_some_and(|plan| reactive::rewrite(allocator, tree, plan, &scoping, &helpers));
    let changed = reactive
        | (idioms::may_be_in(source.text) && idioms::rewrite(allocator, tree, &helpers, reactive));
    let scoping = if changed {
        resolve_again(tree)
    } else {
        scoping
    };
    let name = module_specifier(source.path);
    let options = options(dialect);
    let ret = Transformer::new(allocator, std::path::Path::new(source.path), &options)
        .build_with_scoping(scoping, tree);
    let faults: Vec<_> = ret
        .diagnostics
        .errors()
        .map(|d| {
            let offset = d.labels.first().map_or(0, |l| l.offset());
            source.diagnostic(offset, sentence(&d.message), None)
        })
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let printed = Codegen::new()
        .with_options(CodegenOptions {
            comments: CommentOptions::disabled(),
            source_map_path: Some(PathBuf::from(&name)),
            ..CodegenOptions::default()
        })
        .build(tree);
    Ok(Emitted {
        imports: imports(tree),
        module: Module {
            specifier: name,
            code: printed.code,
            source_map: printed.map.map(|mut map| {
                // Places are mapped, the text itself nobody asks for: it is kept
                // with the program, and would go into every worker.
                map.set_source_contents(Vec::new());
                map.to_json_string()
            }),
        },
    })
}

/// A name for the helpers that does not occur in the file.
fn helpers_name(source: &Source<'_>) -> String {
    let mut name = "__ck".to_owned();
    while source.text.contains(&name) {
        name.push('_');
    }
    name
}

/// The scopes of a tree that was changed.
fn resolve_again(tree: &Tree<'_>) -> Scoping {
    SemanticBuilder::new()
        .with_enum_eval(true)
        .with_excess_capacity(0.5)
        .build(tree)
        .semantic
        .into_scoping()
}

/// No syntax is lowered: the engine runs current JavaScript.
fn options(dialect: Dialect) -> TransformOptions {
    TransformOptions {
        jsx: JsxOptions {
            import_source: Some(dialect.module().to_owned()),
            display_name_plugin: false,
            throw_if_namespace: false,
            pure: false,
            ..JsxOptions::enable()
        },
        ..TransformOptions::default()
    }
}

fn imports(tree: &Tree<'_>) -> Vec<String> {
    tree.body
        .iter()
        .filter_map(|statement| match statement {
            Statement::ImportDeclaration(d) => Some(d.source.value.to_string()),
            Statement::ExportFromDeclaration(d) => Some(d.source.value.to_string()),
            Statement::ExportAllDeclaration(d) => Some(d.source.value.to_string()),
            _ => None,
        })
        .collect()
}

struct Editor<'a, 'e> {
    builder: AstBuilder<'a>,
    edits: &'e Edits,
}

impl<'a> Editor<'a, '_> {
    fn argument(&self, call: Span) -> Option<Argument<'a>> {
        let text = self.edits.arguments.get(&call)?;
        let text = oxc_allocator::GetAllocator::allocator(&self.builder).alloc_str(text);
        // Without a span it has no place of its own in the source map.
        Some(Argument::from(Expression::new_string_literal(
            SPAN,
            text,
            None,
            &self.builder,
        )))
    }
}

impl<'a> VisitMut<'a> for Editor<'a, '_> {
    fn visit_call_expression(&mut self, call: &mut CallExpression<'a>) {
        walk_call_expression(self, call);
        call.arguments.extend(self.argument(call.span));
    }

    fn visit_new_expression(&mut self, new: &mut NewExpression<'a>) {
        walk_new_expression(self, new);
        new.arguments.extend(self.argument(new.span));
    }

    fn visit_string_literal(&mut self, literal: &mut StringLiteral<'a>) {
        if let Some(text) = self.edits.specifiers.get(&literal.span) {
            let text = oxc_allocator::GetAllocator::allocator(&self.builder).alloc_str(text);
            literal.value = text.into();
            literal.raw = None;
        }
    }
}
