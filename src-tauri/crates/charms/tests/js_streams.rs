//! Streams in the real engine: stored, read back, of this charm and of others.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod js_support;

use charmkeeper_charms::testing::FakeHost;
use js_support::{ARGUMENT, SPACE, after, argument, eval, inspect, internal, link};
use serde_json::{Value, json};

/// What a run logged, of a run that ended well.
#[track_caller]
fn lines(seen: &charmkeeper_charms::testing::Evaluated) -> Vec<&str> {
    let report = seen.report();
    assert_eq!(report["ending"], "ok", "{} {:?}", report["error"], seen.log);
    seen.log.iter().map(|(_, text)| text.as_str()).collect()
}

const ITEMS: &str = r#"
    const mark = handler((event, { done }) => { console.log("marked", event.by); done.set(true); },
      'ck:{"kind":"handler","state":{"done":"cell"}}');
    const Item = pattern(({ title, done }) => ({ title, done, mark: mark({ done }) }),
      'ck:{"kind":"pattern","defaults":{"done":false}}');
"#;

#[test]
fn an_instance_made_in_a_handler_is_stored_with_its_stream() {
    let code = format!(
        r#"{ITEMS}
        const add = handler((_, {{ items }}) => {{
          items.push(Item({{ title: "a" }}));
          const stored = items.get()[0];
          console.log(stored.title, stored.done, items.key(0, "mark").get() !== undefined);
          items.key(0, "mark").send({{ by: "me" }}, (tx) => console.log(tx.status().status, items.get()[0].done));
        }}, 'ck:{{"kind":"handler","state":{{"items":"cell"}}}}');
        export default pattern(({{ items }}) => ({{ items, bgUpdater: add({{ items }}) }}));"#
    );
    let stored = || argument(json!({"items": []}));
    let seen = eval(&code, stored());
    assert_eq!(lines(&seen), ["a false true", "marked me", "done true"]);
    let docs = after(&stored().documents, &seen);
    let streams = docs
        .values()
        .filter(|doc| doc["value"]["$stream"] == json!(true));
    assert_eq!(streams.count(), 1, "{docs:#?}");
}

#[test]
fn a_nested_patterns_plain_input_may_hold_a_stream() {
    let code = r#"
        const go = handler(() => console.log("gone"), 'ck:{"kind":"handler","state":{}}');
        const use = handler((_, { tools }) => { tools.key("go").send({}); },
          'ck:{"kind":"handler","state":{"tools":"cell"}}');
        const Inner = pattern(({ tools }) => ({ bgUpdater: use({ tools }) }));
        export default pattern(() => {
          const inner = Inner({ tools: { go: go({}), n: 1 } });
          return { bgUpdater: inner.bgUpdater };
        });"#;
    assert_eq!(lines(&eval(code, FakeHost::default())), ["gone"]);
    let documents = inspect(code)["documents"].clone();
    let streams = documents.as_array().unwrap().iter();
    let streams = streams.filter(|d| d["doc"]["value"]["$stream"] == json!(true));
    // The output, and the one in the input.
    assert_eq!(streams.count(), 2, "{documents:#}");
}

#[test]
fn a_stream_of_the_body_is_found_again_in_a_later_run() {
    let code = r#"
        const go = handler(() => console.log("gone"), 'ck:{"kind":"handler","state":{}}');
        const use = handler((_, { box }) => {
          if (box.get().go === undefined) console.log("empty"); else box.key("go").send({});
          box.set({ go: hidden });
        }, 'ck:{"kind":"handler","state":{"box":"cell"}}');
        let hidden;
        export default pattern(({ box }) => { hidden = go({}); return { bgUpdater: use({ box }) }; });"#;
    let first = || argument(json!({"box": {}}));
    let seen = eval(code, first());
    assert_eq!(lines(&seen), ["empty"]);
    let docs = after(&first().documents, &seen);
    let id = internal(json!({"stream": 0}));
    assert_eq!(docs[ARGUMENT]["value"]["box"]["go"], link(&id, &[]));
    let again = js_support::host(docs.into_iter().map(|(id, doc)| (id, doc["value"].clone())));
    assert_eq!(lines(&eval(code, again)), ["gone"]);
}

