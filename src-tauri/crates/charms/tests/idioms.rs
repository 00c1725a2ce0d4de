//! Loops over bytes and chains of replacements that are done at once: compiled
//! and run, beside the same in a form that nobody recognises.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use charmkeeper_charms::compile::{Compiled, compile, program_from_files};
use charmkeeper_charms::frames::SourceModule;
use charmkeeper_charms::testing::{FakeHost, eval_modules};

fn compiled(text: &str) -> Compiled {
    let text = format!(
        "import {{ handler, pattern }} from 'commonfabric';\n{text}\n\
         const check = handler<void, {{}}>(() => run());\n\
         export default pattern<{{}}>(() => ({{ bgUpdater: check({{}}) }}));"
    );
    let program = program_from_files([("main.tsx", text)], "main.tsx").unwrap();
    compile(&program).unwrap_or_else(|e| panic!("{e}"))
}

/// Runs a charm whose `run` throws when something is not as it should be.
#[track_caller]
fn runs_well(text: &str, helpers: &[&str]) {
    let compiled = compiled(text);
    for helper in helpers {
        let code = &compiled.modules[0].code;
        assert!(code.contains(&format!("__ck.{helper}(")), "{code}");
    }
    let modules = compiled.modules.into_iter().map(|m| SourceModule {
        specifier: m.specifier,
        code: m.code,
        source_map: m.source_map,
    });
    let seen = eval_modules(modules.collect(), FakeHost::default());
    let report = seen.report();
    assert_eq!(report["ending"], "ok", "{}", report["error"]["message"]);
}

#[test]
fn codes_are_copied_as_a_loop_does_it() {
    runs_well(
        r#"
        function quick(text: any, bytes: any) {
          for (let i = 0; i < text.length; i++) { bytes[i] = text.charCodeAt(i); }
          return bytes;
        }
        function upTo(text: any, bytes: any, end: number) {
          for (let i = 0; i < end; ++i) bytes[i] = text.charCodeAt(i);
          return bytes;
        }
        function slow(text: any, bytes: any, end = text.length) {
          for (let i = 0, n = end; i < n; i++) bytes[i] = text.charCodeAt(i);
          return bytes;
        }
        function same(a: any, b: any, what: string) {
          if (Array.from(a).join() !== Array.from(b).join()) throw new Error(what);
        }
        function run() {
          const all = Array.from({ length: 256 }, (_, i) => String.fromCharCode(i)).join("");
          for (const text of ["", "a", all, all + "\u0101x", "\ud83c\udf89 and \ud800", "x".repeat(5000)]) {
            for (const more of [-1, 0, 3]) {
              const make = () => new Uint8Array(Math.max(0, text.length + more)).fill(7);
              same(quick(text, make()), slow(text, make()), `${text.length} ${more}`);
              same(upTo(text, make(), text.length - 1), slow(text, make(), text.length - 1), "end");
              same(upTo(text, make(), text.length + 1), slow(text, make(), text.length + 1), "beyond");
            }
            same(quick(text, []), slow(text, []), "list");
            same(quick(text, new Uint16Array(9)), slow(text, new Uint16Array(9)), "words");
            const part = () => new Uint8Array(new ArrayBuffer(6000), 3, text.length + 1);
            same(quick(text, part()), slow(text, part()), "part");
          }
          const other = { length: 2, charCodeAt: (i: number) => i + 40 };
          same(quick(other, new Uint8Array(3)), [40, 41, 0], "other object");
          let failed = "";
          try { quick(null, new Uint8Array(1)); } catch (error) { failed = (error as Error).name; }
          if (failed !== "TypeError") throw new Error(failed);
          String.prototype.charCodeAt = () => 33;
          same(quick("abc", new Uint8Array(3)), [33, 33, 33], "the charm's own");
        }"#,
        &["copyCodes"],
    );
}

#[test]
fn bytes_are_made_of_codes_as_from_does_it() {
    runs_well(
        r#"
        const quick = (text: any) => Uint8Array.from(text, (c: string) => c.charCodeAt(0));
        const slow = (text: any) => Uint8Array.from(text, function (c: any) { return c.charCodeAt(0); });
        function run() {
          for (const text of ["", "abc\xff", "\u0101", "\ud83c\udf89x", "\ud800", ["a", "b"], new Set("xy")]) {
            const [a, b] = [quick(text), slow(text)];
            if (!(a instanceof Uint8Array) || a.join() !== b.join()) throw new Error(String(text));
          }
        }"#,
        &["fromCodes"],
    );
}

