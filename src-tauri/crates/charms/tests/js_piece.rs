//! A charm as a piece in the real engine: its inputs and outputs, its stored
//! documents, and the changes that a run reports.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod js_support;

use charmkeeper_base::cell::id;
use js_support::{
    ARGUMENT, PIECE, SPACE, after, argument, changes, eval, host, inspect, internal, link, redirect,
};
use serde_json::{Value, json};

#[test]
fn an_inspection_lists_what_is_to_be_stored() {
    let found = inspect(
        r#"const run = handler(() => {}, 'ck:{"kind":"handler","state":{}}');
        export default pattern(({ settings, name }) => {
          const emails = cell([]);
          const unused = new Writable(7);
          const cursor = Writable.of("").for("cursor");
          const count = computed(() => emails.get().length);
          return { [NAME]: str`Importer ${count}`, [UI]: { type: "vnode" }, emails, count, limit: settings.limit,
            version: 3, nested: { cursor, go: run({}) }, chip: { type: "vnode" }, tool: () => 1, bgUpdater: run({ emails }) };
        }, 'ck:{"kind":"pattern","defaults":{"settings":{"limit":10}},"tags":["gmailEmails"]}');"#,
    );
    assert_eq!(found["name"], "Importer 0");
    assert_eq!(found["tags"], json!(["gmailEmails"]));
    let kinds = json!({"emails": "cell", "count": "derived", "limit": "cell", "version": "plain", "nested": "plain",
        "chip": "derived", "tool": "derived", "bgUpdater": "stream"});
    assert_eq!(found["outputs"], kinds);
    let emails = internal(json!(0));
    let updater = internal(json!({"stream": ["__patternResult", "bgUpdater"]}));
    let go = internal(json!({"stream": ["__patternResult", "nested", "go"]}));
    let result = json!({
        "value": {
            "emails": redirect(&emails, &[]),
            "limit": redirect(ARGUMENT, &["settings", "limit"]),
            "version": 3,
            "nested": {"cursor": redirect(&internal(json!("cursor")), &[]), "go": link(&go, &[])},
            "bgUpdater": link(&updater, &[]),
        },
        "argument": link(ARGUMENT, &[]),
    });
    let wanted = json!([
        {"id": PIECE, "doc": result},
        {"id": go, "doc": {"value": {"$stream": true}}},
        {"id": updater, "doc": {"value": {"$stream": true}}},
        {"id": emails, "doc": {"value": []}},
        {"id": internal(json!(1)), "doc": {"value": 7}},
        {"id": internal(json!("cursor")), "doc": {"value": ""}},
    ]);
    assert_eq!(found["documents"], wanted, "{:#}", found["documents"]);
}

#[test]
fn a_charm_without_bg_updater_can_be_inspected() {
    assert_eq!(
        inspect("export default pattern(({ auth }) => ({ auth }));")["outputs"],
        json!({"auth": "cell"})
    );
}

#[test]
fn defaults_fill_what_the_argument_leaves_out_and_are_stored_when_written() {
    let code = r#"const run = handler((_e, { settings, auth }) => {
          console.log(JSON.stringify([settings.get(), auth.get()]));
          settings.key("historyId").set("5");
        }, 'ck:{"kind":"handler","state":{"settings":"cell","auth":"cell"}}');
        export default pattern(({ settings, auth }) => ({ bgUpdater: run({ settings, auth }) }),
          'ck:{"kind":"pattern","defaults":{"settings":{"limit":100,"q":"in:INBOX"},"auth":{"token":""}}}');"#;
    let before = argument(json!({"settings": {"limit": 5}})).documents;
    let seen = eval(code, argument(json!({"settings": {"limit": 5}})));
    assert_eq!(
        seen.log[0].1,
        r#"[{"limit":5,"q":"in:INBOX"},{"token":""}]"#
    );
    let settings = json!({"limit": 5, "q": "in:INBOX", "historyId": "5"});
    assert_eq!(
        after(&before, &seen)[ARGUMENT]["value"],
        json!({"settings": settings, "auth": {"token": ""}})
    );
    // Reading alone stores nothing.
    let reader = code.replace(r#"settings.key("historyId").set("5");"#, "");
    assert_eq!(
        changes(&eval(&reader, argument(json!({})))),
        Vec::<Value>::new()
    );
}

#[test]
fn cells_of_the_body_are_read_from_their_documents_and_created_when_missing() {
    let code = r#"export default pattern(() => {
          const n = cell(1);
          const named = new Writable([]).for("named");
          return { bgUpdater: action(() => { n.set(n.get() + 1); named.push("x"); }) };
        });"#;
    let n = internal(json!(0));
    let stored = || host([(n.clone(), json!(41))]);
    let seen = eval(code, stored());
    let docs = after(&stored().documents, &seen);
    assert_eq!(docs[&n]["value"], 42);
    assert_eq!(docs[&internal(json!("named"))], json!({"value": ["x"]}));
    assert_eq!(
        changes(&seen)[0]["patches"],
        json!([{"op": "replace", "path": "/value", "value": 42}])
    );
}

