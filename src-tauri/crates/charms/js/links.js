// Links in the wire's form: {"/": {"link@1": {id, path, space, overwrite}}}.
//
// Owns reading, writing and comparing that form. Never follows a link.

const TAG = "link@1";

// Links that were read before; a node is part of one document for good.
const known = new WeakMap();

/** The inside of a link, or undefined when `node` is not one. */
function payload(node) {
  const inner = node["/"];
  if (inner === null || typeof inner !== "object") return undefined;
  const body = inner[TAG];
  return body !== null && typeof body === "object" && Object.keys(node).length === 1
    ? body
    : undefined;
}

export function isLink(node) {
  if (node === null || typeof node !== "object" || node["/"] === undefined) return false;
  return known.has(node) || payload(node) !== undefined;
}

/** Where a link that stands in document `home` points: `{ space, id, path, redirect }`. */
export function readLink(node, home) {
  const found = known.get(node);
  if (found !== undefined) return found;
  const body = payload(node);
  const link = {
    space: typeof body.space === "string" ? body.space : home.space,
    id: typeof body.id === "string" ? body.id : home.id,
    path: Array.isArray(body.path) ? body.path.map(String) : [],
    redirect: body.overwrite === "redirect",
  };
  known.set(node, link);
  return link;
}

// Most links point at a whole document: one empty path for all of them.
const WHOLE = Object.freeze([]);

/** A link to `target`, to stand in document `home`. */
export function writeLink(target, home, redirect = false) {
  const path = target.path.length === 0 ? WHOLE : [...target.path];
  const body = { id: target.id, path };
  if (target.space !== home.space) body.space = target.space;
  if (redirect) body.overwrite = "redirect";
  return { "/": { [TAG]: body } };
}

export function samePath(a, b) {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}

export function samePlace(a, b) {
  return a.space === b.space && a.id === b.id && samePath(a.path, b.path);
}
