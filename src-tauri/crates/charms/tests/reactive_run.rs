//! Compiled reactive code in the real engine: what handlers see, and where
//! their writes go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod js_support;

use js_support::{ARGUMENT, after, argument, compile_and_run as run, internal, lines};
use serde_json::{Value, json};

/// How a run failed.
fn failure(body: &str) -> Value {
    let report = run(body, argument(json!({}))).report();
    assert_eq!(report["ending"], "error", "{report}");
    assert_eq!(report["changes"], json!([]), "nothing of it is kept");
    report["error"].clone()
}

#[test]
fn a_derived_value_that_never_rests_ends_the_run_with_its_place() {
    let error = failure(
        "export default pattern(() => { const log = new Writable<number[]>([]);
          const n = computed(() => { log.push(log.get().length); });
          return { n, bgUpdater: action(() => {}) }; });",
    );
    assert_eq!(error["kind"], "restless");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("main.tsx:3 writes"), "{message}");
}

#[test]
fn an_event_that_does_not_fit_its_type_is_an_error() {
    let fine = "{ item: 'tea', count: 2, note: null, to: { city: 'Oslo' } }";
    let charm = |event: &str| {
        format!(
            "interface Order {{ item: string; count: number | string[]; gift?: boolean; note: string | null; to: {{ city: string }}; free: any; size: number | Default<1> }}
             const place = handler<Order, {{}}>((order) => console.log('got', order.item));
             export default pattern(() => {{ const go = place({{}}); return {{ bgUpdater: action(() => {{ go.send({event} as any); }}) }}; }});"
        )
    };
    assert_eq!(lines(&run(&charm(fine), argument(json!({})))), ["got tea"]);
    for (event, wanted) in [
        ("{}", "\"item\" is missing"),
        (
            "{ ...FINE, item: 5 }",
            "string is wanted at item, not number",
        ),
        (
            "{ ...FINE, count: true }",
            "number or array is wanted at count",
        ),
        (
            "{ ...FINE, gift: 'yes' }",
            "boolean is wanted at gift, not string",
        ),
        ("{ ...FINE, note: undefined }", "\"note\" is missing"),
        ("{ ...FINE, to: {} }", "\"city\" is missing at to"),
        ("5", "object is wanted, not number"),
    ] {
        let error = failure(&charm(&event.replace("FINE", fine)));
        let message = error["message"].as_str().unwrap();
        assert!(
            message.starts_with("The event does not fit the handler: "),
            "{message}"
        );
        assert!(message.contains(wanted), "{event}: {message}");
    }
}

#[test]
fn an_element_that_was_handed_over_stays_itself_when_its_list_moves_on() {
    let body = "const move = handler<{ card: Writable<{ n: number }> }, { from: Writable<any[]>; to: Writable<any[]> }>(({ card }, { from, to }) => {
          card.key('n').set(card.get().n + 10); from.remove(card); to.push(card); });
        const drop = handler<{ item: { n: number; more?: Writable<any>[] } }, { from: Writable<any[]> }>(({ item }, { from }) => {
          console.log(from.get().findIndex((one) => equals(one, item))); });
        export default pattern(() => {
          const from = new Writable<any[]>([{ n: 1 }, { n: 2 }]).for('from');
          const to = new Writable<any[]>([]).for('to');
          const go = move({ from, to });
          const find = drop({ from });
          return { bgUpdater: action(async () => {
            await new Promise<void>((done) => find.send({ item: from.get()[1] }, () => done()));
            await new Promise<void>((done) => go.send({ card: from.get()[0] }, () => done()));
            console.log(JSON.stringify([from.get(), to.get()]));
          }) };
        });";
    let seen = run(body, argument(json!({})));
    assert_eq!(lines(&seen), ["1", r#"[[{"n":2}],[{"n":11}]]"#]);
}

#[test]
fn cells_in_events_and_inputs_are_cells_where_the_types_say_so() {
    let body = "interface Person { name: string; boss: Writable<{ name: string }> }
        const rename = handler<{ who: Writable<{ name: string }>; list?: { one: Writable<number> }[] }, {}>(({ who, list }) => {
          who.key('name').set('Bo'); list?.[0].one.set(2); });
        const Sub = pattern<{ all: Writable<unknown[]> }>(({ all }) => ({ all, add: action<{ item: Writable<any> }>(({ item }) => { all.push(item); item.key('n').set(1); }) }));
        export default pattern<{ people: Person[] }>(({ people }) => {
          const boss = new Writable({ name: 'Al' }).for('boss');
          const staff = new Writable<any[]>([{ name: 'Cy', boss }]).for('staff');
          const one = new Writable(1).for('one');
          const go = rename({});
          const item = new Writable<any>({ n: 0 }).for('item');
          const sub = Sub({ all: [boss] as any });
          const names = computed(() => people.map((p) => p.boss.get().name).join());
          const show = handler<unknown, { names: string; staff: Writable<any[]>; sub: any }>((_, { names, staff, sub }) => {
            console.log(names, staff.get()[0].name, one.get(), sub.all.length, sub.all[1].n); })({ names, staff, sub });
          return { bgUpdater: action(async () => {
            await new Promise<void>((done) => go.send({ who: staff.get()[0], list: [{ one }] }, () => done()));
            await new Promise<void>((done) => sub.add.send({ item }, () => done()));
            show.send();
          }) };
        });";
    let people = json!({"people": [{"name": "x", "boss": {"name": "top"}}]});
    assert_eq!(lines(&run(body, argument(people))), ["top Bo 2 2 1"]);
}

const SHOW: &str =
    "const show = handler<unknown, Record<string, any>>((_, state: { [key: string]: any }) => {
  for (const key of Object.keys(state)) console.log(key, JSON.stringify(state[key])); });\n";

