// A JSON value as the rows of a tree: only what is open, or what a search finds.
// Pure, and bounded: a cell of a megabyte makes no more rows than are shown.
import type { JsonValue } from "$lib/bindings";

export interface TreeRow {
  /** JSON pointer; also the row's identity. */
  path: string;
  depth: number;
  /** Name in the object or place in the array; nothing for the root. */
  key: string | null;
  kind: "object" | "array" | "string" | "number" | "boolean" | "null";
  /** A scalar's text, or the number of entries of an object or array. */
  text: string;
  /** Whether it has entries, or a text too long for a row. */
  opens: boolean;
  open: boolean;
  /** The whole of a long text, when it is open. */
  whole?: string;
}

/** Longest text in a row; longer ones open. */
const ROW_TEXT = 160;
/** Longest text shown when opened. */
const WHOLE_TEXT = 20_000;

interface Walk {
  isOpen: (path: string, depth: number) => boolean;
  filter: string;
  limit: number;
  rows: TreeRow[];
  /** Values looked at, so that a search in a huge value ends. */
  seen: number;
  cut: boolean;
}

const MOST_SEEN = 200_000;

/** The rows of `value`; `cut` when there are more than `limit`. */
export function treeRows(
  value: JsonValue,
  isOpen: (path: string, depth: number) => boolean,
  options: { filter?: string; limit: number },
): { rows: TreeRow[]; cut: boolean } {
  const walk: Walk = { isOpen, filter: options.filter?.trim().toLowerCase() ?? "", limit: options.limit, rows: [], seen: 0, cut: false };
  visit(walk, value, "", 0, null, false);
  return { rows: walk.rows, cut: walk.cut };
}

/** Adds the rows of a value; answers whether anything was added. */
function visit(walk: Walk, value: JsonValue, path: string, depth: number, key: string | null, parentFound: boolean): boolean {
  if (walk.rows.length >= walk.limit || walk.seen++ > MOST_SEEN) {
    walk.cut = true;
    return false;
  }
  const searching = walk.filter !== "";
  const found = parentFound || (searching && finds(walk.filter, key, value));
  const row = rowOf(value, path, depth, key);
  const at = walk.rows.length;
  // What is below a find is shown when opened; what leads to one is open.
  const wanted = walk.isOpen(path, depth);
  row.open = row.opens && (searching && !found ? true : wanted);
  walk.rows.push(row);
  let below = false;
  if (row.open && typeof value === "object" && value !== null) {
    for (const [name, child] of entries(value)) {
      below = visit(walk, child, `${path}/${escape(name)}`, depth + 1, name, found) || below;
      if (walk.cut) break;
    }
  } else if (row.open && typeof value === "string") {
    row.whole = value.slice(0, WHOLE_TEXT);
  }
  if (searching && !found && !below && depth > 0) {
    walk.rows.length = at;
    return false;
  }
  return true;
}

function finds(filter: string, key: string | null, value: JsonValue): boolean {
  if (key?.toLowerCase().includes(filter)) return true;
  return (typeof value !== "object" || value === null) && String(value).toLowerCase().includes(filter);
}

function rowOf(value: JsonValue, path: string, depth: number, key: string | null): TreeRow {
  const base = { path, depth, key, opens: false, open: false };
  if (value === null) return { ...base, kind: "null", text: "null" };
  if (Array.isArray(value)) return { ...base, kind: "array", text: String(value.length), opens: value.length > 0 };
  if (typeof value === "object") {
    const size = Object.keys(value).length;
    return { ...base, kind: "object", text: String(size), opens: size > 0 };
  }
  if (typeof value === "string") {
    const long = value.length > ROW_TEXT || value.includes("\n");
    const line = value.slice(0, ROW_TEXT).replaceAll(/\s+/g, " ");
    return { ...base, kind: "string", text: long ? `${line}…` : value, opens: long };
  }
  return { ...base, kind: typeof value === "number" ? "number" : "boolean", text: String(value) };
}

function* entries(value: JsonValue[] | { [key: string]: JsonValue }): Iterable<[string, JsonValue]> {
  if (Array.isArray(value)) {
    for (let at = 0; at < value.length; at++) yield [String(at), value[at] ?? null];
  } else yield* Object.entries(value);
}

/** A name as a part of a JSON pointer (RFC 6901). */
export function escape(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** The names of a JSON pointer. */
export function pointer(path: string): string[] {
  if (!path.startsWith("/")) return path ? [path] : [];
  return path
    .slice(1)
    .split("/")
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
}