const SENDER: &str = r##"
    const run = handler((_, { refresh, auth }) => {
      console.log(auth.get().token);
      return new Promise((resolve) => refresh.send({ why: "expired" }, (tx) => {
        const { status, error } = tx.status();
        console.log(status, error?.message ?? "", auth.get().token);
        resolve();
      }));
    }, 'ck:{"kind":"handler","state":{"refresh":"stream","auth":"cell"}}');
    export default pattern(() => {
      const found = wish({ query: "#googleAuth" }).result;
      return { bgUpdater: run({ refresh: found.refreshToken, auth: found.auth }) };
    });"##;

fn with_auth_charm() -> FakeHost {
    let mut host = js_support::host([
        (
            "of:fid1:auth".to_owned(),
            json!({"auth": {"token": "old"}, "refreshToken": link("of:fid1:stream", &[])}),
        ),
        ("of:fid1:stream".to_owned(), json!({"$stream": true})),
    ]);
    let found = json!({"candidates": [{"space": SPACE, "id": "of:fid1:auth", "path": [], "name": null, "tags": []}], "error": null});
    host.wishes.insert("#googleAuth".to_owned(), found);
    host
}

#[test]
fn an_event_for_another_charm_is_handed_over_and_its_documents_read_anew() {
    let mut host = with_auth_charm();
    let answer = json!({"error": null, "changed": [{"space": SPACE, "id": "of:fid1:auth"}]});
    host.sends.insert("of:fid1:stream".to_owned(), answer);
    let seen = eval(SENDER, host);
    assert_eq!(lines(&seen), ["old", "done  old"]);
    let wanted = json!({"space": SPACE, "id": "of:fid1:stream", "event": {"why": "expired"}});
    assert_eq!(seen.sends, [wanted]);
    let asked = seen.reads.iter().flat_map(|r| r.as_array().unwrap().iter());
    let auth = asked.filter(|r| r["id"] == "of:fid1:auth");
    assert_eq!(auth.count(), 2, "{:?}", seen.reads);
    assert_eq!(seen.report()["changes"], json!([]));
}

#[test]
fn the_other_charms_failure_is_told_and_is_not_this_runs() {
    let mut host = with_auth_charm();
    let answer = json!({"error": "The handler failed.", "changed": []});
    host.sends.insert("of:fid1:stream".to_owned(), answer);
    let log = [
        "old",
        "An event for another charm was not handled: The handler failed.",
        "error The handler failed. old",
    ];
    assert_eq!(lines(&eval(SENDER, host)), log);
    // Refused by the host.
    let seen = eval(SENDER, with_auth_charm());
    assert!(
        lines(&seen)[2].starts_with("error No charm here has the stream"),
        "{:?}",
        seen.log
    );
}

#[test]
fn identity_is_by_place_and_lists_of_computed_values_give_cells() {
    let code = r#"
        const pick = lift((list) => list.map((cell) => cell.get().n).join(),
          'ck:{"kind":"lift","state":{"list":"plain"},"inside":{"list":[{"path":["*"],"kind":"cell"}]}}');
        const run = handler((_, { shown, items, joined }) => {
          console.log(joined);
          shown[1].update({ n: 9 });
          console.log(items.get()[1].n, cf.equals({ n: 1 }, items.key(0)), cf.equals(items.get()[0], items.key(0)));
          console.log(cf.equals(items.key(0), { n: 1 }), cf.equals({ a: 1 }, { a: 1 }), cf.equals(items.key(0, "n"), 1));
        }, 'ck:{"kind":"handler","state":{"shown":"plain","items":"cell","joined":"plain"},"inside":{"shown":[{"path":["*"],"kind":"cell"}]}}');
        const join = lift(({ list }) => list.map((cell) => cell.get().n).join(),
          'ck:{"kind":"lift","state":{"list":"plain"},"inside":{"list":[{"path":["*"],"kind":"cell"}]}}');
        export default pattern(({ items }) => {
          const shown = computed(() => items.get().filter((i) => i.n > 0));
          return { bgUpdater: run({ shown, items, joined: join({ list: shown }) }) };
        });"#;
    let stored = || argument(json!({"items": [{"n": 1}, {"n": 2}]}));
    let seen = eval(code, stored());
    assert_eq!(lines(&seen), ["1,2", "9 false true", "false true true"]);
    let docs = after(&stored().documents, &seen);
    let items: &Value = &docs[ARGUMENT]["value"]["items"];
    assert_eq!(items[1]["n"], 9, "{items}");
}

