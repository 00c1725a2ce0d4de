// From what a charm writes to what a document holds.
//
// Owns that conversion: cells and read values become links, objects in a list
// become documents of their own, everything else becomes JSON. What JSON cannot
// hold is refused with the place of it; see `refuse` and `scalar`.

import { ops, toJson, wellFormed } from "ext:ck/host.js";
import { inert, job, noteOnce } from "ext:ck/run_state.js";
import { isLink, readLink, samePlace, writeLink } from "ext:ck/links.js";
import { isLoaded, load, loadAll, markCreated, write } from "ext:ck/replica.js";
import { sameJson } from "ext:ck/diff.js";
import { isView, nodeOf, originOf, prefetch } from "ext:ck/views.js";
import { Constant, isHandle, Made, targetOf } from "ext:ck/targets.js";
import { isStream, placeOfStream } from "ext:ck/streams.js";

// A background run has nothing to show: rendered trees are never stored.
const NOT_STORED = new Set(["$UI", "$TILE_UI", "$CHIP_UI"]);

// Documents travel as JSON, whose readers give up at 128 levels.
const MAX_DEPTH = 100;

const BOXES = [String, Number, Boolean, BigInt, Symbol];

function showPath(path) {
  const text = path
    .map((key) => (/^\d+$/.test(key) ? `[${key}]` : `.${key}`))
    .join("")
    .replace(/^\./, "");
  return text === "" ? "" : ` at ${text}`;
}

function refuse(what, trail) {
  throw new TypeError(`${what} cannot be stored in a cell${showPath(trail)}`);
}

const UNSTORABLE = [
  [Map, "A Map", "an array of pairs"],
  [Set, "A Set", "an array"],
  [WeakMap, "A WeakMap"],
  [WeakSet, "A WeakSet"],
  [Promise, "A Promise", "what it resolves to (is an await missing?)"],
  [RegExp, "A RegExp", "its source"],
  [ArrayBuffer, "An ArrayBuffer", "base64 text"],
  [Error, "An Error", "its message"],
];

function checkObject(value, trail) {
  for (const [Type, name, instead] of UNSTORABLE) {
    if (value instanceof Type) refuse(instead ? `${name} (store ${instead} instead)` : name, trail);
  }
  if (ArrayBuffer.isView(value))
    refuse("A typed array (store an array or base64 text instead)", trail);
}

/** Copies a node into another place: relative links become absolute. */
function copyNode(node, from, home) {
  if (node === null || typeof node !== "object") return node;
  if (isLink(node)) return writeLink(readLink(node, from), home);
  if (Array.isArray(node)) return Array.from(node, (item) => copyNode(item, from, home));
  return Object.fromEntries(
    Object.entries(node).map(([key, item]) => [key, copyNode(item, from, home)]),
  );
}

class Storer {
  #stack = [];

  // `home`: the document that is written, `{ space, id }`. `creates`: a link to
  // a cell that has no document yet makes one.
  constructor(home, creates = true) {
    this.home = home;
    this.creates = creates;
  }

