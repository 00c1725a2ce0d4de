// URL and URLSearchParams (URL standard), parsed by the host.
//
// Owns the objects and the form encoding. Never resolves a name.

import { ops, parseJson } from "ext:ck/host.js";
import { decodeUtf8, encodeUtf8 } from "ext:ck/text.js";

/** The parts of `href`, or null when it is not a valid URL. */
export function parseUrl(href, base = "") {
  const parts = ops.op_ck_url_parse(href, base);
  return parts === "" ? null : parseJson(parts);
}

function encodeForm(text) {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()~]|%20/g, (found) =>
    found === "%20" ? "+" : `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function decodeForm(text) {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    // Not UTF-8, or a stray percent sign: decode what can be decoded.
    const bytes = [];
    for (let i = 0; i < spaced.length; i++) {
      const hex = spaced[i] === "%" ? spaced.slice(i + 1, i + 3) : "";
      if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
        bytes.push(Number.parseInt(hex, 16));
        i += 2;
      } else {
        const character = String.fromCodePoint(spaced.codePointAt(i));
        bytes.push(...encodeUtf8(character));
        i += character.length - 1;
      }
    }
    return decodeUtf8(Uint8Array.from([0xef, 0xbb, 0xbf, ...bytes]));
  }
}

function parsePairs(query) {
  return query
    .split("&")
    .filter((part) => part !== "")
    .map((part) => {
      const at = part.indexOf("=");
      return at < 0
        ? [decodeForm(part), ""]
        : [decodeForm(part.slice(0, at)), decodeForm(part.slice(at + 1))];
    });
}

function pairsOf(init) {
  if (init === undefined || init === null) return [];
  if (typeof init !== "object" && typeof init !== "function") {
    const text = `${init}`;
    return parsePairs(text.startsWith("?") ? text.slice(1) : text);
  }
  if (typeof init[Symbol.iterator] === "function") {
    return Array.from(init, (pair) => {
      const items = [...pair];
      if (items.length !== 2) throw new TypeError("Each query pair must be a [name, value] tuple");
      return [`${items[0]}`, `${items[1]}`];
    });
  }
  return Object.keys(init).map((key) => [key, `${init[key]}`]);
}

// The URL whose query a URLSearchParams is, told through the module so that
// nothing is added to the public constructor.
const owners = new WeakMap();
let changed = () => {};

export class URLSearchParams {
  #pairs;

  constructor(init) {
    this.#pairs = pairsOf(init);
  }

  #update() {
    const owner = owners.get(this);
    if (owner) changed(owner, this.toString());
  }

  static reset(params, query) {
    params.#pairs = parsePairs(query.startsWith("?") ? query.slice(1) : query);
  }

  get size() {
    return this.#pairs.length;
  }

  append(name, value) {
    this.#pairs.push([`${name}`, `${value}`]);
    this.#update();
  }

  delete(name, value) {
    this.#pairs = this.#pairs.filter(
      ([n, v]) => n !== `${name}` || (value !== undefined && v !== `${value}`),
    );
    this.#update();
  }

  get(name) {
    return this.#pairs.find(([n]) => n === `${name}`)?.[1] ?? null;
  }

  getAll(name) {
    return this.#pairs.filter(([n]) => n === `${name}`).map(([, v]) => v);
  }

  has(name, value) {
    return this.#pairs.some(
      ([n, v]) => n === `${name}` && (value === undefined || v === `${value}`),
    );
  }

  set(name, value) {
    const key = `${name}`;
    const at = this.#pairs.findIndex(([n]) => n === key);
    if (at < 0) {
      this.#pairs.push([key, `${value}`]);
    } else {
      this.#pairs[at] = [key, `${value}`];
      this.#pairs = this.#pairs.filter(([n], i) => i <= at || n !== key);
    }
    this.#update();
  }

  sort() {
    this.#pairs.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    this.#update();
  }

  forEach(callback, thisArg) {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  *entries() {
    for (let i = 0; i < this.#pairs.length; i++) yield [...this.#pairs[i]];
  }

  *keys() {
    for (const [name] of this.entries()) yield name;
  }

  *values() {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  toString() {
    return this.#pairs.map(([name, value]) => `${encodeForm(name)}=${encodeForm(value)}`).join("&");
  }

  get [Symbol.toStringTag]() {
    return "URLSearchParams";
  }
}

const resetParams = URLSearchParams.reset;
delete URLSearchParams.reset;

export class URL {
  #parts;
  #params = null;

  constructor(url, base) {
    const text = `${url}`;
    this.#parts = parseUrl(text, base === undefined ? "" : `${base}`);
    if (this.#parts === null) throw new TypeError(`Invalid URL: '${text}'`);
  }

  static canParse(url, base) {
    return parseUrl(`${url}`, base === undefined ? "" : `${base}`) !== null;
  }

  static parse(url, base) {
    return URL.canParse(url, base) ? new URL(url, base) : null;
  }

  #set(part, value) {
    const parts = ops.op_ck_url_set(this.#parts.href, part, `${value}`);
    if (parts === "") throw new TypeError(`Invalid URL: '${value}'`);
    this.#parts = parseJson(parts);
    if (this.#params !== null && (part === "search" || part === "href"))
      resetParams(this.#params, this.#parts.search);
  }

  static setQuery(url, query) {
    url.#parts = parseJson(ops.op_ck_url_set(url.#parts.href, "search", query));
  }

  get searchParams() {
    if (this.#params === null) {
      this.#params = new URLSearchParams(this.#parts.search);
      owners.set(this.#params, this);
    }
    return this.#params;
  }

  get origin() {
    return this.#parts.origin;
  }

  get href() {
    return this.#parts.href;
  }

  set href(value) {
    this.#set("href", value);
  }

  static {
    for (const part of [
      "protocol",
      "username",
      "password",
      "host",
      "hostname",
      "port",
      "pathname",
      "search",
      "hash",
    ]) {
      Object.defineProperty(URL.prototype, part, {
        configurable: true,
        enumerable: true,
        get() {
          return this.#parts[part];
        },
        set(value) {
          this.#set(part, value);
        },
      });
    }
  }

  toString() {
    return this.#parts.href;
  }

  toJSON() {
    return this.#parts.href;
  }

  get [Symbol.toStringTag]() {
    return "URL";
  }
}

changed = URL.setQuery;
delete URL.setQuery;