/// What a handler gets for the names that `statements` declare in a pattern with
/// these inputs.
#[track_caller]
fn shows(inputs: Value, statements: &str, names: &str, wanted: &[&str]) {
    let keys: Vec<String> = inputs.as_object().unwrap().keys().cloned().collect();
    let keys = keys.join(", ");
    let seen = run(
        &format!(
            "{SHOW}export default pattern<any>(({{ {keys} }}) => {{ {statements}\n return {{ bgUpdater: show({{ {names} }}) }}; }});"
        ),
        argument(inputs),
    );
    assert_eq!(lines(&seen), wanted, "{statements}");
}

#[test]
fn operators_give_what_they_give_on_plain_values() {
    let inputs = json!({"name": "Ada", "count": 3, "flag": false, "empty": "", "nothing": null, "user": {"first": "A", "tags": ["x", "y"]}});
    shows(
        inputs.clone(),
        "const a = !flag; const b = count + 1; const c = name === 'Ada' && count > 2; const d = `${name}/${count}`;
         const e = user.tags.length; const f = user?.first + name.toLowerCase(); const g = -count; const h = typeof name;",
        "a, b, c, d, e, f, g, h",
        &[
            "a true", "b 4", "c true", "d \"Ada/3\"", "e 2", "f \"Aada\"", "g -3", "h \"string\"",
        ],
    );
    shows(
        inputs.clone(),
        "const a = flag ? name : user.first; const b = empty || name; const c = empty ?? name; const d = nothing ?? name;
         const e = flag && name; const f = name && user.tags; const h = user.tags[count - 2];",
        "a, b, c, d, e, f, h",
        &[
            "a \"A\"", "b \"Ada\"", "c \"\"", "d \"Ada\"", "e false", "f [\"x\",\"y\"]", "h \"y\"",
        ],
    );
    shows(
        inputs,
        "const format = (s: string, n: number) => s.repeat(n); const a = format(user.first, count);
         const b = Math.max(count, 2); const c = [name, `${count}`].join('-'); const d = { x: !flag, y: [count * 2] };
         const e = new Date(count * 1000).getTime(); const f = (() => { const n = count; return n + 1; })();",
        "a, b, c, d, e, f",
        &[
            "a \"AAA\"", "b 3", "c \"Ada-3\"", "d {\"x\":true,\"y\":[6]}", "e 3000", "f 4",
        ],
    );
}

#[test]
fn lists_are_worked_on_by_value_and_built_element_by_element() {
    let items = json!({"items": [{"t": "a", "done": true, "tags": ["p"]}, {"t": "b", "done": false, "tags": ["q", "r"]}], "wanted": "b", "mark": "*"});
    shows(
        items,
        "const a = items.map((i) => i.t); const b = items.filter((i) => !i.done).map((i) => i.t + mark);
         const c = items.find((i) => i.t === wanted)?.tags.join('+'); const d = items.some((i) => i.t === wanted);
         const e = items.reduce((n, i) => n + i.tags.length, 0); const f = items.map((i, n) => ({ n, on: i.t === wanted, tags: i.tags.map((t) => t + i.t) }));
         const g = items.flatMap((i) => i.tags); const h = ['a', 'z'].map((x) => ({ x, is: items.some((i) => i.t === x) }));
         const k = items.map(({ t, done: finished }) => (finished ? t : mark)); const l = items.map((i) => i.t).join();
         const m = [...items].reverse().map((i) => i.t);",
        "a, b, c, d, e, f, g, h, k, l, m",
        &[
            "a [\"a\",\"b\"]",
            "b [\"b*\"]",
            "c \"q+r\"",
            "d true",
            "e 3",
            "f [{\"n\":0,\"on\":false,\"tags\":[\"pa\"]},{\"n\":1,\"on\":true,\"tags\":[\"qb\",\"rb\"]}]",
            "g [\"p\",\"q\",\"r\"]",
            "h [{\"x\":\"a\",\"is\":true},{\"x\":\"z\",\"is\":false}]",
            "k [\"a\",\"*\"]",
            "l \"a,b\"",
            "m [\"b\",\"a\"]",
        ],
    );
}

