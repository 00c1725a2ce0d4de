// Values as text for people: console lines and thrown values.
//
// Owns the formatting. Never throws, never runs a getter of a charm's object
// unguarded, and is bounded in depth, in entries per level and in length.

import { core } from "ext:ck/host.js";

const MAX_DEPTH = 4;
const MAX_ENTRIES = 100;
const MAX_STRING = 10000;
const MAX_TEXT = 8192;

// Set by cells.js: tells what a cell, a stream or a read value shows as.
let describeCell = () => undefined;

/** Lets the cell layer name its own objects; see `describe` in cells.js. */
export function setCellDescriber(describe) {
  describeCell = describe;
}

/** `text` cut to `max` characters, with a note of how many are left out. */
export function clip(text, max = MAX_TEXT) {
  return text.length <= max ? text : `${text.slice(0, max)}... (${text.length - max} more)`;
}

// What steers a terminal or turns the direction of text; line ends and tabs stay.
const STEERING =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|\r(?!\n)/g;

/** Text for people as it is, with what would steer their terminal written out. */
export function printable(text) {
  return text.replace(
    STEERING,
    (found) => `\\u${found.codePointAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** Runs `f`; gives `otherwise` when it throws. */
export function guarded(f, otherwise) {
  try {
    return f();
  } catch {
    return otherwise;
  }
}

function quote(text) {
  return JSON.stringify(clip(text, MAX_STRING));
}

function showKey(key) {
  if (typeof key === "symbol") return `[${String(key)}]`;
  return /^[A-Za-z_$][\w$]*$/.test(key) ? key : quote(key);
}

class Formatter {
  #seen = [];
  // Work left: a wide tree within the depth limit must still end soon.
  #budget = 2000;

  constructor(maxDepth = MAX_DEPTH) {
    this.maxDepth = maxDepth;
  }

  show(value, depth = 0) {
    if (this.#budget-- <= 0) return "...";
    switch (typeof value) {
      case "string":
        return depth === 0 ? value : quote(value);
      case "bigint":
        return `${value}n`;
      case "symbol":
        return String(value);
      case "function":
        return guarded(() => this.#showFunction(value), "[Function]");
      case "object":
        return value === null ? "null" : guarded(() => this.#showObject(value, depth), "[object]");
      default:
        return Object.is(value, -0) ? "-0" : String(value);
    }
  }

  #showFunction(f) {
    const name = typeof f.name === "string" && f.name !== "" ? `: ${clip(f.name, 80)}` : "";
    return /^class\b/.test(Function.prototype.toString.call(f))
      ? `[class${name}]`
      : `[Function${name}]`;
  }

  #showObject(value, depth) {
    if (this.#seen.includes(value)) return "[Circular]";
    this.#seen.push(value);
    try {
      const cell = describeCell(value, (inner) => this.show(inner, depth + 1));
      if (cell !== undefined) return cell;
      if (core.isNativeError(value)) return showError(value);
      if (depth >= this.maxDepth) return Array.isArray(value) ? "[Array]" : "[Object]";
      return this.#showContents(value, depth);
    } finally {
      this.#seen.pop();
    }
  }

  #showContents(value, depth) {
    if (Array.isArray(value)) return this.#list("[", this.#items(value, value.length, depth), "]");
    if (value instanceof Date) {
      return Number.isNaN(Date.prototype.getTime.call(value))
        ? "Invalid Date"
        : value.toISOString();
    }
    if (value instanceof RegExp) return RegExp.prototype.toString.call(value);
    if (core.isPromise(value)) return "Promise {}";
    if (ArrayBuffer.isView(value)) {
      const head = `${value.constructor.name}(${value.byteLength}) `;
      return value instanceof DataView
        ? head.trim()
        : head + this.#list("[", this.#items(value, value.length, depth), "]");
    }
    if (value instanceof ArrayBuffer) return `ArrayBuffer(${value.byteLength})`;
    if (value instanceof Map)
      return `Map(${value.size}) ` + this.#list("{", this.#pairs(value, depth), "}");
    if (value instanceof Set)
      return (
        `Set(${value.size}) ` + this.#list("{", this.#items([...value], value.size, depth), "}")
      );
    if (value instanceof URL) return value.href;
    const name = value.constructor?.name;
    const head =
      typeof name === "string" && name !== "Object" && name !== "" ? `${clip(name, 80)} ` : "";
    return head + this.#list("{", this.#properties(value, depth), "}");
  }

  #items(list, length, depth) {
    const shown = [];
    for (let i = 0; i < length && i < MAX_ENTRIES; i++) shown.push(this.show(list[i], depth + 1));
    if (length > MAX_ENTRIES) shown.push(`... ${length - MAX_ENTRIES} more`);
    return shown;
  }

  #pairs(map, depth) {
    const shown = [];
    for (const [key, value] of map) {
      if (shown.length === MAX_ENTRIES) {
        shown.push(`... ${map.size - MAX_ENTRIES} more`);
        break;
      }
      shown.push(`${this.show(key, depth + 1)} => ${this.show(value, depth + 1)}`);
    }
    return shown;
  }

  #properties(value, depth) {
    const keys = Reflect.ownKeys(value).filter((key) =>
      guarded(() => Object.prototype.propertyIsEnumerable.call(value, key), false),
    );
    const shown = keys.slice(0, MAX_ENTRIES).map((key) => {
      const property = Object.getOwnPropertyDescriptor(value, key);
      const text =
        property && !("value" in property) ? "[Getter]" : this.show(property?.value, depth + 1);
      return `${showKey(key)}: ${text}`;
    });
    if (keys.length > MAX_ENTRIES) shown.push(`... ${keys.length - MAX_ENTRIES} more`);
    return shown;
  }

  #list(open, shown, close) {
    if (shown.length === 0) return open + close;
    const line = shown.join(", ");
    const pad = open === "{" ? " " : "";
    return open + pad + line + pad + close;
  }
}

/** `value` in one piece of text; a string stays as it is. */
export function inspect(value, depth = MAX_DEPTH) {
  return clip(new Formatter(depth).show(value));
}

const HIDDEN_FRAME = /\((?:ext|ck|node):|\bat (?:async )?(?:ext|ck|node):|\(native\)|\bat native\b/;

/** The lines of a stack that name places in the charm's own files. */
export function cleanStack(stack) {
  return stack
    .split("\n")
    .filter((line) => /^\s*at /.test(line) && !HIDDEN_FRAME.test(line))
    .map((line) => `    ${line.trim()}`)
    .join("\n");
}

function readText(read, max) {
  const value = guarded(read, undefined);
  return typeof value === "string" ? clip(value, max) : undefined;
}

function showError(error) {
  const { name, message, stack } = describeThrown(error);
  const head = message === "" ? name : `${name}: ${message}`;
  return stack === "" ? head : `${head}\n${stack}`;
}

function isError(value) {
  return guarded(
    () => core.isNativeError(value) || value instanceof Error || value instanceof DOMException,
    false,
  );
}

/**
 * What was thrown, as `{ name, message, stack }` of strings. Safe for values of
 * any shape: throwing getters, revoked proxies, primitives, huge texts.
 */
export function describeThrown(value) {
  if (!isError(value)) {
    const shown = guarded(
      () => clip(new Formatter(2).show(value), 4000),
      "a value that cannot be read",
    );
    return {
      name: "",
      message: `The charm threw ${typeof value === "string" ? quote(clip(value, 3900)) : shown}, which is not an Error`,
      stack: "",
    };
  }
  const name =
    readText(() => value.name, 200) ?? readText(() => value.constructor.name, 200) ?? "Error";
  const message = readText(() => value.message, 4000) ?? "";
  let stack = cleanStack(readText(() => value.stack, 16000) ?? "");
  const cause = guarded(() => value.cause, undefined);
  if (cause !== undefined && cause !== value) {
    const inner = isError(cause)
      ? `${readText(() => cause.name, 200) ?? "Error"}: ${readText(() => cause.message, 2000) ?? ""}`
      : guarded(() => inspect(cause, 1), "");
    stack += `${stack === "" ? "" : "\n"}Caused by ${clip(inner, 2000)}`;
  }
  return { name, message, stack };
}