#[test]
fn chains_of_replacements_give_what_each_gives() {
    runs_well(
        r#"
        function quick(text: any) {
          return text
            .replace(/<style[\s\S]*?<\/style>/gi, "")
            .replace(/<(b|i)>(.)/g, "$2")
            .replace(/<\/(p|div|h[1-6])>/gi, "\n")
            .replace(/<[^>]+>/g, "")
            .replace(/&amp;/gi, "&")
            .replace(/\s+$/, "!")
            .replace(/(a)\1/g, "=")
            .replace(/\n{3,}/g, "\n\n");
        }
        const steps: [RegExp, string][] = [
          [/<style[\s\S]*?<\/style>/gi, ""], [/<(b|i)>(.)/g, "$2"], [/<\/(p|div|h[1-6])>/gi, "\n"],
          [/<[^>]+>/g, ""], [/&amp;/gi, "&"], [/\s+$/, "!"], [/(a)\1/g, "="], [/\n{3,}/g, "\n\n"],
        ];
        const slow = (text: any) => steps.reduce((t, [a, b]) => t.replace(a, b), text);
        function run() {
          const html = "<STYLE>a{}</style><p>Gr\u00fc\u00dfe &AMP; <b>x</P>\r\n\n\n\n</h3>aaa<i>\u2019 ";
          const others = [html, html.repeat(20), html.repeat(9) + "\ud83c\udf89</p>",
            html.repeat(9) + "\ud800<p>", "x".repeat(300), "&amp;", ""];
          for (const text of others)
            if (quick(text) !== slow(text)) throw new Error(JSON.stringify([quick(text), slow(text)]));
          const told: string[] = [];
          const chained = { replace: (a: RegExp, b: string) => (told.push(a.source + b), chained) };
          quick(chained);
          if (told.length !== 8 || told[0] !== "<style[\\s\\S]*?<\\/style>") throw new Error(told.join());
          String.prototype.replace = () => "own";
          if (quick(html.repeat(9)) !== "own") throw new Error("the charm's own replace");
        }"#,
        &["replaceChain"],
    );
}

#[test]
fn a_plain_text_is_replaced_as_by_the_engine() {
    runs_well(
        r#"
        function run() {
          const text = "a-b_c/d.e\n$&".repeat(40);
          for (const [wanted, by] of [[/-/g, "+"], [/_/g, "$&$&"], [/\//g, "$1"], [/\./g, "$$"],
            [/\n/g, ""], [/c\/d/g, "<"], [/x/g, "y"], [/\$&/g, "q"]] as [RegExp, string][]) {
            wanted.lastIndex = 3;
            const engine = text.replace(wanted, () => "\u0001").split("\u0001");
            const dollars = by === "$&$&" ? "__" : by === "$$" ? "$" : by;
            if (text.replace(wanted, by) !== engine.join(dollars)) throw new Error(wanted.source);
            if (wanted.lastIndex !== 0) throw new Error("lastIndex");
          }
          const own = /-/g;
          own.exec = () => null;
          if (text.replace(own, "+") !== text) throw new Error("its own exec");
          class Mine extends RegExp { get flags() { return ""; } }
          if (text.replace(new Mine("-", "g"), "+").indexOf("-") < 0) throw new Error("its own flags");
        }"#,
        &[],
    );
}

#[test]
fn other_loops_and_calls_stay_as_they_are() {
    for code in [
        "for (var i = 0; i < t.length; i++) b[i] = t.charCodeAt(i);",
        "for (let i = 1; i < t.length; i++) b[i] = t.charCodeAt(i);",
        "for (let i = 0; i <= t.length; i++) b[i] = t.charCodeAt(i);",
        "for (let i = 0; i < t.length; i += 2) b[i] = t.charCodeAt(i);",
        "for (let i = 0; i < u.length; i++) b[i] = t.charCodeAt(i);",
        "for (let i = 0; i < t.length; i++) b[i + 1] = t.charCodeAt(i);",
        "for (let i = 0; i < t.length; i++) b[i] += t.charCodeAt(i);",
        "for (let i = 0; i < t.length; i++) b[i] = t.charCodeAt(i) ^ 1;",
        "for (let i = 0; i < t.length; i++) { b[i] = t.charCodeAt(i); u++; }",
        "Uint8Array.from(t, (c) => c.charCodeAt(1));",
        "Uint16Array.from(t, (c) => c.charCodeAt(0));",
        "t.replace(/a/g, 'b');",
        "t?.replace(/a/g, 'b').replace(/c/g, u);",
        "t.replace(/a/g, (x) => x).replace(/c/g, 'd');",
    ] {
        let text = format!("function run(t: any, b: any, u: any) {{ {code} }}");
        let compiled = compiled(&text);
        assert!(!compiled.modules[0].code.contains("__ck"), "{code}");
    }
}
