// Streams: where events go, and the queue that brings them to handlers.
//
// Owns the Stream objects and which document stands for which. The handlers of
// one charm run in one run; a send inside a handler is queued until that
// handler gives way for the first time. An event for another charm's stream is
// handed to the host, which runs that charm's own code; this run goes on while
// it does, and is not complete before it has.

import { ops, parseJson, PromiseCtor, toJson } from "ext:ck/host.js";
import { fail, failWith, job, log, run } from "ext:ck/run_state.js";
import { causeOfStream } from "ext:ck/causes.js";
import { forget, prepareDocument } from "ext:ck/replica.js";
import { internalId } from "ext:ck/targets.js";
import { setStreamShower } from "ext:ck/views.js";

// As many events as one run may send. A stream that sends to itself without end
// would otherwise go on until its time or its memory is used up.
const MAX_EVENTS = 10_000;

// Stream -> { invoke(event), place: { space, id, path: [] } | null, cause, name }.
const details = new WeakMap();
const byDocument = new Map();
// Streams of the pattern's body that have no document yet.
const waiting = new Set();
const named = new Set();
const running = new Set();

// Events that stand for none: `send()`.
const blank = new WeakSet();

function blankEvent() {
  const event = {};
  blank.add(event);
  return event;
}

/** True for what a handler gets when nothing was sent; it has no form to hold it against. */
export function isBlank(event) {
  return blank.has(event);
}

export class Stream {
  /** Accepted and ignored: a stream is named by the output that it is. */
  for() {
    return this;
  }

  /** Queues an event; `onCommit(tx)` is called when its handler has settled. */
  send(event, onCommit) {
    if (run.phase !== "run")
      throw new Error("Events can be sent by handlers only, not while the charm is set up");
    if (!details.has(this)) throw new TypeError("Cannot send to a stream without a handler");
    dispatch(this, event ?? blankEvent(), onCommit);
  }

  get [Symbol.toStringTag]() {
    return "Stream";
  }
}

export function isStream(value) {
  return details.has(value);
}

/** A stream whose events go to `invoke(event)`; `name` is what the source calls it. */
export function makeStream(invoke, name) {
  const stream = new Stream();
  details.set(stream, { invoke, place: null, cause: causeOfStream(), name });
  if (run.phase === "setup") waiting.add(stream);
  return stream;
}

/** Says which document stands for a stream of this charm, and the output that it is. */
export function nameStream(stream, place, output) {
  const known = details.get(stream);
  known.place = place;
  known.name = output ?? known.name;
  waiting.delete(stream);
  named.add(place.id);
  byDocument.set(`${place.space} ${place.id}`, stream);
}

/** Where a stream is; one that is no output gets a document when it is first asked for. */
export function placeOfStream(stream) {
  const known = details.get(stream);
  if (known.place === null) {
    const place = { space: job.current.space, id: internalId(known.cause), path: [] };
    prepareDocument(place.space, place.id, (doc) => doc ?? { value: { $stream: true } });
    nameStream(stream, place);
  }
  return known.place;
}

/** Ids of the documents that stand for this charm's streams. */
export function streamsNamed() {
  return [...named];
}

/** This charm's stream that a document stands for, or undefined. */
export function streamIn(space, id) {
  const key = `${space} ${id}`;
  // Another run may have stored a stream that this one has not named yet.
  if (!byDocument.has(key)) waiting.forEach(placeOfStream);
  return byDocument.get(key);
}

/** The stream whose document is at a resolved place. */
export function streamAt({ entry }) {
  const known = streamIn(entry.space, entry.id);
  if (known !== undefined) return known;
  const foreign = new Stream();
  const place = { space: entry.space, id: entry.id, path: [] };
  details.set(foreign, { invoke: null, place, cause: null, name: undefined });
  byDocument.set(`${place.space} ${place.id}`, foreign);
  return foreign;
}

setStreamShower(streamAt);

/** True for the value that stands for a stream in a document. */
export function isStreamMarker(node) {
  return node !== null && typeof node === "object" && node.$stream === true;
}

/** Brings an event to another charm; its failure is that charm's, not this run's. */
async function sendAway({ space, id }, event) {
  let answer;
  try {
    answer = parseJson(await ops.op_ck_send(toJson({ space, id, event })));
  } catch (error) {
    answer = { error: `${error?.message ?? error}`, changed: [] };
  }
  // What the other charm wrote is read anew.
  forget(answer.changed);
  if (answer.error === null) return { status: "done" };
  log("warn", `An event for another charm was not handled: ${answer.error}`);
  return { status: "error", error: new Error(answer.error) };
}

/** What an error calls a stream. */
function spoken(stream) {
  const { name, place } = details.get(stream);
  if (name !== undefined) return `"${name}"`;
  return place === null ? "a stream without a name" : `the stream ${place.id}`;
}

let sent = 0;

/** Ends a run that sends without end; throws, so that the sender's loop ends too. */
function countEvent(stream) {
  if (++sent <= MAX_EVENTS) return;
  const message = `The charm sent ${MAX_EVENTS} events in one run and was stopped; the last went to ${spoken(stream)}. A handler that sends to its own stream, or two that send to each other, need a condition that ends it: look whether something is left to do before sending`;
  failWith("endless", message);
  throw new Error(message);
}

/** Counts the events of the run. */
export function eventsSent() {
  return sent;
}

/** Runs the stream's handler in a turn of its own. */
export function dispatch(stream, event, onCommit) {
  countEvent(stream);
  const { invoke, place } = details.get(stream);
  const settled = PromiseCtor.resolve().then(async () => {
    if (invoke === null) return await sendAway(place, event);
    try {
      await invoke(event);
      return { status: "done" };
    } catch (error) {
      fail("exception", error);
      return { status: "error", error };
    }
  });
  const done = settled
    .then((status) => {
      running.delete(done);
      if (typeof onCommit === "function") return onCommit({ status: () => status });
      return undefined;
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
