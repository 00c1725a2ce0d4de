// The run's copy of the documents that it has read or written.
//
// Owns loading (one blocking question to the host for a list of documents),
// following links, and copy-on-write: a node of a document is never changed
// once it may have been seen by the charm, so what the charm has read stays as
// it was, unchanged subtrees stay identical (===), and the final comparison
// with the base is cheap. Never decides what a charm may read or write: the
// host does.

import { ops, parseJson, toJson } from "ext:ck/host.js";
import { isLink, readLink } from "ext:ck/links.js";

/**
 * @typedef {object} Entry one document
 * @property {string} space
 * @property {string} id
 * @property {number} version 0 when the host has no such document
 * @property {object|null} base as loaded
 * @property {object|null} current with this run's writes
 * @property {boolean} written true when a handler wrote it
 * @property {boolean} linked true when it was reached through a link, as list elements are
 * @property {{until: number, doc: object|null}[]} history earlier states, for lazy snapshots
 */

// space -> id -> Entry.
const spaces = new Map();
const prepared = new Map();
const MAX_HOPS = 64;
export const NOW = Infinity;

let changeCount = 0;
let epoch = 1;
// Node -> epoch in which this run made it. Only a node made in the current
// epoch can be changed in place: nobody has seen it.
const madeIn = new WeakMap();

/** Counts the writes of the run; derived values are cached per count. */
export function changes() {
  return changeCount;
}

/** Call before a node is handed out: nodes made so far are frozen from now on. */
export function nextEpoch() {
  return ++epoch;
}

const keyOf = (space, id) => `${space} ${id}`;

/**
 * Says how a document changes when it is loaded: `prepare(doc)` gets the stored
 * document or null and gives what the charm sees (an initial value, defaults).
 */
export function prepareDocument(space, id, prepare) {
  prepared.set(keyOf(space, id), prepare);
}

function find(space, id) {
  return spaces.get(space)?.get(id);
}

// Most documents have none: they share this one.
const NO_HISTORY = Object.freeze([]);

function addEntry({ space, id, version, doc }) {
  if (find(space, id) !== undefined) return;
  if (!spaces.has(space)) spaces.set(space, new Map());
  const prepare = prepared.get(keyOf(space, id));
  spaces.get(space).set(id, {
    space,
    id,
    version,
    base: doc,
    current: prepare === undefined ? doc : prepare(doc),
    written: false,
    linked: false,
    history: NO_HISTORY,
    savedIn: 0,
  });
}

// As many documents as are asked for at once.
const MAX_QUESTION = 512;

/**
 * Asks the host for documents. What is larger than one answer may be is refused
 * as a whole, so a refused question is asked again in halves; a document that
 * is refused by itself is the error.
 */
function ask(places) {
  if (places.length > MAX_QUESTION) {
    return [...ask(places.slice(0, MAX_QUESTION)), ...ask(places.slice(MAX_QUESTION))];
  }
  try {
    return parseJson(ops.op_ck_read(toJson(places)));
  } catch (error) {
    if (places.length === 1) throw error;
    const half = places.length >> 1;
    return [...ask(places.slice(0, half)), ...ask(places.slice(half))];
  }
}

/** Loads what is not loaded yet. The host may add more. */
export function loadAll(places) {
  const missing = new Map();
  for (const { space, id } of places) {
    if (find(space, id) === undefined) missing.set(keyOf(space, id), { space, id });
  }
  if (missing.size === 0) return;
  for (const found of ask([...missing.values()])) addEntry(found);
  for (const place of missing.values()) addEntry({ ...place, version: 0, doc: null });
}

export function isLoaded(space, id) {
  return find(space, id) !== undefined;
}

/**
 * The value of a whole document as it was when `changeCount` was `count`, where
 * that is easy to tell; else undefined.
 */
export function peek(space, id, count) {
  const entry = find(space, id);
  // What is to be noted is looked up by the other way.
  if (reads !== null) return undefined;
  if (entry === undefined || (entry.history.length > 0 && count !== changeCount)) return undefined;
  entry.linked = true;
  return entry.current?.value;
}

/** The entry of a document; loads it when needed. */
export function load(space, id) {
  const found = find(space, id);
  if (found !== undefined) return found;
  loadAll([{ space, id }]);
  return find(space, id);
}

/** Drops documents that somebody else wrote; those that this run wrote stay. */
export function forget(places) {
  for (const { space, id } of places) {
    if (find(space, id)?.written !== false) continue;
    spaces.get(space).delete(id);
    changeCount++;
  }
}

/** Entries that handlers wrote. */
export function writtenEntries() {
  return [...spaces.values()].flatMap((entries) =>
    [...entries.values()].filter((entry) => entry.written),
  );
}

function docAt(entry, at) {
  if (at !== NOW) {
    for (const { until, doc } of entry.history) {
      if (until >= at) return doc;
    }
  }
  return entry.current;
}

/** The member of a node that a path step names; undefined when there is none. */
export function member(node, key) {
  if (node === null || node === undefined) return undefined;
  if (key === "length" && (typeof node === "string" || Array.isArray(node))) return node.length;
  return typeof node === "object" && Object.hasOwn(node, key) ? node[key] : undefined;
}

// Where values were read while somebody wants to know, and which time that is:
// what was worked out before is worked out again then, so that its reads count.
let reads = null;
let watches = 0;

