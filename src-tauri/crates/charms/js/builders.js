// pattern, handler, action and what derives values from values.
//
// Owns what these make when a pattern's body runs: handles and streams. Nothing
// is computed here; a derived value is computed when somebody reads it.

import { inert, run } from "ext:ck/run_state.js";
import { structuredClone } from "ext:ck/clone.js";
import {
  bindAll,
  bindEvent,
  handleWith,
  specOfPlaces,
  specsInside,
  specsOfMeta,
  specsOfSchema,
  takeMeta,
} from "ext:ck/bindings.js";
import { causeNamed, inNestedFrame } from "ext:ck/causes.js";
import { constant, derived, makeCell, makeHandle, ownCell, unwrap } from "ext:ck/cells.js";
import { noteEffect } from "ext:ck/writes.js";
import { checkFit } from "ext:ck/schema.js";
import { isBlank, isStream, makeStream } from "ext:ck/streams.js";
import { isHandle, targetOf } from "ext:ck/targets.js";

/** Stands for the charm itself among a pattern's inputs. */
export const SELF = Symbol("SELF");

const factories = new WeakMap();

/** `{ body, meta, defaults }` of what `pattern` made; undefined for anything else. */
export function factoryOf(value) {
  return typeof value === "function" ? factories.get(value) : undefined;
}

function defaultsOfSchema(schema) {
  const found = {};
  for (const [key, property] of Object.entries(schema?.properties ?? {})) {
    if (property !== null && typeof property === "object" && Object.hasOwn(property, "default"))
      found[key] = property.default;
  }
  return found;
}

/** `pattern(body)`, `pattern(body, argumentSchema, resultSchema)`, `recipe(name, body)`. */
export function pattern(...args) {
  const meta = takeMeta(args);
  const body = args.find((arg) => typeof arg === "function");
  if (body === undefined) throw new TypeError("pattern needs a function");
  const schema = args.find((arg) => arg !== null && typeof arg === "object");
  const defaults = meta.defaults ?? defaultsOfSchema(schema);
  const specs = specsInside(meta);
  const factory = (inputs) => nest({ body, defaults, kinds: meta.inputs, specs }, inputs);
  factory.inSpace = () => factory;
  factory.asScope = () => factory;
  inert.add(factory);
  factories.set(factory, { body, meta, defaults, specs });
  return factory;
}

/** Runs a pattern's body with `inputOf(key)` as its inputs. */
export function callBody(body, inputOf, keys, self) {
  const inputs = new Proxy(
    {},
    {
      get: (_, key) => {
        if (key === SELF) return self;
        // The inputs as a whole are a cell too: `input.key("name")`.
        if (key === "key" && !keys().includes(key))
          return (name, ...rest) => rest.reduce((at, step) => at.key(step), inputOf(String(name)));
        return typeof key === "string" ? inputOf(key) : undefined;
      },
      has: (_, key) => keys().includes(key),
      ownKeys: () => keys(),
      getOwnPropertyDescriptor: (_, key) =>
        keys().includes(key)
          ? { value: inputOf(key), enumerable: true, configurable: true, writable: true }
          : undefined,
    },
  );
  const phase = run.phase;
  run.phase = "setup";
  try {
    return body(inputs);
  } finally {
    run.phase = phase;
  }
}

/** A pattern inside another, or inside a handler: its cells are this charm's. */
function nest({ body, defaults, kinds, specs }, inputs = {}) {
  return inNestedFrame(() => {
    const given = new Map();
    const inputOf = (key) => {
      if (isHandle(inputs)) return handleWith(makeHandle(targetOf(inputs).child(key)), specs?.[key]);
      if (!given.has(key)) {
        if (inputs[key] === undefined && defaults[key] === undefined && kinds?.[key] === "cell") {
          // An input that is a cell can be written although nobody gave it.
          given.set(key, ownCell(undefined, causeNamed({ input: key })));
          return given.get(key);
        }
        const value = inputs[key] === undefined ? structuredClone(defaults[key]) : inputs[key];
        const asGiven = isStream(value) || typeof value === "function";
        const input = asGiven || isHandle(value) ? value : wrapInput(value, key, kinds?.[key]);
        given.set(key, asGiven ? input : handleWith(input, specs?.[key]));
      }
      return given.get(key);
    };
    const keys = () => [...new Set([...Object.keys(defaults), ...Object.keys(inputs)])];
    // Made beforehand, in a fixed order, so that the cells keep their names.
    if (!isHandle(inputs)) keys().forEach(inputOf);
    let made;
    const self = derived(() => made);
    targetOf(self).formula.isSelf = true;
    const result = callBody(body, inputOf, keys, self);
    made = isHandle(result) || isStream(result) ? result : constant(result);
    return made;
  });
}

