import { Cell, cell, derive, equals, getEntityId, Writable } from "commonfabric";
import { equal, rejects, run, same, test, throws } from "./assert.js";

test("set and get", () => {
  const c = new Writable({ a: 1 });
  same(c.get(), { a: 1 });
  equal(c.set({ a: 2 }), c);
  same(c.get(), { a: 2 });
  equal(c.key("a").get(), 2);
  c.key("a").set(3);
  equal(c.a.get(), 3);
  c.key("deep", "er", "x").set(1);
  same(c.get(), { a: 3, deep: { er: { x: 1 } } });
  c.key("deep").set(undefined);
  same(c.get(), { a: 3 });
  equal(Cell.of(5).get(), 5);
  equal(cell().get(), undefined);
  equal(c instanceof Cell, true);
  equal(c instanceof Writable, true);
});

test("a snapshot stays as it was", () => {
  const c = new Writable({ list: [1, 2], user: { name: "a" } });
  const before = c.get();
  c.key("list").push(3);
  c.key("user", "name").set("b");
  same(before, { list: [1, 2], user: { name: "a" } });
  same(c.get(), { list: [1, 2, 3], user: { name: "b" } });
  equal(before.user === c.get().user, false);
});

test("unchanged parts stay identical", () => {
  const c = new Writable({ a: { x: 1 }, b: { y: 1 } });
  const { a } = c.get();
  c.key("b", "y").set(2);
  equal(c.get().a, a);
  equal(c.get(), c.get());
});

test("a snapshot cannot be changed", () => {
  const c = new Writable({ list: [2, 1], o: { x: 1 } });
  throws(() => c.get().list.push(1), TypeError, /cannot be changed \(push\)/);
  throws(() => c.get().list.splice(0, 1), TypeError);
  throws(() => (c.get().o.x = 2), TypeError);
  throws(() => delete c.get().o.x, TypeError);
  same(c.get().list.sort(), [1, 2]);
  same(c.get().list.reverse(), [1, 2]);
  same(c.get().list, [2, 1]);
});

test("a snapshot is plain to everybody", () => {
  const c = new Writable({ list: [3, 1], o: { x: 1 } });
  const { list, o } = c.get();
  equal(Array.isArray(list), true);
  same([...list, ...[7]], [3, 1, 7]);
  same({ ...o, y: 2 }, { x: 1, y: 2 });
  same(list.map((x) => x * 2).sort(), [2, 6]);
  same(Object.entries(o), [["x", 1]]);
  let sum = 0;
  for (const x of list) sum += x;
  equal(sum, 4);
  same([...list].sort(), [1, 3]);
  equal(list.slice().push(1), 3);
  equal(structuredClone(o).x, 1);
  same(list.filter((x) => x > 1).concat([9]), [3, 9]);
});

test("update", () => {
  const c = new Writable({ a: 1, b: { c: 1 } });
  c.update({ a: 2, d: [1] });
  same(c.get(), { a: 2, b: { c: 1 }, d: [1] });
  const empty = new Writable();
  empty.update({ x: 1 });
  same(empty.get(), { x: 1 });
  throws(() => c.update(5), TypeError, /needs an object/);
  throws(() => new Writable(5).update({ a: 1 }), TypeError, /holds number/);
});

test("lists of values", () => {
  const c = new Writable(["a"]);
  c.push("b", "c");
  c.addUnique("b", "d");
  same(c.get(), ["a", "b", "c", "d"]);
  c.remove("b");
  c.remove("zzz");
  same(c.get(), ["a", "c", "d"]);
  c.push("a");
  c.removeAll("a");
  same(c.get(), ["c", "d"]);
  c.key(0).set("x");
  same(c.get(), ["x", "d"]);
  const fresh = new Writable();
  fresh.push(1);
  same(fresh.get(), [1]);
  throws(() => new Writable("text").push(1), TypeError, /needs a list/);
  throws(() => c.key(9).set("far"), TypeError, /no place "9"/);
  throws(() => c.key("name").set("x"), TypeError);
  const numbers = new Writable([0, 1, 0]);
  numbers.remove(0);
  same(numbers.get(), [1, 0]);
});

test("increment", () => {
  const n = new Writable(1);
  n.increment();
  n.increment(-3);
  equal(n.get(), -1);
  throws(() => n.increment(0), TypeError);
  throws(() => new Writable("a").increment(), TypeError);
});

