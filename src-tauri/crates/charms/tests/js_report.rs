//! How a run ends: failures of any shape, completion, the console.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests"
)]

use charmkeeper_charms::testing::{Evaluated, FakeHost, eval_in_engine};
use serde_json::{Value, json};

fn eval(code: &str) -> Evaluated {
    eval_in_engine(&[("charm:///main.js", code)], FakeHost::default())
}

fn handler(body: &str) -> Evaluated {
    eval(&format!(
        "import {{ action, handler, pattern, Writable }} from 'commonfabric';
         export default pattern(() => ({{ bgUpdater: action(async (event) => {{ {body} }}) }}));"
    ))
}

fn error_of(seen: &Evaluated) -> Value {
    let report = seen.report();
    assert_eq!(
        (&report["ending"], &report["changes"]),
        (&json!("error"), &json!([])),
        "{report}"
    );
    report["error"].clone()
}

fn kind_and_message(seen: &Evaluated) -> (String, String) {
    let error = error_of(seen);
    (
        error["kind"].as_str().unwrap().to_owned(),
        error["message"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn an_exception_has_its_class_message_and_place() {
    let seen = eval(
        "import { action, pattern } from 'commonfabric';
function inner() { throw new RangeError('too far', { cause: new Error('root') }); }
export default pattern(() => ({ bgUpdater: action(async () => { await null; inner(); }) }));",
    );
    let error = error_of(&seen);
    assert_eq!(
        (&error["kind"], &error["name"], &error["message"]),
        (&json!("exception"), &json!("RangeError"), &json!("too far"))
    );
    let stack = error["stack"].as_str().unwrap();
    assert!(
        stack
            .trim_start()
            .starts_with("at inner (charm:///main.js:2:"),
        "{stack}"
    );
    assert!(stack.ends_with("Caused by Error: root"), "{stack}");
    assert!(!stack.contains("ext:"), "{stack}");
}

#[test]
fn thrown_values_of_any_shape_become_text() {
    for (thrown, wanted) in [
        ("'text'", "The charm threw \"text\", which is not an Error"),
        ("null", "The charm threw null, which is not an Error"),
        (
            "undefined",
            "The charm threw undefined, which is not an Error",
        ),
        (
            "{ a: 1 }",
            "The charm threw { a: 1 }, which is not an Error",
        ),
        (
            "Symbol('s')",
            "The charm threw Symbol(s), which is not an Error",
        ),
        (
            "new Proxy({}, { get() { throw 1 }, getPrototypeOf() { throw 1 }, ownKeys() { throw 1 } })",
            "The charm threw [object], which is not an Error",
        ),
        (
            "(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()",
            "The charm threw [object], which is not an Error",
        ),
        (
            "Object.assign(Object.create(null), { x: 1 })",
            "The charm threw { x: 1 }, which is not an Error",
        ),
        (
            "Object.defineProperty(new Error('m'), 'message', { get() { throw 1 } })",
            "",
        ),
        (
            "Object.defineProperties(new Error('kept'), { stack: { get() { throw 1 } }, name: { value: 7 } })",
            "kept",
        ),
    ] {
        let seen = handler(&format!("throw {thrown}"));
        assert_eq!(
            kind_and_message(&seen),
            ("exception".to_owned(), wanted.to_owned()),
            "{thrown}"
        );
    }
}

#[test]
fn a_huge_message_is_cut_and_unpaired_surrogates_are_replaced() {
    let (_, message) = kind_and_message(&handler("throw new Error('\\ud800' + 'x'.repeat(1e6))"));
    assert!(
        message.starts_with("\u{fffd}xxx") && message.len() < 5000,
        "{}",
        message.len()
    );
}

#[test]
fn a_hostile_then_and_a_tampered_prototype_end_as_reports() {
    let hostile = "return new Proxy({}, { get() { throw new Error('trap'); } })";
    assert_eq!(kind_and_message(&handler(hostile)).1, "trap");
    let tampered = "JSON.stringify = () => 'x'; JSON.parse = null; Array.prototype.push = null; Error.prototype.toString = null; throw new Error('still told')";
    assert_eq!(kind_and_message(&handler(tampered)).1, "still told");
}

#[test]
fn a_rejection_that_nobody_handles_fails_the_run() {
    let seen = handler("Promise.reject(new TypeError('floating')); await null;");
    assert_eq!(
        kind_and_message(&seen),
        ("rejection".into(), "floating".into())
    );
    let after =
        handler("(async () => { await null; await null; throw new Error('after return'); })();");
    assert_eq!(
        kind_and_message(&after),
        ("rejection".into(), "after return".into())
    );
}

#[test]
fn a_rejection_that_is_handled_late_is_none() {
    let seen = handler(
        "const p = Promise.reject(new Error('late'));
         await new Promise((r) => setTimeout(r, 3));
         await p.catch((e) => console.log(e.message));",
    );
    assert_eq!(seen.report()["ending"], "ok");
    assert_eq!(seen.log[0].1, "late");
}

#[test]
fn an_exception_in_a_timer_fails_the_run() {
    let seen = handler(
        "setTimeout(() => { throw new Error('tick'); }, 0); await new Promise((r) => setTimeout(r, 20));",
    );
    assert_eq!(kind_and_message(&seen), ("timer".into(), "tick".into()));
    let microtask = handler(
        "queueMicrotask(() => { throw new Error('micro'); }); await new Promise((r) => setTimeout(r, 5));",
    );
    assert_eq!(kind_and_message(&microtask).1, "micro");
    let event = handler(
        "const t = new EventTarget(); t.addEventListener('a', () => { throw new Error('heard'); }); t.dispatchEvent(new Event('a'));",
    );
    assert_eq!(
        kind_and_message(&event),
        ("exception".into(), "heard".into())
    );
}

#[test]
fn a_failure_ends_the_run_although_the_handler_waits_on() {
    let seen = handler(
        "setTimeout(() => { throw new Error('tick'); }, 0); setInterval(() => {}, 5); await new Promise(() => {});",
    );
    assert_eq!(kind_and_message(&seen), ("timer".into(), "tick".into()));
}

#[test]
fn an_interval_does_not_keep_a_run_from_being_complete() {
    let seen = eval(
        "import { action, pattern } from 'commonfabric';
         setInterval(() => {}, 1);
         export default pattern(() => ({ bgUpdater: action(() => { setTimeout(() => {}, 60000); }) }));",
    );
    assert_eq!(seen.report()["ending"], "ok");
    assert_eq!(seen.log[0].0, "info");
    assert!(
        seen.log[0].1.starts_with("1 timer(s) still waited"),
        "{:?}",
        seen.log
    );
}

#[test]
fn a_charm_that_cannot_run_says_why() {
    let cases = [
        ("export const x = 1;", "no-default-export"),
        ("export default 5;", "no-default-export"),
        ("export default function f() {}", "no-default-export"),
        (
            "import { pattern } from 'commonfabric'; export default pattern(() => ({}));",
            "no-bg-updater",
        ),
        (
            "import { pattern } from 'commonfabric'; export default pattern(() => ({ bgUpdater: () => 1 }));",
            "not-a-stream",
        ),
        (
            "import { pattern, derive, cell } from 'commonfabric'; export default pattern(() => ({ bgUpdater: derive(cell(1), (x) => x) }));",
            "not-a-stream",
        ),
        (
            "import { pattern } from 'commonfabric'; export default pattern(() => { throw new Error('in the body'); });",
            "exception",
        ),
    ];
    for (code, kind) in cases {
        let seen = eval(code);
        assert_eq!(error_of(&seen)["kind"], kind, "{code}");
    }
}

#[test]
fn console_lines_have_levels_and_readable_values() {
    let seen = handler(
        "console.log('a %s b %d %j %%', 'x', '5', { y: 1 }, [1, 'two', null, undefined, -0, 3n]);
         console.debug(new Map([['k', new Set([1])]]), new Date(0), /x/g, Symbol('q'), () => 1, class Foo {});
         const loop = { name: 'l' }; loop.loop = loop; console.info(loop);
         console.warn({ a: { b: { c: { d: { e: 1 } } } } });
         console.error(new TypeError('bad'));
         console.log({ get trap() { throw new Error('never'); } }, new Proxy({}, { ownKeys() { throw 1; } }));
         console.log(new Writable({ n: 1 }), new Uint8Array(3), new (class Point { x = 1 })());
         console.group('g'); console.log('in\\nside'); console.groupEnd(); console.log();
         console.assert(1 === 2, 'wrong'); console.count(); console.count();
         console.log('x'.repeat(100000)); console.log(Array.from({ length: 500 }, (_, i) => i));
         console.log(new URL('https://a.test/'), Promise.resolve(), new Error('e').message);",
    );
    assert_eq!(seen.report()["ending"], "ok", "{:?}", seen.report());
    let log: Vec<(&str, &str)> = seen
        .log
        .iter()
        .map(|(l, t)| (l.as_str(), t.as_str()))
        .collect();
    assert_eq!(
        log[0],
        (
            "info",
            "a x b 5 {\"y\":1} % [1, \"two\", null, undefined, -0, 3n]"
        )
    );
    assert_eq!(
        log[1],
        (
            "debug",
            "Map(1) { \"k\" => Set(1) { 1 } } 1970-01-01T00:00:00.000Z /x/g Symbol(q) [Function] [class: Foo]"
        )
    );
    assert_eq!(log[2], ("info", "{ name: \"l\", loop: [Circular] }"));
    assert_eq!(log[3], ("warn", "{ a: { b: { c: { d: [Object] } } } }"));
    assert!(
        log[4].0 == "error" && log[4].1.starts_with("TypeError: bad\n    at "),
        "{:?}",
        log[4]
    );
    assert_eq!(log[5], ("info", "{ trap: [Getter] } [object]"));
    assert_eq!(
        log[6],
        (
            "info",
            "Cell({ n: 1 }) Uint8Array(3) [0, 0, 0] Point { x: 1 }"
        )
    );
    assert_eq!(
        &log[7..10],
        [("info", "g"), ("info", "  in\n  side"), ("info", "")]
    );
    assert_eq!(
        &log[10..13],
        [
            ("error", "Assertion failed: wrong"),
            ("info", "default: 1"),
            ("info", "default: 2")
        ]
    );
    assert!(
        log[13].1.len() < 9000 && log[13].1.ends_with(" more)"),
        "{}",
        log[13].1.len()
    );
    assert!(log[14].1.ends_with("99, ... 400 more]"), "{}", log[14].1);
    assert_eq!(log[15].1, "https://a.test/ Promise {} e");
}

#[test]
fn the_console_never_fails_and_is_bounded() {
    let seen = handler(
        "const wide = (n) => n === 0 ? 1 : Array.from({ length: 100 }, () => wide(n - 1));
         console.log(wide(3));
         console.log(new Proxy({}, { get() { throw 1; }, getPrototypeOf() { throw 1; } }), 'after');
         console.log({ toJSON() { throw 1; }, [Symbol.toPrimitive]() { throw 1; } }, '%s', {});
         console.log('%d %i %f %o', Symbol('x'), 'a', {}, 1);",
    );
    assert_eq!(seen.report()["ending"], "ok");
    assert_eq!(seen.log.len(), 4);
    assert!(seen.log[0].1.len() < 9000);
    assert_eq!(seen.log[1].1, "[object] after");
}
