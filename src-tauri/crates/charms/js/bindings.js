// What a handler, or a lifted function, is called with.
//
// Owns the step from the bindings that the pattern's body gave to the state
// that the function sees, by kind: "cell", "plain", "stream", "proxy" (values
// that can be assigned to), or unknown. The kinds come from the compiler, from a
// JSON schema, or from `handler(fn, { proxy: true })`.

import { constant, makeHandle, unwrap, valueAt } from "ext:ck/cells.js";
import { makeDual } from "ext:ck/dual.js";
import { isStream, isStreamMarker, streamAt } from "ext:ck/streams.js";
import { Computed, Held, isHandle, Made, Place, specOf, targetOf } from "ext:ck/targets.js";
import { isView, originOf } from "ext:ck/views.js";

const META = "ck:";

/** Takes what the compiler added as the last argument of a call; `{}` if nothing. */
export function takeMeta(args) {
  const last = args.at(-1);
  if (typeof last !== "string" || !last.startsWith(META)) return {};
  args.pop();
  return JSON.parse(last.slice(META.length));
}

function setKind(spec, [step, ...rest], kind) {
  if (step === undefined) return { ...spec, kind };
  const inner = setKind((step === "*" ? spec?.items : spec?.props?.[step]) ?? {}, rest, kind);
  return step === "*"
    ? { ...spec, items: inner }
    : { ...spec, props: { ...spec?.props, [step]: inner } };
}

/**
 * The kinds that the compiler found: of the members, and of what lies inside them.
 * Those named in `nullable` are a cell or nothing.
 */
export function specsOfMeta({ state, inside, nullable = [] }) {
  if (state === undefined && inside === undefined) return undefined;
  const specs = Object.fromEntries(
    Object.entries(state ?? {}).map(([key, spec]) => [key, specOf(spec)]),
  );
  for (const [key, places] of Object.entries(inside ?? {})) {
    for (const { path, kind } of places) specs[key] = setKind(specs[key] ?? {}, path, kind);
  }
  for (const key of nullable) specs[key] = { ...specs[key], nullable: true };
  return specs;
}

/** What lies inside the inputs of a pattern, by name; undefined when nothing does. */
export function specsInside({ inside }) {
  return inside === undefined ? undefined : specsOfMeta({ inside });
}

/** A handle whose members are read by a spec. */
export function handleWith(handle, spec) {
  return spec === undefined ? handle : makeHandle(withSpec(targetOf(handle), spec));
}

/** The spec of an event whose type has cells at these places. */
export function specOfPlaces(places) {
  return places?.reduce((spec, { path, kind }) => setKind(spec, path, kind), {});
}

/** An event with cells where its type says so: what was read is its place again. */
export function bindEvent(value, spec) {
  if (spec === undefined || value === null || value === undefined || isStream(value)) return value;
  if (spec.kind === "stream" || isHandle(value)) return value;
  if (spec.kind === "cell") {
    const origin = isView(value) ? originOf(value) : undefined;
    if (origin === undefined) return constant(value);
    return /^\d+$/.test(origin.path.at(-1) ?? "")
      ? makeHandle(new Held(value, [], spec))
      : makeHandle(new Place(origin.space, origin.id, origin.path, spec));
  }
  // What was read stays what it is, with its cells shown as such.
  const origin = isView(value) ? originOf(value) : undefined;
  if (origin !== undefined)
    return valueAt(new Place(origin.space, origin.id, origin.path, spec));
  if (Array.isArray(value) && spec.items !== undefined)
    return Array.from(value, (item) => bindEvent(item, spec.items));
  if (typeof value !== "object" || spec.props === undefined) return value;
  const bound = { ...value };
  for (const key of Object.keys(spec.props)) {
    if (Object.hasOwn(bound, key)) bound[key] = bindEvent(bound[key], spec.props[key]);
  }
  return bound;
}

/** The kind of what a JSON schema describes; undefined when it does not tell. */
export function specOfSchema(schema) {
  if (schema === null || typeof schema !== "object") return undefined;
  const marks = [schema.asCell, schema.asStream && "stream"].flat().filter(Boolean);
  const items = specOfSchema(schema.items);
  const props = schema.properties === undefined ? undefined : specsOfSchema(schema);
  if (marks.includes("stream")) return { kind: "stream" };
  if (marks.length > 0) return { kind: "cell", items, props };
  const nested = Object.values(props ?? {}).some((spec) => spec?.kind !== "plain");
  return nested ? { props } : { kind: "plain", items };
}

/** The kinds of an object schema's properties. */
export function specsOfSchema(schema) {
  if (schema === null || typeof schema !== "object" || schema.properties === undefined)
    return undefined;
  return Object.fromEntries(
    Object.entries(schema.properties).map(([key, property]) => [key, specOfSchema(property)]),
  );
}

function withSpec(target, spec) {
  if (target instanceof Place) return new Place(target.space, target.id, target.path, spec);
  if (target instanceof Made) return new Made(target.slot, target.path, spec);
  return new Computed(target.formula, target.path, spec);
}

/** A derived value's own place, or the value when it is in no document. */
function settle(handle, spec) {
  const target = targetOf(handle);
  if (!(target instanceof Computed)) return { place: withSpec(target, spec) };
  const found = target.locate("write");
  if ("computed" in found) return { value: found.computed };
  return { place: new Place(found.entry.space, found.entry.id, found.path, spec) };
}

