//! Lists whose callbacks do something, in the real engine: each element is looked
//! after once, in this run and in the next.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod js_support;

use charmkeeper_charms::testing::FakeHost;
use js_support::{SPACE, after, argument, compile_and_run as run, lines};
use serde_json::{Value, json};

const TYPES: &str = "interface Task { id: string; title: string; done: boolean }
    interface Input { tasks: Task[] | Default<[]>; list: Writable<Task[]>; said: Writable<string[]>; top: Writable<string> }
    const note = handler<{ title: string }, { said: Writable<string[]> }>(({ title }, { said }) => { said.push(title); });";

fn tasks() -> FakeHost {
    let list = json!([
        {"id": "a", "title": "tea", "done": false},
        {"id": "b", "title": "bread", "done": true},
    ]);
    argument(json!({ "tasks": list, "list": list, "said": [], "top": "" }))
}

/// What is in the space after one run, for the next.
fn next(before: FakeHost, body: &str) -> (FakeHost, Value) {
    let documents = before.documents.clone();
    let seen = run(body, before);
    let found = after(&documents, &seen);
    let argument = found[js_support::ARGUMENT]["value"].clone();
    let documents = found
        .into_iter()
        .map(|(id, doc)| {
            let key = (SPACE.to_owned(), id);
            let version = documents.get(&key).map_or(1, |(version, _)| version + 1);
            (key, (version, doc))
        })
        .collect();
    let host = FakeHost {
        documents,
        ..FakeHost::default()
    };
    (host, argument)
}

fn charm(statements: &str, updater: &str) -> String {
    format!(
        "{TYPES}
        export default pattern<Input>(({{ tasks, list, said, top }}) => {{
          const say = note({{ said }});
          {statements}
          return {{ bgUpdater: action(() => {{ {updater} }}) }};
        }});"
    )
}

/// What `said` holds after a run, and after another.
#[track_caller]
fn says(statements: &str, once: &Value, twice: &Value) {
    let body = charm(statements, "");
    let (host, first) = next(tasks(), &body);
    assert_eq!(&first["said"], once, "{statements}");
    let (_, second) = next(host, &body);
    assert_eq!(&second["said"], twice, "the second run of {statements}");
}

#[test]
fn what_a_callback_does_is_done_for_every_element_though_nobody_reads_the_list() {
    let both = json!(["tea", "bread"]);
    let new = "if (!said.get().includes(task.title))";
    for statements in [
        format!(
            "tasks.map((task) => {{ computed(() => {{ {new} said.push(task.title); }}); return task; }});"
        ),
        format!(
            "const rows = tasks.map((task) => <li>{{computed(() => {{ {new} say.send({{ title: task.title }}); return task.title; }})}}</li>);"
        ),
        format!("tasks.map((task) => {{ {new} said.push(task.title); return task; }});"),
        format!(
            "const rest = tasks.filter((task) => {{ {new} said.push(task.title); return !task.done; }});"
        ),
        format!(
            "tasks.filter((task) => task.title !== 'x').map((task) => {{ {new} say.send({{ title: task.title }}); }});"
        ),
        format!(
            "const flat = tasks.flatMap((task) => {{ {new} said.push(task.title); return [task]; }});"
        ),
        format!(
            "const look = (task: Task) => {{ computed(() => {{ {new} said.push(task.title); }}); return task; }}; tasks.map(look);"
        ),
        format!(
            "const rest = tasks.filter((task) => {{ computed(() => {{ {new} said.push(task.title); }}); return true; }});"
        ),
        format!(
            "const all = tasks.every((task) => computed(() => {{ {new} say.send({{ title: task.title }}); return true; }}));"
        ),
        format!(
            "tasks.map((task) => {{ derive(task.title, (title) => {{ {} said.push(title); }}); }});",
            new.replace("task.title", "title")
        ),
    ] {
        says(&statements, &both, &both);
    }
}

