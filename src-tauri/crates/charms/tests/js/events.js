import { equal, rejects, run, same, test, throws } from "./assert.js";

test("listeners", () => {
  const target = new EventTarget();
  const seen = [];
  const listener = (event) => seen.push(event.type);
  target.addEventListener("a", listener);
  target.addEventListener("a", listener);
  target.addEventListener("a", { handleEvent: (event) => seen.push(event.detail) });
  target.addEventListener("a", () => seen.push("once"), { once: true });
  target.dispatchEvent(new CustomEvent("a", { detail: 7 }));
  target.removeEventListener("a", listener);
  target.dispatchEvent(new CustomEvent("a", { detail: 8 }));
  same(seen, ["a", 7, "once", 8]);
});

test("prevent and stop", () => {
  const target = new EventTarget();
  target.addEventListener("a", (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  target.addEventListener("a", () => {
    throw new Error("not reached");
  });
  equal(target.dispatchEvent(new Event("a", { cancelable: true })), false);
  equal(target.dispatchEvent(new Event("a")), true);
});

test("abort", () => {
  const controller = new AbortController();
  const { signal } = controller;
  let fired = 0;
  signal.addEventListener("abort", () => fired++);
  signal.onabort = () => fired++;
  same([signal.aborted, signal.reason], [false, undefined]);
  signal.throwIfAborted();
  controller.abort();
  controller.abort("again");
  same([signal.aborted, signal.reason.name, fired], [true, "AbortError", 2]);
  equal(signal.reason instanceof DOMException, true);
  throws(() => signal.throwIfAborted(), "AbortError");
  throws(() => new AbortSignal(), TypeError);
  equal(AbortSignal.abort("why").reason, "why");
});

test("any and timeout", async () => {
  const one = new AbortController();
  const two = new AbortController();
  const any = AbortSignal.any([one.signal, two.signal]);
  two.abort("two");
  same([any.aborted, any.reason], [true, "two"]);
  equal(AbortSignal.any([one.signal, two.signal]).reason, "two");
  equal(AbortSignal.any([]).aborted, false);
  const late = AbortSignal.timeout(1);
  await rejects(
    new Promise((_, no) => late.addEventListener("abort", () => no(late.reason))),
    "TimeoutError",
  );
});

test("a listener with a signal", () => {
  const target = new EventTarget();
  const controller = new AbortController();
  let seen = 0;
  target.addEventListener("a", () => seen++, { signal: controller.signal });
  target.dispatchEvent(new Event("a"));
  controller.abort();
  target.dispatchEvent(new Event("a"));
  equal(seen, 1);
});

export default run();
