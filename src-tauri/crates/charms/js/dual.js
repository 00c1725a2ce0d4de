// Handler state whose kind nobody told: cell and value in one.
//
// Owns that proxy. Its members read as the value's (objects again as such
// proxies), assigning to one writes it, and the methods of cells are there as
// well. Members win over methods of the same name.

import { methods, makeHandle, valueAt } from "ext:ck/cells.js";
import { isStream } from "ext:ck/streams.js";
import { bindTarget } from "ext:ck/targets.js";

// On a list these are the list's own: a handler wants values, not cells.
const LIST_READS = new Set(["map", "filter", "flatMap", "reduce", "findIndex"]);

function isObject(value) {
  return value !== null && typeof value === "object";
}

class DualHandler {
  constructor(target) {
    this.target = target;
  }

  #member(value, key) {
    const member = value[key];
    return isObject(member) && !isStream(member) ? makeDual(this.target.child(key)) : member;
  }

  get(_object, key) {
    const value = valueAt(this.target);
    if (key === Symbol.toPrimitive)
      return (hint) =>
        isObject(value) ? JSON.stringify(value) : hint === "string" ? `${value}` : value;
    if (isObject(value) && Object.hasOwn(value, key) && typeof key === "string") {
      return key === "length" ? value.length : this.#member(value, key);
    }
    if (key === "then" || key === "toJSON") return key === "then" ? undefined : () => value;
    if (typeof key === "string" && key in methods && !(Array.isArray(value) && LIST_READS.has(key)))
      return methods[key];
    const inherited = value?.[key];
    return typeof inherited === "function" ? inherited.bind(value) : inherited;
  }

  set(_object, key, value) {
    methods.set.call(makeHandle(this.target.child(String(key))), value);
    return true;
  }

  deleteProperty(_object, key) {
    methods.set.call(makeHandle(this.target.child(String(key))), undefined);
    return true;
  }

  has(_object, key) {
    const value = valueAt(this.target);
    return (isObject(value) && key in value) || (typeof key === "string" && key in methods);
  }

  ownKeys() {
    const value = valueAt(this.target);
    return isObject(value) ? Reflect.ownKeys(value) : [];
  }

  getOwnPropertyDescriptor(object, key) {
    const value = valueAt(this.target);
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    if (Array.isArray(object) && key === "length")
      return { value: value.length, writable: true, enumerable: false, configurable: false };
    return {
      value: this.#member(value, key),
      writable: true,
      enumerable: true,
      configurable: true,
    };
  }

  defineProperty(object, key, { value }) {
    return this.set(object, key, value);
  }
}

/** Cell and value in one, for a target. */
export function makeDual(target) {
  const object = Array.isArray(valueAt(target)) ? [] : {};
  const dual = new Proxy(object, new DualHandler(target));
  bindTarget(dual, target);
  return dual;
}
