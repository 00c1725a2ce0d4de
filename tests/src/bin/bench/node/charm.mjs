// A small stand-in for the charm API, for Node: what an importer does with it
// when its pattern is set up and its bgUpdater runs.
//
// Cells are boxes with plain values that are changed in place, streams are
// functions, derived values are computed whenever they are read. Left out, to
// Node's advantage: snapshots, comparing with what was there before, ids of
// documents, permissions, and everything about several charms. What compiled
// code calls by itself is the product's own (js/reactive.js), on these cells.

/** Shared with js/reactive.js. */
export const run = { phase: "setup", evaluating: 0 };

const targets = new WeakMap();
export const targetOf = (value) => targets.get(value);
export const isHandle = (value) => targets.has(value);
const isObject = (value) => value !== null && typeof value === "object";

class Box {
  constructor(value) {
    this.value = value;
  }
  place() {
    return isHandle(this.value) ? targetOf(this.value).place() : { box: this, path: [] };
  }
}

class Derived {
  constructor(compute) {
    this.compute = compute;
  }
  place() {
    run.evaluating++;
    try {
      const value = this.compute();
      return isHandle(value) ? targetOf(value).place() : { value };
    } finally {
      run.evaluating--;
    }
  }
}

class Child {
  constructor(parent, key, spec) {
    this.parent = parent;
    this.key = key;
    this.spec = spec;
  }
  place() {
    const found = this.parent.place();
    const member = valueOf(found)?.[this.key];
    if (isHandle(member)) return targetOf(member).place();
    return "box" in found ? { box: found.box, path: [...found.path, this.key] } : { value: member };
  }
}

function valueOf(place) {
  if (!("box" in place)) return place.value;
  return place.path.reduce((value, key) => value?.[key], place.box.value);
}

function assign(target, value) {
  const place = target.place();
  if (!("box" in place)) throw new TypeError("a derived value is not written");
  if (place.path.length === 0) {
    place.box.value = value;
    return;
  }
  const owner = valueOf({ box: place.box, path: place.path.slice(0, -1) });
  owner[place.path.at(-1)] = value;
}

/** What a target holds now; a list of cells as handles. */
function read(target) {
  const value = valueOf(target.place());
  if (Array.isArray(value) && kindOf(target.spec?.items) === "cell")
    return value.map((_, i) => makeHandle(new Child(target, i)));
  return unwrap(value);
}

export const derived = (compute) => makeHandle(new Derived(compute));
const constant = (value) => makeHandle(Object.assign(new Derived(() => value), { known: { value } }));
const makeCell = (value) => makeHandle(new Box(value));

/** The member of a handle; what is a cell or a stream already stays what it is. */
export function childOf(target, key) {
  const known = target.known?.value;
  if (isObject(known) && !isHandle(known)) {
    const member = known[key];
    if (isHandle(member) || member instanceof Stream) return member;
  }
  return makeHandle(new Child(target, key));
}

const methods = {
  get() {
    return read(targetOf(this));
  },
  sample() {
    return read(targetOf(this));
  },
  set(value) {
    assign(targetOf(this), value);
    return this;
  },
  update(values) {
    assign(targetOf(this), { ...read(targetOf(this)), ...values });
    return this;
  },
  push(...values) {
    const target = targetOf(this);
    const list = valueOf(target.place());
    if (list === undefined) assign(target, values);
    else for (const value of values) list.push(value);
  },
  key(...keys) {
    return keys.reduce((handle, key) => makeHandle(new Child(targetOf(handle), key)), this);
  },
  send(value) {
    return read(targetOf(this)).send(value);
  },
  for() {
    return this;
  },
  sync() {
    return Promise.resolve(this);
  },
};
for (const name of ["map", "filter", "flatMap", "reduce", "findIndex"]) {
  methods[name] = function (...args) {
    const values = () => read(targetOf(this)) ?? [];
    return run.phase === "setup" ? derived(() => values()[name](...args)) : values()[name](...args);
  };
}