test("lists of objects", () => {
  const c = new Writable([]);
  c.push({ id: "1", n: 1 }, { id: "2", n: 2 }, { n: 3 });
  same(c.get(), [{ id: "1", n: 1 }, { id: "2", n: 2 }, { n: 3 }]);
  equal(c.get().length, 3);
  same(
    c.get().map((e) => e.n),
    [1, 2, 3],
  );
  same(
    [...c.get()].reverse().map((e) => e.n),
    [3, 2, 1],
  );
  equal(c.get().find((e) => e.id === "2").n, 2);
  same(c.get().slice(1, 2), [{ id: "2", n: 2 }]);
  equal(c.key(1).key("n").get(), 2);
  c.key(1).key("n").set(20);
  same(c.get()[1], { id: "2", n: 20 });
  const second = c.get()[1];
  c.set(c.get().filter((e) => e.id !== "1"));
  same(c.get(), [{ id: "2", n: 20 }, { n: 3 }]);
  equal(equals(c.key(0), second), true);
  equal(c.key(0).equals(second), true);
  equal(c.key(1).equals(second), false);
  c.remove(c.get()[0]);
  same(c.get(), [{ n: 3 }]);
  c.remove({ n: 3 });
  same(c.get(), []);
});

test("an element that is set keeps its document when its id stays", () => {
  const c = new Writable([]);
  c.push({ id: "a", n: 1 }, { id: "b", n: 2 });
  const first = c.key(0).resolveAsCell();
  c.key(0).set({ id: "a", n: 10 });
  same(c.get(), [
    { id: "a", n: 10 },
    { id: "b", n: 2 },
  ]);
  equal(c.key(0).equals(first), true);
  c.key(0).set({ id: "b", n: 3 });
  same(c.get(), [
    { id: "b", n: 3 },
    { id: "b", n: 2 },
  ]);
  c.key(1).set("text");
  c.key(2).set({ id: "c" });
  same(c.get(), [{ id: "b", n: 3 }, "text", { id: "c" }]);
  same(first.get(), { id: "a", n: 10 });
});

test("elements with the same id stay two elements", () => {
  const c = new Writable([]);
  c.set([
    { id: "x", v: 1 },
    { id: "x", v: 2 },
  ]);
  same(c.get(), [
    { id: "x", v: 1 },
    { id: "x", v: 2 },
  ]);
  c.push({ id: "x", v: 3 });
  same(
    c.get().map((e) => e.v),
    [1, 2, 3],
  );
});

test("an element read before a write shows what was there", () => {
  const c = new Writable([]);
  c.push({ id: "a", n: 1 }, { id: "b", n: 2 });
  const before = c.get();
  c.set(c.get().map((e) => ({ ...e, n: e.n * 10 })));
  same(
    [before, c.get()],
    [
      [
        { id: "a", n: 1 },
        { id: "b", n: 2 },
      ],
      [
        { id: "a", n: 10 },
        { id: "b", n: 20 },
      ],
    ],
  );
  // A list whose elements nobody has looked at yet.
  c.push({ id: "c", n: 3 });
  const late = c.get();
  c.key(0).key("n").set(5);
  c.key(0).key("n").set(6);
  equal(late[0].n, 10);
  equal(c.get()[0].n, 6);
  c.key(0).key("n").set(7);
  equal(late[0].n, 10);
});

test("an element by its id", () => {
  const c = new Writable([]);
  c.push({ id: "a", n: 1 });
  equal(c.elementById("a").equals(c.key(0)), true);
  c.elementById("a").key("n").set(4);
  same(c.get(), [{ id: "a", n: 4 }]);
});

test("cells in cells", () => {
  const a = new Writable({ n: 1 });
  const b = new Writable({});
  b.set({ a, list: [a] });
  same(b.get(), { a: { n: 1 }, list: [{ n: 1 }] });
  b.key("a", "n").set(2);
  equal(a.get().n, 2);
  const other = new Writable({ n: 9 });
  b.key("a").set(other);
  same([b.get().a, a.get()], [{ n: 9 }, { n: 2 }]);
  equal(b.key("a").equals(other), true);
  equal(b.key("a").equalLinks(other), false);
  equal(typeof getEntityId(a)["/"], "string");
  b.set(b);
  same(b.get().a, { n: 9 });
});

