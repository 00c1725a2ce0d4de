//! The steps of one compilation, in order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oxc_allocator::Allocator;
use oxc_ast::ast::Program as Tree;
use oxc_semantic::Scoping;
use oxc_span::Span;

use super::calls::Calls;
use super::emit::{Edits, Emitted, emit, module_specifier};
use super::entry::Entry;
use super::error::{CompileError, Diagnostic};
use super::imports::{FileIndex, Import, Target};
use super::load::stem_name;
use super::names::Names;
use super::reactive::{self, Building};
use super::source::Source;
use super::types::lower;
use super::types::resolve::Solver;
use super::unit::Unit;
use super::writing::Writing;
use super::{
    CompileOptions, Compiled, Dialect, Facts, Module, Program, Warning, hosts, imports, missing,
    parse, specifier, warnings,
};

/// Most faults that are reported at once.
const MAX_FAULTS: usize = 50;

/// Compiles a charm that must have a `bgUpdater`.
///
/// # Errors
/// See [`compile_with`].
pub fn compile(program: &Program) -> Result<Compiled, CompileError> {
    compile_with(program, &CompileOptions::default())
}

/// Compiles a charm. Runs on a thread of its own and waits for it.
///
/// # Errors
/// [`CompileError::Diagnostics`] with the faults of the source: syntax, imports
/// that name nothing, no default export or one that is plainly no pattern, a
/// `bgUpdater` that is plainly missing or no stream.
/// [`CompileError::TooLarge`] beyond the limits of a [`Program`].
pub fn compile_with(program: &Program, options: &CompileOptions) -> Result<Compiled, CompileError> {
    program.check()?;
    let texts = program
        .files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    let stack = parse::stack_for(texts)?;
    parse::on_thread(stack, || run(program, *options))?
}

fn run(program: &Program, options: CompileOptions) -> Result<Compiled, CompileError> {
    let sources: Vec<Source<'_>> = program
        .files
        .iter()
        .map(|(path, text)| Source::new(path, text))
        .collect();
    let allocators: Vec<Allocator> = sources.iter().map(|_| Allocator::default()).collect();
    let mut faults = Vec::new();
    let mut trees = Vec::new();
    for (source, allocator) in sources.iter().zip(&allocators) {
        match parse::parse(allocator, source) {
            Ok(tree) => trees.push(tree),
            Err(found) => faults.extend(found),
        }
    }
    fail_if_any(faults)?;
    let plan = plan(program, options, &sources, &trees)?;
    let (modules, built_in) = print(program, &sources, &allocators, &mut trees, plan.files)?;
    // Files that only give types are not run.
    let runs = |warning: &Warning| {
        let specifier = format!("{}/{}", specifier::CHARM_SCHEME, warning.place.file);
        modules.iter().any(|m| m.specifier == specifier)
    };
    let warnings = plan.warnings.into_iter().filter(runs).collect();
    Ok(Compiled {
        hash: program.hash(&options),
        entry: module_specifier(&program.entry),
        modules,
        facts: Facts {
            imports: built_in.into_iter().collect(),
            ..plan.facts
        },
        warnings,
    })
}

/// What the analyses decided.
struct Plan {
    facts: Facts,
    warnings: Vec<Warning>,
    files: Vec<FilePlan>,
}

struct FilePlan {
    scoping: Scoping,
    edits: Edits,
    dialect: Dialect,
    /// Specifiers in `import()`.
    dynamic: Vec<String>,
}

fn plan<'a>(
    program: &Program,
    options: CompileOptions,
    sources: &[Source<'_>],
    trees: &'a [Tree<'a>],
) -> Result<Plan, CompileError> {
    let mut faults = Vec::new();
    let mut units = Vec::new();
    for (source, tree) in sources.iter().zip(trees) {
        match Unit::new(tree, source) {
            Ok(unit) => units.push(unit),
            Err(found) => faults.extend(found),
        }
    }
    fail_if_any(faults)?;

    let index: FileIndex<'_> = sources
        .iter()
        .enumerate()
        .map(|(i, s)| (s.path, i))
        .collect();
    let imports: Vec<Vec<Import>> = units.iter().map(|u| imports::collect(u, &index)).collect();
    let mut faults: Vec<Diagnostic> = units
        .iter()
        .zip(&imports)
        .flat_map(|(u, list)| {
            let mut faults = imports::faults(u, list);
            faults.extend(missing::unknown_imports(u, list));
            faults
        })
        .collect();

    let entry_file = index.get(program.entry.as_str()).copied().unwrap_or(0);
    let names = Names::new(&units, &imports);
    let declarations = lower::declarations(&units);
    let solver = Solver::new(&declarations, &names);
    let calls = Calls {
        units: &units,
        names: &names,
        solver: &solver,
    };

    let entry = calls
        .entry(entry_file, options.require_bg_updater)
        .unwrap_or_else(|found| {
            faults.extend(found);
            Entry::default()
        });
    fail_if_any(faults)?;

    let dialect = imports.get(entry_file).and_then(|list| dialect_of(list));
    let dialect = dialect.unwrap_or(Dialect::CommonTools);
    let facts = facts(program, &calls, entry, dialect);
    let writing: Vec<Writing> = (0..units.len()).map(|file| calls.writing(file)).collect();
    let building = Building::new(&calls, &writing);
    let edits: Vec<Edits> = imports
        .iter()
        .zip(&writing)
        .enumerate()
        .map(|(file, (list, writing))| Edits {
            arguments: calls.injections(file, writing),
            specifiers: specifiers(list, sources),
            reactive: reactive::plan(&calls, &building, writing, file),
        })
        .collect();
    let warnings = edits
        .iter()
        .enumerate()
        .flat_map(|(file, edits)| {
            warnings::collect(&calls, &building, file, edits.reactive.as_ref())
        })
        .collect();
    let files = units
        .into_iter()
        .zip(edits)
        .zip(&imports)
        .map(|((unit, edits), list)| {
            let dynamic = list.iter().filter(|i| i.dynamic);
            FilePlan {
                dynamic: dynamic
                    .map(|i| {
                        edits
                            .specifiers
                            .get(&i.span)
                            .unwrap_or(&i.specifier)
                            .clone()
                    })
                    .collect(),
                scoping: unit.semantic.into_scoping(),
                edits,
                dialect: dialect_of(list).unwrap_or(dialect),
            }
        });
    Ok(Plan {
        facts,
        warnings,
        files: files.collect(),
    })
}

