// One run: from the charm's entry module to the report.
//
// Owns the order of a run, what counts as complete, and the report. A run is
// complete when the handlers have settled, every request that the charm started
// has settled, and what followed from them has run. Timers do not count: a
// charm may leave an interval running. `start` never rejects and never hands a
// value of the charm to the host: a thrown value becomes text here.

import { core, ops, PromiseCtor, toJson, turn, wellFormed } from "ext:ck/host.js";
import { fail, failWith, job, log, noteOnce, run, whenFailed } from "ext:ck/run_state.js";
import { describeThrown } from "ext:ck/inspect.js";
import { collectChanges } from "ext:ck/diff.js";
import { failedCalls } from "ext:ck/calls.js";
import { abandonRequests, requestsSettled, requestsUnderWay } from "ext:ck/fetch.js";
import { dispatch, handlersRunning, handlersSettled, isStream, streamIn } from "ext:ck/streams.js";
import { runEffects } from "ext:ck/writes.js";
import { waitingTimeouts } from "ext:ck/timers.js";
import { factoryOf } from "ext:ck/builders.js";
import { inspectPiece, setUp, warmUp } from "ext:ck/piece.js";

// Promise -> reason, for rejections that nobody has handled yet.
const unhandled = new Map();

/** Makes deno_core hand over what no code of the charm caught. */
export function catchStrayErrors() {
  core.setReportExceptionCallback((error) => fail("exception", error));
  core.setUnhandledPromiseRejectionHandler((promise, reason) => {
    unhandled.set(promise, reason);
    return true;
  });
  core.setHandledPromiseRejectionHandler((promise) => {
    // Handled late, for instance by an `await` that came second: no failure.
    unhandled.delete(promise);
  });
}

function failOnUnhandled() {
  for (const [, reason] of unhandled) {
    fail("rejection", reason);
    return;
  }
}

/** Fulfils when nothing of the charm's work is left, or the run has failed. */
async function complete() {
  const failed = new PromiseCtor((resolve) => whenFailed(resolve));
  for (let quiet = 0; quiet < 2 && run.error === null;) {
    if (handlersRunning() > 0 || requestsUnderWay() > 0) {
      quiet = 0;
      await PromiseCtor.race([failed, PromiseCtor.all([handlersSettled(), requestsSettled()])]);
    }
    await PromiseCtor.race([failed, turn()]);
    quiet = handlersRunning() > 0 || requestsUnderWay() > 0 ? 0 : quiet + 1;
    // Nothing is under way: derived values that write have their turn.
    if (quiet === 2 && run.error === null && runEffects()) quiet = 0;
  }
  failOnUnhandled();
  if (run.error !== null) {
    abandonRequests();
  } else if (waitingTimeouts() > 0) {
    noteOnce(
      `${waitingTimeouts()} timer(s) still waited when the run was complete, so what they were for was not done; await them if it matters`,
      "info",
    );
  }
}

async function runUpdater(outputs) {
  const { stream: name, event } = job.current;
  if (name === "") {
    log("info", "This charm has no bgUpdater: there is nothing to do in the background");
    await complete();
    return;
  }
  // An event that another charm sent names the document.
  const stream = name.startsWith("of:") ? streamIn(job.current.space, name) : outputs[name];
  if (stream === undefined) {
    failWith(
      "no-bg-updater",
      `The charm has no output "${name}", so there is nothing to run in the background`,
    );
  } else if (!isStream(stream)) {
    failWith(
      "not-a-stream",
      `The charm's output "${name}" is not a stream: it must be what a handler or an action gives`,
    );
  } else {
    warmUp();
    dispatch(stream, event);
    await complete();
  }
}

async function namespaceOf(entry) {
  return typeof entry === "string" ? await import(entry) : entry;
}

async function perform(entry) {
  const namespace = await namespaceOf(entry);
  const found = Object.hasOwn(namespace, "default") ? factoryOf(namespace.default) : undefined;
  if (found === undefined) {
    failWith("no-default-export", "The charm's main file has no default export that is a pattern");
    return null;
  }
  const outputs = setUp(found);
  if (job.current.action === "inspect") {
    failOnUnhandled();
    return inspectPiece(outputs, found.meta);
  }
  await runUpdater(outputs);
  return null;
}

// Changes leave one by one, so that the whole of a large run is never one text.
// The host forgets them when the report says that the run failed after all.
function report(inspection) {
  if (run.error === null && job.current.action !== "inspect") {
    try {
      collectChanges((change) => {
        const json = toJson(change);
        ops.op_ck_change(json, json.length);
      });
    } catch (error) {
      fail("exception", error);
    }
  }
  if (run.error !== null) {
    for (const key of ["name", "message", "stack"]) run.error[key] = wellFormed(run.error[key]);
  }
  return toJson({
    ending: run.error === null ? "ok" : "error",
    error: run.error,
    inspection: run.error === null ? inspection : null,
    calls_failed: failedCalls(),
  });
}

/**
 * Runs the charm whose entry module is given, by its specifier or as its
 * namespace; fulfils with the report as JSON text.
 */
export async function start(entry) {
  let inspection = null;
  try {
    inspection = await perform(entry);
  } catch (error) {
    fail("exception", error);
  }
  try {
    return report(inspection);
  } catch (error) {
    const { name, message, stack } = describeThrown(error);
    log("error", `The report could not be written: ${message}`);
    return toJson({
      ending: "error",
      error: { kind: "exception", name, message, stack },
      inspection: null,
      calls_failed: 0,
    });
  }
}
