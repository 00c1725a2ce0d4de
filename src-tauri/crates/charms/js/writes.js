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
// Those of the list element whose callback runs now.
let collected = null;

const NONE = () => [];

/**
 * Remembers a derived value of the pattern's body that the compiler says writes;
 * `inner` gives those that it has made, as a list does for its elements.
 */
export function noteEffect(handle, { effect }, inner = NONE) {
  if (effect === undefined) return handle;
  if (run.evaluating > 0) {
    // What runs later, inside another derived value, runs many times.
    noteOnce(
      `The derived value at ${effect} is made inside another one: what it writes is written only when its value is read. Make it in the pattern's body`,
    );
    return handle;
  }
  if (collected !== null || run.phase === "setup")
    (collected ?? effects).push({ handle, place: effect, inner, reads: null, turns: 0 });
  return handle;
}

/** The derived values that write among what `body` makes. */
export function collectEffects(body) {
  const outer = collected;
  const mine = (collected = []);
  try {
    body();
  } finally {
    collected = outer;
  }
  return mine;
}

/** True while code runs that builds: a pattern's body, or a list's callback for it. */
export function isBuilding() {
  return run.evaluating === 0 && (collected !== null || run.phase === "setup");
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

function runDue(list) {
  for (const effect of list) {
    if (run.error !== null) return;
    if (effect.reads === null || !effect.reads.every(isUnchanged)) turn(effect);
    runDue(effect.inner());
  }
}

/** Runs those that are due; true when one of them wrote or sent something. */
export function runEffects() {
  const before = changes() + eventsSent();
  runDue(effects);
  return run.error === null && changes() + eventsSent() !== before;
}
