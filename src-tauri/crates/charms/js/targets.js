// What a cell handle stands for, and how to find it.
//
// Owns the three kinds of target: a place in a document, a cell that this
// charm's code made (its document gets its name when it is first needed), and a
// value that is computed from others. Never changes a document.

import { ops, toJson } from "ext:ck/host.js";
import { job, noteOnce, run } from "ext:ck/run_state.js";
import { changes, prepareDocument, resolve, watching } from "ext:ck/replica.js";
import { isView, nodeOf, originOf } from "ext:ck/views.js";

const targets = new WeakMap();

/** Remembers what a handle stands for. */
export function bindTarget(handle, target) {
  targets.set(handle, target);
}

/** The target of a handle; undefined when `value` is not a handle. */
export function targetOf(value) {
  return targets.get(value);
}

export function isHandle(value) {
  return targets.has(value);
}

/**
 * How the members of a value are read: `{ kind, items, props }` with `kind`
 * "cell", "plain" or "stream". A name alone stands for `{ kind }`.
 */
export function specOf(spec) {
  return typeof spec === "string" ? { kind: spec } : spec;
}

/** How a member of what `spec` describes is read. */
export function memberSpec(spec, key) {
  if (spec === undefined) return undefined;
  return specOf(/^\d+$/.test(key) ? (spec.items ?? spec.props?.[key]) : spec.props?.[key]);
}

/** A place in a document. */
export class Place {
  constructor(space, id, path, spec) {
    this.space = space;
    this.id = id;
    this.path = path;
    this.spec = spec;
  }

  child(key) {
    return new Place(this.space, this.id, [...this.path, key], memberSpec(this.spec, key));
  }

  locate(mode) {
    return resolve(this.space, this.id, this.path, mode);
  }
}

/**
 * A cell made by `new Cell(..)`. `slot.cause` is the name from `.for(..)`, or
 * else the position in the order of creation, so that the document keeps its
 * name from run to run. `slot.stored(home)` gives the first value as it is
 * stored.
 */
export class Made {
  constructor(slot, path = [], spec = undefined) {
    this.slot = slot;
    this.path = path;
    this.spec = spec;
  }

  child(key) {
    return new Made(this.slot, [...this.path, key], memberSpec(this.spec, key));
  }

  locate(mode) {
    return resolve(job.current.space, nameSlot(this.slot), this.path, mode);
  }
}

/** The id of a made cell's document; `id` where the piece already has one for it. */
export function nameSlot(slot, id = undefined) {
  if (slot.id === null) {
    const { space } = job.current;
    slot.id = id ?? internalId(slot.cause ?? slot.order);
    prepareDocument(space, slot.id, (doc) => {
      if (doc !== null && Object.hasOwn(doc, "value")) return doc;
      const value = slot.stored({ space, id: slot.id });
      return value === undefined ? doc : { ...doc, value };
    });
  }
  return slot.id;
}

/** The id of a document that belongs to this piece (space-protocol.md section 6). */
export function internalId(cause) {
  const piece = job.current.piece.replace(/^of:/, "");
  return ops.op_ck_entity_id(toJson({ parent: { "/": piece }, type: "internal", cause }));
}

class Circular extends Error {
  name = "Error";
}

/** What `read` gives; `otherwise` when that is being worked out at this moment. */
export function unlessCircular(read, otherwise) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Circular) return otherwise;
    throw error;
  }
}

/** A value that a function computes; kept until a document changes. */
export class Formula {
  #compute;
  #busy = false;
  #known = null;

  constructor(compute) {
    this.#compute = compute;
  }

  value() {
    const known = this.#known;
    const watch = watching();
    if (known === null || known.changes !== changes() || (watch !== 0 && known.watch !== watch))
      this.#known = this.#run();
    if ("error" in this.#known) throw this.#known.error;
    return this.#known.value;
  }

  #run() {
    if (this.#busy) throw new Circular("A derived value depends on itself");
    this.#busy = true;
    run.evaluating++;
    const at = changes();
    const watch = watching();
    try {
      let value = this.#compute();
      if (value instanceof Promise) {
        noteOnce(
          "A function given to derive, computed or lift is async: its result counts as undefined",
        );
        value = undefined;
      }
      return { changes: at, watch, value };
    } catch (error) {
      return { changes: at, watch, error };
    } finally {
      run.evaluating--;
      this.#busy = false;
    }
  }
}

/** A value that does not change, as a formula. */
export class Constant {
  #value;

  constructor(value) {
    this.#value = value;
  }

  value() {
    return this.#value;
  }
}

/** What a formula gives, or a path below that. */
export class Computed {
  constructor(formula, path = [], spec = undefined) {
    this.formula = formula;
    this.path = path;
    this.spec = spec;
  }

  child(key) {
    return new Computed(this.formula, [...this.path, key], memberSpec(this.spec, key));
  }

  /** A resolved place, or `{ computed }` when the value is not in a document. */
  locate(mode) {
    return this.formula.isSelf
      ? unlessCircular(() => this.#find(mode), { computed: undefined })
      : this.#find(mode);
  }

  #find(mode) {
    let value = this.formula.value();
    for (let i = 0; ; i++) {
      const rest = this.path.slice(i);
      const target = targetOf(value);
      if (target !== undefined) return rest.reduce((t, key) => t.child(key), target).locate(mode);
      const origin = isView(value) ? originOf(value) : undefined;
      if (origin !== undefined)
        return resolve(origin.space, origin.id, [...origin.path, ...rest], mode);
      if (rest.length === 0 || value === null || value === undefined) {
        return { computed: rest.length === 0 ? value : undefined };
      }
      value = value[rest[0]];
    }
  }
}

function listOf({ space, id, path }) {
  const { node } = resolve(space, id, path.slice(0, -1), "read");
  return Array.isArray(node) ? node : [];
}

/**
 * An element that stands in its list itself, not in a document of its own, and was
 * handed over: when the list has moved on, it is the value that it was.
 */
export class Held extends Computed {
  // `held` is shared by the element and its members: what it was when last seen.
  constructor(view, path = [], spec = undefined, held = undefined) {
    super(new Constant(view), path, spec);
    this.view = view;
    this.held = held ?? { last: view, length: listOf(originOf(view)).length };
  }

  child(key) {
    return new Held(this.view, [...this.path, key], memberSpec(this.spec, key), this.held);
  }

  locate(mode) {
    const origin = originOf(this.view);
    const list = listOf(origin);
    const there = list[Number(origin.path.at(-1))];
    if (there === nodeOf(this.view) || list.length >= this.held.length) {
      this.held.last = there;
      return super.locate(mode);
    }
    return { computed: this.path.reduce((value, key) => value?.[key], this.held.last) };
  }
}
