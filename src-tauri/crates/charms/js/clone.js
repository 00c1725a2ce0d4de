// structuredClone (HTML standard), without transfer of ownership.
//
// Owns the copy. deno_core's own refuses Errors and knows nothing of cells:
// a cell is cloned as its value, a read value as plain data.

import { core } from "ext:ck/host.js";

const ERRORS = { Error, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError };

// Set by cells.js.
let valueOfCell = () => undefined;

/** Lets the cell layer unwrap its handles; gets an object, gives `{ value }` or undefined. */
export function setCellUnwrapper(unwrap) {
  valueOfCell = unwrap;
}

function refuse(what) {
  throw new DOMException(`${what} could not be cloned`, "DataCloneError");
}

function cloneError(error, seen) {
  const Type = Object.hasOwn(ERRORS, error.name) ? ERRORS[error.name] : Error;
  const copy = new Type(`${error.message}`);
  seen.set(error, copy);
  if (Object.hasOwn(error, "cause")) copy.cause = clone(error.cause, seen);
  if (typeof error.stack === "string") {
    Object.defineProperty(copy, "stack", {
      value: error.stack,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}

function cloneView(view, seen) {
  const buffer = clone(view.buffer, seen);
  if (view instanceof DataView) return new DataView(buffer, view.byteOffset, view.byteLength);
  const Type = Object.getPrototypeOf(view).constructor;
  return new Type(buffer, view.byteOffset, view.length);
}

function clone(value, seen) {
  if (typeof value === "function") refuse(`Function '${value.name}'`);
  if (typeof value === "symbol") refuse("A symbol");
  if (value === null || typeof value !== "object") return value;
  const known = seen.get(value);
  if (known !== undefined) return known;
  const inCell = valueOfCell(value);
  if (inCell !== undefined) return clone(inCell.value, seen);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  if (Array.isArray(value)) {
    const copy = keep(new Array(value.length));
    for (const key of Object.keys(value)) copy[key] = clone(value[key], seen);
    return copy;
  }
  if (core.isDate(value)) return keep(new Date(value.getTime()));
  if (core.isRegExp(value)) return keep(new RegExp(value.source, value.flags));
  if (core.isMap(value)) {
    const copy = keep(new Map());
    for (const [key, item] of value) copy.set(clone(key, seen), clone(item, seen));
    return copy;
  }
  if (core.isSet(value)) {
    const copy = keep(new Set());
    for (const item of value) copy.add(clone(item, seen));
    return copy;
  }
  if (value instanceof ArrayBuffer) return keep(value.slice(0));
  if (ArrayBuffer.isView(value)) return keep(cloneView(value, seen));
  if (core.isNativeError(value)) return cloneError(value, seen);
  if (core.isBoxedPrimitive(value)) return keep(Object(value.valueOf()));
  if (core.isPromise(value)) refuse("A Promise");
  if (core.isWeakMap(value) || core.isWeakSet(value)) refuse("A weak collection");
  const copy = keep({});
  for (const key of Object.keys(value)) {
    Object.defineProperty(copy, key, {
      value: clone(value[key], seen),
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return copy;
}

export function structuredClone(...args) {
  if (args.length === 0) throw new TypeError("structuredClone needs a value");
  return clone(args[0], new Map());
}
