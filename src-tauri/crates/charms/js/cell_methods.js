// The methods of cells: reading, writing, lists, comparing.
//
// Owns their meaning. Writes go to the resolved place: redirects are followed,
// a plain link in the place itself is replaced by `set` and followed by
// everything that changes a value (`update`, `push`, `key(..).set`).

import { ops, PromiseCtor, toJson } from "ext:ck/host.js";
import { run } from "ext:ck/run_state.js";
import { isLink, readLink, samePlace, writeLink } from "ext:ck/links.js";
import { append, member, resolve, unwatched, write } from "ext:ck/replica.js";
import { sameJson } from "ext:ck/diff.js";
import { isView, nodeOf, originOf, prefetch } from "ext:ck/views.js";
import { storeElement, storeList, storeValue } from "ext:ck/store.js";
import { isStreamMarker, streamAt } from "ext:ck/streams.js";
import { Computed, Made, Place, targetOf } from "ext:ck/targets.js";
import { derived, makeHandle, methods, unwrap, valueAt } from "ext:ck/cells.js";

function target(handle) {
  const found = targetOf(handle);
  if (found === undefined)
    throw new TypeError("This method belongs to a cell: call it as cell.method(..)");
  return found;
}

/** The resolved place that a write goes to. */
function writable(of, mode) {
  if (run.phase !== "run")
    throw new Error("Cells are written by handlers only, not while the charm is set up");
  const found = unwatched(() => of.locate(mode));
  if (!("computed" in found)) return found;
  throw new TypeError(
    "This value is computed from other cells and cannot be written: write to the cell it is computed from, or make it a cell of its own with new Writable(..)",
  );
}

/** The stored form of what is written to a place. */
function storedAt(value, entry, path, node) {
  const home = { space: entry.space, id: entry.id };
  if (value === undefined) return undefined;
  // A list that was read is taken over as it is: its links need not be loaded.
  if (Array.isArray(value) && !isView(value))
    return storeList(value, entry, path, Array.isArray(node) ? node : []);
  const list = path.slice(0, -1).reduce(member, entry.current?.value);
  return Array.isArray(list) && path.length > 0
    ? storeElement(value, entry, path.slice(0, -1), list, Number(path.at(-1)))
    : storeValue(value, home, path);
}

function assign(of, value) {
  if (of instanceof Made && of.slot.id === null && run.phase !== "run" && of.path.length === 0) {
    // In the pattern's body a cell has no document yet: this is its first value.
    of.slot.initial = value;
    return;
  }
  const { entry, path, node } = writable(of, "write");
  if (isView(value)) {
    const origin = originOf(value);
    if (
      origin !== undefined &&
      samePlace(origin, { space: entry.space, id: entry.id, path }) &&
      nodeOf(value) === node
    )
      return;
  }
  const stored = storedAt(value, entry, path, node);
  if (
    isLink(stored) &&
    samePlace(readLink(stored, entry), { space: entry.space, id: entry.id, path })
  )
    return;
  if (!sameJson(node, stored)) write(entry, path, stored);
}

/** Where what is added to a list goes: a list from elsewhere may have one beside it. */
function addedTo(of) {
  if (!(of instanceof Computed)) return of;
  const { formula, path } = of;
  if (path.length === 0 && formula.beside !== undefined) return targetOf(formula.beside);
  let value = formula.value();
  for (let i = 0; value !== null && value !== undefined; i++) {
    const inner = targetOf(value);
    if (inner !== undefined)
      return addedTo(path.slice(i).reduce((at, key) => at.child(key), inner));
    if (i === path.length) break;
    value = value[path[i]];
  }
  return of;
}

/** The list at a target, for changing it: `{ entry, path, list }`. */
function listAt(of, method) {
  const { entry, path, node } = writable(unwatched(() => addedTo(of)), "read");
  if (node !== undefined && node !== null && !Array.isArray(node)) {
    throw new TypeError(
      `${method} needs a list, and this cell holds ${isStreamMarker(node) ? "a stream" : typeof node}`,
    );
  }
  return { entry, path, list: node ?? [] };
}

