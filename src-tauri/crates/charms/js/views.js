// What a charm gets when it reads: read-only snapshots of documents.
//
// Owns them and the memory of where each one came from, which is what lets a
// read value be written back as a link, and a derived value be written through
// to its origin. A subtree without links is the document's own node, frozen;
// one with links is a proxy that follows them when an element is touched,
// loading list elements in batches. Never writes.

import { isLink, readLink } from "ext:ck/links.js";
import { changes, isLoaded, loadAll, nextEpoch, peek, resolve, watching } from "ext:ck/replica.js";

const BATCH = 128;

// node -> whether it holds a link; known for every node that was handed out.
const linksIn = new WeakMap();
// Nested node of a frozen subtree -> { parent, key }.
const parents = new WeakMap();
// Root of a frozen subtree, or proxy -> { space, id, path, ref }.
const origins = new WeakMap();
// Proxy -> the node it shows.
const nodes = new WeakMap();
// node -> { view, changes } of the proxy that shows it, valid for that count of
// changes.
const shown = new WeakMap();

let streamAt = () => undefined;

/** Says how a document that stands for a stream is shown. */
export function setStreamShower(show) {
  streamAt = show;
}

function readOnly(what) {
  return new TypeError(
    `A value read from a cell cannot be changed (${what}): write to the cell, or copy the value first, as in [...list] or {...object}`,
  );
}

// Lists of a snapshot are arrays with these methods in front: sorting gives a
// sorted copy, the others say what to do instead.
const listMethods = Object.create(Array.prototype);
for (const name of ["push", "pop", "shift", "unshift", "splice", "fill", "copyWithin"]) {
  Object.defineProperty(listMethods, name, {
    value() {
      throw readOnly(name);
    },
    configurable: true,
  });
}
for (const name of ["sort", "reverse"]) {
  Object.defineProperty(listMethods, name, {
    value(...args) {
      return Array.from(this)[name](...args);
    },
    configurable: true,
  });
}

/** True when the node holds a link. Freezes every subtree without one. */
function scan(node) {
  const known = linksIn.get(node);
  if (known !== undefined) return known;
  if (isLink(node)) return true;
  let found = false;
  const keys = Object.keys(node);
  for (const key of keys) {
    const child = node[key];
    if (child !== null && typeof child === "object" && scan(child)) found = true;
  }
  linksIn.set(node, found);
  if (!found) {
    for (const key of keys) {
      const child = node[key];
      if (child !== null && typeof child === "object") parents.set(child, { parent: node, key });
    }
    if (Array.isArray(node)) Object.setPrototypeOf(node, listMethods);
    Object.freeze(node);
  }
  return found;
}

/** True when `value` is a snapshot, or part of one. */
export function isView(value) {
  return nodes.has(value) || linksIn.has(value);
}

/** The node behind a snapshot. */
export function nodeOf(view) {
  return nodes.get(view) ?? view;
}

/** Where a snapshot came from: `{ space, id, path, ref }`, or undefined. */
export function originOf(value) {
  const below = [];
  for (let node = value; node !== undefined;) {
    const origin = origins.get(node);
    if (origin !== undefined) {
      return below.length === 0
        ? origin
        : { ...origin, path: [...origin.path, ...below], ref: null };
    }
    const up = parents.get(node);
    if (up === undefined) return undefined;
    below.unshift(up.key);
    node = up.parent;
  }
  return undefined;
}

/** Loads the documents of the links around `from`: first those after it. */
export function prefetch(list, from, home) {
  const places = [];
  const consider = (i) => {
    if (!isLink(list[i])) return;
    const target = readLink(list[i], home);
    if (!isLoaded(target.space, target.id)) places.push(target);
  };
  for (let i = from; i < list.length && places.length < BATCH; i++) consider(i);
  for (let i = from - 1; i >= 0 && places.length < BATCH; i--) consider(i);
  loadAll(places);
}