#[test]
fn writing_what_is_there_already_is_no_change() {
    let list = internal(json!(0));
    let element = |key: &str| String::from(id::keyed_element(&list, SPACE, &[], key));
    let stored = || {
        host([
            (
                list.clone(),
                json!([link(&element("a"), &[]), link(&element("b"), &[])]),
            ),
            (element("a"), json!({"id": "a", "at": {"day": 1}})),
            (element("b"), json!({"id": "b", "at": {"day": 2}})),
            (
                ARGUMENT.to_owned(),
                json!({"settings": {"a": 1, "b": [1, 2]}, "plain": [{"x": 1}, {"x": 2}]}),
            ),
        ])
    };
    let code = |body: &str| {
        format!(
            r#"export default pattern(({{ settings, plain }}) => {{ const list = cell([]);
              return {{ bgUpdater: action(async () => {{ {body} }}) }}; }});"#
        )
    };
    for body in [
        "list.set([{ at: { day: 1 }, id: 'a' }, { id: 'b', at: { day: 2 } }])",
        "list.set(list.get().map((e) => ({ ...e })))",
        "list.set(list.get())",
        "list.set([...list.get()])",
        "list.push({ id: 'c' }); list.remove(list.get()[2])",
        "settings.set({ b: [1, 2], a: 1 }); settings.update({ a: 1 }); settings.key('a').set(1)",
        "settings.set({ ...settings.get(), b: [...settings.get().b] })",
        "plain.set(plain.get().filter(() => true)); plain.set([{ x: 1 }, { x: 2 }])",
        "settings.key('a').set(2); await null; settings.key('a').set(1)",
    ] {
        let seen = eval(&code(body), stored());
        let left: Vec<Value> = changes(&seen)
            .into_iter()
            .filter(|c| c["id"] != element("c"))
            .collect();
        assert_eq!(left, Vec::<Value>::new(), "{body}");
    }
}

#[test]
fn changes_are_minimal_patches() {
    let list = internal(json!(0));
    let element = |n: usize| String::from(id::keyed_element(&list, SPACE, &[], &format!("m{n}")));
    let stored = || {
        let mut docs = vec![
            (
                list.clone(),
                Value::Array((0..300).map(|n| link(&element(n), &[])).collect()),
            ),
            (
                ARGUMENT.to_owned(),
                json!({"s": {"a": 1, "b": {"c": [1, 2, 3]}}, "t/~": 1}),
            ),
        ];
        docs.extend((0..300).map(|n| {
            (
                element(n),
                json!({"id": format!("m{n}"), "body": "x", "labels": ["INBOX", "UNREAD"]}),
            )
        }));
        host(docs)
    };
    let patches = |body: &str| {
        let code = format!(
            r#"export default pattern((input) => {{ const list = cell([]); const {{ s }} = input;
              return {{ bgUpdater: action(() => {{ {body} }}) }}; }});"#
        );
        let seen = eval(&code, stored());
        let docs = after(&stored().documents, &seen);
        let found: Vec<Value> = changes(&seen)
            .into_iter()
            .map(|c| c["patches"].clone())
            .collect();
        (found, docs)
    };
    let (found, docs) =
        patches("list.set(list.get().filter((e) => e.id !== 'm7' && e.id !== 'm200'))");
    assert_eq!(
        found,
        [json!([
            {"op": "splice", "path": "/value", "index": 7, "remove": 1, "add": []},
            {"op": "splice", "path": "/value", "index": 199, "remove": 1, "add": []},
        ])]
    );
    assert_eq!(docs[&list]["value"].as_array().unwrap().len(), 298);
    let (found, _) = patches("list.key(3).key('labels').set(['INBOX'])");
    assert_eq!(
        found,
        [json!([{"op": "splice", "path": "/value/labels", "index": 1, "remove": 1, "add": []}])]
    );
    let (found, _) =
        patches("list.set(list.get().map((e) => e.id === 'm5' ? { ...e, body: 'y' } : e))");
    assert_eq!(
        found,
        [json!([{"op": "replace", "path": "/value/body", "value": "y"}])]
    );
    let (found, docs) = patches("list.push('end'); list.set([...list.get(), 'more'])");
    assert_eq!(
        found,
        [json!([{"op": "append", "path": "/value", "values": ["end", "more"]}])]
    );
    assert_eq!(docs[&list]["value"][301], "more");
    let (found, _) = patches(
        "s.key('b', 'c').push(4); s.key('a').set(undefined); s.key('new').set(null); input['t/~'].set(2)",
    );
    assert_eq!(
        found,
        [json!([
            {"op": "remove", "path": "/value/s/a"},
            {"op": "append", "path": "/value/s/b/c", "values": [4]},
            {"op": "add", "path": "/value/s/new", "value": null},
            {"op": "replace", "path": "/value/t~1~0", "value": 2},
        ])]
    );
    let (_, docs) =
        patches("list.set([...list.get()].reverse().slice(0, 50).concat(list.get().slice(0, 10)))");
    assert_eq!(docs[&list]["value"].as_array().unwrap().len(), 60);
    assert_eq!(docs[&list]["value"][0], link(&element(299), &[]));
}

