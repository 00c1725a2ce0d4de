import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { RunDetails } from "$lib/bindings";
import RunPane from "../src/pages/history/RunPane.svelte";
import { mount } from "./helpers";
import { NOW, run, stub } from "./stub";

const MANY = 1000;

function long(fields: Partial<RunDetails> = {}): RunDetails {
  const at = new Date(NOW).toISOString();
  return {
    ...run({ run: "long", outcome: "ok", changed: MANY }),
    calls: Array.from({ length: MANY }, (_, n) => ({
      method: "GET",
      host: "gmail.googleapis.com",
      path: `/gmail/v1/users/me/messages/${n}`,
      status: 200,
      started_at: at,
      duration_ms: 20,
      bytes_out: 0,
      bytes_in: 900,
      account: "a1",
      error: null,
    })),
    log: Array.from({ length: MANY }, (_, n) => ({ at, level: "info", text: `Message ${n}` })),
    cells_changed: Array.from({ length: MANY }, (_, n) => ({
      id: `of:fid1:${n}`,
      path: "",
      op: "create",
      before: null,
      after: { value: { subject: `Message ${n}`, snippet: "See you there." } },
      truncated: false,
    })),
    ...fields,
  };
}

function show(details: () => RunDetails) {
  const client = stub(0, { "run-details": details });
  const props = { run: "long", again: false, onagain: () => {}, onclose: () => {} };
  const view = mount(RunPane, { client, now: NOW, props });
  const read = () => client.asked.filter((a) => a.do === "run-details").length;
  return { ...view, client, read };
}

describe("a long run", () => {
  it("is drawn a few rows at a time, one list after the other", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { container } = show(() => long());
    const rows = () => [".changes > li", "tbody tr", "ol:not(.changes) > li"].map((what) => container.querySelectorAll(what).length);
    await vi.advanceTimersByTimeAsync(1);
    expect(container.querySelector("h2")?.textContent).toBe("Gmail importer");
    let before = [0, 0, 0];
    expect(rows()).toEqual(before);
    let turns = 0;
    for (; before.join() !== "25,30,200"; turns++) {
      await vi.advanceTimersByTimeAsync(16);
      const now = rows();
      const came = now.map((n, at) => n - (before[at] ?? 0));
      // Never two lists in one turn, and never more than a few rows.
      expect(came.filter((n) => n !== 0)).toHaveLength(1);
      expect(came[0]).toBeLessThanOrEqual(3);
      expect(came[1]).toBeLessThanOrEqual(10);
      expect(came[2]).toBeLessThanOrEqual(25);
      if ((now[1] ?? 0) > 0) expect(now[0]).toBe(25);
      if ((now[2] ?? 0) > 0) expect(now[1]).toBe(30);
      before = now;
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(rows()).toEqual([25, 30, 200]);
    expect(turns).toBe(9 + 3 + 8);
  });

  it("leads to what mends its error, where that is not the charm", async () => {
    const error = { kind: "sign-in", message: "Google no longer accepts this sign-in." } as const;
    show(() => long({ outcome: "failed", error, cells_changed: [], calls: [], log: [] }));
    const link = await screen.findByRole("link", { name: "Open accounts" });
    expect(link.getAttribute("href")).toBe("#/accounts");
  });

  it("is read once, and once more when it ends", async () => {
    let outcome: RunDetails["outcome"] = null;
    const { client, read } = show(() => long({ outcome, sync: "queued" }));
    await screen.findByText("Running");
    for (let n = 0; n < 40; n++) client.emit({ event: "run-progress", run: "long", calls: n, message: `Reading ${n}` });
    client.emit({ event: "run-ended", run: run({ run: "another", outcome: "ok" }) });
    expect(read()).toBe(1);
    outcome = "ok";
    const row = run({ run: "long", outcome: "ok", changed: MANY, sync: "queued" });
    client.emit({ event: "run-ended", run: row });
    const pane = screen.getByRole("region", { name: "Run" });
    await screen.findByRole("button", { name: "Run again" });
    expect(within(pane).getByText("Waiting to sync")).toBeTruthy();
    expect(read()).toBe(2);
    // What came of its changes is told by the event alone.
    client.emit({ event: "run-synced", run: { ...row, sync: "synced" } });
    await waitFor(() => expect(within(pane).getByText("Synced")).toBeTruthy());
    expect(read()).toBe(2);
  });
});