function asCell(value, spec) {
  if (isStream(value) || value === undefined || value === null) return value;
  if (!isHandle(value)) return constant(value);
  const { place, value: computed } = settle(value, spec);
  if (place !== undefined) return makeHandle(place);
  // What leads nowhere is a cell all the same, whose value is undefined, unless
  // the function's type says that it may get none.
  if (spec.nullable && (computed ?? null) === null) return computed;
  return makeHandle(withSpec(targetOf(value), spec));
}

function asStream(value) {
  if (!isHandle(value)) return value;
  const found = targetOf(value).locate("read");
  if ("computed" in found) return found.computed;
  return isStreamMarker(found.node) ? streamAt(found) : undefined;
}

function asDual(value, spec) {
  if (!isHandle(value)) return mapMembers(value, undefined);
  const { place, value: computed } = settle(value, undefined);
  if (place === undefined) return unwrap(computed);
  const found = place.locate("read");
  if (isStreamMarker(found.node)) return streamAt(found);
  const primitive = found.node === null || typeof found.node !== "object";
  return primitive && spec?.kind === "proxy" ? found.node : makeDual(place);
}

function isPlainObject(value) {
  if (value === null || typeof value !== "object" || isView(value) || isStream(value)) return false;
  const proto = Object.getPrototypeOf(value);
  return proto === Object.prototype || proto === null;
}

function mapMembers(value, props) {
  if (Array.isArray(value) && !isView(value)) return value.map((item) => bind(item, undefined));
  return isPlainObject(value) ? bindAll(value, props) : value;
}

/** An object some of whose members are cells or streams. */
function asObject(value, props) {
  if (!isHandle(value)) return mapMembers(value, props);
  const shown = unwrap(value);
  return shown !== null && typeof shown === "object" && !Array.isArray(shown)
    ? bindAll(value, props, "plain")
    : shown;
}

/** A list whose elements are cells, or hold some. */
function asList(value, items) {
  const list = isHandle(value) ? valueAt(targetOf(value)) : value;
  if (!Array.isArray(list)) return unwrap(list);
  return Array.from(list, (item, i) =>
    bind(isHandle(value) ? makeHandle(targetOf(value).child(String(i))) : item, items),
  );
}

/** True when the elements of a plain value are more than plain. */
function hasCellsInside(items) {
  return items !== undefined && (items.kind !== "plain" || items.props !== undefined);
}

function bind(value, spec) {
  const items = specOf(spec?.items);
  if ((spec?.kind ?? "plain") === "plain" && hasCellsInside(items)) {
    // Elements of a document are found by their own links, when they are looked at.
    if (items.kind === "cell" && isHandle(value)) return valueAt(withSpec(targetOf(value), spec));
    return asList(value, items);
  }
  switch (spec?.kind) {
    case "cell":
      return asCell(value, spec);
    case "plain":
      if (spec.props !== undefined) return asObject(value, spec.props);
      return isHandle(value) ? valueAt(withSpec(targetOf(value), spec)) : unwrap(value);
    case "stream":
      return asStream(value);
    default:
      return spec?.props !== undefined ? asObject(value, spec.props) : asDual(value, spec);
  }
}

function define(state, key, property) {
  Object.defineProperty(state, key, { ...property, enumerable: true, configurable: true });
}

function refuse(key, kind) {
  const instead =
    kind === "stream"
      ? `it is a stream, so use ${key}.send(event)`
      : kind === "cell"
        ? `it is a cell, so use ${key}.set(value)`
        : `it is handed over as a plain value. Declare it as Writable<..> in the type of what this function is given and use ${key}.set(value)`;
  throw new TypeError(`Assigning to "${key}" would be lost: ${instead}`);
}

/** A member: one of a kind that nobody told is written through, others are not assigned to. */
function member(key, bound, spec) {
  let value = bind(bound, spec);
  const kind = spec?.kind ?? (spec === undefined ? undefined : "plain");
  const set =
    kind === undefined && isHandle(bound)
      ? (next) => {
          bound.set(next);
          value = bind(bound, spec);
        }
      : () => refuse(key, kind);
  return { get: () => value, set };
}

/**
 * The state object for `bindings`; `specs` tells the kind of each member,
 * `otherwise` the kind of the rest. A member whose value cannot be computed
 * throws when it is looked at.
 */
export function bindAll(bindings, specs, otherwise = undefined) {
  const source = isHandle(bindings) ? membersOf(bindings, specs) : (bindings ?? {});
  const state = {};
  for (const key of Object.keys(source)) {
    const bound = source[key];
    const spec = specOf(specs?.[key] ?? otherwise);
    if (spec?.kind === "proxy" && isHandle(bound)) {
      define(state, key, { get: () => bind(bound, spec), set: (value) => void bound.set(value) });
      continue;
    }
    try {
      define(state, key, member(key, bound, spec));
    } catch (error) {
      define(state, key, {
        get() {
          throw error;
        },
      });
    }
  }
  return state;
}

function membersOf(handle, specs) {
  const keys = new Set([...Object.keys(handle), ...Object.keys(specs ?? {})]);
  return Object.fromEntries([...keys].map((key) => [key, makeHandle(targetOf(handle).child(key))]));
}
