// wish: finding other charms by tag.
//
// Owns the two forms of the call and the reading of a query. Who matches is the
// host's answer; the first candidate is the one that the person, or the host's
// rule, chose.

import { ops, parseJson, toJson } from "ext:ck/host.js";
import { job } from "ext:ck/run_state.js";
import { derived, makeHandle, unwrap } from "ext:ck/cells.js";
import { Place } from "ext:ck/targets.js";

const answers = new Map();

/** Asks the host once per run for the same thing. */
function ask(query, scope) {
  const question = toJson({ query, scope });
  let answer = answers.get(question);
  if (answer === undefined) {
    answer = parseJson(ops.op_ck_wish(question));
    answers.set(question, answer);
  }
  return answer;
}

function failed(error) {
  return { result: undefined, candidates: [], error };
}

/** `{ result, candidates, error }` for `{ query, path, scope }`. */
function grant({ query, path = [], scope }) {
  if (typeof query !== "string" || query === "")
    return failed("A wish needs a query such as #googleAuth");
  if (/^#now(\/\d+)?$/.test(query)) {
    // A background run is one moment: the clock does not tick within it.
    const now = job.current.now_ms;
    return { result: now, candidates: [now], error: undefined };
  }
  const [tag, ...steps] = query.startsWith("#") ? query.split("/") : [query];
  const { candidates, error } = ask(tag, scope);
  const found = candidates.map((place) =>
    makeHandle(
      new Place(place.space, place.id, [...(place.path ?? []), ...steps, ...path].map(String)),
    ),
  );
  return found.length === 0
    ? failed(error ?? `Nothing matches ${tag}`)
    : { result: found[0], candidates: found, error: undefined };
}

/**
 * `wish({ query })` gives a cell of `{ result, candidates, error }`; the older
 * `wish("#tag")` gives the result itself.
 */
export function wish(target) {
  const answer = derived(() => {
    const asked = unwrap(target);
    return grant(typeof asked === "string" ? { query: asked } : (asked ?? {}));
  });
  return typeof target === "string" ? answer.key("result") : answer;
}