const traps = {
  get(object, key) {
    const target = object.target;
    if (key === Symbol.toPrimitive) return () => read(target);
    if (typeof key === "symbol") {
      const value = read(target);
      const member = value?.[key];
      return typeof member === "function" ? member.bind(value) : member;
    }
    if (Object.hasOwn(methods, key)) return methods[key];
    if (key === "then") return undefined;
    if (run.evaluating === 0) return childOf(target, key);
    const value = read(target);
    const member = value?.[key];
    return typeof member === "function" ? member.bind(value) : member;
  },
  has: (object, key) => Object.hasOwn(methods, key) || key in (read(object.target) ?? {}),
  ownKeys: (object) => Reflect.ownKeys(read(object.target) ?? {}).filter((key) => key !== "length"),
  getOwnPropertyDescriptor: (object, key) => ({
    value: childOf(object.target, key),
    configurable: true,
    enumerable: true,
  }),
};

export class Cell {
  constructor(value) {
    return makeCell(firstValue(value));
  }
  static of = (value) => makeCell(firstValue(value));
  static for = () => makeCell(undefined);
}

// The compiler gives a cell without a first value the default of its type.
function firstValue(value) {
  const meta = typeof value === "string" && value.startsWith('ck:{"kind":"cell"');
  return meta ? JSON.parse(value.slice(3)).default : value;
}

function makeHandle(target) {
  const object = Object.create(Cell.prototype);
  object.target = target;
  const handle = new Proxy(object, traps);
  targets.set(handle, target);
  return handle;
}

export function holdsHandle(value, depth = 0) {
  if (!isObject(value) || depth > 8) return false;
  return isHandle(value) || Object.values(value).some((member) => holdsHandle(member, depth + 1));
}

export function unwrap(value) {
  if (isHandle(value)) return read(targetOf(value));
  if (!holdsHandle(value)) return value;
  const copy = Array.isArray(value) ? [] : {};
  for (const key of Object.keys(value))
    Object.defineProperty(copy, key, { get: () => unwrap(value[key]), enumerable: true });
  return copy;
}

export class Stream {
  constructor(invoke) {
    this.invoke = invoke;
  }
  send(event) {
    return Promise.resolve().then(() => this.invoke(event));
  }
}

// What the compiler knew from the types is the last argument of a call.
export function takeMeta(args) {
  const last = args.at(-1);
  return typeof last === "string" && last.startsWith("ck:") ? JSON.parse(args.pop().slice(3)) : {};
}

const kindOf = (spec) => (typeof spec === "string" ? spec : spec?.kind);

function specsOf({ state, inside }) {
  const specs = { ...state };
  for (const [key, places] of Object.entries(inside ?? {})) {
    for (const { path, kind } of places) {
      if (path.length !== 1) continue;
      const one = typeof specs[key] === "object" ? specs[key] : { kind: specs[key] };
      specs[key] =
        path[0] === "*" ? { ...one, items: kind } : { ...one, props: { ...one.props, [path[0]]: kind } };
    }
  }
  return specs;
}

function bind(value, spec) {
  const kind = kindOf(spec);
  if (kind === "stream") return isHandle(value) ? read(targetOf(value)) : value;
  if (kind === "cell") {
    if (!isHandle(value)) return value === undefined || value === null ? value : constant(value);
    const target = targetOf(value);
    const now = read(target);
    if (now === undefined || now === null) return now;
    const view = new Child({ place: () => ({ value: { value } }) }, "value", spec);
    return makeHandle(view);
  }
  if (spec?.props === undefined) return unwrap(value);
  const shown = unwrap(value);
  return isObject(shown) ? bindAll(value, spec.props, shown) : shown;
}