function wrapInput(value, key, kind) {
  if (value === undefined) return constant(undefined);
  if (unwrap(value) === value) return makeCell(value);
  // A list of cells that is itself wanted as a cell can be written.
  return kind === "cell" ? ownCell(value, causeNamed({ input: key })) : constant(value);
}

function withoutPlain(specs) {
  const isPlain = (spec) => spec?.kind === "plain" && !spec.props && !spec.items;
  return Object.fromEntries(Object.entries(specs ?? {}).filter(([, spec]) => !isPlain(spec)));
}

/** `handler(fn)`, `handler(eventSchema, stateSchema, fn)`, `handler(fn, {proxy: true})`. */
export function handler(...args) {
  const meta = takeMeta(args);
  const at = args.findIndex((arg) => typeof arg === "function");
  if (at < 0) throw new TypeError("handler needs a function");
  const fn = args[at];
  const known = specsOfMeta(meta) ?? (at > 0 ? specsOfSchema(args[at - 1]) : undefined);
  const otherwise = args[at + 1]?.proxy === true ? "proxy" : undefined;
  // Such a handler assigns to the members that are neither cells nor streams.
  const specs = otherwise === undefined ? known : withoutPlain(known);
  const [eventSchema, stateSchema] = at > 1 ? args.slice(at - 2, at) : [undefined, args[at - 1]];
  const eventSpec = specOfPlaces(meta.cells);
  const call = (given, bindings) => {
    const event = bindEvent(given, eventSpec);
    const state = bindAll(bindings, specs, otherwise);
    if (!isBlank(given)) checkFit(event, eventSchema ?? meta.event, "event");
    // Values to be assigned to are looked at when they are used.
    if (otherwise === undefined) checkFit(state, stateSchema, "state");
    return fn(event, state);
  };
  const bind = (bindings) => makeStream((event) => call(event, bindings), meta.name);
  bind.with = bind;
  return bind;
}

/** A stream whose handler gets the event alone and closes over the rest. */
export function action(fn, ...rest) {
  const meta = takeMeta(rest);
  if (typeof fn !== "function") throw new TypeError("action needs a function");
  const eventSpec = specOfPlaces(meta.cells);
  return makeStream((given) => {
    const event = bindEvent(given, eventSpec);
    if (!isBlank(given)) checkFit(event, meta.event, "event");
    return fn(event);
  }, meta.name);
}

/** `computed(() => ..)` over the cells that it closes over. */
export function computed(fn, ...rest) {
  if (typeof fn !== "function") throw new TypeError("computed needs a function");
  return noteEffect(
    derived(() => fn()),
    takeMeta(rest),
  );
}

/** True when some of the kinds are cells or streams, or have such inside. */
function holdCells(specs) {
  return Object.values(specs ?? {}).some(
    (spec) =>
      spec?.kind === "cell" ||
      spec?.kind === "stream" ||
      spec?.props !== undefined ||
      spec?.items !== undefined,
  );
}

/** `derive(input, fn)`, also with two schemas in front. */
export function derive(...args) {
  const meta = takeMeta(args);
  const specs = specsOfMeta(meta);
  const fn = args.at(-1);
  const input = args.at(-2);
  if (typeof fn !== "function") throw new TypeError("derive needs a function as its last argument");
  const cells = holdCells(specs);
  return noteEffect(
    derived(() => fn(cells ? bindAll(input, specs) : unwrap(input))),
    meta,
  );
}

/** `lift(fn)(inputs)`, also with two schemas in front. */
export function lift(...args) {
  const meta = takeMeta(args);
  const fn = args.at(-1);
  if (typeof fn !== "function") throw new TypeError("lift needs a function");
  const specs = specsOfMeta(meta) ?? (args.length > 1 ? specsOfSchema(args[0]) : undefined);
  const cells = holdCells(specs);
  return (inputs) =>
    noteEffect(
      derived(() => fn(cells ? bindAll(inputs, specs) : unwrap(inputs))),
      meta,
    );
}

/** The second or the third value, by the first; the choice keeps its link. */
export function ifElse(condition, whenTrue, whenFalse) {
  return derived(() => (unwrap(condition) ? whenTrue : whenFalse));
}

/** `condition && value`. */
export function when(condition, value) {
  return derived(() => (unwrap(condition) ? value : condition));
}

/** `condition || fallback`. */
export function unless(condition, fallback) {
  return derived(() => (unwrap(condition) ? condition : fallback));
}

/** Text with cells in it. */
export function str(strings, ...values) {
  return derived(() => String.raw({ raw: strings }, ...values.map((value) => unwrap(value) ?? "")));
}
