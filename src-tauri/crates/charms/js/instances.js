// The elements of a list whose callback does something: writes, sends, or makes
// derived values that do.
//
// Owns which elements have had their callback called: once for each, again when
// what the callback itself read has changed. An element is known by the document
// it is in, else by its place in the list. Cells that the callback makes are named
// after the element, so that they are the same ones in the next run.

import { frameOfList } from "ext:ck/causes.js";
import { makeHandle } from "ext:ck/cells.js";
import { isUnchanged, noteReads, watchReads } from "ext:ck/replica.js";
import { Place, targetOf } from "ext:ck/targets.js";
import { collectEffects } from "ext:ck/writes.js";

/** The name of an element, and the cell that is it wherever its list moves it. */
function identify(element, i) {
  const found = targetOf(element).locate("read");
  if ("computed" in found) return { name: `${i}`, cell: element };
  const { space, id } = found.entry;
  const inline = targetOf(element).locate("write");
  const linked = inline.entry?.id !== id || inline.path.length !== found.path.length;
  return {
    name: [id, ...found.path].join("/"),
    cell: linked ? makeHandle(new Place(space, id, found.path, targetOf(element).spec)) : element,
  };
}

export class Instances {
  #known = new Map();
  #frame = frameOfList();

  /** `make(element, i)` is the callback; `byIndex`: it looks at the index. */
  constructor(make, byIndex) {
    this.make = make;
    this.byIndex = byIndex;
  }

  /** What the callback gives for each of the elements, in their order. */
  all(elements) {
    const before = this.#known;
    this.#known = new Map();
    return elements.map((element, i) => {
      const { name, cell } = identify(element, i);
      let key = this.byIndex ? `${i} ${name}` : name;
      while (this.#known.has(key)) key += "'";
      const known = before.get(key);
      const instance = known?.reads.every(isUnchanged) ? known : this.#made(key, cell, i);
      this.#known.set(key, instance);
      noteReads(instance.reads);
      if (instance.failed) throw instance.error;
      return instance.made;
    });
  }

  #made(key, cell, i) {
    const instance = { made: undefined, failed: false, error: undefined, reads: [], effects: [] };
    instance.reads = watchReads(() => {
      instance.effects = collectEffects(() => {
        try {
          instance.made = this.#frame(key, () => this.make(cell, i));
        } catch (error) {
          instance.failed = true;
          instance.error = error;
        }
      });
    });
    return instance;
  }

  /** The effects of the elements that are in the list now. */
  effects() {
    return [...this.#known.values()].flatMap((instance) => instance.effects);
  }
}