#[test]
fn a_list_is_loaded_in_batches_and_its_length_costs_nothing() {
    let list = internal(json!(0));
    let element = |n: usize| format!("of:fid1:element{n}");
    let stored = || {
        let mut docs = vec![(
            list.clone(),
            Value::Array((0..10_000).map(|n| link(&element(n), &[])).collect()),
        )];
        docs.extend((0..10_000).map(|n| (element(n), json!({"id": format!("m{n}"), "n": n}))));
        host(docs)
    };
    let run = |body: &str| {
        let code = format!(
            "export default pattern(() => {{ const list = cell([]); return {{ bgUpdater: action(() => {{ {body} }}) }}; }});"
        );
        eval(&code, stored())
    };
    let counted = run("console.log(list.get().length, list.length.get())");
    assert_eq!(
        (counted.log[0].1.as_str(), counted.reads.len()),
        ("10000 10000", 1)
    );
    let one = run("console.log(list.get()[5000].n, list.get().at(-1).n)");
    assert_eq!((one.log[0].1.as_str(), one.reads.len()), ("5000 9999", 3));
    let all = run("let sum = 0; for (const e of list.get()) sum += e.n; console.log(sum)");
    assert_eq!((all.log[0].1.as_str(), all.reads.len()), ("49995000", 80));
    let back = run("console.log(list.get().findLast((e) => e.n === 9000).n, list.get().length)");
    assert!(back.reads.len() < 12, "{}", back.reads.len());
    let appended = run("list.push({ id: 'new' }); list.set(list.get())");
    assert_eq!(appended.reads.len(), 2);
    assert_eq!(changes(&appended).len(), 2);
}

#[test]
fn a_linked_argument_is_read_through_and_updated_through() {
    let code = r#"const run = handler((_e, { auth, item }) => { auth.update({ token: "new" }); console.log(auth.get().token, item); item.key("n").set(2); },
          'ck:{"kind":"handler","state":{"auth":"cell","item":"cell"}}');
        export default pattern(({ auth, item }) => ({ bgUpdater: run({ auth, item }) }));"#;
    let stored = || {
        host([
            (
                ARGUMENT.to_owned(),
                json!({"auth": link("of:fid1:there", &["auth"]), "item": link("of:fid1:item", &[])}),
            ),
            (
                "of:fid1:there".to_owned(),
                json!({"auth": {"token": "old"}}),
            ),
            ("of:fid1:item".to_owned(), json!({"n": 1})),
        ])
    };
    let seen = eval(code, stored());
    let docs = after(&stored().documents, &seen);
    assert_eq!(
        docs["of:fid1:there"]["value"],
        json!({"auth": {"token": "new"}})
    );
    assert_eq!(docs["of:fid1:item"]["value"], json!({"n": 2}));
    assert_eq!(
        docs[ARGUMENT]["value"]["auth"],
        link("of:fid1:there", &["auth"])
    );
    // A whole `set` replaces the link itself.
    let set = code.replace(
        "auth.update({ token: \"new\" })",
        "auth.set({ token: \"own\" })",
    );
    let docs = after(&stored().documents, &eval(&set, stored()));
    assert_eq!(docs[ARGUMENT]["value"]["auth"], json!({"token": "own"}));
    assert_eq!(
        docs["of:fid1:there"]["value"],
        json!({"auth": {"token": "old"}})
    );
}

#[test]
fn an_output_of_a_piece_that_was_made_elsewhere_is_the_cell_it_says() {
    let mut space = host([
        (PIECE.to_owned(), json!({"log": redirect("of:theirs", &[])})),
        ("of:theirs".to_owned(), json!(["before"])),
    ]);
    space.job["adopted"] = json!(true);
    let seen = eval(
        r#"const go = handler((_e, { log }) => log.push("ran"), 'ck:{"kind":"handler","state":{"log":"cell"}}');
        export default pattern(() => {
          const unused = cell(0);
          const log = cell([]);
          return { log, bgUpdater: go({ log }) };
        }, 'ck:{"kind":"pattern"}');"#,
        space,
    );
    let report = seen.report();
    let changes = report["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{report:#}");
    assert_eq!(changes[0]["id"], "of:theirs");
}
