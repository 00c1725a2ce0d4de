// One instance of a charm: its inputs, its outputs, its documents.
//
// Owns the set-up of the pattern and the description of the instance that is
// stored when a charm is added: the result document with redirect links, a
// document per stream, a document per cell of the pattern's body.

import { job, run } from "ext:ck/run_state.js";
import { guarded } from "ext:ck/inspect.js";
import { handleWith } from "ext:ck/bindings.js";
import { callBody } from "ext:ck/builders.js";
import { handlerFrame } from "ext:ck/causes.js";
import { cellsMade, makeHandle, unwrap, valueAt } from "ext:ck/cells.js";
import { structuredClone } from "ext:ck/clone.js";
import { isLink, readLink, writeLink } from "ext:ck/links.js";
import { load, loadAll, prepareDocument } from "ext:ck/replica.js";
import { storeInitial } from "ext:ck/store.js";
import { isStream, nameStream, placeOfStream, streamsNamed } from "ext:ck/streams.js";
import {
  Computed,
  Constant,
  internalId,
  isHandle,
  Made,
  nameSlot,
  Place,
  targetOf,
} from "ext:ck/targets.js";

/** Data, as opposed to cells, streams, rendered elements and tools. */
function isPlain(value) {
  if (value === null || typeof value !== "object" || isHandle(value) || isStream(value))
    return false;
  return value.type !== "vnode" && typeof value.pattern !== "function";
}

/** `stored` with what is missing taken from `defaults`, at every depth of objects. */
function withDefaults(stored, defaults) {
  if (stored === undefined) return structuredClone(defaults);
  const both = [stored, defaults].every(
    (value) => value !== null && typeof value === "object" && !Array.isArray(value),
  );
  if (!both || "/" in stored) return stored;
  const merged = { ...stored };
  for (const key of Object.keys(defaults)) merged[key] = withDefaults(stored[key], defaults[key]);
  return merged;
}

function prepareArgument(defaults) {
  const { space, argument } = job.current;
  prepareDocument(space, argument, (doc) => {
    const value = withDefaults(doc?.value, defaults);
    return { ...doc, value: value ?? {} };
  });
}

/**
 * A piece that was made elsewhere says in its result document which cells its
 * outputs are. A cell of the body that is such an output is that one, whatever
 * the maker's own counting of cells was.
 */
function bindOutputs(outputs) {
  const { space, result } = job.current;
  const stored = load(space, result).current?.value;
  if (stored === null || typeof stored !== "object") return;
  for (const key of Object.keys(outputs)) {
    const value = guarded(() => outputs[key], undefined);
    const target = isHandle(value) && isLink(stored[key]) ? targetOf(value) : undefined;
    if (!(target instanceof Made) || target.path.length > 0) continue;
    const link = readLink(stored[key], HOME());
    if (link.space === space && link.path.length === 0) nameSlot(target.slot, link.id);
  }
}

/** Gives every stream among the outputs the document that stands for it. */
function nameStreams(value, path) {
  if (isStream(value)) {
    const { space } = job.current;
    nameStream(
      value,
      { space, id: internalId({ stream: ["__patternResult", ...path] }), path: [] },
      path.join("."),
    );
  } else if (isPlain(value) && path.length < 4) {
    for (const key of Object.keys(value))
      nameStreams(
        guarded(() => value[key], undefined),
        [...path, key],
      );
  }
}

/** Runs the pattern's body; gives its outputs by name. */
export function setUp({ body, defaults, specs }) {
  const { space, argument, result: resultId, run: runId } = job.current;
  prepareArgument(defaults);
  const inputs = new Place(space, argument, []);
  const keys = () => Object.keys(valueAt(inputs) ?? {});
  const self = makeHandle(new Place(space, resultId, []));
  const input = (key) => handleWith(makeHandle(inputs.child(key)), specs?.[key]);
  const made = callBody(body, input, keys, self);
  run.phase = "run";
  handlerFrame(runId);
  const outputs = outputsOf(made);
  if (job.current.adopted === true) bindOutputs(outputs);
  nameStreams(outputs, []);
  return outputs;
}

/** The outputs of a body that returned an object, or another pattern's result. */
function outputsOf(made) {
  if (!isHandle(made)) return isPlain(made) ? made : { value: made };
  const target = targetOf(made);
  const inner =
    target instanceof Computed && target.formula instanceof Constant && target.path.length === 0
      ? target.formula.value()
      : made;
  return isPlain(inner)
    ? inner
    : Object.fromEntries(Object.keys(made).map((key) => [key, made[key]]));
}

/** Loads the documents of the piece in one question. */
export function warmUp() {
  const { space, argument } = job.current;
  loadAll([{ space, id: argument }, ...cellsMade().map((slot) => ({ space, id: nameSlot(slot) }))]);
}

function kindOf(value) {
  if (isStream(value)) return "stream";
  if (isHandle(value)) return targetOf(value) instanceof Computed ? "derived" : "cell";
  if (
    typeof value === "function" ||
    (value !== null && typeof value === "object" && !isPlain(value))
  )
    return "derived";
  return "plain";
}

const HOME = () => ({ space: job.current.space, id: job.current.result });

/** An output as the result document holds it; undefined when it is not stored. */
function storedOutput(value) {
  if (isStream(value)) return writeLink(placeOfStream(value), HOME());
  if (isHandle(value)) {
    const target = targetOf(value);
    if (target instanceof Place) return writeLink(target, HOME(), true);
    if (target instanceof Made)
      return writeLink(
        { space: job.current.space, id: nameSlot(target.slot), path: target.path },
        HOME(),
        true,
      );
    return target.formula instanceof Constant
      ? storedOutput(target.path.reduce((v, key) => v?.[key], target.formula.value()))
      : undefined;
  }
  if (kindOf(value) === "derived") return undefined;
  if (!isPlain(value)) return value === undefined ? undefined : storeInitial(value, HOME());
  if (Array.isArray(value)) return value.map((item) => storedOutput(item) ?? null);
  const stored = {};
  for (const key of Object.keys(value)) {
    const item = key.startsWith("$") ? undefined : storedOutput(value[key]);
    if (item !== undefined) stored[key] = item;
  }
  return stored;
}

/** What is stored when the charm is added; see the report of run.js. */
export function inspectPiece(outputs, { tags = [] }) {
  const { space, argument, result } = job.current;
  const value = storedOutput(outputs);
  const kinds = {};
  for (const key of Object.keys(outputs))
    if (!key.startsWith("$")) kinds[key] = kindOf(outputs[key]);
  const documents = [
    { id: result, doc: { value, argument: writeLink({ space, id: argument, path: [] }, HOME()) } },
  ];
  const cells = cellsMade().map((slot) => {
    const id = nameSlot(slot);
    return { id, doc: { value: slot.stored({ space, id }) } };
  });
  // Streams that are in a cell's first value have their names by now.
  for (const id of streamsNamed()) documents.push({ id, doc: { value: { $stream: true } } });
  documents.push(...cells.filter(({ doc }) => doc.value !== undefined));
  const name = guarded(() => unwrap(outputs.$NAME), undefined);
  return { name: typeof name === "string" ? name : null, tags, outputs: kinds, documents };
}