/** Where a cell or a read value is, or null. */
function placeOf(value) {
  const of = targetOf(value);
  if (of !== undefined) {
    const found = of.locate("read");
    return "computed" in found
      ? null
      : { space: found.entry.space, id: found.entry.id, path: found.path };
  }
  if (!isView(value)) return null;
  const origin = originOf(value);
  return origin === undefined ? null : { space: origin.space, id: origin.id, path: origin.path };
}

/** True for an object that was neither read nor is a cell. */
function isLoose(value) {
  return (
    value !== null &&
    typeof value === "object" &&
    targetOf(value) === undefined &&
    !isView(value)
  );
}

/** Tells which elements of a stored list are `wanted`. */
function matcher({ entry, path, list }, wanted) {
  const place = wanted !== null && typeof wanted === "object" ? placeOf(wanted) : null;
  if (place !== null) {
    return (node, i) => {
      if (!isLink(node))
        return samePlace(place, { space: entry.space, id: entry.id, path: [...path, String(i)] });
      const link = readLink(node, entry);
      if (samePlace(link, place)) return true;
      const found = resolve(link.space, link.id, link.path, "read");
      return samePlace(place, { space: found.entry.space, id: found.entry.id, path: found.path });
    };
  }
  if (wanted === null || typeof wanted !== "object") return (node) => Object.is(node, wanted);
  const stored = storeValue(wanted, { space: entry.space, id: "" }, []);
  return (node, i) => {
    if (!isLink(node)) return sameJson(node, stored);
    prefetch(list, i, entry);
    const link = readLink(node, entry);
    return sameJson(resolve(link.space, link.id, link.path, "read").node, stored);
  };
}

function removeWhere(handle, method, wanted, all) {
  const at = listAt(target(handle), method);
  const matches = matcher(at, wanted);
  let removed = false;
  const kept = at.list.filter((node, i) => {
    if ((removed && !all) || !matches(node, i)) return true;
    removed = true;
    return false;
  });
  if (removed) write(at.entry, at.path, kept);
}

// Array methods on a handle: in the pattern's body a derived list, whose
// callback gets a handle per element; elsewhere the plain result.
function overList(name, wrapElement) {
  return function (callback, ...rest) {
    const of = target(this);
    const values = () => valueAt(of) ?? [];
    if (run.phase !== "setup" || run.evaluating > 0) return values()[name](callback, ...rest);
    return derived(() => {
      const list = values();
      const items = wrapElement
        ? Array.from(list, (_, i) => makeHandle(of.child(String(i))))
        : list;
      const result = items[name](
        (...args) => {
          const made = callback(...args);
          return name === "filter" ? unwrap(made) : made;
        },
        ...rest,
      );
      return result;
    });
  };
}

