// Derived values that are there for what they write: `computed(() => { a.set(..) })`.
//
// Owns when they run: after the handlers have settled, again when something that
// they read has changed, until nothing changes any more. The compiler says which
// ones write. What they write belongs to the run. One that throws is told in the
// log and changes nothing else; one that never comes to rest fails the run.

import { failWith, noteOnce, run } from "ext:ck/run_state.js";
import { describeThrown } from "ext:ck/inspect.js";
import { unwrap } from "ext:ck/cells.js";
import { changes, isUnchanged, watchReads } from "ext:ck/replica.js";
import { eventsSent } from "ext:ck/streams.js";

// As often as one may run in a run of the charm.
const MAX_TURNS = 50;

const effects = [];

/** Remembers a derived value of the pattern's body that the compiler says writes. */
export function noteEffect(handle, { effect }) {
  // Bodies that run later, such as those of a list's elements, run many times.
  if (effect !== undefined && run.phase === "setup" && run.evaluating === 0)
    effects.push({ handle, place: effect, reads: null, turns: 0 });
  return handle;
}

function turn(effect) {
  if (++effect.turns > MAX_TURNS) {
    failWith(
      "restless",
      `The derived value at ${effect.place} writes something new each time it runs: it was stopped after ${MAX_TURNS} times. Let it look before it writes, or use a handler`,
    );
    return;
  }
  effect.reads = watchReads(() => {
    try {
      unwrap(effect.handle);
    } catch (error) {
      const { message } = describeThrown(error);
      noteOnce(`The derived value at ${effect.place} threw, so what it writes is missing: ${message}`);
    }
  });
}

/** Runs those that are due; true when one of them wrote or sent something. */
export function runEffects() {
  const before = changes() + eventsSent();
  for (const effect of effects) {
    if (run.error !== null) return false;
    if (effect.reads === null || !effect.reads.every(isUnchanged)) turn(effect);
  }
  return changes() + eventsSent() !== before;
}
