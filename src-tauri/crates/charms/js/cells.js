// Cell handles: what `new Cell(..)`, a pattern's inputs and derived values are
// in a charm's hands.
//
// Owns the proxies. A handle has the methods of cell_methods.js; every other
// property is a handle to that member, or, while a derived value is computed,
// the member's value. A "dual" handle, for handler state whose kind nobody
// told, has both at once. Never reads a document before it is asked to.

import { run } from "ext:ck/run_state.js";
import { setCellDescriber } from "ext:ck/inspect.js";
import { setCellUnwrapper } from "ext:ck/clone.js";
import { causeOfCell } from "ext:ck/causes.js";
import { isView, nodeOf, snapshot } from "ext:ck/views.js";
import { isLink, readLink } from "ext:ck/links.js";
import { storeInitial } from "ext:ck/store.js";
import { isStream, isStreamMarker, streamAt } from "ext:ck/streams.js";
import {
  bindTarget,
  Computed,
  Constant,
  Formula,
  isHandle,
  Made,
  memberSpec,
  Place,
  specOf,
  targetOf,
  unlessCircular,
} from "ext:ck/targets.js";

const TARGET = Symbol("target");

/** The methods of a handle by name; filled by cell_methods.js. */
export const methods = Object.create(null);

/** The class that charms know as Cell and Writable. */
export class Cell {
  constructor(initial) {
    return makeCell(firstValue(initial));
  }

  static of(initial) {
    return makeCell(firstValue(initial));
  }

  static for(cause) {
    return makeCell(undefined).for(cause);
  }

  static equals(a, b) {
    return methods.equals.call(a, b);
  }

  static equalLinks(a, b) {
    return methods.equalLinks.call(a, b);
  }

  static get perSpace() {
    return Cell;
  }

  static get perUser() {
    return Cell;
  }

  static get perSession() {
    return Cell;
  }
}

/**
 * The first value of a new cell: what was given, or the default that the
 * compiler read from the type of a cell that was given nothing.
 */
export function firstValue(given) {
  if (typeof given !== "string" || !given.startsWith('ck:{"kind":"cell"')) return given;
  return JSON.parse(given.slice(3)).default;
}

const made = [];

/** The cells that the pattern's body has made so far. */
export function cellsMade() {
  return made;
}

/** A new cell of this charm with a first value. */
export function makeCell(initial) {
  const slot = { initial, cause: null, ...causeOfCell(), id: null };
  slot.stored = (home) => storeInitial(slot.initial, home);
  if (run.phase !== "run") made.push(slot);
  return makeHandle(new Made(slot));
}

const own = new Map();

/** A cell of this charm that is known by its cause alone, wherever it is asked for. */
export function ownCell(initial, cause) {
  const name = JSON.stringify(cause);
  let slot = own.get(name);
  if (slot === undefined) {
    slot = { initial, cause, order: null, wrap: (given) => given, id: null };
    slot.stored = (home) => storeInitial(slot.initial, home);
    own.set(name, slot);
  }
  return makeHandle(new Made(slot));
}

const isDerived = (value) => value instanceof Computed;

/** A handle to a computed value; `compute` runs when it is first read. */
export function derived(compute) {
  return makeHandle(new Computed(new Formula(compute)));
}

/** A handle to a value that is there already. */
export function constant(value) {
  return makeHandle(new Computed(new Constant(value)));
}

/** A pattern's outputs as it sees them itself: what it works out now is not there yet. */
function ownMembers(outputs) {
  if (!holdsHandle(outputs)) return outputs;
  const seen = {};
  for (const key of Object.keys(outputs)) {
    const get = () => unlessCircular(() => unwrap(outputs[key]), undefined);
    Object.defineProperty(seen, key, { get, enumerable: true, configurable: true });
  }
  return seen;
}

/** The value of a target, as `cell.get()` gives it. */
export function valueAt(target) {
  const found = target.locate("read");
  if ("computed" in found) {
    if (target.formula?.isSelf) return ownMembers(found.computed);
    const items = specOf(target.spec?.items);
    if (items?.kind !== "cell" || !Array.isArray(found.computed)) return unwrap(found.computed);
    return Array.from(found.computed, (_, i) => makeHandle(target.child(String(i))));
  }
  if (isStreamMarker(found.node)) return streamAt(found);
  return snapshot(found, cellsBelow(target.spec));
}

const known = new WeakMap();

/** Which members of what is read are cells, as `snapshot` wants it. */
function cellsBelow(spec) {
  const of = specOf(spec);
  if (of === undefined || (of.items === undefined && of.props === undefined)) return undefined;
  if (known.has(of)) return known.get(of);
  const inner = [of.items, ...Object.values(of.props ?? {})].map(specOf);
  const some = inner.some((one) => one?.kind === "cell" || cellsBelow(one) !== undefined);
  const cells = some
    ? {
        below(key) {
          const member = memberSpec(of, key);
          return member?.kind === "cell" ? { make: makerOf(member) } : cellsBelow(member);
        },
      }
    : undefined;
  known.set(of, cells);
  return cells;
}