#[test]
fn a_chosen_cell_is_written_where_it_came_from() {
    let code = "const write = handler<unknown, { a: Writable<any>; b: Writable<any>; c: Writable<any>; d: Writable<any>; e: Writable<any>; f: Writable<any> }>(
          (_, { a, b, c, d, e, f }) => { a.key('x').set(1); b.set(2); c.update({ x: 3 }); d.key('x').set(4); e.key('x').set(5); f.push(6); });
        export default pattern<{ on: boolean; p: { x: number }; q: { x: number }; n: number; items: { id: string; x: number }[]; list: number[]; none: null }>(
          ({ on, p, q, n, items, list, none }) => {
            const a = on && n > 0 ? p : q;
            const b = on ? n : 0;
            const c = none || q;
            const d = items.find((i) => i.id === 'two');
            const first = items.filter((i) => i.x === 0);
            const e = first[0];
            const f = none ?? (on && list);
            return { bgUpdater: write({ a, b, c, d, e, f }) };
          });";
    let stored = || {
        argument(
            json!({"on": true, "p": {"x": 0}, "q": {"x": 0}, "n": 7, "none": null, "list": [5],
            "items": [{"id": "one", "x": 9}, {"id": "two", "x": 8}, {"id": "three", "x": 0}]}),
        )
    };
    let seen = run(code, stored());
    let value = after(&stored().documents, &seen)[ARGUMENT]["value"].clone();
    assert_eq!(
        value,
        json!({"on": true, "p": {"x": 1}, "q": {"x": 3}, "n": 2, "none": null, "list": [5, 6],
            "items": [{"id": "one", "x": 9}, {"id": "two", "x": 4}, {"id": "three", "x": 5}]})
    );
}

#[test]
fn captured_names_are_values_and_captured_cells_are_written() {
    let code = "export default pattern<{ step: number; user: { name: string }; items: { n: number }[]; on: boolean; maybe?: Cell<string> }>(
          ({ step, user, items, on, maybe }) => {
            const count = new Writable(1).for('count');
            const label = computed(() => on ? `${user.name} ${count.get() + step}` : 'off');
            const total = computed(() => { let sum = 0; for (const i of items) sum += i.n; return sum * step; });
            const has = computed(() => maybe ? 'there' : 'not there');
            return { bgUpdater: action(() => {
              console.log(label, total, has);
              if (on) count.set(count.get() + step);
              console.log(label, items.map((i) => i.n + step).join(), user.name.length);
            }) };
          });";
    let stored = || {
        argument(
            json!({"step": 2, "user": {"name": "Ada"}, "items": [{"n": 1}, {"n": 4}], "on": true}),
        )
    };
    let seen = run(code, stored());
    assert_eq!(lines(&seen), ["Ada 3 10 not there", "Ada 5 3,6 3"]);
    let docs = after(&stored().documents, &seen);
    assert_eq!(docs[&internal(json!("count"))]["value"], 3);
}

#[test]
fn helper_functions_take_cells_or_values() {
    let code = "function use(options: { n: number; on?: boolean }) {
          const doubled = computed(() => options.n * 2);
          const text = options.on ? `on ${options.n}` : 'off';
          return { doubled, text, big: options.n > 2 };
        }
        const plain = (n: number) => (n > 2 ? 'big' : 'small');
        const show = handler<unknown, { a: any; b: any; c: string }>((_, { a, b, c }) => { console.log(JSON.stringify(a), JSON.stringify(b), c); });
        export default pattern<{ n: number }>(({ n }) => {
          const a = use({ n, on: true });
          const b = use({ n: 1 });
          console.log(b.text, b.big);
          if (b.big) throw new Error('not reached');
          return { bgUpdater: show({ a, b, c: plain(n) }) };
        });";
    let seen = run(code, argument(json!({"n": 3})));
    assert_eq!(
        lines(&seen),
        [
            "off false",
            r#"{"doubled":6,"text":"on 3","big":true} {"doubled":2,"text":"off","big":false} big"#,
        ]
    );
}

