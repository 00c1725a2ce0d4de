// What the compiler puts around reactive code; see src/compile/reactive.
//
// Owns reading of values (`v`, `at`), of links (`ref`, `c`) and the derived
// forms of expressions (`d`), choices and lists. Everything takes plain values
// as well and then gives a plain result at once: the compiler only knows what
// may be a cell.

import { run } from "ext:ck/run_state.js";
import { childOf, derived, holdsHandle, unwrap } from "ext:ck/cells.js";
import { takeMeta } from "ext:ck/bindings.js";
import { Instances } from "ext:ck/instances.js";
import { isHandle, targetOf } from "ext:ck/targets.js";
import { noteEffect } from "ext:ck/writes.js";

// How many functions that build are running inside derived values right now.
let building = 0;

/** Runs code that was compiled as a pattern's body: members of cells are cells. */
function build(body) {
  const { evaluating } = run;
  run.evaluating = 0;
  building++;
  try {
    return body();
  } finally {
    building--;
    run.evaluating = evaluating;
  }
}

/** True in a handler, where values are wanted as they are now. */
function inHandler() {
  return run.phase === "run" && run.evaluating === 0 && building === 0;
}

function isNothing(value) {
  return value === null || value === undefined;
}

/** The value of anything. */
export const v = unwrap;

/** The value at a path; undefined when a step is missing. */
export function at(value, ...keys) {
  let found = unwrap(value);
  for (const key of keys) {
    if (isNothing(found)) return undefined;
    found = unwrap(found[key]);
  }
  return found;
}

/** The link at a path. */
export function ref(value, ...keys) {
  let found = value;
  for (const key of keys) {
    if (isNothing(found)) return undefined;
    found = isHandle(found) ? childOf(targetOf(found), String(key)) : found[key];
  }
  return found;
}

/** A cell, or undefined when there is nothing in it. */
export function c(cell) {
  return isHandle(cell) && unwrap(cell) === undefined ? undefined : cell;
}

/**
 * A value computed by `compute` from what may be cells; null: from cells. `place`
 * is where it writes, if it does.
 */
export function d(on, compute, place) {
  if (on !== null && !on.some((value) => holdsHandle(value))) return compute();
  return inHandler() ? unwrap(compute()) : noteEffect(derived(compute), { effect: place });
}

/** Runs a branch now; gives a function that gives its result or throws its error. */
function branch(body) {
  try {
    const made = build(body);
    return () => made;
  } catch (error) {
    return () => {
      throw error;
    };
  }
}

/** A choice between two branches by what may be a cell. */
export function ifElse(test, whenTrue, whenFalse) {
  if (!isHandle(test)) return test ? whenTrue() : whenFalse();
  if (inHandler()) return unwrap(test) ? whenTrue() : whenFalse();
  const yes = branch(whenTrue);
  const no = branch(whenFalse);
  return derived(() => (unwrap(test) ? yes() : no()));
}

/** `first`, or the other one when `givesWay` says so of the first's value. */
function choose(first, other, givesWay) {
  if (!isHandle(first)) return givesWay(first) ? other() : first;
  if (inHandler()) return givesWay(unwrap(first)) ? other() : first;
  const second = branch(other);
  return derived(() => (givesWay(unwrap(first)) ? second() : first));
}

/** `first && other()`. */
export function and(first, other) {
  return choose(first, other, (value) => Boolean(value));
}

/** `first || other()`. */
export function or(first, other) {
  return choose(first, other, (value) => !value);
}

/** `first ?? other()`. */
export function nullish(first, other) {
  return choose(first, other, isNothing);
}

/** What `flatMap` can flatten: the elements of a cell as cells. */
function flat(made) {
  const found = isHandle(made) ? unwrap(made) : undefined;
  return Array.isArray(found)
    ? Array.from(found, (_, i) => childOf(targetOf(made), String(i)))
    : made;
}

// Methods that ask something of each element: the answer is wanted as a value.
const TESTS = new Set(["every", "filter", "find", "findIndex", "findLast", "findLastIndex", "some"]);

/** A callback whose answers are values, although it gives derived ones. */
export function asked(callback) {
  if (typeof callback !== "function") return callback;
  return function (...args) {
    return unwrap(callback.apply(this, args));
  };
}

/** `plain.filter(callback)`, whose answers may change. */
function testPlain(list, method, callback) {
  const answers = Array.from(list, (element, i) => callback(element, i, list));
  return derived(() => list[method]((_, i) => unwrap(answers[i])));
}

/** `list.map(callback)` and the like, with a cell per element of a cell. */
export function list(value, method, callback, ...rest) {
  const meta = takeMeta(rest);
  if (isNothing(value)) return undefined;
  const tests = TESTS.has(method);
  if (inHandler()) return unwrap(value)?.[method](tests ? asked(callback) : callback, ...rest);
  if (!isHandle(value)) {
    return tests ? testPlain(value, method, callback) : value[method](callback, ...rest);
  }
  const one = (element, i) => callback.call(rest[0], element, i, value);
  const taken = tests ? unwrap : method === "flatMap" ? flat : (made) => made;
  const walk = (take) => {
    const found = unwrap(value);
    if (isNothing(found)) return undefined;
    return build(() => take(Array.from(found, (_, i) => childOf(targetOf(value), String(i)))));
  };
  if (meta.effect === undefined)
    return derived(() => walk((all) => all[method]((element, i) => taken(one(element, i)))));
  // A callback that does something is called once for each element.
  const instances = new Instances(one, callback.length > 1);
  const each = (all) => instances.all(all);
  noteEffect(derived(() => walk(each)), meta, () => instances.effects());
  return derived(() =>
    walk((all) => {
      const made = each(all);
      return all[method]((_, i) => taken(made[i]));
    }),
  );
}
