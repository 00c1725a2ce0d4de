import { describe, expect, it } from "vitest";
import { fits, fromQuery, NOTHING, toRequest } from "$lib/history/filter";
import { charmsIn, type Item, itemsOf } from "$lib/history/items";
import { byNeed, dayOf, markOf, pathsOf } from "$lib/history/lanes";
import { result } from "$lib/history/rows";
import { NOW, run } from "./stub";

const at = (minutes: number) => new Date(NOW - minutes * 60_000).toISOString();
const told = (items: Item[]) =>
  items.map((i) => (i.kind === "run" ? i.run.run : i.kind === "fold" ? `${i.runs.length} ${i.outcome}` : i.kind));
const quiet = (name: string, minutes: number) => run({ run: name, started_at: at(minutes) });
const changed = (name: string, minutes: number) => run({ run: name, outcome: "ok", changed: 2, started_at: at(minutes) });

describe("rows of the history", () => {
  it("fold quiet runs that follow each other, from three on", () => {
    const runs = [quiet("a", 1), quiet("b", 2), changed("c", 3), quiet("d", 4), quiet("e", 5), quiet("f", 6)];
    expect(told(itemsOf(runs, new Set(), true))).toEqual(["day", "a", "b", "c", "3 ok-unchanged"]);
  });

  it("never fold across a day", () => {
    const runs = [1, 2, 60 * 15, 60 * 16].map((m) => quiet(`q${m}`, m));
    expect(told(itemsOf(runs, new Set(), true))).toEqual(["day", "q1", "q2", "day", "q900", "q960"]);
  });

  it("never fold what has something to tell", () => {
    const bad = [1, 2, 3, 4].map((m) =>
      run({ run: `f${m}`, outcome: "failed", started_at: at(m), error: { kind: "charm", message: "no" } }),
    );
    expect(told(itemsOf(bad, new Set(), true))).toEqual(["day", "f1", "f2", "f3", "f4"]);
  });

  it("fold skipped runs by their reason", () => {
    const skipped = (name: string, m: number, message: string) =>
      run({ run: name, outcome: "skipped", started_at: at(m), error: { kind: "offline", message } });
    const runs = [1, 2, 3].map((m) => skipped(`a${m}`, m, "no network")).concat([4, 5, 6].map((m) => skipped(`b${m}`, m, "quota")));
    expect(told(itemsOf(runs, new Set(), true))).toEqual(["day", "3 skipped", "3 skipped"]);
  });

  it("stay open when new quiet runs come on top", () => {
    const runs = [quiet("b", 2), quiet("c", 3), quiet("d", 4)];
    const open = new Set(["b"]);
    expect(told(itemsOf(runs, open, true))).toEqual(["day", "3 ok-unchanged", "b", "c", "d"]);
    expect(told(itemsOf([quiet("a", 1), ...runs], open, true))).toEqual(["day", "4 ok-unchanged", "a", "b", "c", "d"]);
  });

  it("have keys that are all different", () => {
    const runs = Array.from({ length: 3000 }, (_, n) => (n % 7 === 0 ? changed(`r${n}`, n) : quiet(`r${n}`, n)));
    const keys = itemsOf(runs, new Set(["r1"]), true).map((i) => i.key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("say who is in a fold and what came of a run", () => {
    const runs = [run({ run: "1", charm_name: "B" }), run({ run: "2", charm_name: "A" }), run({ run: "3", charm_name: "A" })];
    expect(charmsIn(runs)).toEqual(["A", "B"]);
    expect(result(run({ run: "x", changed: 1 }))).toBe("1 cell changed");
    expect(result(run({ run: "x", changed: 1, error: { kind: "provider", message: "Half of it." } }))).toBe("Half of it.");
  });
});

describe("filters", () => {
  it("come from the address, and nonsense in it is no filter", () => {
    expect(fromQuery({ outcome: "rubbish", changed: "yes" })).toEqual(NOTHING);
    const filter = fromQuery({ charm: "gmail", outcome: "failed", changed: "1", text: " a b " });
    expect(toRequest(filter, 50, "r9")).toEqual({
      charm: "gmail",
      account: null,
      outcome: "failed",
      changed: true,
      text: "a b",
      limit: 50,
      before: "r9",
    });
  });

  it("decide about a run that was heard of", () => {
    expect(fits(run({ run: "1" }), { ...NOTHING, charm: "sheet" })).toBe(false);
    expect(fits(run({ run: "1" }), { ...NOTHING, charm: "gmail", account: "a1" })).toBe(true);
    expect(fits(run({ run: "1" }), { ...NOTHING, changed: true })).toBe(false);
    expect(fits(run({ run: "1" }), { ...NOTHING, text: "x" })).toBe("unknown");
    expect(fits(run({ run: "1" }), { ...NOTHING, text: "x", outcome: "failed" })).toBe(false);
  });
});

describe("lanes", () => {
  const bucket = { index: 0, changed: 0, quiet: 0, uneven: 0, failed: 0, run: "r" };

  it("end with the quarter of an hour that is now", () => {
    expect(dayOf(NOW)).toEqual({ since: "2026-11-20T14:15:00.000Z", until: "2026-11-21T14:15:00.000Z" });
  });

  it("show the worst of a part", () => {
    expect(markOf({ ...bucket, quiet: 5, changed: 1, failed: 1 })).toBe("failed");
    expect(markOf({ ...bucket, quiet: 5, changed: 1 })).toBe("changed");
    expect(markOf({ ...bucket, quiet: 5 })).toBe("quiet");
  });

  it("draw each part once, and differently", () => {
    const paths = pathsOf([{ ...bucket, quiet: 1 }, { ...bucket, index: 95, failed: 1 }]);
    expect(paths.quiet).toMatch(/^M1 /);
    expect(paths.failed).toMatch(/^M951 /);
    expect(paths.changed).toBe("");
    expect(paths.quiet.slice(3)).not.toBe(paths.failed.slice(5));
  });

  it("put what failed first and leave out what did not run", () => {
    const lane = (charm: string, failed: number) => ({ charm, name: charm, buckets: [{ ...bucket, quiet: 1, failed }] });
    const lanes = [lane("b", 0), lane("a", 0), lane("z", 1), { charm: "none", name: "none", buckets: [] }];
    expect(byNeed(lanes).map((l) => l.charm)).toEqual(["z", "a", "b"]);
  });
});