Object.assign(methods, {
  get() {
    return valueAt(target(this));
  },

  sample() {
    return valueAt(target(this));
  },

  set(value) {
    const of = target(this);
    if (run.phase === "run" && isStreamTarget(of)) streamAt(of.locate("read")).send(value);
    else assign(of, value);
    return this;
  },

  send(value, onCommit) {
    const of = target(this);
    if (isStreamTarget(of)) streamAt(of.locate("read")).send(value, onCommit);
    else assign(of, value);
  },

  update(values) {
    if (values === null || typeof values !== "object" || Array.isArray(values)) {
      throw new TypeError("update needs an object with the properties to change");
    }
    const of = target(this);
    const { entry, path, node } = writable(of, "read");
    if (node !== undefined && node !== null && (typeof node !== "object" || Array.isArray(node))) {
      throw new TypeError(
        `update needs a cell that holds an object, and this one holds ${Array.isArray(node) ? "a list" : typeof node}`,
      );
    }
    if (node === undefined || node === null) write(entry, path, {});
    for (const key of Object.keys(values))
      assign(new Place(entry.space, entry.id, [...path, key]), values[key]);
    return this;
  },

  push(...values) {
    const { entry, path, list } = listAt(target(this), "push");
    if (values.length > 0) append(entry, path, storeList(values, entry, path, list, true));
  },

  addUnique(...values) {
    for (const value of values) {
      const at = listAt(target(this), "addUnique");
      const matches = matcher(at, value);
      if (!at.list.some(matches)) methods.push.call(this, value);
    }
  },

  remove(value) {
    removeWhere(this, "remove", value, false);
  },

  removeAll(value) {
    removeWhere(this, "removeAll", value, true);
  },

  removeByValue(value) {
    removeWhere(this, "removeByValue", value, true);
  },

  increment(by = 1) {
    if (!Number.isFinite(by) || by === 0)
      throw new TypeError("increment needs a finite number other than 0");
    const { entry, path, node } = writable(target(this), "read");
    if (node !== undefined && typeof node !== "number")
      throw new TypeError(`increment needs a number, and this cell holds ${typeof node}`);
    write(entry, path, (node ?? 0) + by);
  },

  key(...keys) {
    return makeHandle(keys.reduce((of, key) => of.child(String(key)), target(this)));
  },

  elementById(id) {
    const { entry, path } = writable(target(this), "read");
    const element = ops.op_ck_keyed_id(
      toJson({ list: entry.id, space: entry.space, path, key: String(id) }),
    );
    return makeHandle(new Place(entry.space, element, []));
  },

  equals(other) {
    const a = placeOf(this);
    const b = placeOf(other);
    if (a !== null && b !== null) return samePlace(a, b);
    // What is in no document is never the same thing as what is in one.
    if ((a !== null && isLoose(other)) || (b !== null && isLoose(this))) return false;
    return sameJson(unwrap(this), unwrap(other));
  },

  equalLinks(other) {
    const place = (value) => {
      const found = targetOf(value)?.locate("write");
      return found === undefined
        ? placeOf(value)
        : "computed" in found
          ? null
          : { ...found.entry, path: found.path };
    };
    const a = place(this);
    const b = place(other);
    return a !== null && b !== null && samePlace(a, b);
  },

  for(cause) {
    const of = target(this);
    if (of instanceof Made) {
      const { slot } = of;
      if (slot.id !== null)
        throw new Error("for(..) comes too late: this cell has its name already");
      const text = toJson(cause);
      if (text === undefined)
        throw new TypeError("for(..) needs a name: text or another JSON value");
      slot.cause = slot.wrap(cause);
    }
    return this;
  },

  sync() {
    return PromiseCtor.resolve(this);
  },

  sink(callback) {
    callback(valueAt(target(this)));
    return () => {};
  },

  resolveAsCell() {
    const found = target(this).locate("read");
    return "computed" in found
      ? this
      : makeHandle(new Place(found.entry.space, found.entry.id, found.path));
  },

  asSchema() {
    return this;
  },

  withTx() {
    return this;
  },

  /** Where the cell is: `{ id, space, scope, path }`. */
  getAsNormalizedFullLink() {
    const found = target(this).locate("write");
    if ("computed" in found)
      throw new TypeError("A computed value is in no document, so there is no link to it");
    const { space, id } = found.entry;
    return { id, space, scope: "space", path: [...found.path] };
  },

  /** The link to the cell in the wire's form. */
  toJSON() {
    const found = target(this).locate("write");
    if ("computed" in found) return unwrap(found.computed);
    return writeLink(
      { space: found.entry.space, id: found.entry.id, path: found.path },
      { space: "" },
    );
  },

  map: overList("map", true),
  filter: overList("filter", true),
  flatMap: overList("flatMap", true),
  reduce: overList("reduce", false),
  findIndex: overList("findIndex", false),
  mapWithPattern(pattern, params) {
    return methods.map.call(this, (element, index, array) =>
      pattern({ element, index, array, params }),
    );
  },
  filterWithPattern(pattern, params) {
    return methods.filter.call(this, (element, index, array) =>
      pattern({ element, index, array, params }),
    );
  },
  flatMapWithPattern(pattern, params) {
    return methods.flatMap.call(this, (element, index, array) =>
      pattern({ element, index, array, params }),
    );
  },
});

function isStreamTarget(of) {
  const found = of.locate("read");
  return !("computed" in found) && isStreamMarker(found.node);
}
