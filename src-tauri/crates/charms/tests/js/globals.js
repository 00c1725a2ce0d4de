import { equal, rejects, run, same, test, throws } from "./assert.js";

test("timers run in order, with arguments", async () => {
  const seen = [];
  await new Promise((done) => {
    setTimeout((...args) => seen.push(args.join("")), 2, "b", "c");
    setTimeout(() => seen.push("a"), 1);
    const gone = setTimeout(() => seen.push("never"), 1);
    clearTimeout(gone);
    clearTimeout(undefined);
    clearTimeout(99999);
    setTimeout(done, 8);
    queueMicrotask(() => seen.push("first"));
  });
  same(seen, ["first", "a", "bc"]);
  throws(() => setTimeout("code()", 1), TypeError);
});

test("intervals", async () => {
  let n = 0;
  await new Promise((done) => {
    const id = setInterval(() => {
      if (++n === 3) {
        clearInterval(id);
        done();
      }
    }, 1);
  });
  equal(n, 3);
});

test("crypto and performance", () => {
  equal(
    /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(
      crypto.randomUUID(),
    ),
    true,
  );
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  equal(
    bytes.some((b) => b !== 0),
    true,
  );
  const part = new Uint32Array(4);
  crypto.getRandomValues(part.subarray(1, 2));
  same([part[0], part[2]], [0, 0]);
  throws(() => crypto.getRandomValues(new Float64Array(1)), "TypeMismatchError");
  throws(() => crypto.getRandomValues(new Uint8Array(65537)), "QuotaExceededError");
  equal(performance.now() >= 0, true);
});

test("no name of the runtime's own script is in reach", () => {
  for (const name of ["$$host", "$$run", "core", "ops"])
    throws(() => (0, eval)(name), ReferenceError);
});

test("nothing of the engine is left", async () => {
  for (const name of [
    "Deno",
    "__bootstrap",
    "__ck",
    "gc",
    "WebAssembly",
    "SharedArrayBuffer",
    "Atomics",
    "ShadowRealm",
  ]) {
    equal(typeof globalThis[name], "undefined", name);
  }
  const strange = Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith("__"));
  same(
    strange.filter((name) => name !== "__v8xTemporalTimeZone"),
    [],
  );
  await rejects(import("ext:core/mod.js"), TypeError);
  await rejects(import("ext:ck/host.js"), TypeError);
});

test("the language is whole", () => {
  equal(new Intl.DateTimeFormat("en-US", { timeZone: "UTC" }).format(new Date(0)).length > 0, true);
  equal(Object.groupBy([1, 2, 3], (n) => (n % 2 ? "odd" : "even")).odd.length, 2);
  equal(self, globalThis);
});

export default run();