/// The new specifiers of the imports that name files of the charm.
fn specifiers(list: &[Import], sources: &[Source<'_>]) -> HashMap<Span, String> {
    list.iter()
        .filter_map(|i| match i.target {
            Target::File(to) => Some((i.span, module_specifier(sources.get(to)?.path))),
            _ => None,
        })
        .collect()
}

fn facts(
    program: &Program,
    calls: &Calls<'_, '_, '_>,
    entry: Entry<'_>,
    dialect: Dialect,
) -> Facts {
    let pattern = entry
        .pattern
        .map(|(file, call)| calls.pattern(file, call))
        .unwrap_or_default();
    let mut named_hosts = BTreeSet::new();
    for unit in calls.units {
        hosts::collect(unit, &mut named_hosts);
    }
    let inputs = pattern.inputs.into_iter();
    Facts {
        name: entry.name.or_else(|| stem_name(&program.entry)),
        description: pattern.doc.description,
        tags: pattern.doc.tags,
        hosts: named_hosts.into_iter().collect(),
        defaults: serde_json::Value::Object(pattern.defaults),
        inputs: inputs
            .filter_map(|(name, kind)| Some((name, serde_json::from_value(kind).ok()?)))
            .collect(),
        bg_updater: entry.bg_updater,
        no_bg_updater: entry.no_bg_updater,
        default_export: entry.default_export,
        imports: Vec::new(),
        dialect,
    }
}

/// Prints every file and keeps what the entry reaches. Files that only give
/// types are dropped here.
fn print<'a>(
    program: &Program,
    sources: &[Source<'_>],
    allocators: &'a [Allocator],
    trees: &mut [Tree<'a>],
    files: Vec<FilePlan>,
) -> Result<(Vec<Module>, BTreeSet<String>), CompileError> {
    let mut faults = Vec::new();
    let mut printed: BTreeMap<String, Emitted> = BTreeMap::new();
    for (((source, allocator), tree), plan) in sources.iter().zip(allocators).zip(trees).zip(files)
    {
        match emit(
            allocator,
            tree,
            plan.scoping,
            source,
            &plan.edits,
            plan.dialect,
        ) {
            Ok(mut done) => {
                done.imports.extend(plan.dynamic);
                printed.insert(done.module.specifier.clone(), done);
            }
            Err(found) => faults.extend(found),
        }
    }
    fail_if_any(faults)?;
    let mut built_in = BTreeSet::new();
    let mut reached = BTreeMap::new();
    let mut open = vec![module_specifier(&program.entry)];
    let mut faults = Vec::new();
    while let Some(name) = open.pop() {
        let Some(done) = printed.remove(&name) else {
            continue;
        };
        for import in done.imports {
            if specifier::built_in(&import).is_some() {
                built_in.insert(import);
            } else if import == reactive::HELPERS {
                // Part of the runtime, not of what the charm asks for.
            } else if printed.contains_key(&import)
                || reached.contains_key(&import)
                || import == name
            {
                open.push(import);
            } else {
                // Brought in by the transformer, for a pragma such as
                // `@jsxImportSource`; all others were checked before.
                faults.extend(unknown(sources, &name, &import));
            }
        }
        reached.insert(name, done.module);
    }
    fail_if_any(faults)?;
    Ok((reached.into_values().collect(), built_in))
}

fn unknown(sources: &[Source<'_>], module: &str, import: &str) -> Option<Diagnostic> {
    let path = module.strip_prefix(specifier::CHARM_SCHEME)?;
    let source = sources.iter().find(|s| s.path == path)?;
    let (message, hint) = imports::explain(path, import);
    Some(source.diagnostic(0, message, Some(hint)))
}

/// The framework's name in the imports of a file.
fn dialect_of(imports: &[Import]) -> Option<Dialect> {
    let imports_from = |dialect: Dialect| {
        imports.iter().any(|i| match i.target {
            Target::BuiltIn(name) => name.split('/').next() == Some(dialect.module()),
            _ => false,
        })
    };
    [Dialect::CommonFabric, Dialect::CommonTools]
        .into_iter()
        .find(|d| imports_from(*d))
}

fn fail_if_any(mut faults: Vec<Diagnostic>) -> Result<(), CompileError> {
    if faults.is_empty() {
        return Ok(());
    }
    faults.sort_by_key(Diagnostic::place);
    faults.dedup();
    faults.truncate(MAX_FAULTS);
    Err(CompileError::Diagnostics(faults))
}
