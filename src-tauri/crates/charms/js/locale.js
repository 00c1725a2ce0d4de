// toLocaleString and Intl, where the engine's own are stubs.
//
// Owns their place on the prototypes and in Intl. What they do is in
// lazy/locale.js, which is read when a charm first asks: most never do, and a
// run should not pay for it at its start.

import { ops } from "ext:ck/host.js";
import { noteOnce } from "ext:ck/run_state.js";

const evaluate = globalThis.eval;
const { Temporal } = globalThis;
let formats = null;

function load() {
  formats ??= evaluate(ops.op_ck_lazy("locale"))({ Temporal, note: noteOnce });
  return formats;
}

const dateMethods = {
  toLocaleString(locales, options) {
    return load().dateAndTime(dateOf(this), locales, options);
  },
  toLocaleDateString(locales, options) {
    return load().date(dateOf(this), locales, options);
  },
  toLocaleTimeString(locales, options) {
    return load().time(dateOf(this), locales, options);
  },
};

const numberMethods = {
  toLocaleString(locales, options) {
    return load().number(Number.prototype.valueOf.call(this), locales, options);
  },
};

const bigIntMethods = {
  toLocaleString(locales, options) {
    return load().number(BigInt.prototype.valueOf.call(this), locales, options);
  },
};

function dateOf(value) {
  return new Date(Date.prototype.getTime.call(value));
}

function define(target, methods) {
  for (const [name, value] of Object.entries(methods))
    Object.defineProperty(target, name, { value, configurable: true, writable: true });
}

/** Puts the formats in place. */
export function installLocale() {
  define(Date.prototype, dateMethods);
  define(Number.prototype, numberMethods);
  define(BigInt.prototype, bigIntMethods);
  for (const name of ["DateTimeFormat", "NumberFormat", "PluralRules", "RelativeTimeFormat"]) {
    const place = (value) =>
      Object.defineProperty(Intl, name, { value, configurable: true, writable: true });
    Object.defineProperty(Intl, name, {
      get() {
        const Class = load().classes[name];
        // As in browsers, these two can be called without `new`.
        const value = /Format$/.test(name) && name !== "RelativeTimeFormat" ? callable(Class) : Class;
        place(value);
        return value;
      },
      set: place,
      configurable: true,
    });
  }
}

function callable(Class) {
  return new Proxy(Class, { apply: (_, __, args) => new Class(...args) });
}