function makerOf(spec) {
  return (node, entry, path) => makeItem(node, entry, path, spec);
}

/** A list element as a cell: of its own document where it has one. */
function makeItem(node, entry, path, spec) {
  if (!isLink(node)) return makeHandle(new Place(entry.space, entry.id, path, spec));
  const link = readLink(node, entry);
  return makeHandle(new Place(link.space, link.id, link.path, spec));
}

/** True when a value is a handle, or plain data with one inside. */
export function holdsHandle(value, depth = 0) {
  if (value === null || typeof value !== "object" || isView(value) || depth > 8) return false;
  if (isHandle(value)) return true;
  const proto = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && proto !== Object.prototype && proto !== null) return false;
  return Object.keys(value).some((key) => {
    const property = Object.getOwnPropertyDescriptor(value, key);
    return property !== undefined && "value" in property && holdsHandle(property.value, depth + 1);
  });
}

/**
 * A value with its handles replaced by what they stand for. Members are read
 * when they are looked at, so that an error in one does not spoil the others.
 */
export function unwrap(value) {
  if (isHandle(value)) return valueAt(targetOf(value));
  if (!holdsHandle(value)) return value;
  const copy = Array.isArray(value) ? [] : {};
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, {
      get: () => unwrap(value[key]),
      enumerable: true,
      configurable: true,
    });
  }
  return copy;
}

/** The member of a plain value that a property access on a handle means. */
function memberOf(target, key) {
  const value = valueAt(target);
  if (value === null || value === undefined) return undefined;
  const found = value[key];
  return typeof found === "function" ? found.bind(value) : found;
}

function symbolMember(target, key) {
  switch (key) {
    case Symbol.toPrimitive:
      return (hint) => {
        const value = valueAt(target);
        if (value === null || typeof value !== "object")
          return hint === "string" ? `${value ?? ""}` : value;
        return JSON.stringify(value);
      };
    case Symbol.iterator: {
      const value = valueAt(target);
      if (value === null || value === undefined || typeof value[Symbol.iterator] !== "function")
        return undefined;
      const items =
        run.phase === "setup" && run.evaluating === 0
          ? Array.from(value, (_, i) => makeHandle(target.child(String(i))))
          : value;
      return items[Symbol.iterator].bind(items);
    }
    case Symbol.toStringTag:
      return "Cell";
    default:
      return undefined;
  }
}

const handleTraps = {
  get(object, key) {
    const target = object[TARGET];
    if (typeof key === "symbol") return symbolMember(target, key);
    if (key in methods) return methods[key];
    // Not a promise: `await cell` gives the cell.
    if (key === "then") return undefined;
    if (key === "constructor") return Cell;
    if (run.evaluating > 0) return memberOf(target, key);
    return childOf(target, key);
  },
  has(object, key) {
    if (key in methods) return true;
    const value = valueAt(object[TARGET]);
    return value !== null && typeof value === "object" && key in value;
  },
  set(_object, key) {
    throw new TypeError(
      `A cell's member is not assigned to: use .key("${String(key)}").set(value)`,
    );
  },
  ownKeys(object) {
    const value = valueAt(object[TARGET]);
    return value !== null && typeof value === "object"
      ? Reflect.ownKeys(value).filter((key) => key !== "length")
      : [];
  },
  getOwnPropertyDescriptor(object, key) {
    if (typeof key === "symbol") return undefined;
    const value = valueAt(object[TARGET]);
    if (value === null || typeof value !== "object" || !Object.hasOwn(value, key)) return undefined;
    const shown = run.evaluating > 0 ? value[key] : childOf(object[TARGET], key);
    return { value: shown, configurable: true, enumerable: true, writable: true };
  },
  defineProperty() {
    throw new TypeError("A cell has no properties of its own: use .set(value)");
  },
  deleteProperty(_object, key) {
    throw new TypeError(
      `A cell's member is not deleted: use .key("${String(key)}").set(undefined)`,
    );
  },
};

/** The member of a handle: what is there already stays what it is. */
export function childOf(target, key) {
  if (isDerived(target) && target.formula instanceof Constant) {
    const object = target.path.reduce((value, step) => value?.[step], target.formula.value());
    const found =
      object !== null && typeof object === "object" && !isHandle(object) ? object[key] : undefined;
    if (isHandle(found) || isStream(found)) return found;
  }
  return makeHandle(target.child(key));
}

/** A handle to a target. */
export function makeHandle(target) {
  const object = Object.create(Cell.prototype);
  object[TARGET] = target;
  const handle = new Proxy(object, handleTraps);
  bindTarget(handle, target);
  return handle;
}

setCellDescriber((value, show) => {
  if (isHandle(value)) return `Cell(${show(valueAt(targetOf(value)))})`;
  if (isStream(value)) return "Stream";
  return undefined;
});

setCellUnwrapper((value) => {
  if (isHandle(value)) return { value: valueAt(targetOf(value)) };
  return isView(value) && nodeOf(value) !== value
    ? { value: Array.isArray(value) ? Array.from(value) : { ...value } }
    : undefined;
});
