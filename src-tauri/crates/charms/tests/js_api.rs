//! The charm API in the real engine: handlers and their state, derived values,
//! wishes, streams, nested patterns.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod js_support;

use charmkeeper_charms::testing::{FakeHost, eval_in_engine};
use js_support::{
    ARGUMENT, Documents, SPACE, after, argument, changes, eval, host, internal, link, redirect,
};
use serde_json::{Value, json};

#[test]
fn handler_state_has_its_kinds() {
    let code = r#"const run = handler((_e, state) => {
          const { c, p, s, u, list, nothing, mixed } = state;
          console.log(typeof c.get, c.get(), p, JSON.stringify(u), u.deep.x + 1, u.list.length, u.list.map((v) => v * 2).join());
          console.log(nothing, "missing" in state, typeof s.send);
          u.deep.x = 9; u.list.push(4); u.key("n").set(2); delete u.gone;
          console.log(list.map((e) => e.key("id").get()).join(), typeof mixed.inner.get, mixed.word);
          try { state.broken } catch (e) { console.log(e.message); }
          for (const [k, v] of Object.entries(u.deep)) console.log(k, v);
        }, 'ck:{"kind":"handler","state":{"c":"cell","p":"plain","s":"stream","list":{"kind":"plain","items":"cell"},"broken":"plain","nothing":"cell"}}');
        export default pattern(({ c, p, u, list }) => {
          const other = handler(() => {})({});
          const broken = derive(c, () => { throw new Error("cannot be computed"); });
          return { other, bgUpdater: run({ c, p, u, list, s: other, broken, nothing: derive(c, () => undefined), mixed: { inner: c, word: "w" } }) };
        });"#;
    let stored = || {
        argument(json!({
            "c": {"a": 1}, "p": {"b": 2}, "u": {"deep": {"x": 1}, "list": [1, 2], "n": 1, "gone": 0},
            "list": [{"id": "q"}, {"id": "r"}],
        }))
    };
    let seen = eval(code, stored());
    let docs = after(&stored().documents, &seen);
    let log: Vec<&str> = seen.log.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(
        log,
        [
            r#"function { a: 1 } { b: 2 } {"deep":{"x":1},"list":[1,2],"n":1,"gone":0} 2 2 2,4"#,
            "Cell(undefined) false function",
            "q,r function w",
            "cannot be computed",
            "x 9",
        ]
    );
    assert_eq!(
        docs[ARGUMENT]["value"]["u"],
        json!({"deep": {"x": 9}, "list": [1, 2, 4], "n": 2})
    );
}

#[test]
fn kinds_come_from_schemas_too_and_proxy_state_is_assigned_to() {
    let code = r#"const schema = { type: "object", properties: { c: { asCell: true }, p: { type: "number" }, s: { asStream: true }, list: { type: "array", asCell: true, items: { asCell: true } } } };
        const one = handler({}, schema, (e, { c, p, s, list }) => { c.set(p + e.by); s.send({ n: 5 }); list.set(list.get().filter((x) => x.key("id").get() !== "a")); });
        const two = handler((e, state) => { state.seen = e.n; state.box.n += 1; }, { proxy: true });
        export default cf.recipe("old", ({ c, p, seen, box, list }) => { const s = two({ seen, box }); return { s, bgUpdater: one({ c, p, s, list }) }; });"#;
    let stored = || {
        let mut host = argument(
            json!({"c": 0, "p": 7, "seen": 0, "box": {"n": 1}, "list": [{"id": "a"}, {"id": "b"}]}),
        );
        host.job["event"] = json!({"by": 3});
        host
    };
    let seen = eval(code, stored());
    let value = after(&stored().documents, &seen)[ARGUMENT]["value"].clone();
    assert_eq!(
        (&value["c"], &value["seen"], &value["box"]),
        (&json!(10), &json!(5), &json!({"n": 2}))
    );
    assert_eq!(value["list"].as_array().unwrap().len(), 1);
}

#[test]
fn the_compilers_word_on_cells_inside_and_on_defaults_counts() {
    let code = r#"const run = handler((_e, { emails, box, settings }) => {
          console.log(emails.get().map((e) => e.key("id").get()).join(), box.inner.get(), box.word, settings.get());
        }, 'ck:{"kind":"handler","state":{"emails":"cell","box":"plain","settings":"cell"},"inside":{"emails":[{"path":["*"],"kind":"cell"}],"box":[{"path":["inner"],"kind":"cell"}]}}');
        export default pattern(({ emails, box }) => {
          const settings = new Writable('ck:{"kind":"cell","default":{"limit":10}}');
          return { bgUpdater: run({ emails, box, settings }) };
        });"#;
    let stored =
        argument(json!({"emails": [{"id": "a"}, {"id": "b"}], "box": {"inner": 7, "word": "w"}}));
    assert_eq!(eval(code, stored).log[0].1, "a,b 7 w { limit: 10 }");
}