#[test]
fn cells_deep_in_what_is_read_are_cells_and_patterns_are_not_stored() {
    let code = r#"
        const tool = pattern(({ q }) => ({ q }));
        const run = handler((_, { entries, made }) => {
          const entry = entries.get().find((e) => e.kind === "b");
          console.log(entry.kind, entry.piece.get().n, entries.get()[0].piece.key("n").get());
          entry.piece.update({ n: 5 });
          entries.set(entries.get().filter((e) => e.kind === "b"));
          made.set({ grep: cf.patternTool(tool), tool, name: "x" });
        }, 'ck:{"kind":"handler","state":{"entries":"cell","made":"cell"},"inside":{"entries":[{"path":["*","piece"],"kind":"cell"}]}}');
        export default pattern(({ entries, made }) => ({ bgUpdater: run({ entries, made }) }));"#;
    let stored = || {
        js_support::host([
            (
                ARGUMENT.to_owned(),
                json!({"made": null, "entries": [{"kind": "a", "piece": {"n": 1}}, {"kind": "b", "piece": link("of:fid1:p", &[])}]}),
            ),
            ("of:fid1:p".to_owned(), json!({"n": 2})),
        ])
    };
    let seen = eval(code, stored());
    assert_eq!(lines(&seen), ["b 2 1"]);
    let docs = after(&stored().documents, &seen);
    assert_eq!(docs["of:fid1:p"]["value"], json!({"n": 5}));
    assert_eq!(docs[ARGUMENT]["value"]["made"], json!({"name": "x"}));
    let entries = docs[ARGUMENT]["value"]["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
}

#[test]
fn a_charm_that_sends_to_itself_without_end_is_stopped_and_told_which_stream() {
    let fail = |code: &str| {
        let report = eval(code, FakeHost::default()).report();
        assert_eq!(report["ending"], "error", "{report}");
        assert_eq!(report["error"]["kind"], "endless", "{report}");
        report["error"]["message"].as_str().unwrap().to_owned()
    };
    let output = fail(
        "let self; const go = handler(() => { self.send({}); });
         export default pattern(() => { self = go({}); return { bgUpdater: self }; });",
    );
    assert!(
        output.starts_with("The charm sent 10000 events in one run and was stopped; the last went to \"bgUpdater\". "),
        "{output}"
    );
    // In a loop without a pause, to a stream that is no output.
    let inner = fail(
        r#"const hidden = handler(() => {}, 'ck:{"kind":"handler","name":"note"}');
        export default pattern(() => { const note = hidden({});
          return { bgUpdater: action(() => { for (;;) note.send({}); }) }; });"#,
    );
    assert!(inner.contains("went to \"note\". "), "{inner}");
}

#[test]
fn as_many_events_as_a_large_list_has_elements_are_fine() {
    let code = "let n = 0; const count = handler(() => { n++; });
        export default pattern(() => { const one = count({});
          return { bgUpdater: action(async () => {
            for (let i = 0; i < 9998; i++) one.send({});
            await new Promise((done) => one.send({}, () => done()));
            console.log(n); }) }; });";
    assert_eq!(lines(&eval(code, FakeHost::default())), ["9999"]);
}
