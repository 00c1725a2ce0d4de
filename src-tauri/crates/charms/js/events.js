// Event, EventTarget, AbortController and AbortSignal (DOM standard).
//
// Owns listeners and abort reasons. A listener that throws makes the run fail,
// as an uncaught exception does on the Web.

import { core } from "ext:ck/host.js";
import { fail } from "ext:ck/run_state.js";

const STOP = Symbol("stop");
const TARGET = Symbol("target");

export class Event {
  #type;
  #cancelable;
  #prevented = false;

  constructor(type, options = {}) {
    this.#type = `${type}`;
    this.#cancelable = Boolean(options.cancelable);
    this.bubbles = Boolean(options.bubbles);
    this.timeStamp = performance.now();
    this[STOP] = false;
    this[TARGET] = null;
  }

  get type() {
    return this.#type;
  }

  get target() {
    return this[TARGET];
  }

  get currentTarget() {
    return this[TARGET];
  }

  get cancelable() {
    return this.#cancelable;
  }

  get defaultPrevented() {
    return this.#prevented;
  }

  preventDefault() {
    if (this.#cancelable) this.#prevented = true;
  }

  stopPropagation() {}

  stopImmediatePropagation() {
    this[STOP] = true;
  }
}

export class CustomEvent extends Event {
  constructor(type, options = {}) {
    super(type, options);
    this.detail = options.detail ?? null;
  }
}

function call(listener, target, event) {
  try {
    if (typeof listener === "function") listener.call(target, event);
    else listener.handleEvent(event);
  } catch (error) {
    fail("exception", error);
  }
}

export class EventTarget {
  #listeners = new Map();

  addEventListener(type, callback, options) {
    if (callback === null || callback === undefined) return;
    const { once = false, signal } = typeof options === "object" && options !== null ? options : {};
    if (signal?.aborted) return;
    const list = this.#listeners.get(`${type}`) ?? [];
    if (list.some((entry) => entry.callback === callback)) return;
    this.#listeners.set(`${type}`, [...list, { callback, once: Boolean(once) }]);
    signal?.addEventListener("abort", () => this.removeEventListener(type, callback), {
      once: true,
    });
  }

  removeEventListener(type, callback) {
    const list = this.#listeners.get(`${type}`);
    if (list)
      this.#listeners.set(
        `${type}`,
        list.filter((entry) => entry.callback !== callback),
      );
  }

  dispatchEvent(event) {
    event[TARGET] = this;
    const handler = this[`on${event.type}`];
    if (typeof handler === "function") call(handler, this, event);
    for (const entry of this.#listeners.get(event.type) ?? []) {
      if (event[STOP]) break;
      // Removed by an earlier listener of this dispatch.
      if (!this.#listeners.get(event.type).includes(entry)) continue;
      if (entry.once) this.removeEventListener(event.type, entry.callback);
      call(entry.callback, this, event);
    }
    return !event.defaultPrevented;
  }
}

let making = false;

export class AbortSignal extends EventTarget {
  #reason;
  #aborted = false;

  constructor() {
    if (!making) throw new TypeError("AbortSignal cannot be constructed; use AbortController");
    super();
    this.onabort = null;
  }

  get aborted() {
    return this.#aborted;
  }

  get reason() {
    return this.#reason;
  }

  throwIfAborted() {
    if (this.#aborted) throw this.#reason;
  }

  static fire(signal, reason) {
    if (signal.#aborted) return;
    signal.#aborted = true;
    signal.#reason =
      reason === undefined ? new DOMException("The operation was aborted", "AbortError") : reason;
    signal.dispatchEvent(new Event("abort"));
  }

  static abort(reason) {
    const signal = newSignal();
    abortSignal(signal, reason);
    return signal;
  }

  static timeout(milliseconds) {
    const signal = newSignal();
    const expire = () =>
      abortSignal(signal, new DOMException("The operation timed out", "TimeoutError"));
    core.createTimer(expire, Number(milliseconds), undefined, false, true, true);
    return signal;
  }

  static any(signals) {
    const all = [...signals];
    const signal = newSignal();
    const first = all.find((one) => one.aborted);
    if (first) {
      abortSignal(signal, first.reason);
      return signal;
    }
    for (const one of all)
      one.addEventListener("abort", () => abortSignal(signal, one.reason), { once: true });
    return signal;
  }
}

const abortSignal = AbortSignal.fire;
delete AbortSignal.fire;

function newSignal() {
  making = true;
  try {
    return new AbortSignal();
  } finally {
    making = false;
  }
}

export class AbortController {
  #signal = newSignal();

  get signal() {
    return this.#signal;
  }

  abort(reason) {
    abortSignal(this.#signal, reason);
  }
}
