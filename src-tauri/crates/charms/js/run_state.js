// What the parts of one run share: the job, the phase, the first error.
//
// Owns that state and nothing else. There is one run per runtime, so module
// variables are the run's own.

import { ops, parseJson, wellFormed } from "ext:ck/host.js";
import { describeThrown, printable } from "ext:ck/inspect.js";

/** The job as the host gave it; read once, when first asked for. */
export const job = {
  get current() {
    const value = parseJson(ops.op_ck_job());
    Object.defineProperty(job, "current", { value });
    return value;
  },
};

/**
 * `phase`: "module" while the charm's modules are evaluated, "setup" while its
 * pattern's body runs, "run" afterwards. `evaluating`: how many derived values
 * are being computed right now. `error`: the first failure, or null.
 */
export const run = { phase: "module", evaluating: 0, error: null };

/** What is code and not data: patterns, tools. A piece that is stored leaves them out. */
export const inert = new WeakSet();

let onError = () => {};

/** Calls `callback` when the run fails; at most once. */
export function whenFailed(callback) {
  onError = callback;
}

/** Notes that the run failed; the first failure counts. */
export function fail(kind, thrown) {
  if (run.error === null) {
    const { name, message, stack } = describeThrown(thrown);
    run.error = {
      kind,
      name: printable(name),
      message: printable(message),
      stack: printable(stack),
    };
    onError();
  }
}

/** Notes a failure that has no thrown value. */
export function failWith(kind, message) {
  if (run.error === null) {
    run.error = { kind, name: "", message, stack: "" };
    onError();
  }
}

/** A line of the run's log; `level` is debug, info, warn or error. */
export function log(level, text) {
  ops.op_ck_log(level, wellFormed(printable(text)));
}

const noted = new Set();

/** A warning that appears once per run, however often its cause comes up. */
export function noteOnce(text, level = "warn") {
  if (!noted.has(text)) {
    noted.add(text);
    log(level, text);
  }
}
