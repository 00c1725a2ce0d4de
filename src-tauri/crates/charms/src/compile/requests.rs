//! What each file of a program names in its imports, as written.
//!
//! In: a program. Out: the specifiers of its import and re-export statements and
//! of its types of the form `import("./x").Name`, types included, because a type
//! becomes a schema elsewhere. Never resolves one, never compiles anything.

use std::collections::{BTreeMap, BTreeSet};

use oxc_allocator::Allocator;
use oxc_ast::ast::TSImportType;
use oxc_ast_visit::Visit;

use super::error::CompileError;
use super::parse;
use super::program::Program;

/// The specifiers in each file, by its path. A file that cannot be parsed names
/// nothing; compiling it reports why.
///
/// # Errors
/// [`CompileError::TooLarge`] and [`CompileError::Internal`] for a file that is
/// too much for the parser.
pub fn specifiers(program: &Program) -> Result<BTreeMap<String, BTreeSet<String>>, CompileError> {
    let one = |(path, text): (&String, &String)| Ok((path.clone(), of_file(path, text)?));
    program.files.iter().map(one).collect()
}

fn of_file(path: &str, text: &str) -> Result<BTreeSet<String>, CompileError> {
    let stack = parse::stack_for([(path, text)])?;
    parse::on_thread(stack, || {
        let allocator = Allocator::default();
        let Some(parsed) = parse::parse_raw(&allocator, path, text) else {
            return BTreeSet::new();
        };
        let record = &parsed.module_record;
        let statements = record.requested_modules.keys();
        let mut types = Types(statements.map(ToString::to_string).collect());
        types.visit_program(&parsed.program);
        types.0
    })
}

/// Collects `import("...")` in the place of a type.
struct Types(BTreeSet<String>);

impl<'a> Visit<'a> for Types {
    fn visit_ts_import_type(&mut self, import: &TSImportType<'a>) {
        self.0.insert(import.source.value.to_string());
        oxc_ast_visit::walk::walk_ts_import_type(self, import);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::program_from_files;

    #[test]
    fn statements_and_types_are_named_and_dynamic_imports_are_not() {
        let main = r#"
            import { pattern } from "commonfabric";
            import type { A } from "./a.ts";
            export * from "./b.ts";
            export { c } from "./c.ts";
            type D = import("./d.ts").D;
            const text = "import './no.ts'";
            const later = () => import("./later.ts");
        "#;
        let program = program_from_files([("/main.ts", main)], "/main.ts").unwrap();
        let all = specifiers(&program).unwrap();
        let named: Vec<_> = all["/main.ts"].iter().map(String::as_str).collect();
        assert_eq!(
            named,
            ["./a.ts", "./b.ts", "./c.ts", "./d.ts", "commonfabric"]
        );
    }
}