class ViewHandler {
  // `moment`: the epoch that the snapshot shows and the count of changes then.
  // `cells`: which members are shown as cells; see `snapshot`.
  constructor(node, place, moment, cells) {
    this.node = node;
    this.place = place;
    this.moment = moment;
    this.cells = cells;
  }

  #fill(target, key) {
    const value = this.#member(this.node[key], key);
    if (key === "__proto__")
      Object.defineProperty(target, key, {
        value,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    else target[key] = value;
  }

  #member(child, key) {
    const { entry, path } = this.place;
    const cells = this.cells?.below(key);
    if (cells?.make !== undefined) return cells.make(child, entry, [...path, key]);
    if (child === null || typeof child !== "object") return child;
    if (!isLink(child))
      return show(child, { entry, path: [...path, key] }, null, this.moment, cells);
    const link = readLink(child, entry);
    if (cells === undefined && !link.redirect && link.path.length === 0) {
      // The usual case, an element that was shown before, without the rest.
      const node = peek(link.space, link.id, this.moment.changes);
      if (linksIn.get(node) === false && origins.get(node)?.ref) return node;
    }
    if (Array.isArray(this.node) && !isLoaded(link.space, link.id))
      prefetch(this.node, Number(key), entry);
    const found = resolve(link.space, link.id, link.path, "read", this.moment.at);
    if (found.node?.$stream === true) return streamAt(found);
    return show(found.node, found, link.redirect ? found.ref : link, this.moment, cells);
  }

  #need(target, key) {
    if (Object.hasOwn(target, key) || typeof key !== "string") return;
    if (Object.hasOwn(this.node, key)) this.#fill(target, key);
  }

  get(target, key) {
    this.#need(target, key);
    return target[key];
  }

  has(target, key) {
    return Object.hasOwn(this.node, key) || key in target;
  }

  ownKeys() {
    return Reflect.ownKeys(this.node);
  }

  getOwnPropertyDescriptor(target, key) {
    this.#need(target, key);
    return Reflect.getOwnPropertyDescriptor(target, key);
  }

  set(target, key) {
    throw readOnly(`setting "${String(key)}"`);
  }

  defineProperty(target, key) {
    throw readOnly(`setting "${String(key)}"`);
  }

  deleteProperty(target, key) {
    throw readOnly(`deleting "${String(key)}"`);
  }

  setPrototypeOf() {
    throw readOnly("changing its prototype");
  }

  preventExtensions() {
    throw readOnly("freezing it");
  }
}

/** Shows a node that stands at `place` (`{ entry, path }`). */
function show(node, place, ref, moment, cells) {
  if (node === null || typeof node !== "object") return node;
  const origin = { space: place.entry.space, id: place.entry.id, path: place.path, ref };
  const hasLinks = scan(node);
  if (!hasLinks && cells === undefined) {
    if (ref !== null || !(origins.has(node) || parents.has(node))) origins.set(node, origin);
    return node;
  }
  const known = cells === undefined ? shown.get(node) : undefined;
  if (known !== undefined && known.changes === moment.changes) return known.view;
  const target = Array.isArray(node)
    ? Object.setPrototypeOf(new Array(node.length), listMethods)
    : {};
  const view = new Proxy(target, new ViewHandler(node, place, moment, cells));
  nodes.set(view, node);
  origins.set(view, origin);
  if (cells === undefined) shown.set(node, { view, changes: moment.changes });
  return view;
}

/**
 * The snapshot of a resolved place (see `resolve` in replica.js). `cells` says
 * which members are cells: `cells.below(key)` is the same for a member, or
 * undefined when none is below it; one that has `make(node, entry, path)` is
 * what that makes.
 */
export function snapshot({ entry, path, node, ref }, cells) {
  if (node === null || typeof node !== "object") return node;
  // What is watched is shown anew, so that the reads behind it are seen.
  const watch = watching();
  const count = watch === 0 ? changes() : -watch;
  return show(node, { entry, path }, ref, { at: nextEpoch(), changes: count }, cells);
}
