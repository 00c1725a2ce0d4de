import { describe, expect, it } from "vitest";
import type { CellChangeView, JsonValue } from "$lib/bindings";
import { changeName, changePath, compare, diffLines, fold, namesOf, scalars } from "$lib/json/diff";
import { escape, pointer, treeRows } from "$lib/json/rows";

const mails: JsonValue = {
  emails: [
    { subject: "Lunch", labels: ["INBOX"] },
    { subject: "Minutes", labels: [] },
  ],
  "a/b~c": true,
  none: null,
};
const all = () => true;
const first = (_: string, depth: number) => depth < 1;

describe("a value as a tree", () => {
  it("shows what is open", () => {
    const { rows } = treeRows(mails, first, { limit: 100 });
    expect(rows.map((r) => r.path)).toEqual(["", "/emails", "/a~1b~0c", "/none"]);
    expect(rows[1]).toMatchObject({ kind: "array", text: "2", opens: true, open: false });
  });

  it("finds by name and by value, with what leads there and what is below", () => {
    const paths = (filter: string) => treeRows(mails, first, { filter, limit: 100 }).rows.map((r) => r.path);
    expect(paths("lunch")).toEqual(["", "/emails", "/emails/0", "/emails/0/subject"]);
    expect(paths("EMAILS")).toEqual(["", "/emails"]);
    expect(paths("nothing")).toEqual([""]);
  });

  it("cuts at a limit, and says so", () => {
    const many = Array.from({ length: 5000 }, (_, n) => n);
    const { rows, cut } = treeRows(many, all, { limit: 300 });
    expect(rows.length).toBe(300);
    expect(cut).toBe(true);
    expect(treeRows([1], all, { limit: 300 }).cut).toBe(false);
  });

  it("shows a long text cut, and whole when it is opened", () => {
    const text = "x".repeat(1_000_000);
    expect(treeRows(text, () => false, { limit: 9 }).rows[0]?.text.length).toBeLessThan(200);
    expect(treeRows(text, all, { limit: 9 }).rows[0]?.whole?.length).toBe(20_000);
  });

  it("ends a search in a huge value", () => {
    const huge = Array.from({ length: 1000 }, () => Array.from({ length: 1000 }, (_, n) => n));
    const { rows, cut } = treeRows(huge, first, { filter: "zzz", limit: 300 });
    expect(rows.length).toBeLessThan(10);
    expect(cut).toBe(true);
  });

  it("names are pointers and back", () => {
    for (const name of ["a/b~c", "~1", "plain", ""]) expect(pointer(`/${escape(name)}`)).toEqual([name]);
  });
});

const change = (fields: Partial<CellChangeView>): CellChangeView => ({
  id: "d",
  path: "/value/x",
  op: "replace",
  before: null,
  after: null,
  truncated: false,
  ...fields,
});

const link = (id: string): JsonValue => ({ "/": { "link@1": { id, path: [] } } });

describe("a change of links", () => {
  const made = change({ id: "of:fid1:abc", op: "create", path: "/value", after: { subject: "Lunch" } });
  const names = namesOf([made, change({ id: "of:fid1:def", path: "/value/subject", after: { subject: "not it" } })]);
  const texts = (fields: Partial<CellChangeView>) => diffLines(change(fields), names).map((l) => `${l.sign} ${l.text}`);

  it("is told by the names of what they lead to", () => {
    const after = [link("of:fid1:abc"), link("of:fid1:0123456789abcdefgh")];
    expect(texts({ op: "append", after })).toEqual(["+ → Lunch", "+ → 0123456789abcd…"]);
    expect(texts({ op: "remove-by-value", before: [link("of:fid1:def")] })).toEqual(["- → def"]);
    expect(texts({ op: "add", after: { first: link("of:fid1:abc") } })).toContain('+   "first": "→ Lunch"');
  });

  it("is told as far as it was kept", () => {
    const whole = JSON.stringify([link("of:fid1:abc"), link("of:fid1:xyz"), link("of:fid1:cut")]);
    const after = whole.slice(0, whole.indexOf("cut"));
    expect(texts({ op: "append", after, truncated: true })).toEqual(["+ → Lunch", "+ → xyz"]);
    // A text that only looks like it stays a text.
    expect(texts({ op: "replace", before: "a\nb", after: '["/": {' })).toContain('+ "[\\"/\\": {"');
  });
});

describe("a change", () => {
  it("is told by its path and its name", () => {
    expect(changePath(change({ path: "/value/emails/0" }))).toEqual(["emails", "0"]);
    expect(changePath(change({ path: "" }))).toEqual([]);
    expect(changeName(change({ op: "create", after: { value: { subject: "Lunch" } } }))).toBe("Lunch");
    expect(changeName(change({ after: "text" }))).toBeUndefined();
  });

  it("of one short value is one line, of others is not", () => {
    expect(scalars(change({ before: 1, after: "two" }))).toBe(true);
    expect(scalars(change({ before: 1, after: "two\nlines" }))).toBe(false);
    expect(scalars(change({ before: null, after: { a: 1 } }))).toBe(false);
  });

  it("of an object shows the lines that went and came", () => {
    const lines = diffLines(change({ before: { a: 1, b: 2, c: 3 }, after: { a: 1, b: 5, c: 3 } }));
    expect(lines.filter((l) => l.sign === "-").map((l) => l.text.trim())).toEqual(['"b": 2']);
    expect(lines.filter((l) => l.sign === "+").map((l) => l.text.trim())).toEqual(['"b": 5']);
  });

  it("of a list shows what came alone, not the comma before it", () => {
    const lines = diffLines(change({ before: ["a", "b"], after: ["a", "b", "c"] }));
    expect(lines.filter((l) => l.sign !== " ").map((l) => `${l.sign}${l.text.trim()}`)).toEqual(['+"c"']);
  });

  it("of a new document has only lines that came", () => {
    const lines = diffLines(change({ op: "create", after: { value: { subject: "Lunch" } } }));
    expect(new Set(lines.map((l) => l.sign))).toEqual(new Set(["+"]));
    expect(lines.some((l) => l.text.includes('"value"'))).toBe(false);
  });

  it("keeps the order and loses no line", () => {
    const before = "a b c d e f g".split(" ");
    const after = "a x c d y f g h".split(" ");
    const lines = compare(before, after);
    expect(lines.filter((l) => l.sign !== "+").map((l) => l.text)).toEqual(before);
    expect(lines.filter((l) => l.sign !== "-").map((l) => l.text)).toEqual(after);
    expect(lines.filter((l) => l.sign === " ").length).toBe(5);
  });

  it("leaves out what stayed, and says how much", () => {
    const long = Array.from({ length: 100 }, (_, n) => String(n));
    const lines = fold(compare(long, long.with(50, "new")));
    expect(lines.find((l) => l.sign === "…")?.left).toBe(48);
    expect(lines.length).toBe(2 + 6);
  });

  it("of two huge values ends soon", () => {
    const big = (salt: number) => Array.from({ length: 5000 }, (_, n) => String(n * salt));
    const lines = compare(big(3), big(7));
    expect(lines.length).toBeGreaterThanOrEqual(5000);
  });
});