  /** The stored form; undefined when there is nothing to store. */
  value(value, path) {
    if (inert.has(value)) return undefined;
    if (value === null || typeof value !== "object") return this.scalar(value, path);
    if (isHandle(value)) return this.handle(value, path);
    if (isStream(value)) return this.stream(value);
    if (isView(value)) return this.view(value, path);
    if (this.#stack.includes(value)) refuse("An object that contains itself", path);
    if (this.#stack.length >= MAX_DEPTH)
      refuse(`A value that is nested more than ${MAX_DEPTH} levels deep`, path.slice(0, 3));
    this.#stack.push(value);
    try {
      if (typeof value.toJSON === "function")
        return this.value(value.toJSON(path.at(-1) ?? ""), path);
      // `new String("x")` and its like, as JSON has them.
      if (BOXES.some((Box) => value instanceof Box)) return this.scalar(value.valueOf(), path);
      checkObject(value, path);
      if (Array.isArray(value))
        return Array.from(value, (item, i) => this.value(item, [...path, String(i)]) ?? null);
      return this.object(value, path);
    } finally {
      this.#stack.pop();
    }
  }

  scalar(value, path) {
    switch (typeof value) {
      case "string":
        return wellFormed(value);
      case "number":
        if (Number.isFinite(value)) return value;
        // As JSON does; the note keeps it from being a riddle later.
        noteOnce(`${value} was stored as null${showPath(path)}: a cell holds finite numbers only`);
        return null;
      case "bigint":
        return refuse("A BigInt (store text instead)", path);
      case "function":
        return refuse("A function", path);
      case "symbol":
        return refuse("A symbol", path);
      default:
        return value;
    }
  }

  object(value, path) {
    const stored = {};
    for (const key of Object.keys(value)) {
      if (NOT_STORED.has(key)) continue;
      if (key === "__proto__") refuse("A property named __proto__", path);
      const item = this.value(value[key], [...path, key]);
      if (item !== undefined) stored[wellFormed(key)] = item;
    }
    return stored;
  }

  handle(handle, path) {
    const target = targetOf(handle);
    if (target.formula?.isSelf && target.path.length === 0) {
      // It would be stored inside itself: it has no document to link to.
      noteOnce(
        `The link of a nested pattern to itself was left out${showPath(path)}: only the charm itself has a document to link to`,
      );
      return undefined;
    }
    const found = target.locate("write");
    if ("computed" in found) return this.#computed(found.computed, target, path);
    const { entry, node } = found;
    if (this.creates && target instanceof Made) markCreated(entry);
    // A place in a list may hold another element tomorrow: link the element.
    if (isLink(node) && /^\d+$/.test(found.path.at(-1) ?? ""))
      return writeLink(readLink(node, entry), this.home);
    return writeLink({ space: entry.space, id: entry.id, path: found.path }, this.home);
  }

  /** What is in no document is stored as it is now. */
  #computed(value, target, path) {
    const told = this.creates && !(target.formula instanceof Constant) && !`${path.at(-1)}`.startsWith("$");
    if (told) {
      noteOnce(
        `A computed value was stored as it is now${showPath(path)}: it does not follow what it is computed from`,
        "info",
      );
    }
    return this.value(value, path);
  }

  stream(stream) {
    const place = placeOfStream(stream);
    if (this.creates) markCreated(load(place.space, place.id));
    return writeLink(place, this.home);
  }

  /** A read value: a link where a link was read, else a copy. */
  view(view, path) {
    const origin = originOf(view);
    if (origin?.ref) return writeLink(origin.ref, this.home);
    const node = nodeOf(view);
    if (origin === undefined) return copyNode(node, this.home, this.home);
    const stays = samePlace(origin, { ...this.home, path });
    return stays ? node : copyNode(node, origin, this.home);
  }
}

/** The stored form of a value for `path` of the document `home`. */
export function storeValue(value, home, path) {
  return new Storer(home).value(value, path);
}

/** The stored form of a made cell's first value. */
export function storeInitial(value, home) {
  return new Storer(home, false).value(value, []);
}

// What of a list becomes a document of its own: plain objects, and read objects
// that were no links, except those that stay in the list they were read from.
function isElement(value, home, path) {
  if (value === null || typeof value !== "object" || isHandle(value) || isStream(value))
    return false;
  if (isView(value)) {
    const origin = originOf(value);
    const stays =
      origin !== undefined &&
      origin.space === home.space &&
      origin.id === home.id &&
      origin.path.length === path.length + 1 &&
      path.every((key, i) => key === origin.path[i]);
    return !Array.isArray(value) && !origin?.ref && !stays;
  }
  return !Array.isArray(value) && typeof value.toJSON !== "function";
}

// So many elements are looked up together: one question for many, little for each.
const AT_ONCE = 256;

let unnamed = 0;

/** Ids of the documents that a list's elements are in. */
function idsIn(list) {
  return new Set(list.map((node) => (isLink(node) ? node["/"]["link@1"].id : undefined)));
}

/** True when the element that is in the list now has this very content. */
function unchanged(list, index, content, entry) {
  const before = list[index];
  if (before === null || typeof before !== "object") return false;
  if (!isLink(before)) return sameJson(before, content);
  const { space, id, path } = readLink(before, entry);
  if (!isLoaded(space, id)) prefetch(list, index, entry);
  return path.length === 0 && sameJson(load(space, id).current?.value, content);
}

/** Turns values into elements of the list at `path` of a document. */
class ListStorer {
  // Elements that become documents: { slot, key, content, id }.
  #apart = [];
  #taken = new Set();

