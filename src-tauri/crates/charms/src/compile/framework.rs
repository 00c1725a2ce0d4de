//! The names that a charm finds: those of the framework's modules and the
//! global ones.
//!
//! Both lists are held against the runtime itself by the test below. What a
//! charm uses beyond them is told before its first run.

/// Names that the framework's modules export at run time, sorted.
const EXPORTS: [&str; 63] = [
    "CHIP_UI",
    "Cell",
    "ComparableCell",
    "Default",
    "FS",
    "ID",
    "ID_FIELD",
    "NAME",
    "OpaqueCell",
    "ReadonlyCell",
    "SELF",
    "Stream",
    "TESTS",
    "TILE_UI",
    "TYPE",
    "UI",
    "UiAction",
    "UiDisclosure",
    "UiPromptSlot",
    "Writable",
    "WriteonlyCell",
    "__cf_data",
    "action",
    "cell",
    "cellFromUrl",
    "compileAndRun",
    "computed",
    "derive",
    "entityRefToString",
    "equals",
    "fetchBinary",
    "fetchData",
    "fetchJson",
    "fetchJsonUnchecked",
    "fetchProgram",
    "fetchText",
    "generateObject",
    "generateText",
    "getEntityId",
    "getPatternEnvironment",
    "getRecipeEnvironment",
    "h",
    "handler",
    "ifElse",
    "lift",
    "llm",
    "llmDialog",
    "navigateTo",
    "pattern",
    "patternTool",
    "recipe",
    "schema",
    "sqliteQuery",
    "str",
    "streamData",
    "toCompactDebugString",
    "toIndentedDebugString",
    "toSchema",
    "uiVariant",
    "unless",
    "valueEqual",
    "when",
    "wish",
];

/// Global names that are there when a charm runs, sorted.
const GLOBALS: [&str; 91] = [
    "AbortController",
    "AbortSignal",
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "AsyncDisposableStack",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "CustomEvent",
    "DOMException",
    "DataView",
    "Date",
    "DisposableStack",
    "Error",
    "EvalError",
    "Event",
    "EventTarget",
    "FinalizationRegistry",
    "Float16Array",
    "Float32Array",
    "Float64Array",
    "Function",
    "Headers",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "InternalError",
    "Intl",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "Proxy",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Request",
    "Response",
    "Set",
    "String",
    "SuppressedError",
    "Symbol",
    "SyntaxError",
    "Temporal",
    "TextDecoder",
    "TextEncoder",
    "TypeError",
    "URIError",
    "URL",
    "URLSearchParams",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakRef",
    "WeakSet",
    "atob",
    "btoa",
    "clearInterval",
    "clearTimeout",
    "console",
    "crypto",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "escape",
    "eval",
    "fetch",
    "globalThis",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "performance",
    "queueMicrotask",
    "self",
    "setInterval",
    "setTimeout",
    "structuredClone",
    "undefined",
    "unescape",
];

/// True when the modules of the framework export that name.
pub(super) fn exports(name: &str) -> bool {
    EXPORTS.contains(&name)
}

/// True when there is a global of that name.
pub(super) fn has_global(name: &str) -> bool {
    GLOBALS.contains(&name)
}

/// True for the modules that export [`EXPORTS`].
pub(super) fn is_framework(module: &str) -> bool {
    matches!(
        module,
        "commonfabric" | "commonfabric/schema" | "commontools" | "commontools/schema"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{FakeHost, eval_in_engine};

    #[test]
    fn the_lists_are_those_of_the_runtime() {
        let code = r#"
            import * as cf from "commonfabric";
            import * as ct from "commontools/schema";
            console.log(Object.keys(cf).sort().join(" "));
            console.log(Object.keys(ct).sort().join(" "));
            const names = Object.getOwnPropertyNames(globalThis).filter((n) => !n.startsWith("__"));
            console.log(names.sort().join(" "));
        "#;
        let seen = eval_in_engine(&[("charm:///main.js", code)], FakeHost::default());
        let log: Vec<&str> = seen.log.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(
            log,
            [EXPORTS.join(" "), EXPORTS.join(" "), GLOBALS.join(" ")]
        );
    }
}