fn account() -> FakeHost {
    let mut host = host([
        (
            "of:fid1:auth-result".to_owned(),
            json!({
                "auth": redirect("of:fid1:auth-argument", &["auth"]),
                "refreshToken": link("of:fid1:auth-stream", &[]),
            }),
        ),
        (
            "of:fid1:auth-argument".to_owned(),
            json!({"auth": {"token": "kc:1", "scope": ["a"], "user": {"email": "me@example.com"}}}),
        ),
        ("of:fid1:auth-stream".to_owned(), json!({"$stream": true})),
    ]);
    host.wishes.insert("#googleAuth".to_owned(), json!({
        "candidates": [{"space": SPACE, "id": "of:fid1:auth-result", "path": [], "name": "me", "tags": ["googleauth"]}],
        "error": null,
    }));
    host
}

#[test]
fn a_wish_finds_another_charm_and_writes_reach_its_cell() {
    let code = r##"const run = handler((_e, { auth, email, ready }) => {
          console.log(auth.get().token, email, ready, auth.get().user.email);
          auth.update({ token: "kc:2", scope: ["a", "b"] });
          console.log(auth.get().token);
        }, 'ck:{"kind":"handler","state":{"auth":"cell","email":"plain","ready":"plain"}}');
        export default pattern(({ hint }) => {
          const wished = wish({ query: "#googleAuth" });
          const charm = derive({ wished, hint }, ({ wished, hint }) => hint ? null : wished?.result);
          const auth = ifElse(hint, null, charm.auth);
          const email = derive(wished, (w) => w?.result?.auth?.user?.email || "");
          const ready = computed(() => auth.user.email !== "" && auth.scope.length > 0);
          return { bgUpdater: run({ auth, email, ready }) };
        });"##;
    let seen = eval(code, account());
    let docs = after(&account().documents, &seen);
    assert_eq!(seen.log[0].1, "kc:1 me@example.com true me@example.com");
    assert_eq!(seen.log[1].1, "kc:2");
    let auth = json!({"token": "kc:2", "scope": ["a", "b"], "user": {"email": "me@example.com"}});
    assert_eq!(docs["of:fid1:auth-argument"]["value"]["auth"], auth);
    assert_eq!(changes(&seen).len(), 1);
}

#[test]
fn wishes_in_every_form() {
    let code = r##"const run = handler((_e, s) => { console.log(JSON.stringify(s)); },
          'ck:{"kind":"handler","state":{"old":"plain","path":"plain","none":"plain","now":"plain","count":"plain","derived":"plain"}}');
        export default pattern(({ tag }) => ({ bgUpdater: run({
          old: wish("#googleAuth").auth.token, path: wish({ query: "#googleAuth/auth/user", path: ["email"] }).result,
          none: wish({ query: "#nobody" }), now: wish({ query: "#now/60" }).result, count: wish({ query: "#googleAuth" }).candidates.length,
          derived: wish({ query: str`#${tag}` }).result.auth.token }) }));"##;
    let mut host = account();
    host.documents.insert(
        (SPACE.to_owned(), ARGUMENT.to_owned()),
        (1, json!({"value": {"tag": "googleAuth"}})),
    );
    let seen = eval(code, host);
    let found: Value = serde_json::from_str(&seen.log[0].1).unwrap();
    let wanted = json!({"old": "kc:1", "path": "me@example.com", "count": 1, "derived": "kc:1", "now": 1_795_253_400_000_i64,
        "none": {"candidates": [], "error": "No favorites found matching \"#nobody\""}});
    assert_eq!(found, wanted);
}

#[test]
fn a_wish_that_finds_nothing_is_an_empty_cell_or_none_where_the_type_allows_it() {
    let code = r##"const run = handler((_e, { auth, maybe }) => { console.log(auth.get()?.token, auth.key("token").get(), maybe); },
          'ck:{"kind":"handler","state":{"auth":"cell","maybe":"cell"},"nullable":["maybe"]}');
        export default pattern(() => {
          const { auth } = wish({ query: "#nobody" }).result;
          return { bgUpdater: run({ auth, maybe: auth }) };
        });"##;
    let seen = eval(code, FakeHost::default());
    assert_eq!(seen.log[0].1, "undefined undefined undefined");
}

