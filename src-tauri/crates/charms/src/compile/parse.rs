//! Parsing, and the guard that keeps a deeply nested source from overflowing
//! the stack.
//!
//! The parser, the transformer and the printer of oxc recurse and have no limit
//! of their own, and a stack overflow kills the process. Two measures together
//! close this: all of it runs on a thread whose stack is as large as the number
//! of tokens could ever need ([`stack_for`]; reserved address space, not used
//! memory), and a tree deeper than [`MAX_NESTING`] is refused right after
//! parsing, before anything else walks it. What would cost the parser too much
//! time is refused before ([`shape`]).

use oxc_allocator::Allocator;
use oxc_ast::AstKind;
use oxc_ast::ast::Program as Tree;
use oxc_ast_visit::Visit;
use oxc_parser::{Parser, ParserReturn};
use oxc_span::{GetSpan, SourceType, Span};

use super::error::{CompileError, Diagnostic};
use super::shape;
use super::source::Source;

/// Deepest tree that is compiled, in syntax nodes. A chain of 600 method calls
/// or 1,900 added strings still passes.
pub(super) const MAX_NESTING: usize = 2_000;

/// Stack for everything that happens to a tree of at most [`MAX_NESTING`];
/// 3.8 MB is the most that was measured over all kinds of nesting.
const BASE_STACK: usize = 32 * 1024 * 1024;
/// Stack per token that could open a level of recursion in the parser; 1.8 KB
/// is the most that was measured, for nested tuple types.
const STACK_PER_TOKEN: usize = 4 * 1024;
/// Reserving more than this could fail on a small machine.
const MAX_STACK: usize = 1536 * 1024 * 1024;
/// Faults reported for one file.
const MAX_FAULTS: usize = 20;

/// Runs `work` on a thread with `stack` bytes of stack and waits for it.
///
/// # Errors
/// [`CompileError::Internal`] when the thread cannot be started or panicked.
pub(super) fn on_thread<T: Send>(
    stack: usize,
    work: impl FnOnce() -> T + Send,
) -> Result<T, CompileError> {
    std::thread::scope(|scope| {
        std::thread::Builder::new()
            .name("charm-compile".to_owned())
            .stack_size(stack)
            .spawn_scoped(scope, work)
            .map_err(|e| internal(format!("no thread could be started ({e})")))?
            .join()
            .map_err(|_| internal("it stopped at an unforeseen construct"))
    })
}

pub(super) fn internal(reason: impl Into<String>) -> CompileError {
    CompileError::Internal {
        reason: reason.into(),
    }
}

/// Stack that suffices to parse any of `texts`, whatever it contains.
///
/// # Errors
/// [`CompileError::TooLarge`] when that would be more than can be reserved,
/// which takes a file of close to the size limit that is nearly all brackets.
pub(super) fn stack_for<'t>(
    texts: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> Result<usize, CompileError> {
    let mut most = BASE_STACK;
    for (path, text) in texts {
        let needed = BASE_STACK + shape::nesting_bound(text) * STACK_PER_TOKEN;
        if needed > MAX_STACK {
            return Err(CompileError::too_large(
                format!(
                    "The number of brackets and words in {}",
                    path.trim_start_matches('/')
                ),
                format!("{} per file", (MAX_STACK - BASE_STACK) / STACK_PER_TOKEN),
            ));
        }
        most = most.max(needed);
    }
    Ok(most)
}

/// How a file is parsed, by its ending. Plain JavaScript may contain JSX.
fn source_type(path: &str) -> SourceType {
    match path.rsplit_once('.').map(|(_, ext)| ext) {
        Some("tsx") => SourceType::tsx(),
        Some("ts") => SourceType::ts(),
        _ => SourceType::jsx(),
    }
}

/// Parses without judging, for reading a file's imports; nothing when the file
/// is built so that parsing it would be costly.
pub(super) fn parse_raw<'a>(
    allocator: &'a Allocator,
    path: &str,
    text: &'a str,
) -> Option<ParserReturn<'a>> {
    shape::check(text)
        .is_none()
        .then(|| Parser::new(allocator, text, source_type(path)).parse())
}

