//! What expressions, lists and elements of reactive code are compiled to: source
//! against output.

mod reactive_code;

use reactive_code::{body, code, has};

#[test]
fn operators_on_inputs_become_derived_values() {
    for (source, wanted) in [
        ("const a = !flag;", "a = $d([flag], () => !$v(flag));"),
        ("const a = -count;", "a = $d([count], () => -$v(count));"),
        (
            "const a = count + 1;",
            "a = $d([count], () => $v(count) + 1);",
        ),
        (
            "const a = name === 'x';",
            "a = $d([name], () => $v(name) === \"x\");",
        ),
        (
            "const a = 'first' in user;",
            "a = $d([user], () => \"first\" in $v(user));",
        ),
        (
            "const a = typeof name;",
            "a = $d([name], () => typeof $v(name));",
        ),
        (
            "const a = `${name}!`;",
            "a = $d([name], () => `${$v(name)}!`);",
        ),
        (
            "const a = user.first.length > 2;",
            "a = $d([user], () => $at(user, \"first\", \"length\") > 2);",
        ),
        (
            "const a = user?.first ? 1 : 2;",
            "a = $ifElse(user?.first, () => 1, () => 2);",
        ),
        ("const a = flag && name;", "a = $and(flag, () => name);"),
        (
            "const a = name || 'none';",
            "a = $or(name, () => \"none\");",
        ),
        (
            "const a = user.first ?? name;",
            "a = $nullish(user.first, () => name);",
        ),
        (
            "const a = flag ? (count > 1 ? name : user.first) : null;",
            "a = $ifElse(flag, () => $ifElse($d([count], () => $v(count) > 1), () => name, () => user.first), () => null);",
        ),
        (
            "const a = (flag as boolean)! ? name! : '';",
            "a = $ifElse(flag, () => name, () => \"\");",
        ),
        (
            "const a = items[count];",
            "a = $d([items], () => $at(items, $v(count)));",
        ),
        (
            "const a = new Date(count);",
            "a = $d([count], () => new Date($v(count)));",
        ),
        (
            "const a = plain(user.first, 1);",
            "a = $d([user], () => plain($at(user, \"first\"), 1));",
        ),
        (
            "const a = Math.max(count, 2);",
            "a = $d([count], () => Math.max($v(count), 2));",
        ),
        (
            "const a = { b: !flag, c: [count * 2] };",
            "a = { b: $d([flag], () => !$v(flag)), c: [$d([count], () => $v(count) * 2)] };",
        ),
        (
            "return { [NAME]: name + '!', flag };",
            "return { [NAME]: $d([name], () => $v(name) + \"!\"), flag };",
        ),
        (
            "const a = equals(list, maybe);",
            "a = $d([list], () => equals(list, maybe));",
        ),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn what_is_not_reactive_stays_as_it_is() {
    for source in [
        "const a = user.first;",
        "const a = user[\"first\"];",
        "const a = CONSTANT.length > 1 ? 1 : 2;",
        "const one = 1; const a = one + 2;",
        "const a = list.key(0);",
        "const a = new Writable(\"\").for(\"a\");",
        "const a = str`Hi ${name}`;",
        "const a = plain(1, CONSTANT);",
        "const a = plain();",
        "const a = `x${CONSTANT[0]}`;",
    ] {
        let out = body(source);
        has(&out, source);
        assert!(!out.contains("charmkeeper"), "{out}");
    }
    let out = code("export default pattern(() => ({ a: 1 > 2 }));");
    assert!(!out.contains("__ck"), "{out}");
}

#[test]
fn the_framework_and_its_products_get_cells_with_every_argument_a_site() {
    for (source, wanted) in [
        (
            "const a = bound({ a: items, b: !flag });",
            "bound({ a: items, b: $d([flag], () => !$v(flag)) })",
        ),
        ("const a = Sub({ item: user });", "a = Sub({ item: user })"),
        ("const a = lifted(count);", "a = lifted(count)"),
        (
            "const a = lift((x) => x + 1)(count);",
            "a = lift((x) => x + 1)(count)",
        ),
        (
            "const a = ifElse(count > 1, name, user);",
            "ifElse($d([count], () => $v(count) > 1), name, user)",
        ),
        (
            "const a = wish({ query: `#${name}` });",
            "wish({ query: $d([name], () => `#${$v(name)}`) })",
        ),
        (
            "const a = wish({ query: '#a' }).result ? 1 : 2;",
            "a = $ifElse(wish({ query: \"#a\" }).result, () => 1, () => 2)",
        ),
        (
            "const a = !wish({ query: '#a' }).result;",
            "a = $d(null, () => !",
        ),
        (
            "const a = list.key(0).key(\"tags\").key(count - 1);",
            "a = list.key(0).key(\"tags\").key($d([count], () => $v(count) - 1));",
        ),
        (
            "list.set(flag ? [] : items);",
            "list.set($ifElse(flag, () => [], () => items));",
        ),
        (
            "console.log(name, !flag);",
            "{ console.log($v(name), !$v(flag));",
        ),
        (
            "items.forEach((i) => plain(i.title));",
            "$v(items).forEach((i) => plain(i.title));",
        ),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn lists_are_mapped_in_place_and_computed_with_by_value() {
    for (source, wanted) in [
        (
            "const a = items.map((i) => i.title);",
            "a = $list(items, \"map\", (i) => i.title);",
        ),
        (
            "const a = items?.map((i) => !i.done);",
            "$list(items, \"map\", (i) => $d([i], () => !$at(i, \"done\")))",
        ),
        (
            "const a = items.map(({ title: t }, n) => t + n + name);",
            "(({ title: t }, n) => $d([t], () => $v(t) + n + $v(name)))".trim_matches(['(', ')']),
        ),
        (
            "const a = items.flatMap((i) => i.tags);",
            "a = $list(items, \"flatMap\", (i) => i.tags);",
        ),
        (
            "const a = items.map(plain);",
            "a = $list(items, \"map\", plain);",
        ),
        (
            "const a = items.filter((i) => i.done && flag);",
            "a = $d([items], () => $v(items).filter((i) => i.done && $v(flag)));",
        ),
        (
            "const a = items.filter((i) => i.done).map((i) => i.title);",
            "a = $list($d([items], () => $v(items).filter((i) => i.done)), \"map\", (i) => i.title);",
        ),
        (
            "const a = items.map((i) => i.title + name).join();",
            "a = $d([items], () => $v(items).map((i) => i.title + $v(name)).join());",
        ),
        (
            "const a = items.find((i) => i.done)?.title;",
            "a = $d([items], () => $v(items).find((i) => i.done)?.title);",
        ),
        ("const a = items.some((i) => i.done);", "$v(items).some("),
        (
            "const a = items.reduce((n, i) => n + i.tags.length, 0);",
            "$v(items).reduce((n, i) => n + i.tags.length, 0)",
        ),
        (
            "const a = user?.first.trim();",
            "a = $d([user], () => $at(user, \"first\")?.trim());",
        ),
        (
            "const a = CONSTANT.map((c) => ({ c, on: c === name }));",
            "CONSTANT.map((c) => ({ c, on: $d([name], () => c === $v(name)) }))",
        ),
        (
            "const a = CONSTANT.filter((c) => c === name);",
            "a = $d([name], () => CONSTANT.filter((c) => c === $v(name)));",
        ),
        (
            "const a = list.get().filter((i) => i.done).length;",
            "a = $d([list], () => list.get().filter((i) => i.done).length);",
        ),
        (
            "const a = list.map((i) => i);",
            "a = $list(list, \"map\", (i) => i);",
        ),
        (
            "const a = list.get().map((i) => !i.done);",
            "a = $list($d([list], () => list.get()), \"map\", (i) => $d([i], () => !$at(i, \"done\")));",
        ),
        (
            "const a = [...items].sort();",
            "a = $d([items], () => [...$v(items)].sort());",
        ),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn captured_names_are_read_as_values_and_written_cells_keep_their_link() {
    for (source, wanted) in [
        (
            "const a = computed(() => name.length + user.first.length);",
            "computed(() => $at(name, \"length\") + $at(user, \"first\", \"length\"))",
        ),
        (
            "const a = computed(() => ({ name, n: count }));",
            "computed(() => ({ name: $v(name), n: $v(count) }))",
        ),
        (
            "const a = computed(() => { if (!flag) return list.get().length; });",
            "if (!$v(flag)) return list.get().length;",
        ),
        (
            "const a = computed(() => maybe?.get());",
            "computed(() => maybe?.get())",
        ),
        (
            "const a = computed(() => maybe ? 1 : 2);",
            "computed(() => $c(maybe) ? 1 : 2)",
        ),
        (
            "const n = cell(0); const a = computed(() => n ? plain(n) : 0);",
            "computed(() => n ? plain(n) : 0)",
        ),
        (
            "const a = action(() => list.push({ title: name, done: !flag, tags: [] }));",
            r#"action(() => list.push({ title: $v(name), done: !$v(flag), tags: [] }), "ck:{\"name\":\"a\"}")"#,
        ),
        (
            "const a = action((e: { n: number }) => { const name = e.n; list.set([name]); });",
            "const name = e.n; list.set([name]);",
        ),
        (
            "const a = action(() => out.send(name));",
            r#"action(() => out.send($v(name)), "ck:{\"name\":\"a\"}")"#,
        ),
        (
            "const a = action(() => navigateTo(user.first));",
            "navigateTo($ref(user, \"first\"))",
        ),
        (
            "const a = action(() => { user.first.set('x'); });",
            "$ref(user, \"first\").set(\"x\");",
        ),
        (
            "const a = derive(items, (items) => items.filter((i) => i.title === name));",
            "derive(items, (items) => items.filter((i) => i.title === $v(name)))",
        ),
        (
            "const a = computed(() => items.map((i) => `${i.title} ${name}`));",
            "computed(() => $v(items).map((i) => `${i.title} ${$v(name)}`))",
        ),
        (
            "const a = computed(() => items[count]?.title);",
            "$at(items, $v(count), \"title\")",
        ),
        (
            "const a = computed(() => { const { first } = user; return first; });",
            "const { first } = $v(user);",
        ),
        (
            "return { [UI]: <b onClick={() => list.set(items)}>{name}</b> };",
            "onClick: () => list.set($v(items)),",
        ),
        (
            "const a = handler<unknown, { x: number }>((_, { x }) => { list.set([x, name]); });",
            "list.set([x, $v(name)]);",
        ),
        (
            "const a = action(() => out);",
            r#"action(() => out, "ck:{\"name\":\"a\"}")"#,
        ),
    ] {
        has(&body(source), wanted);
    }
}

#[test]
fn elements_are_sites_and_their_handlers_compute() {
    let out = body(
        "const row = (i: Item) => <li>{i.title}</li>;
        return { [UI]: <div hidden={!flag} $value={user.first} title={`a ${name}`}>
          {flag ? <b>{name}</b> : null}{count > 2 && <i>{count}</i>}{items.map((i) => <li key={i.title}>{i.done ? 'y' : name}</li>)}
          {row(items[0])}{items.map(row)}<Sub item={user} /></div> };",
    );
    for wanted in [
        "hidden: $d([flag], () => !$v(flag))",
        "$value: user.first,",
        "title: $d([name], () => `a ${$v(name)}`)",
        "$ifElse(flag, () => _jsx(\"b\", { children: name }), () => null)",
        "$and($d([count], () => $v(count) > 2), () => _jsx(\"i\", { children: count }))",
        "$list(items, \"map\", (i) => _jsx(\"li\", { children: $ifElse(i.done, () => \"y\", () => name) }, i.title))",
        "$d([items], () => row($at(items, 0)))",
        "$list(items, \"map\", row)",
        "_jsx(Sub, { item: user })",
    ] {
        has(&out, wanted);
    }
}