test("what was read through a link is written as a link, the rest as a copy", () => {
  const list = new Writable([]);
  list.push({ id: "a", n: 1, tags: { x: 1 } });
  const chosen = new Writable();
  chosen.set(list.get()[0]);
  const copy = new Writable();
  copy.set(list.get()[0].tags);
  list.key(0).key("n").set(2);
  list.key(0).key("tags", "x").set(2);
  equal(chosen.get().n, 2);
  same(copy.get(), { x: 1 });
  const backup = new Writable();
  const auth = new Writable({ token: "t" });
  backup.set(auth.get());
  auth.set({ token: "" });
  same(backup.get(), { token: "t" });
});

test("what JSON cannot hold", () => {
  const c = new Writable({});
  const loop = { a: {} };
  loop.a.loop = loop;
  throws(() => c.set(loop), TypeError, /contains itself cannot be stored in a cell at a.loop/);
  throws(
    () => c.set({ items: [1, () => {}] }),
    TypeError,
    /A function cannot be stored in a cell at items\[1\]/,
  );
  throws(() => c.set({ n: 1n }), TypeError, /BigInt/);
  throws(() => c.set({ s: Symbol("x") }), TypeError, /symbol/);
  throws(() => c.set({ m: new Map() }), TypeError, /A Map .* an array of pairs/);
  throws(() => c.set(new Set()), TypeError);
  throws(() => c.set({ p: Promise.resolve() }), TypeError, /await/);
  throws(() => c.set({ b: new Uint8Array(2) }), TypeError, /typed array/);
  throws(() => c.set({ e: new Error("x") }), TypeError, /its message/);
  throws(() => c.set(JSON.parse('{"__proto__": 1}')), TypeError, /__proto__/);
  same(c.get(), {});
  c.set({
    d: new Date(0),
    u: undefined,
    l: [undefined, NaN],
    url: new URL("https://a.test/"),
    $UI: { type: "vnode" },
  });
  same(c.get(), { d: "1970-01-01T00:00:00.000Z", l: [null, null], url: "https://a.test/" });
  c.set({ text: "a\ud800b" });
  equal(c.get().text, "a\ufffdb");
  const shared = { x: 1 };
  c.set({ a: shared, b: shared });
  same(c.get(), { a: { x: 1 }, b: { x: 1 } });
});

test("derived values", () => {
  const n = new Writable(2);
  let computed = 0;
  const twice = derive(n, (value) => {
    computed++;
    return value * 2;
  });
  equal(computed, 0);
  equal(twice.get(), 4);
  equal(twice.get(), 4);
  equal(computed, 1);
  n.set(5);
  equal(twice.get(), 10);
  throws(
    () => twice.set(1),
    TypeError,
    /computed from other cells and cannot be written: write to the cell it is computed from/,
  );
  const broken = derive(n, () => {
    throw new RangeError("inside");
  });
  throws(() => broken.get(), RangeError, /inside/);
  const itself = derive(n, () => itself.get());
  throws(() => itself.get(), Error, /depends on itself/);
});

test("a derived view reaches its origin", () => {
  const state = new Writable({ auth: { token: "a", user: { email: "e" } }, list: [] });
  const auth = derive(state, (s) => s.auth);
  auth.key("token").set("b");
  auth.update({ user: { email: "f" } });
  same(state.get().auth, { token: "b", user: { email: "f" } });
  auth.user.email.set("g");
  equal(state.get().auth.user.email, "g");
  const list = new Writable([]);
  list.push({ id: "1", n: 1 }, { id: "2", n: 2 });
  const second = derive(list, (items) => items.find((item) => item.id === "2"));
  second.key("n").set(7);
  equal(list.get()[1].n, 7);
});

test("names and equality", () => {
  throws(() => new Writable(1).for(), TypeError, /needs a name/);
  const named = new Writable(1).for("x");
  equal(named.get(), 1);
  throws(() => named.for("y"), Error, /too late/);
  equal(equals(named, named.resolveAsCell()), true);
  equal(equals(new Writable(1), new Writable(1)), false);
  equal(equals(undefined, undefined), true);
});

test("cells among promises, JSON and text", async () => {
  const c = new Writable({ a: 1 });
  equal(await c, c);
  equal(await c.sync(), c);
  equal(typeof JSON.parse(JSON.stringify({ c })).c["/"]["link@1"].id, "string");
  equal(`${new Writable("x")}`, "x");
  equal(new Writable(2) * 3, 6);
  same([...new Writable([1, 2])], [1, 2]);
  equal("sync" in c, true);
  equal("a" in c, true);
  equal("b" in c, false);
  throws(() => (c.a = 2), TypeError, /\.key\("a"\)\.set/);
  await rejects((async () => c.get.call({}))(), TypeError);
});

export default run();