/// Parses one file.
///
/// # Errors
/// The file's syntax errors, or the place where it is nested too deeply.
pub(super) fn parse<'a>(
    allocator: &'a Allocator,
    source: &Source<'a>,
) -> Result<Tree<'a>, Vec<Diagnostic>> {
    let split = || Some("Split the expression or the function into smaller parts.".to_owned());
    if let Some(excess) = shape::check(source.text) {
        let at = u32::try_from(excess.at).unwrap_or(u32::MAX);
        return Err(vec![source.diagnostic(
            at,
            format!("The code {}.", excess.what),
            split(),
        )]);
    }
    let ret = Parser::new(allocator, source.text, source_type(source.path)).parse();
    let mut faults = Vec::new();
    for d in ret.diagnostics.errors().take(MAX_FAULTS) {
        let offset = d.labels.first().map_or(0, |l| l.offset());
        let hint = d.help.as_ref().map(ToString::to_string);
        faults.push(source.diagnostic(offset, sentence(&d.message), hint));
    }
    if faults.is_empty() && ret.panicked {
        faults.push(source.diagnostic(0, "This file is not TypeScript.", None));
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    if let Some(span) = too_deep(&ret.program) {
        let message = format!("The code is nested more than {MAX_NESTING} levels deep here.");
        return Err(vec![source.diagnostic(span.start, message, split())]);
    }
    Ok(ret.program)
}

/// A parser's message as a sentence.
pub(super) fn sentence(message: &str) -> String {
    let message = message.trim();
    let ends = message.ends_with(['.', '!', '?']);
    format!("{message}{}", if ends { "" } else { "." })
}

fn too_deep(tree: &Tree<'_>) -> Option<Span> {
    let mut measure = Depth {
        now: 0,
        first: None,
    };
    measure.visit_program(tree);
    measure.first
}

struct Depth {
    now: usize,
    first: Option<Span>,
}

impl<'a> Visit<'a> for Depth {
    fn enter_node(&mut self, kind: AstKind<'a>) {
        self.now += 1;
        if self.now > MAX_NESTING && self.first.is_none() {
            self.first = Some(kind.span());
        }
    }