#[test]
fn events_reach_handlers_of_the_same_charm_after_the_sender_gives_way() {
    let code = r#"const inner = handler(async (event, { log }) => { log.push("inner " + event.n); await null; log.push("inner end"); },
          'ck:{"kind":"handler","state":{"log":"cell"}}');
        const run = handler(async (event, { log, next }) => {
          log.push("outer");
          await new Promise((resolve, reject) => {
            next.send({ n: 1 }, (tx) => tx.status().status === "done" ? resolve() : reject(tx.status().error));
            log.push("sent");
          });
          log.push("outer end");
          next.send({ n: 2 });
        }, 'ck:{"kind":"handler","state":{"log":"cell","next":"stream"}}');
        export default pattern(() => { const log = cell([]).for("log"); const next = inner({ log }); return { next, bgUpdater: run({ log, next }) }; });"#;
    let seen = eval(code, FakeHost::default());
    let log = after(&Documents::new(), &seen)[&internal(json!("log"))]["value"].clone();
    let wanted = [
        "outer",
        "sent",
        "inner 1",
        "inner end",
        "outer end",
        "inner 2",
        "inner end",
    ];
    assert_eq!(log, json!(wanted));
}

#[test]
fn an_error_in_a_nested_handler_fails_the_run() {
    let code = r#"const inner = handler(() => { throw new Error("nested"); });
        const run = handler(async (_e, { next, n }) => {
          n.set(2);
          await new Promise((resolve) => next.send({}, (tx) => { console.log(tx.status().status, tx.status().error.message); resolve(); }));
        }, 'ck:{"kind":"handler","state":{"next":"stream","n":"cell"}}');
        export default pattern(() => { const next = inner({}); return { next, bgUpdater: run({ next, n: cell(1) }) }; });"#;
    let seen = eval(code, FakeHost::default());
    let report = seen.report();
    assert_eq!(
        (
            &report["ending"],
            &report["error"]["message"],
            &report["changes"]
        ),
        (&json!("error"), &json!("nested"), &json!([]))
    );
    assert_eq!(seen.log[0].1, "error nested");
}

#[test]
fn patterns_nest_and_their_cells_keep_their_names() {
    let code = r#"const Counter = pattern(({ start, step }) => {
          const n = new Writable(0).for("n");
          return { n, start, bump: action(() => n.set(n.get() + step.get() + start.get())) };
        }, 'ck:{"kind":"pattern","defaults":{"step":10}}');
        export default pattern(({ base }) => {
          const a = Counter({ start: base });
          const { n, bump } = Counter({ start: 5, step: 1 });
          return { a: a.n, b: n, total: computed(() => a.n + n), bgUpdater: action(() => { bump.send({}); a.bump.send({}); }) };
        });"#;
    let seen = eval(code, argument(json!({"base": 100})));
    let docs = after(&argument(json!({"base": 100})).documents, &seen);
    assert_eq!(
        docs[&internal(json!({"sub": 0, "cause": "n"}))]["value"],
        110
    );
    assert_eq!(docs[&internal(json!({"sub": 1, "cause": "n"}))]["value"], 6);
}

#[test]
fn derived_values_in_every_form() {
    let code = r#"const run = handler((_e, s) => { console.log(JSON.stringify(s)); }, 'ck:{"kind":"handler","state":' + JSON.stringify(Object.fromEntries("sum text choice both either lifted mapped filtered first size spread".split(" ").map((k) => [k, "plain"]))) + '}');
        export default pattern(({ a, b, list, on, sub }) => ({ bgUpdater: run({
          sum: derive({ a, b }, ({ a, b }) => a + b), text: str`${a}-${b}-${derive(a, (x) => x * 2)}`,
          choice: ifElse(on, a, b), both: when(on, "then"), either: unless(on, "else"),
          lifted: lift(({ x, y }) => x * y)({ x: a, y: 4 }), mapped: list.map((e, i) => ({ id: e.id, i })),
          filtered: list.filter((e) => e.ok), first: list[0].id, size: list.length,
          spread: computed(() => { const names = []; for (const [k, v] of Object.entries(sub)) if (v) names.push(k); return [...names, ...list.map((e) => e.id)]; }),
        }) }));"#;
    let stored = argument(
        json!({"a": 2, "b": 3, "on": false, "list": [{"id": "x", "ok": true}, {"id": "y", "ok": false}], "sub": {"m": true, "n": false}}),
    );
    let seen = eval(code, stored);
    assert_eq!(seen.report()["ending"], "ok", "{}", seen.report());
    let found: Value = serde_json::from_str(&seen.log[0].1).unwrap();
    assert_eq!(
        found,
        json!({"sum": 5, "text": "2-3-4", "choice": 3, "both": false, "either": "else", "lifted": 8,
        "mapped": [{"id": "x", "i": 0}, {"id": "y", "i": 1}], "filtered": [{"id": "x", "ok": true}], "first": "x", "size": 2,
        "spread": ["m", "x", "y"]})
    );
}

