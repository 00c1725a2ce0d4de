// The door to the host, and the intrinsics that the report depends on.
//
// Owns the references to deno_core and to the few built-ins that are used after
// the charm's code has run. A charm can tamper with prototypes and so spoil its
// own run; it cannot make the report say something else by accident, because
// what writes the report uses these copies. Never exposes `core` to a charm.

const { core } = globalThis.Deno;

export { core };
export const ops = core.ops;

export const parseJson = JSON.parse;
export const toJson = JSON.stringify;
export const PromiseCtor = Promise;

/** One macrotask turn: everything that is ready to run has run when it ends. */
export function turn() {
  return new PromiseCtor((resolve) => {
    core.createTimer(resolve, 0, undefined, false, true, true);
  });
}

/** Text without unpaired surrogates, which JSON readers outside refuse. */
export function wellFormed(text) {
  return text.isWellFormed() ? text : text.toWellFormed();
}