    fn leave_node(&mut self, _kind: AstKind<'a>) {
        self.now -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(path: &str, text: &str) -> Result<(), Vec<String>> {
        let stack = stack_for([(path, text)]).unwrap();
        on_thread(stack, || {
            let allocator = Allocator::default();
            match parse(&allocator, &Source::new(path, text)) {
                Ok(_) => Ok(()),
                Err(faults) => Err(faults.into_iter().map(|f| f.message).collect()),
            }
        })
        .unwrap()
    }

    /// Parses without the look at the brackets, as for a source that hides them.
    fn recurse(path: &str, text: &str) {
        let stack = stack_for([(path, text)]).unwrap();
        on_thread(stack, || {
            let allocator = Allocator::default();
            let ret = Parser::new(&allocator, text, source_type(path)).parse();
            too_deep(&ret.program)
        })
        .unwrap();
    }

    /// Every construct by which the parser or a walk over the tree can recurse.
    const KINDS: &[(&str, &str, &str)] = &[
        ("(", "1", ")"),
        ("[", "", "]"),
        ("({a:", "1", "})"),
        ("{", "", "}"),
        ("!", "1", ""),
        ("- ", "1", ""),
        ("typeof ", "1", ""),
        ("new ", "a", ""),
        ("a=>", "1", ""),
        ("(a)=>", "1", ""),
        ("async a=>", "1", ""),
        ("a=", "1", ""),
        ("a?", "1", ":0"),
        ("a?0:", "1", ""),
        ("2**", "1", ""),
        ("a+", "1", ""),
        ("a??", "1", ""),
        ("a,", "1", ""),
        ("", "a", ".b"),
        ("", "a", "?.b"),
        ("", "a", "()"),
        ("", "a", "[0]"),
        ("", "a", "!"),
        ("", "a", "``"),
        ("", "a", " as A"),
        ("`${", "1", "}`"),
        ("if(1)", ";", ""),
        ("if(1);else ", ";", ""),
        ("while(1)", ";", ""),
        ("for(;;)", ";", ""),
        ("do ", ";", " while(1)"),
        ("switch(1){case 1:", "", "}"),
        ("try{", "", "}catch{}"),
        ("function f(){", "", "}"),
        ("(function(){", "", "})"),
        ("(class{[", "1", "]=1})"),
        ("class A{m(){", "", "}}"),
        ("class A{static{", "", "}}"),
        ("namespace a{", "", "}"),
        ("f(", "1", ")"),
        ("await ", "1", ""),
        ("import(", "'x'", ")"),
        ("var [", "a", "] = 1"),
        ("var {a:", "b", "} = 1"),
        ("f<T>(", "1", ")"),
        ("<T,>(a) => ", "1", ""),
        ("@(", "a", ") class A {}"),
    ];
    const TYPES: &[(&str, &str, &str)] = &[
        ("(", "a", ")"),
        ("A<", "a", ">"),
        ("[", "a", "]"),
        ("{a:", "a", "}"),
        ("{[K in ", "a", "]: 1}"),
        ("keyof ", "a", ""),
        ("readonly ", "a[]", ""),
        ("()=>", "a", ""),
        ("new ()=>", "a", ""),
        ("(a:", "a", ")=>1"),
        ("a extends b ? ", "a", " : c"),
        ("a extends b ? c : ", "a", ""),
        ("a|", "a", ""),
        ("", "a", "[]"),
        ("", "a", "['x']"),
        ("", "a", ".b"),
        ("`${", "a", "}`"),
        ("typeof import('x').", "a", ""),
        ("(infer ", "a", ")"),
    ];

    fn nest((open, inner, close): (&str, &str, &str), n: usize) -> String {
        format!("{}{inner}{}", open.repeat(n), close.repeat(n))
    }

    /// The bound must hold for sources that are nothing but nesting. Wrong
    /// figures above show up as a crash of this test, not as a failure.
    #[test]
    fn no_kind_of_nesting_overflows_the_stack() {
        const LONG: usize = 20_000;
        for kind in KINDS {
            recurse("/a.ts", &nest(*kind, LONG));
            recurse("/a.ts", &kind.0.repeat(LONG));
        }
        for kind in TYPES {
            recurse("/a.ts", &format!("type T = {}", nest(*kind, LONG)));
            recurse("/a.ts", &format!("type T = {}", kind.0.repeat(LONG)));
        }
        for kind in [
            ("<a>", "", "</a>"),
            ("<>", "", "</>"),
            ("<a b={", "1", "}/>"),
        ] {
            recurse("/a.tsx", &nest(kind, LONG));
            recurse("/a.tsx", &kind.0.repeat(LONG));
        }
        recurse("/a.tsx", &format!("<a{}/>", ".b".repeat(LONG)));
    }

    #[test]
    fn deep_nesting_is_refused_with_its_place() {
        let text = format!("const a = 1;\nconst b = {};", nest(("[", "", "]"), 5_000));
        let messages = outcome("/a.ts", &text).unwrap_err();
        assert_eq!(
            messages,
            ["The code is nested more than 1000 brackets deep here."]
        );
        let messages = outcome("/a.ts", &nest(("!", "1", ""), 5_000)).unwrap_err();
        assert_eq!(
            messages,
            ["The code is nested more than 2000 levels deep here."]
        );
        let flat = format!("const b = [{}];", "[1,2],".repeat(20_000));
        assert_eq!(outcome("/a.ts", &flat), Ok(()));
        assert_eq!(outcome("/a.ts", &nest(("a+", "1", ""), 1_900)), Ok(()));
        assert_eq!(outcome("/a.ts", &nest(("", "a", ".b()"), 600)), Ok(()));
    }

    #[test]
    fn a_file_of_brackets_alone_is_refused_before_parsing() {
        let text = "[".repeat(super::super::program::MAX_FILE_BYTES);
        let e = stack_for([("/x/a.ts", text.as_str())]).unwrap_err();
        assert!(
            e.to_string()
                .starts_with("The number of brackets and words in x/a.ts"),
            "{e}"
        );
    }
}
