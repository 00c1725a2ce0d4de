import { cell } from "commonfabric";
import { equal, run, same, test, throws } from "./assert.js";

test("data", () => {
  const source = { a: [1, , "x"], d: new Date(5), n: null, u: undefined, big: 1n, nan: NaN };
  const copy = structuredClone(source);
  equal(copy.a === source.a, false);
  same(
    [copy.a[2], copy.d.getTime(), copy.n, "u" in copy, 1 in copy.a],
    ["x", 5, null, true, false],
  );
  equal(copy.big, 1n);
  equal(copy.nan, NaN);
});

test("cycles and shared references", () => {
  const source = { list: [] };
  source.self = source;
  source.list.push(source.list);
  const copy = structuredClone(source);
  equal(copy.self, copy);
  equal(copy.list[0], copy.list);
  const shared = {};
  const both = structuredClone([shared, shared]);
  equal(both[0], both[1]);
});

test("collections and buffers", () => {
  const map = structuredClone(new Map([[{ k: 1 }, new Set([1, 2])]]));
  same(
    [...map].map(([k, v]) => [k, [...v]]),
    [[{ k: 1 }, [1, 2]]],
  );
  const view = new Uint16Array(new Uint16Array([1, 2, 3]).buffer, 2, 1);
  same([...structuredClone(view)], [2]);
  equal(structuredClone(new DataView(new ArrayBuffer(4), 1, 2)).byteOffset, 1);
  const pattern = structuredClone(/a+/gi);
  same([pattern.source, pattern.flags], ["a+", "gi"]);
});

test("errors", () => {
  const copy = structuredClone(new TypeError("bad", { cause: { code: 7 } }));
  equal(copy instanceof TypeError, true);
  same([copy.message, copy.cause], ["bad", { code: 7 }]);
  class Own extends Error {
    name = "Own";
  }
  equal(structuredClone(new Own("x")).name, "Error");
});

test("what cannot be cloned", () => {
  for (const bad of [() => {}, Symbol("s"), { f() {} }, Promise.resolve(), new WeakMap()])
    throws(() => structuredClone(bad), "DataCloneError");
  throws(() => structuredClone(), TypeError);
});

test("cells are cloned as values", () => {
  const made = cell({ a: [1, 2] });
  const copy = structuredClone({ made, read: made.get() });
  same(copy, { made: { a: [1, 2] }, read: { a: [1, 2] } });
  copy.read.a.push(3);
  equal(made.get().a.length, 2);
});

export default run();
