// Streams: where events go, and the queue that brings them to handlers.
//
// Owns the Stream objects and which document stands for which. The handlers of
// one charm run in one run; a send inside a handler is queued until that
// handler gives way for the first time.

import { PromiseCtor } from "ext:ck/host.js";
import { fail, run } from "ext:ck/run_state.js";

// Stream -> { invoke(event), place: { space, id, path: [] } | null, name }.
const details = new WeakMap();
const byDocument = new Map();
const running = new Set();

export class Stream {
  /** Accepted and ignored: a stream is named by the output that it is. */
  for() {
    return this;
  }

  /** Queues an event; `onCommit(tx)` is called when its handler has settled. */
  send(event, onCommit) {
    if (run.phase !== "run")
      throw new Error("Events can be sent by handlers only, not while the charm is set up");
    const { invoke, name } = details.get(this) ?? {};
    if (invoke === undefined)
      throw new Error(`Cannot send to ${name ?? "a stream without a handler"}`);
    dispatch(this, event ?? {}, onCommit);
  }

  get [Symbol.toStringTag]() {
    return "Stream";
  }
}

export function isStream(value) {
  return details.has(value);
}

/** A stream whose events go to `invoke(event)`. */
export function makeStream(invoke) {
  const stream = new Stream();
  details.set(stream, { invoke, place: null, name: null });
  return stream;
}

/** Says which document stands for a stream of this charm. */
export function nameStream(stream, place, name) {
  Object.assign(details.get(stream), { place, name });
  byDocument.set(`${place.space} ${place.id}`, stream);
}

export function placeOfStream(stream) {
  const { place } = details.get(stream);
  if (place === null)
    throw new TypeError("A stream can be stored only when it is one of the charm's outputs");
  return place;
}

/** The stream whose document is at a resolved place. */
export function streamAt({ entry }) {
  const own = byDocument.get(`${entry.space} ${entry.id}`);
  if (own !== undefined) return own;
  const foreign = new Stream();
  details.set(foreign, {
    place: { space: entry.space, id: entry.id, path: [] },
    name: "another charm's stream: a run can send to streams of its own charm only",
  });
  return foreign;
}

/** True for the value that stands for a stream in a document. */
export function isStreamMarker(node) {
  return node !== null && typeof node === "object" && node.$stream === true;
}

/** Runs the stream's handler in a turn of its own. */
export function dispatch(stream, event, onCommit) {
  const handled = PromiseCtor.resolve().then(() => details.get(stream).invoke(event));
  const settled = handled.then(
    () => ({ status: "done" }),
    (error) => {
      fail("exception", error);
      return { status: "error", error };
    },
  );
  const done = settled
    .then((status) => {
      running.delete(done);
      if (typeof onCommit === "function") onCommit({ status: () => status });
    })
    .catch((error) => fail("exception", error));
  running.add(done);
}

/** How many handlers have not settled. */
export function handlersRunning() {
  return running.size;
}

/** Fulfils when the handlers that run now have settled. */
export async function handlersSettled() {
  await PromiseCtor.all([...running]);
}