#[test]
fn nothing_is_written_outside_of_handlers() {
    for body in [
        "a.set(1)",
        "a.key('x').push(1)",
        "s.send({})",
        "computed(() => 1).set(2)",
    ] {
        let code = format!(
            "export default pattern(({{ a }}) => {{ const s = action(() => {{}}); {body}; return {{ bgUpdater: s }}; }});"
        );
        let report = eval(&code, FakeHost::default()).report();
        assert!(
            report["error"]["message"]
                .as_str()
                .unwrap()
                .contains("by handlers only"),
            "{body}: {report}"
        );
    }
    // A new cell's first value may still be set in the body.
    let first = "export default pattern(() => { const c = Cell.for('c'); c.set(3); return { c, bgUpdater: action(() => console.log(c.get())) }; });";
    assert_eq!(eval(first, FakeHost::default()).log[0].1, "3");
}

#[test]
fn what_cannot_run_in_the_background_stays_pending_and_is_noted_once() {
    let code = r#"import { h, jsx, Fragment } from "commonfabric/jsx-runtime";
        const made = jsx("div", { onClick: 1, children: [jsx(() => { throw new Error("called"); }, {}), jsx(Fragment, {})] }, "k");
        const run = handler((_e, { a, b }) => { console.log(JSON.stringify([a, b, made.name])); cf.navigateTo(Other({ x: new Writable(1) })); },
          'ck:{"kind":"handler","state":{"a":"plain","b":"plain"}}');
        const Other = pattern(({ x }) => ({ x, list: x.map((y) => y) }));
        export default pattern(() => { const env = cf.getPatternEnvironment(); console.log(env.apiUrl.href, cf.getRecipeEnvironment().apiUrl instanceof URL);
          return { bgUpdater: run({ a: cf.generateObject({ prompt: "x" }).pending, b: cf.fetchJson({ url: "x" }).result ?? null }), tool: cf.patternTool(Other, {}), more: cf.generateObject({}) }; });"#;
    let seen = eval(code, FakeHost::default());
    assert_eq!(seen.report()["ending"], "ok", "{}", seen.report());
    let log: Vec<&str> = seen.log.iter().map(|(_, t)| t.as_str()).collect();
    assert_eq!(
        log,
        [
            "https://charmkeeper.invalid/ true",
            "generateObject does not run in the background: its result stays pending",
            "fetchJson does not run in the background: its result stays pending",
            "[true,null,\"div\"]",
            "navigateTo was called and is not followed: a background run has no screen",
        ]
    );
}

#[test]
fn both_dialects_export_the_same_names() {
    let code = "import * as a from 'commonfabric'; import * as b from 'commontools'; import * as c from 'commontools/schema'; import * as d from 'commontools/jsx-dev-runtime';
        export default a.pattern(() => ({ bgUpdater: a.action(() => { console.log(Object.keys(a).length > 60, Object.keys(a).every((k) => Object.is(a[k], b[k]) && k in c), typeof d.jsxDEV); }) }));";
    assert_eq!(
        eval_in_engine(&[("charm:///main.js", code)], FakeHost::default()).log[0].1,
        "true true function"
    );
}

#[test]
fn every_name_has_its_type_and_every_type_its_name() {
    let types = include_str!("../../../../patterns/commonfabric.d.ts");
    let (types, _) = types.split_once("declare module \"commontools\"").unwrap();
    let mut declared: Vec<&str> = types
        .lines()
        .filter_map(|line| line.trim().strip_prefix("export "))
        .filter_map(|line| {
            line.strip_prefix("const ")
                .or_else(|| line.strip_prefix("function "))
        })
        .filter_map(|line| {
            line.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .next()
        })
        .collect();
    declared.sort_unstable();
    declared.dedup();
    // A type alone; at run time the name is there for imports that were kept.
    declared.push("Default");
    declared.sort_unstable();
    let code = "export default pattern(() => ({ bgUpdater: action(() => console.log(Object.keys(cf).sort().join())) }));";
    let seen = eval(code, FakeHost::default());
    assert_eq!(seen.log[0].1, declared.join(","));
}