function bindAll(bindings, specs, shown = undefined) {
  const state = {};
  for (const key of Object.keys(shown ?? bindings ?? {}))
    state[key] = bind(isHandle(bindings) ? childOf(targetOf(bindings), key) : bindings[key], specs[key]);
  return state;
}

function body(fn, inputOf) {
  const { phase, evaluating } = run;
  Object.assign(run, { phase: "setup", evaluating: 0 });
  try {
    return fn(new Proxy({}, { get: (_, key) => inputOf(key) }));
  } finally {
    Object.assign(run, { phase, evaluating });
  }
}

const factories = new WeakMap();

export function pattern(...args) {
  takeMeta(args);
  const fn = args.find((arg) => typeof arg === "function");
  const factory = (inputs = {}) => {
    const given = new Map();
    const inputOf = (key) => {
      if (!given.has(key)) {
        const value = inputs[key];
        const ready = isHandle(value) || value instanceof Stream || typeof value === "function";
        given.set(key, ready ? value : holdsHandle(value) ? constant(value) : makeCell(value));
      }
      return given.get(key);
    };
    const result = body(fn, inputOf);
    return isHandle(result) || result instanceof Stream ? result : constant(result);
  };
  factories.set(factory, fn);
  return factory;
}
export { pattern as recipe };

/** Sets a charm's pattern up with an argument; gives its outputs. */
export function setUp(factory, argument) {
  const inputs = makeCell(argument);
  return body(factories.get(factory), (key) => childOf(targetOf(inputs), key));
}

export function handler(...args) {
  const specs = specsOf(takeMeta(args));
  const fn = args.find((arg) => typeof arg === "function");
  return (bindings) => new Stream((event) => fn(event, bindAll(bindings, specs)));
}

export const action = (fn) => new Stream((event) => fn(event));
export const computed = (fn) => derived(() => fn());

export function derive(...args) {
  const specs = specsOf(takeMeta(args));
  const [input, fn] = args.slice(-2);
  return derived(() => fn(isHandle(input) ? unwrap(input) : bindAll(input, specs)));
}

export function lift(...args) {
  const specs = specsOf(takeMeta(args));
  return (inputs) => derived(() => args.at(-1)(bindAll(inputs, specs)));
}

export const ifElse = (test, yes, no) => derived(() => (unwrap(test) ? yes : no));
export const when = (test, value) => derived(() => (unwrap(test) ? value : test));
export const unless = (test, value) => derived(() => (unwrap(test) ? test : value));
export const str = (strings, ...values) =>
  derived(() => String.raw({ raw: strings }, ...values.map((value) => unwrap(value) ?? "")));

let account;
/** The document that every wish is granted with. */
export function grant(document) {
  account = makeCell(document);
}
export function wish(target) {
  const query = typeof target === "string" ? target : unwrap(target)?.query;
  const result = typeof query === "string" && query.startsWith("#now") ? Date.now() : account;
  return typeof target === "string" ? result : constant({ result, candidates: [result] });
}

// Nothing here calls what a derived value does besides: importers have no such.
export const noteEffect = (made) => made;
export class Instances {
  constructor(make) {
    this.make = make;
  }

  all(elements) {
    return elements.map(this.make);
  }
}

export const NAME = "$NAME";
export const UI = "$UI";
export const TILE_UI = "$TILE_UI";
export const CHIP_UI = "$CHIP_UI";
export const TYPE = "$TYPE";
export const __cf_data = (value) => value;
export const SELF = Symbol("SELF");
export { Cell as Writable };
export const Default = undefined;
export const navigateTo = () => {};
export const patternTool = (tool, extra) => ({ pattern: tool, extra });
export const getPatternEnvironment = () => ({ apiUrl: new URL("https://charmkeeper.invalid/") });
export const h = (type, props, ...children) => ({ type, props, children });
export const jsx = (type, props) => ({ type, props });
export { jsx as jsxs, jsx as jsxDEV };
export const Fragment = "fragment";
