// The smallest patches that turn what was loaded into what was written.
//
// Owns equality of JSON values and the patches (space-protocol: replace, add,
// remove, splice, append). Never looks at documents that no handler wrote.

import { toJson } from "ext:ck/host.js";
import { writtenEntries } from "ext:ck/replica.js";

const isContainer = (value) => value !== null && typeof value === "object";

/** True when two JSON values are the same, whatever the order of their keys. */
export function sameJson(a, b) {
  if (a === b) return true;
  if (!isContainer(a) || !isContainer(b) || Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a)) {
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameJson(a[i], b[i])) return false;
    return true;
  }
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  for (const key of keys) if (!Object.hasOwn(b, key) || !sameJson(a[key], b[key])) return false;
  return true;
}

const step = (path, key) => `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;

// A list with more separate changes than this is cheaper to replace in one go.
const MAX_SPLICES = 200;

/** Two strings are equal exactly when the values are. */
function fingerprint(value, known) {
  if (!isContainer(value)) return `${typeof value} ${value}`;
  let text = known.get(value);
  if (text === undefined) {
    text = toJson(value, (_, v) =>
      isContainer(v) && !Array.isArray(v)
        ? Object.fromEntries(Object.entries(v).sort(([a], [b]) => (a < b ? -1 : 1)))
        : v,
    );
    known.set(value, text);
  }
  return text;
}

/**
 * Splices for the differing middle of two lists, found in one walk: elements
 * that are gone go, new ones come, those that moved are replaced from there on.
 * Splices are in the order of application, positions as of that moment.
 */
function splices(before, after, start, endBefore, endAfter) {
  const known = new Map();
  const print = (list, i) => fingerprint(list[i], known);
  const count = (list, from, to) => {
    const counts = new Map();
    for (let i = from; i < to; i++)
      counts.set(print(list, i), (counts.get(print(list, i)) ?? 0) + 1);
    return counts;
  };
  const coming = count(after, start, endAfter);
  const going = count(before, start, endBefore);
  const found = [];
  const take = (counts, text) => counts.set(text, counts.get(text) - 1);
  let i = start;
  let j = start;
  while (i < endBefore || j < endAfter) {
    const a = i < endBefore ? print(before, i) : undefined;
    const b = j < endAfter ? print(after, j) : undefined;
    if (a !== undefined && a === b) {
      take(coming, b);
      take(going, a);
      i++;
      j++;
      continue;
    }
    let last = found.at(-1);
    if (last === undefined || last.index + last.add.length !== j) {
      last = { index: j, remove: 0, add: [] };
      found.push(last);
      if (found.length > MAX_SPLICES) return null;
    }
    if (a !== undefined && !(coming.get(a) > 0)) {
      last.remove++;
      take(going, a);
      i++;
    } else if (b !== undefined && !(going.get(b) > 0)) {
      last.add.push(after[j]);
      take(coming, b);
      j++;
    } else {
      last.remove += endBefore - i;
      for (; j < endAfter; j++) last.add.push(after[j]);
      i = endBefore;
    }
  }
  return found;
}

function diffList(before, after, path, patches) {
  let start = 0;
  const shorter = Math.min(before.length, after.length);
  while (start < shorter && sameJson(before[start], after[start])) start++;
  let endBefore = before.length;
  let endAfter = after.length;
  while (
    endBefore > start &&
    endAfter > start &&
    sameJson(before[endBefore - 1], after[endAfter - 1])
  ) {
    endBefore--;
    endAfter--;
  }
  if (start === endBefore && start === endAfter) return;
  if (start === before.length) {
    patches.push({ op: "append", path, values: after.slice(start) });
    return;
  }
  const found = splices(before, after, start, endBefore, endAfter) ?? [
    { index: start, remove: endBefore - start, add: after.slice(start, endAfter) },
  ];
  let best = found.map(({ index, remove, add }) => ({ op: "splice", path, index, remove, add }));
  if (endBefore === endAfter && endAfter - start <= MAX_SPLICES) {
    // As many elements as before: perhaps some were only edited.
    const inPlace = [];
    for (let i = start; i < endAfter; i++) diffNode(before[i], after[i], step(path, i), inPlace);
    if (toJson(inPlace).length < toJson(best).length) best = inPlace;
  }
  patches.push(...best);
}

function diffNode(before, after, path, patches) {
  if (before === after) return;
  const both =
    isContainer(before) && isContainer(after) && Array.isArray(before) === Array.isArray(after);
  if (!both || "/" in before || "/" in after) {
    if (!sameJson(before, after)) patches.push({ op: "replace", path, value: after });
  } else if (Array.isArray(before)) {
    diffList(before, after, path, patches);
  } else {
    for (const key of Object.keys(before)) {
      if (!Object.hasOwn(after, key)) patches.push({ op: "remove", path: step(path, key) });
      else diffNode(before[key], after[key], step(path, key), patches);
    }
    for (const key of Object.keys(after)) {
      if (!Object.hasOwn(before, key))
        patches.push({ op: "add", path: step(path, key), value: after[key] });
    }
  }
}

/** The patches from one document to another. */
export function diffDocuments(before, after) {
  const patches = [];
  diffNode(before, after, "", patches);
  return patches;
}

/**
 * Gives `take` what the run changed, one item per document; unchanged documents
 * are left out.
 */
export function collectChanges(take) {
  for (const { space, id, version, base, current } of writtenEntries()) {
    if (base === null) {
      if (current !== null)
        take({ id, space, base_version: version, create: current, patches: [] });
      continue;
    }
    const patches = diffDocuments(base, current);
    if (patches.length > 0) take({ id, space, base_version: version, create: null, patches });
  }
}
