// The parts of the API that a background run has no use for, or cannot do.
//
// Owns what they answer: language models and reactive fetches stay pending,
// navigation is noted and not followed, user interface helpers give inert
// elements. Each use is noted once in the run's log, so that nobody waits.

import { inert, job, noteOnce } from "ext:ck/run_state.js";
import { takeMeta } from "ext:ck/bindings.js";
import { constant, derived, unwrap } from "ext:ck/cells.js";
import { isHandle } from "ext:ck/targets.js";
import { guarded, inspect } from "ext:ck/inspect.js";
import { h } from "ext:ck/jsx.js";
import { URL } from "ext:ck/url.js";

// What a call has to be given to begin at all; without it, it waits for its input.
const NEEDS = {
  generateObject: ["prompt", "messages"],
  generateText: ["prompt", "messages"],
  llm: ["prompt", "messages"],
  fetchJson: ["url"],
  fetchJsonUnchecked: ["url"],
  fetchText: ["url"],
  fetchBinary: ["url"],
  fetchData: ["url"],
  fetchProgram: ["url"],
  streamData: ["url"],
};

/** True when something that the call begins with is there. */
function begins(name, options) {
  const needs = NEEDS[name];
  if (needs === undefined) return true;
  return needs.some((key) => {
    const given = unwrap(options?.[key]);
    return Array.isArray(given) ? given.length > 0 : Boolean(given);
  });
}

function pending(name) {
  return (options) => {
    noteOnce(`${name} does not run in the background: its result stays pending`, "info");
    return derived(() => {
      const given = isHandle(options) ? unwrap(options) : options;
      const waits = guarded(() => begins(name, given), true);
      return { pending: waits, result: undefined, error: undefined, partial: undefined };
    });
  };
}

const PENDING = [
  "generateObject",
  "generateText",
  "llm",
  "llmDialog",
  "fetchJson",
  "fetchJsonUnchecked",
  "fetchText",
  "fetchBinary",
  "fetchData",
  "fetchProgram",
  "streamData",
  "compileAndRun",
  "cellFromUrl",
  "sqliteQuery",
];

/** The functions that stay pending, by name. */
export const pendingFunctions = Object.fromEntries(PENDING.map((name) => [name, pending(name)]));

/** Opening another charm is for a person at a screen. */
export function navigateTo() {
  noteOnce("navigateTo was called and is not followed: a background run has no screen", "info");
  return constant(false);
}

/** A tool for a language model: a description, nothing to run. */
export function patternTool(pattern, extraParams) {
  const tool = { pattern, extraParams: extraParams ?? {} };
  inert.add(tool);
  return tool;
}

/** A piece shown at a size: an inert element. */
export function uiVariant(piece, kind) {
  return h("cf-render", { $cell: piece, variant: kind });
}

/** Where the charm's server is. */
export function getPatternEnvironment() {
  return Object.freeze({ apiUrl: new URL(job.current.api_url) });
}

/** What the compiler wraps around module-level data: the data itself. */
export function cfData(value) {
  return value;
}

export function toIndentedDebugString(value) {
  return guarded(() => JSON.stringify(unwrap(value), null, 2), undefined) ?? inspect(value);
}

export function toCompactDebugString(value, maxLength = 1000) {
  const text = inspect(value);
  return text.length <= maxLength ? text : `${text.slice(0, maxLength)}...`;
}

/** A schema as it was given. */
export function schema(value) {
  return value;
}

/** The compiler's part; without it a schema says nothing. */
export function toSchema(...args) {
  takeMeta(args);
  return args[0] ?? {};
}
