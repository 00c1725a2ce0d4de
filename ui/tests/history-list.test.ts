import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NOTHING } from "$lib/history/filter";
import { HistoryList, MOST_PAGES, PAGE } from "$lib/history/list.svelte";
import { NOW, run, stub } from "./stub";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const shownRuns = (list: HistoryList) => list.items.flatMap((i) => (i.kind === "run" ? [i.run.run] : i.kind === "fold" && !i.open ? i.runs.map((r) => r.run) : []));

describe("the list of the history", () => {
  it("reads page after page by the last row, to the end, each run once", async () => {
    const client = stub(PAGE * 3 + 17);
    const list = new HistoryList(client);
    await list.show(NOTHING);
    while (!list.complete) await list.older();
    const runs = shownRuns(list);
    expect(runs.length).toBe(PAGE * 3 + 17);
    expect(new Set(runs).size).toBe(runs.length);
    const keys = client.asked.flatMap((a) => (a.do === "history" ? [a.before] : []));
    expect(keys.length).toBe(4);
    expect(keys[0]).toBeNull();
    expect(new Set(keys).size).toBe(4);
  });

  it("keeps a bounded number of a million runs, and finds the way back to the newest", async () => {
    const list = new HistoryList(stub(1_000_000));
    await list.show(NOTHING);
    const newest = shownRuns(list)[0];
    for (let n = 0; n < MOST_PAGES * 2; n++) await list.older();
    expect(list.loaded).toBe(MOST_PAGES * PAGE);
    expect(list.gone).toBeGreaterThan(0);
    while (list.gone > 0) await list.newer();
    expect(list.loaded).toBe(MOST_PAGES * PAGE);
    expect(shownRuns(list)[0]).toBe(newest);
  });

  it("puts a run that ended on top when it fits", async () => {
    const list = new HistoryList(stub(50));
    await list.show({ ...NOTHING, charm: "gmail" });
    list.hear(run({ run: "other", charm: "sheet", outcome: "ok", changed: 1, started_at: new Date(NOW).toISOString() }));
    list.hear(run({ run: "mine", outcome: "ok", changed: 1, started_at: new Date(NOW).toISOString() }));
    vi.advanceTimersByTime(200);
    expect(shownRuns(list)[0]).toBe("mine");
    expect(shownRuns(list)).not.toContain("other");
  });

  it("puts a run where it began, once the keeper has told when", async () => {
    const list = new HistoryList(stub(0));
    await list.show(NOTHING);
    const at = (ms: number) => new Date(NOW + ms).toISOString();
    const live = (name: string) => run({ run: name, outcome: null, duration_ms: null, started_at: at(0) });
    for (const name of ["first", "second"]) list.hear(live(name));
    vi.advanceTimersByTime(200);
    list.hear(run({ run: "second", outcome: "ok", changed: 1, started_at: at(-9000) }));
    list.hear(run({ run: "first", outcome: "ok", changed: 1, started_at: at(-4000) }));
    vi.advanceTimersByTime(200);
    expect(shownRuns(list)).toEqual(["first", "second"]);
    expect(list.runNamed("second")?.outcome).toBe("ok");
  });

  it("turns the row of a run that goes on into its result, in place", async () => {
    const list = new HistoryList(stub(50));
    await list.show(NOTHING);
    list.hear(run({ run: "live", outcome: null, duration_ms: null, started_at: new Date(NOW).toISOString() }));
    vi.advanceTimersByTime(200);
    list.hear(run({ run: "live", outcome: "ok", changed: 3, started_at: new Date(NOW).toISOString() }));
    vi.advanceTimersByTime(200);
    expect(shownRuns(list).filter((r) => r === "live")).toEqual(["live"]);
    expect(list.runNamed("live")?.outcome).toBe("ok");
  });

  it("shows how far a run's changes got, whichever news comes first, and adds none for it", async () => {
    const list = new HistoryList(stub(50));
    await list.show(NOTHING);
    const began = new Date(NOW).toISOString();
    const ended = (sync: "queued" | "synced") => run({ run: "mine", outcome: "ok", changed: 1, sync, started_at: began });
    list.hear(run({ run: "mine", outcome: null, duration_ms: null, started_at: began }));
    list.hearSynced(ended("synced"));
    list.hear(ended("queued"));
    list.hearSynced(run({ run: "of last year", outcome: "ok", sync: "synced" }));
    vi.advanceTimersByTime(200);
    expect(list.runNamed("mine")?.sync).toBe("synced");
    expect(shownRuns(list)).not.toContain("of last year");
  });

  it("asks the keeper about a run when a search is on", async () => {
    const client = stub(50);
    const list = new HistoryList(client);
    await list.show({ ...NOTHING, text: "gmail" });
    const before = client.asked.length;
    list.hear(run({ run: "new", outcome: "ok", changed: 1 }));
    await vi.advanceTimersByTimeAsync(200);
    expect(client.asked.length).toBe(before + 1);
    expect(shownRuns(list)).not.toContain("new");
  });

  it("draws a burst once", async () => {
    const list = new HistoryList(stub(50));
    await list.show(NOTHING);
    const draw = vi.spyOn(list, "draw");
    for (let n = 0; n < 1000; n++) list.hear(run({ run: `b${n}`, started_at: new Date(NOW + n).toISOString() }));
    vi.advanceTimersByTime(200);
    expect(draw).toHaveBeenCalledTimes(1);
    expect(list.loaded).toBe(1050);
  });

  it("does not mix the answers of two filters", async () => {
    let free: (() => void) | undefined;
    const client = stub(50);
    const answer = client.handlers.history;
    let first = true;
    client.handlers.history = async (r) => {
      if (first) {
        first = false;
        await new Promise<void>((done) => (free = done));
      }
      return answer?.(r) ?? [];
    };
    const list = new HistoryList(client);
    const slow = list.show(NOTHING);
    await list.show({ ...NOTHING, charm: "garden" });
    free?.();
    await slow;
    expect(list.items.every((i) => i.kind !== "run" || i.run.charm === "garden")).toBe(true);
  });

  it("keeps what it has when reading on fails, and can go on", async () => {
    const client = stub(PAGE * 2);
    const answer = client.handlers.history;
    const list = new HistoryList(client);
    await list.show(NOTHING);
    const had = list.items.length;
    client.handlers.history = () => Promise.reject({ kind: "local", message: "The disk is full." });
    await list.older();
    expect(list.error?.message).toBe("The disk is full.");
    expect(list.items.length).toBe(had);
    client.handlers.history = answer;
    await list.older();
    expect(list.error).toBeUndefined();
    expect(list.loaded).toBe(PAGE * 2);
  });
});