  /** `stays`: elements that are kept, whose documents must not be written over. */
  constructor(entry, path, stays) {
    this.entry = entry;
    this.path = path;
    this.stays = stays;
    this.home = { space: entry.space, id: entry.id };
    this.storer = new Storer(this.home);
    // What goes into a document of its own has no place in the list's document.
    this.apartStorer = new Storer({ space: entry.space, id: "" });
  }

  /**
   * Puts the stored form of a value into `stored[slot]`, at the latest when
   * `finish` is called; `before` is the list whose element it may stay.
   */
  put(stored, slot, value, index, before) {
    const at = String(index);
    if (!isElement(value, this.home, this.path)) {
      stored[slot] = this.storer.value(value, [...this.path, at]) ?? null;
      return;
    }
    const content = this.apartStorer.value(isView(value) ? { ...value } : value, [at]);
    const named = typeof content.id === "string" && content.id !== "";
    // Without a name of its own an element keeps the document it has, as long
    // as it is the same: a list written anew is then no change.
    if (!named && index < before.length && unchanged(before, index, content, this.entry)) {
      stored[slot] = before[index];
      return;
    }
    const key = named ? content.id : `${job.current.run}:${unnamed++}`;
    this.#apart.push({ slot, key, content, space: this.home.space, id: this.#idOf(key) });
  }

  #idOf(key) {
    return ops.op_ck_keyed_id(
      toJson({ list: this.home.id, space: this.home.space, path: this.path, key }),
    );
  }

  // Two elements with one id are still two elements: the second gets a name of
  // its own. Only a document that exists can be in use by an element that stays.
  #isFree({ space, id }) {
    if (this.#taken.has(id)) return false;
    if (this.stays.length === 0 || load(space, id).current === null) return true;
    this.inUse ??= idsIn(this.stays);
    return !this.inUse.has(id);
  }

  finish(stored) {
    this.#apart.forEach((element, i) => {
      if (i % AT_ONCE === 0) loadAll(this.#apart.slice(i, i + AT_ONCE));
      for (let n = 2; !this.#isFree(element); n++) element.id = this.#idOf(`${element.key}:${n}`);
      const { slot, space, id, content } = element;
      this.#taken.add(id);
      const entry = load(space, id);
      entry.linked = true;
      if (!sameJson(entry.current?.value, content)) write(entry, [], content);
      stored[slot] = writeLink({ space, id, path: [] }, this.home);
      // The document has its content now; a long list needs the room.
      this.#apart[i] = undefined;
    });
    this.#apart = [];
    return stored;
  }
}

/**
 * The stored form of list elements. `before` is the list as it is now; with
 * `add` the values come after its elements, else they take their place.
 */
export function storeList(values, entry, path, before, add = false) {
  const list = new ListStorer(entry, path, add ? before : []);
  const stored = new Array(values.length);
  for (let i = 0; i < values.length; i++) {
    if (add) list.put(stored, i, values[i], before.length + i, []);
    else list.put(stored, i, values[i], i, before);
  }
  return list.finish(stored);
}

/** The stored form of a value that takes the place `index` of a list. */
export function storeElement(value, entry, path, list, index) {
  const storer = new ListStorer(
    entry,
    path,
    list.filter((_, i) => i !== index),
  );
  const stored = [];
  storer.put(stored, 0, value, index, list);
  return storer.finish(stored)[0];
}
