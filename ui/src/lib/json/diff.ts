// What changed in a cell, as lines a person can read. Pure and bounded.
import type { CellChangeView, JsonValue } from "$lib/bindings";
import { pointer } from "./rows";

export interface DiffLine {
  sign: "+" | "-" | " " | "…";
  text: string;
  /** For `…`: how many lines are left out. */
  left?: number;
}

/** Unchanged lines around a change. */
const CONTEXT = 2;
/** Fewer lines than these are not worth leaving out. */
const LEAVE_FROM = 3;
/** The table of the comparison has at most so many cells. */
const MOST_CELLS = 400_000;
/** Longest line, in characters. */
const LINE = 400;

// What came to a list or went from it; the rest of the list is not told.
const COMES: readonly string[] = ["add", "create", "append", "add-unique", "splice"];
const GOES: readonly string[] = ["remove", "remove-by-value", "splice"];

/** Names of documents by their ids. */
export type Names = ReadonlyMap<string, string>;

/** The lines of a change; a link is told by the name of what it leads to. */
export function diffLines(change: CellChangeView, names: Names = new Map()): DiffLine[] {
  const before = COMES.includes(change.op) && change.before === null ? [] : lines(change.before, names);
  const after = GOES.includes(change.op) && change.after === null ? [] : lines(change.after, names);
  return fold(compare(before, after));
}

/** What the documents that a run made are called. */
export function namesOf(changes: readonly CellChangeView[]): Names {
  const named = changes.flatMap((c): [string, string][] => {
    const name = c.path === "" || c.path === "/value" ? changeName(c) : undefined;
    return name === undefined ? [] : [[c.id, name]];
  });
  return new Map(named);
}

/**
 * The id a link leads to: cells name each other as `{"/": {"link@1": {"id": …}}}`
 * (the wire's own form, which is also how they are stored).
 */
function linkOf(value: JsonValue | undefined): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const inside = value["/"];
  if (typeof inside !== "object" || inside === null || Array.isArray(inside)) return undefined;
  const link = inside["link@1"];
  if (typeof link !== "object" || link === null || Array.isArray(link)) return undefined;
  return typeof link.id === "string" ? link.id : undefined;
}

/** The beginning of a list of links that was too long to be kept whole. */
const CUT_LINKS = /^\[\{"\/":\{"link@1":/;

/** The links of a list of nothing else, or of the beginning of one. */
function linksOf(value: JsonValue | null): string[] | undefined {
  if (Array.isArray(value)) {
    const links = value.map(linkOf);
    return links.length > 0 && links.every((l) => l !== undefined) ? links : undefined;
  }
  if (typeof value !== "string" || !CUT_LINKS.test(value)) return undefined;
  return Array.from(value.matchAll(/"link@1":\{"id":"([^"\\]+)"/g), (found) => found[1] ?? "");
}

const SHORT_ID = 14;

function linkName(id: string, names: Names): string {
  const bare = id.replace(/^of:/, "").replace(/^fid1:/, "");
  return `→ ${names.get(id) ?? (bare.length > SHORT_ID ? `${bare.slice(0, SHORT_ID)}…` : bare)}`;
}

/** What a change is of: the names that lead to it, without the envelope. */
export function changePath(change: CellChangeView): string[] {
  const path = pointer(change.path);
  return path[0] === "value" ? path.slice(1) : path;
}

/** A document that was made is known by what it holds, where that has a name. */
export function changeName(change: CellChangeView): string | undefined {
  const value = inner(change.after) ?? inner(change.before);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  for (const key of ["subject", "summary", "title", "name", "$NAME", "email", "id"]) {
    const name = value[key];
    if (typeof name === "string" && name.trim() !== "") return name.slice(0, 200);
  }
  return undefined;
}

function inner(value: JsonValue | null): JsonValue | null {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    const keys = Object.keys(value);
    if (keys.length === 1 && keys[0] === "value") return value.value ?? null;
  }
  return value;
}

/** One scalar for another: shown in one line. */
export function scalars(change: CellChangeView): boolean {
  const simple = (value: JsonValue | null) =>
    typeof value !== "object" || value === null ? String(value).length <= 120 && !String(value).includes("\n") : false;
  return simple(change.before) && simple(change.after);
}

/**
 * A value as JSON in lines; a text of several lines is left as it is. Commas at
 * the end are left out: a last entry is the same entry when others come.
 */
export function lines(value: JsonValue | null, names: Names = new Map()): string[] {
  const links = linksOf(value);
  if (links) return links.map((id) => linkName(id, names));
  const told = (_: string, inside: JsonValue) => {
    const link = linkOf(inside);
    return link === undefined ? inside : linkName(link, names);
  };
  const plain = typeof value === "string" && value.includes("\n");
  const all = plain ? value.split("\n") : JSON.stringify(inner(value), told, 2).split("\n");
  return all.map((line) => {
    const bare = plain ? line : line.replace(/,$/, "");
    return bare.length > LINE ? `${bare.slice(0, LINE)}…` : bare;
  });
}

/** Lines that went, came and stayed, by their longest common run. */
export function compare(before: string[], after: string[]): DiffLine[] {
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) head++;
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail++;
  const same = (text: string): DiffLine => ({ sign: " ", text });
  return [
    ...before.slice(0, head).map(same),
    ...middle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ];
}

function middle(before: string[], after: string[]): DiffLine[] {
  const went = (text: string): DiffLine => ({ sign: "-", text });
  const came = (text: string): DiffLine => ({ sign: "+", text });
  const width = after.length + 1;
  if (before.length === 0 || after.length === 0 || (before.length + 1) * width > MOST_CELLS) {
    return [...before.map(went), ...after.map(came)];
  }
  const length = new Uint32Array((before.length + 1) * width);
  const cell = (i: number, j: number) => length[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      length[i * width + j] =
        before[i] === after[j] ? cell(i + 1, j + 1) + 1 : Math.max(cell(i + 1, j), cell(i, j + 1));
    }
  }
  const made: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    const old = before[i] ?? "";
    const now = after[j] ?? "";
    if (old === now) {
      made.push({ sign: " ", text: old });
      i++;
      j++;
    } else if (cell(i + 1, j) >= cell(i, j + 1)) {
      made.push(went(old));
      i++;
    } else {
      made.push(came(now));
      j++;
    }
  }
  return [...made, ...before.slice(i).map(went), ...after.slice(j).map(came)];
}

/** Leaves out what stayed the same, but for a little around each change. */
export function fold(all: DiffLine[]): DiffLine[] {
  const near = new Uint8Array(all.length);
  all.forEach((line, at) => {
    if (line.sign === " ") return;
    for (let k = Math.max(0, at - CONTEXT); k <= Math.min(all.length - 1, at + CONTEXT); k++) near[k] = 1;
  });
  const made: DiffLine[] = [];
  let left: DiffLine[] = [];
  const flush = () => {
    if (left.length < LEAVE_FROM) made.push(...left);
    else made.push({ sign: "…", text: "", left: left.length });
    left = [];
  };
  all.forEach((line, at) => {
    if (near[at]) {
      flush();
      made.push(line);
    } else left.push(line);
  });
  flush();
  return made;
}