#[test]
fn lifted_functions_get_cells_inside_values() {
    let code = "interface Auth { token: string }
        const state = lift<{ piece?: { auth?: Cell<Auth> } | null; need: string[] }, any>(({ piece, need }) => {
          const auth = piece?.auth ?? null;
          const token = auth?.get()?.token ?? '';
          return { auth, ready: token !== '' && need.length > 0, nested: { token } };
        });
        const run = handler<unknown, { auth: Writable<Auth>; ready: boolean }>((_, { auth, ready }) => {
          console.log(ready, auth.get().token); auth.update({ token: 'new' }); });
        export default pattern<{ found: { auth: Auth }; need: string[] }>(({ found, need }) => {
          const all = state({ piece: found, need });
          const { auth } = all;
          const same = derive({ cell: found.auth, need }, ({ cell, need }: { cell: Cell<Auth>; need: string[] }) => cell.get().token + need[0]);
          console.log(`${same}`);
          const ready = all.ready ? all.ready : false;
          return { bgUpdater: run({ auth: ready ? auth : all.auth, ready }) };
        });";
    let stored = || argument(json!({"found": {"auth": {"token": "old"}}, "need": ["a"]}));
    let seen = run(code, stored());
    assert_eq!(lines(&seen), ["olda", "true old"]);
    let value = after(&stored().documents, &seen)[ARGUMENT]["value"].clone();
    assert_eq!(value["found"]["auth"]["token"], "new");
}

#[test]
fn a_throw_in_rewritten_code_names_the_charms_line() {
    let code = "const show = handler<unknown, { a: string }>((_, { a }) => { console.log(a); });
function boom(n: number): string {
  if (n > 0) throw new Error('deep');
  return '';
}
export default pattern<{ n: number; flag: boolean }>(({ n, flag }) => {
  const a = flag
    ? `x ${boom(n)}`
    : '';
  return { bgUpdater: show({ a }) };
});";
    let report = run(code, argument(json!({"n": 1, "flag": true}))).report();
    assert_eq!(report["error"]["message"], "deep");
    let stack = report["error"]["stack"].as_str().unwrap();
    assert!(stack.contains("main.tsx:4:20"), "{stack}");
    assert!(stack.contains("main.tsx:9:12"), "{stack}");
}

#[test]
fn defaults_in_a_patterns_parameter_are_inputs() {
    let code = "const inc = handler<unknown, { count: Writable<number>; label: string }>((_, { count, label }) => {
          console.log(label); count.set(count.get() + 1); });
        export default pattern<{ count: number; label: string }>(({ count = 41, label = 'l' }) => ({ bgUpdater: inc({ count, label }) }));";
    let stored = || argument(json!({"label": "stored"}));
    let seen = run(code, stored());
    assert_eq!(lines(&seen), ["stored"]);
    let value = after(&stored().documents, &seen)[ARGUMENT]["value"].clone();
    assert_eq!(value["count"], 42);
}

#[test]
fn a_computed_value_that_is_stored_is_said_to_stay_as_it_is() {
    let seen = run(
        "const Row = pattern<{ n: number }>(({ n }) => ({ n, [NAME]: str`row ${n}`, double: computed(() => n * 2) }));
        export default pattern(() => { const rows = new Writable<any[]>([]);
          return { bgUpdater: action(() => { rows.push(Row({ n: 2 })); console.log(rows.get()[0].double); }) }; });",
        argument(json!({})),
    );
    assert_eq!(
        lines(&seen),
        [
            "A computed value was stored as it is now at [0].double: it does not follow what it is computed from",
            "4"
        ]
    );
}

#[test]
fn a_nested_pattern_reads_itself_and_its_link_is_not_stored() {
    let seen = run(
        "import { SELF } from 'commonfabric';
        const Note = pattern<{ title: string; parent?: any }>(({ title, parent }) => ({ title, parent }));
        const Book = pattern<{ title: string }>(({ title, [SELF]: self }) => {
          const notes = new Writable<any[]>([]);
          const shown = computed(() => `book ${self.title} with ${self.notes.length}, ${self.shown ?? 'new'}`);
          const add = action(() => { notes.push(Note({ title: 'n', parent: self })); });
          return { title, notes, shown, add };
        });
        export default pattern(() => { const book = Book({ title: 'x' });
          return { book, bgUpdater: action(async () => {
            await new Promise<void>((done) => book.add.send({}, () => done()));
            console.log(book.shown, JSON.stringify(book.notes.get()));
          }) }; });",
        argument(json!({})),
    );
    assert_eq!(
        lines(&seen),
        [
            "The link of a nested pattern to itself was left out at [0].parent: only the charm itself has a document to link to",
            "book x with 1, new [{\"title\":\"n\"}]"
        ]
    );
}