#[test]
fn an_expression_or_a_choice_that_writes_is_worked_out_too() {
    let both = json!(["tea", "bread"]);
    let new = "if (!said.get().includes(task.title)) said.push(task.title);";
    let sum = format!(
        "const n = list.get().reduce((n, task) => {{ {new} return n + 1; }}, 0) + tasks.length;"
    );
    says(&sum, &both, &both);
    let look = format!(
        "const look = (all: Task[]) => {{ for (const task of all) {{ {new} }} return all.length; }};
         const n = look(tasks);"
    );
    says(&look, &both, &both);
    let long = "tasks.length > 1 && said.get().length === 0 && say.send({ title: 'many' });";
    says(long, &json!(["many"]), &json!(["many"]));
    let other = "tasks.length > 2 ? say.send({ title: 'many' }) : top.get() || top.set('few');";
    says(other, &json!([]), &json!([]));
}

#[test]
fn a_nested_pattern_of_each_element_keeps_its_cells_from_run_to_run() {
    let sub = "const Row = pattern<{ task: Task; said: Writable<string[]> }>(({ task, said }) => {
        const told = new Writable(false);
        computed(() => { if (!told.get()) { told.set(true); said.push(task.title); } });
        return { told }; });\n";
    let body = |updater: &str| {
        format!(
            "{sub}{}",
            charm(
                "const rows = list.map((task) => Row({ task, said }));",
                updater
            )
        )
    };
    let empty = argument(json!({ "tasks": [], "list": [], "said": [], "top": "" }));
    let fill = "list.push({ id: 'a', title: 'tea', done: false }, { id: 'b', title: 'bread', done: false });";
    let (host, first) = next(empty, &body(fill));
    assert_eq!(first["said"], json!(["tea", "bread"]));
    // Another element comes first: those that were there are still the same.
    let (host, second) = next(
        host,
        &body("list.set([{ id: 'c', title: 'milk', done: false }, ...list.get()]);"),
    );
    assert_eq!(second["said"], json!(["tea", "bread", "milk"]));
    let (_, third) = next(host, &body("list.set([...list.get()].slice(1));"));
    assert_eq!(third["said"], json!(["tea", "bread", "milk"]));
}

#[test]
fn cells_of_an_element_are_written_and_later_changes_are_followed() {
    let statements = "const finish = lift(({ task }: { task: Writable<Task> }) => {
            if (!task.key('done').get()) task.key('done').set(true); });
        list.map((task) => finish({ task }));
        list.map((task) => { computed(() => { const done = task.key('done');
            if (done.get() && !top.get().includes(task.title)) top.set(top.get() + task.title); }); });";
    let body = charm(
        statements,
        "list.push({ id: 'c', title: 'milk', done: false });",
    );
    let (host, found) = next(tasks(), &body);
    assert_eq!(found["top"], "teabreadmilk");
    let done = |doc: &Value| doc["value"]["done"].as_bool();
    let made: Vec<bool> = host
        .documents
        .values()
        .filter_map(|(_, d)| done(d))
        .collect();
    assert_eq!(made, [true], "the new element is a document of its own");
    assert_eq!(found["list"][0]["done"], true);
}

#[test]
fn what_is_for_later_is_not_done() {
    let nothing = json!([]);
    for statements in [
        "const rows = tasks.map((task) => <button onClick={() => say.send({ title: task.title })}>{task.title}</button>);",
        "const rows = tasks.map((task) => { const go = () => said.push(task.title); return <b onClick={() => go()}>x</b>; });",
        "const rows = tasks.map((task) => ({ go: action(() => { said.push(task.title); }) }));",
    ] {
        says(statements, &nothing, &nothing);
    }
}

#[test]
fn a_callback_that_never_rests_ends_the_run_with_its_place() {
    let body = charm(
        "tasks.map((task) => {\n computed(() => { said.push(task.title); said.get(); });\n});",
        "",
    );
    let report = run(&body, tasks()).report();
    assert_eq!(report["error"]["kind"], "restless", "{report}");
    let message = report["error"]["message"].as_str().unwrap();
    assert!(message.contains("main.tsx:8 writes"), "{message}");
}

#[test]
fn a_callback_that_throws_is_told_and_the_rest_goes_on() {
    let body = charm(
        "tasks.map((task) => { computed(() => { if (task.done) throw new Error('not this'); said.push(task.title); }); });",
        "console.log('updated');",
    );
    let seen = run(&body, tasks());
    assert_eq!(
        lines(&seen),
        [
            "updated",
            "The derived value at main.tsx:7 threw, so what it writes is missing: not this"
        ]
    );
}

