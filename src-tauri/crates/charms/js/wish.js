// wish: finding other charms by tag, and the well-known lists and places.
//
// Owns the two forms of the call and the reading of a query. Who matches is the
// host's answer; the first candidate is the one that the person, or the host's
// rule, chose.

import { ops, parseJson, toJson } from "ext:ck/host.js";
import { job } from "ext:ck/run_state.js";
import { constant, derived, makeHandle, ownCell, unwrap } from "ext:ck/cells.js";
import { Place, targetOf } from "ext:ck/targets.js";

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

// Lists of charms. The host gives a path to one, or the charms themselves.
const LISTS = ["#favorites", "#mentionable", "#allpieces", "#allcharms"];
// Lists that charms add to. Where no space has one, a charm has its own.
const OWN = ["#pieceregistry", "#recent"];

const placeOf = ({ space, id, path }, steps) =>
  makeHandle(new Place(space, id, [...(path ?? []), ...steps].map(String)));

/** A starred charm as the list of favorites holds it. */
function favorite(candidate) {
  const tags = candidate.tags ?? [];
  return {
    cell: placeOf(candidate, []),
    tag: tags.map((tag) => `#${tag}`).join(" "),
    tags: tags.map((tag) => tag.toLowerCase()),
    userTags: [],
  };
}

/** A list with the elements of a cell of this charm after it; more goes into that cell. */
function withOwn(found, own) {
  const all = derived(() => {
    const count = unwrap(own)?.length ?? 0;
    return [...found, ...Array.from({ length: count }, (_, i) => own.key(i))];
  });
  targetOf(all).formula.beside = own;
  return all;
}

/** The list that the host answered with its elements, or null. */
function listed(key, { candidates, error }) {
  if (error) return null;
  if (OWN.includes(key) && candidates.length === 0) return ownCell([], { wish: key });
  if (!LISTS.includes(key) || candidates.some(({ path }) => path?.length > 0)) return null;
  if (key === "#favorites") return constant(candidates.map(favorite));
  const found = candidates.map((one) => placeOf(one, []));
  // What a charm adds to it is its own, and seen by this charm only.
  return key === "#mentionable" ? withOwn(found, ownCell([], { wish: key })) : constant(found);
}

/** `#tag/a/b` or `/a/b` as the key and the steps below it. */
function split(query) {
  if (query.startsWith("/")) return ["/", ...query.split("/").filter((step) => step !== "")];
  if (!query.startsWith("#")) return [query];
  const [key, ...steps] = query.split("/");
  // A favorite by its tag is what any tag finds.
  return key === "#favorites" && steps.length > 0 ? [`#${steps[0]}`, ...steps.slice(1)] : [key, ...steps];
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
  const [tag, ...below] = split(query.trim());
  const steps = [...below, ...path].map(String);
  const answer = ask(tag, scope);
  const list = listed(tag.toLowerCase(), answer);
  const found =
    list === null
      ? answer.candidates.map((place) => placeOf(place, steps))
      : [steps.length === 0 ? list : list.key(...steps)];
  return found.length === 0
    ? failed(answer.error ?? `Nothing matches ${tag}`)
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