/** 0, or the number of the watch that is on. */
export function watching() {
  return reads === null ? 0 : watches;
}

/** The reads that `body` makes, each a place with what was there. */
export function watchReads(body) {
  const outer = reads;
  const mine = (reads = new Map());
  watches++;
  try {
    body();
  } finally {
    reads = outer;
  }
  return [...mine.values()];
}

/** Notes reads that were made before as if they were made now. */
export function noteReads(made) {
  if (reads === null) return;
  for (const { space, id, path, node } of made) noteRead(space, id, path, node);
}

/** Runs `body` without its reads being noted: it looks where to write. */
export function unwatched(body) {
  const outer = reads;
  reads = null;
  try {
    return body();
  } finally {
    reads = outer;
  }
}

function noteRead(space, id, path, node) {
  const key = toJson([space, id, path]);
  // The first look counts: what the reader itself writes is news to it.
  if (!reads.has(key)) reads.set(key, { space, id, path, node });
}

/** True when a place still holds what was read there. */
export function isUnchanged({ space, id, path, node }) {
  const now = resolve(space, id, path, "read").node;
  return now === node || toJson(now) === toJson(node);
}

/**
 * Follows links on the way to a place.
 *
 * At the last step `mode` decides: "read" follows every link, "write" follows
 * redirects only, so that setting a slot with a plain link replaces the link.
 * `at` is the epoch whose state is wanted. Gives `{ entry, path, node, ref }`;
 * `ref` is the target of the plain link at the last step, if there was one.
 */
export function resolve(space, id, path, mode, at = NOW) {
  let ref = null;
  let linked = false;
  for (let hops = 0; hops < MAX_HOPS; hops++) {
    const entry = load(space, id);
    if (linked) entry.linked = true;
    let node = docAt(entry, at)?.value;
    let i = 0;
    while (i < path.length && !isLink(node)) node = member(node, path[i++]);
    if (!isLink(node)) {
      if (reads !== null && mode === "read") noteRead(space, id, path, node);
      return { entry, path, node, ref };
    }
    const target = readLink(node, entry);
    const last = i === path.length;
    if (last && mode === "write" && !target.redirect) return { entry, path, node, ref };
    if (last && !target.redirect) ref ??= { space: target.space, id: target.id, path: target.path };
    linked = !target.redirect;
    space = target.space;
    id = target.id;
    path = target.path.concat(path.slice(i));
  }
  throw new Error(`The links at ${path.join("/")} in ${id} lead round in a circle`);
}

function own(node) {
  if (madeIn.get(node) === epoch) return node;
  const copy = Array.isArray(node) ? node.slice() : { ...node };
  madeIn.set(copy, epoch);
  return copy;
}

function kindOf(node) {
  return isLink(node) ? "a link" : Array.isArray(node) ? "a list" : typeof node;
}

function checkStep(container, key) {
  if (key === "__proto__") throw new TypeError("A cell cannot have a property named __proto__");
  if (
    Array.isArray(container) &&
    !(/^(0|[1-9]\d*)$/.test(key) && Number(key) <= container.length)
  ) {
    throw new TypeError(`A list of ${container.length} has no place "${key}" to write to`);
  }
}

// A new document was not there before: in one epoch that is one history for all.
let absence = { until: 0, history: NO_HISTORY };

function saveState(entry) {
  if (entry.current !== null || entry.history !== NO_HISTORY) {
    entry.history = [...entry.history, { until: epoch, doc: entry.current }];
  } else {
    if (absence.until !== epoch)
      absence = { until: epoch, history: Object.freeze([{ until: epoch, doc: null }]) };
    entry.history = absence.history;
  }
  entry.savedIn = epoch;
}

/** Owns the nodes on the way to `path`, makes missing objects, gives the last container. */
function containerFor(entry, path) {
  if (entry.linked && entry.savedIn !== epoch) saveState(entry);
  entry.current = own(entry.current ?? {});
  let container = entry.current;
  let key = "value";
  for (const next of path) {
    checkStep(container, key);
    const child = container[key] ?? {};
    if (typeof child !== "object" || isLink(child)) {
      throw new TypeError(`Cannot write "${next}": "${key}" holds ${kindOf(child)}, not an object`);
    }
    container = container[key] = own(child);
    key = next;
  }
  checkStep(container, key);
  return { container, key };
}

/** Writes `value` at `path` of a resolved document; undefined removes. */
export function write(entry, path, value) {
  if (entry.current === null && path.length === 0 && value !== undefined) {
    // Most are written once and for all, so nothing is noted about the node.
    if (entry.linked && entry.savedIn !== epoch) saveState(entry);
    entry.current = { value };
    entry.written = true;
    changeCount++;
    return;
  }
  const { container, key } = containerFor(entry, path);
  if (value !== undefined) container[key] = value;
  else if (Array.isArray(container)) container.splice(Number(key), 1);
  else delete container[key];
  entry.written = true;
  changeCount++;
}

/** Adds `values` at the end of the list at `path`. */
export function append(entry, path, values) {
  const { container, key } = containerFor(entry, path);
  const list = (container[key] = own(container[key] ?? []));
  for (const value of values) list.push(value);
  entry.written = true;
  changeCount++;
}

/** Counts a new document as written, so that it is created. */
export function markCreated(entry) {
  if (entry.base === null && !entry.written) {
    entry.written = true;
    changeCount++;
  }
}