#[test]
fn a_derived_answer_decides_in_every_method_that_asks() {
    let statements = "const open = tasks.filter((task) => computed(() => !task.done));
        const isOpen = (task: Task) => computed(() => !task.done);
        const again = tasks.filter(isOpen);
        const count = tasks.filter((task) => computed(() => !task.done)).length;
        const found = tasks.find((task) => computed(() => task.done));
        const position = tasks.findIndex((task) => ifElse(task.done, true, false));
        const last = tasks.findLast((task) => computed(() => !task.done));
        const some = tasks.some((task) => computed(() => task.title === 'none'));
        const every = tasks.every((task) => computed(() => task.title !== 'none'));
        const plain = [1, 2, 3].filter((n) => computed(() => n > tasks.length));
        const titles = open.map((task) => task.title);";
    let updater = "console.log(titles.join(), again.length, count, found.title, position, last.title, some, every, plain.join());";
    let seen = run(&charm(statements, updater), tasks());
    assert_eq!(lines(&seen), ["tea 1 1 bread 1 tea false true 3"]);
}

const PARTS: &str =
    "const Row = pattern<{ task: Task; said: Writable<string[]> }>(({ task, said }) => {
      const told = new Writable(false);
      computed(() => { if (!told.get()) { told.set(true); said.push(task.title); } });
      return { told, [UI]: <li>{task.title}</li> }; });
    const Line = ({ task, said }: { task: Task; said: Writable<string[]> }) => {
      computed(() => { if (!said.get().includes(task.title)) said.push(task.title); });
      return <li>{task.title}</li>; };
    function Page({ children }: { children: unknown[] }) { return <ul>{children}</ul>; }
";

#[test]
fn a_component_is_called_where_the_pattern_is_built() {
    let both = json!(["tea", "bread"]);
    for statements in [
        "const page = <ul>{tasks.map((task) => <Row task={task} said={said} />)}</ul>;",
        "const page = <Page>{tasks.map((task) => <li><Line task={task} said={said} /></li>)}</Page>;",
        "const page = <Page><Row task={tasks[0]} said={said} /><Row task={tasks[1]} said={said} /></Page>;",
        "const rows = (all: Task[]) => <ul>{all.map((task) => <Row task={task} said={said} />)}</ul>;
         const page = rows(tasks);",
    ] {
        let body = format!("{PARTS}{}", charm(statements, ""));
        let (host, first) = next(tasks(), &body);
        assert_eq!(first["said"], both, "{statements}");
        let (_, second) = next(host, &body);
        assert_eq!(second["said"], both, "the second run of {statements}");
    }
}

#[test]
fn a_component_does_not_rename_the_cells_beside_it() {
    let charm = |page: &str| {
        format!(
            "{PARTS}{TYPES}export default pattern<Input>(({{ tasks, said }}) => {{
              const page = {page};
              const cell = new Writable('x');
              return {{ cell, bgUpdater: action(() => {{ cell.set('y'); }}) }}; }});"
        )
    };
    let ids = |page: &str| {
        let (host, _) = next(tasks(), &charm(page));
        let written = host.documents.iter();
        let written = written.filter(|(_, (_, doc))| doc["value"] == json!("y"));
        written.map(|((_, id), _)| id.clone()).collect::<Vec<_>>()
    };
    let alone = ids("null");
    assert_eq!(alone.len(), 1);
    assert_eq!(ids("<Row task={tasks[0]} said={said} />"), alone);
}

#[test]
fn a_component_that_throws_or_never_ends_is_told_and_changes_nothing_else() {
    let parts = "const Broken = () => { throw new Error('no page'); };
        const Tree = pattern(() => ({ [UI]: <b><Tree /><Tree /></b> }));\n";
    let page = "const page = <div><Broken /><Tree /><Broken /></div>;";
    let body = format!("{parts}{}", charm(page, "console.log('updated');"));
    let seen = run(&body, tasks());
    assert_eq!(
        lines(&seen),
        [
            "The component Broken threw, so what it does is missing: no page",
            "The component Tree threw, so what it does is missing: it is shown inside itself 50 times",
            "updated",
        ]
    );
}
