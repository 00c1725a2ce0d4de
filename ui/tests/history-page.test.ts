import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { router } from "$lib/router.svelte";
import History from "../src/pages/History.svelte";
import { expectNoAxe, menuEntry, mount } from "./helpers";
import { NOW, run, status, type Stub, stub } from "./stub";

const FAILED = "00000000-0000-7000-8000-000000000001";

async function show(client: Stub = stub(), address = "#/history") {
  const view = mount(History, { client, address, now: NOW });
  await waitFor(() => expect(screen.queryByRole("treegrid") ?? screen.queryByText(/Nothing has run|No run matches/)).toBeTruthy());
  return { ...view, client };
}

const openRun = () => router.route.query.run;
const active = () => document.getElementById(screen.getByRole("treegrid").getAttribute("aria-activedescendant") ?? "");

describe("the history page", () => {
  it("is a table that tells its rows, and axe finds nothing", async () => {
    const { container } = await show();
    const grid = screen.getByRole("treegrid", { name: "History" });
    expect(grid.getAttribute("aria-rowcount")).toBe("-1");
    const rows = within(grid).getAllByRole("row");
    expect(rows[0]?.getAttribute("aria-rowindex")).toBe("1");
    expect(rows[1]?.textContent).toContain("Today");
    expect(rows[1]?.getAttribute("aria-rowindex")).toBe("2");
    expect(within(grid).getAllByRole("columnheader").map((h) => h.textContent)).toContain("Outcome");
    expect(rows.length).toBeLessThan(80);
    await expectNoAxe(container);
  });

  it("says when nothing ran yet, and what to do", async () => {
    const { container } = await show(stub(0));
    expect(screen.getByText("Nothing has run yet")).toBeTruthy();
    expect(screen.getByRole("link", { name: "Add a charm" }).getAttribute("href")).toBe("#/add");
    await expectNoAxe(container);
  });

  it("says when nothing matches, and clears the filters", async () => {
    const { container, user } = await show(stub(), "#/history?text=zzz");
    expect(screen.getByText("No run matches")).toBeTruthy();
    await expectNoAxe(container);
    await user.click(screen.getAllByRole("button", { name: "Clear filters" })[0] as HTMLElement);
    await waitFor(() => expect(screen.getByRole("treegrid")).toBeTruthy());
    expect(location.hash).toBe("#/history");
  });

  it("tells why the history cannot be read, and tries again", async () => {
    const client = stub();
    const answer = client.handlers.history;
    client.handlers.history = () => Promise.reject({ kind: "local", message: "The database is damaged.", hint: "Restore a copy." });
    const { container, user } = mount(History, { client, address: "#/history", now: NOW });
    await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("Restore a copy."));
    await expectNoAxe(container);
    client.handlers.history = answer;
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await waitFor(() => expect(screen.getByRole("treegrid")).toBeTruthy());
  });

  it("goes by keys: j, k, Enter, Esc", async () => {
    const { user } = await show();
    await user.keyboard("j");
    expect(document.activeElement).toBe(screen.getByRole("treegrid"));
    const first = active();
    expect(first?.className).toContain("run");
    await user.keyboard("jj");
    expect(active()).not.toBe(first);
    await user.keyboard("kk");
    expect(active()).toBe(first);
    await user.keyboard("{Enter}");
    expect(openRun()).toBe("00000000-0000-7000-8000-000000000000");
    expect(first?.getAttribute("aria-selected")).toBe("true");
    await waitFor(() => expect(screen.getByRole("region", { name: "Run" })).toBeTruthy());
    await user.keyboard("{Escape}");
    expect(openRun()).toBeUndefined();
    expect(document.activeElement).toBe(screen.getByRole("treegrid"));
  });

  it("goes on from a run that an address opened, once it is closed", async () => {
    const { user } = await show(stub(), `#/history?run=${FAILED}`);
    expect(active()).toBeNull();
    await user.keyboard("{Escape}");
    expect(openRun()).toBeUndefined();
    await waitFor(() => expect(active()?.className).toContain("run"));
    await user.keyboard("{Enter}");
    expect(openRun()).toBe(FAILED);
  });

  it("goes by keys through an open run: the run follows", async () => {
    const { user } = await show(stub(), `#/history?run=${FAILED}`);
    await user.keyboard("j");
    await waitFor(() => expect(openRun()).not.toBe(FAILED));
    expect(openRun()).toBeDefined();
  });

  it("opens and closes quiet runs", async () => {
    const { user } = await show();
    const fold = screen.getAllByRole("row").find((r) => r.textContent?.includes("runs without changes")) as HTMLElement;
    expect(fold.getAttribute("aria-expanded")).toBe("false");
    await user.click(fold);
    await waitFor(() => expect(screen.getAllByRole("row").some((r) => r.getAttribute("aria-expanded") === "true")).toBe(true));
    expect(screen.getAllByText("No changes").length).toBeGreaterThan(2);
    await user.keyboard("{Enter}");
    await waitFor(() => expect(screen.getAllByRole("row").every((r) => r.getAttribute("aria-expanded") !== "true")).toBe(true));
  });

  it("searches: / puts the cursor there, the address keeps it, letters are no commands there", async () => {
    const { user, client } = await show();
    await user.keyboard("/");
    const box = screen.getByRole("searchbox");
    expect(document.activeElement).toBe(box);
    await user.keyboard("gmail jkr");
    expect((box as HTMLInputElement).value).toBe("gmail jkr");
    await waitFor(() => expect(router.route.query.text).toBe("gmail jkr"));
    await waitFor(() => expect(client.asked.some((a) => a.do === "history" && a.text === "gmail jkr")).toBe(true));
    expect(client.asked.some((a) => a.do === "run")).toBe(false);
  });

  it("filters by the address and by the switches", async () => {
    const { user, client } = await show(stub(), "#/history?charm=sheet&outcome=failed");
    expect(client.asked.some((a) => a.do === "history" && a.charm === "sheet" && a.outcome === "failed")).toBe(true);
    await user.click(screen.getByRole("button", { name: "Changed only" }));
    expect(router.route.query).toMatchObject({ charm: "sheet", outcome: "failed", changed: "1" });
  });

  it("chooses a charm from the list by keyboard", async () => {
    const { user, container } = await show();
    const button = screen.getByRole("combobox", { name: /^Charm / });
    button.focus();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(screen.getByRole("listbox", { hidden: true })).toBeTruthy());
    await user.keyboard("{ArrowDown}{Enter}");
    await waitFor(() => expect(router.route.query.charm).toBe("sheet"));
    await expectNoAxe(container);
  });

  it("shows a run in full, and axe finds nothing", async () => {
    const { container } = await show(stub(), `#/history?run=${FAILED}`);
    const pane = await screen.findByRole("region", { name: "Run" });
    await waitFor(() => expect(within(pane).getByRole("heading", { level: 2 }).textContent).toBeTruthy());
    expect(within(pane).getByRole("heading", { name: /request/ })).toBeTruthy();
    expect(within(pane).getByRole("heading", { name: "Log" })).toBeTruthy();
    await expectNoAxe(container);
  });

  it("says when a run of the address is no more", async () => {
    await show(stub(), "#/history?run=gone");
    const pane = await screen.findByRole("region", { name: "Run" });
    await waitFor(() => expect(within(pane).getByRole("alert").textContent).toContain("There is no such run."));
  });

  it("shows what a charm wrote as text, whatever it is", async () => {
    const client = stub();
    const details = client.handlers["run-details"];
    client.handlers["run-details"] = async (r) => {
      const run = await details?.(r);
      if (!run) throw new Error();
      return {
        ...run,
        charm_name: "<img src=x onerror=alert(1)>",
        log: [{ at: run.started_at, level: "info", text: "<script>alert(1)</script>" }],
        cells_changed: [{ id: "d", path: "/value/a", op: "replace", before: "<b>x</b>", after: "<i>y</i>", truncated: false }],
      };
    };
    const { container } = await show(client, `#/history?run=${FAILED}`);
    await waitFor(() => expect(screen.getByText("<script>alert(1)</script>")).toBeTruthy());
    expect(screen.getByText("<b>x</b>")).toBeTruthy();
    expect(container.querySelector("img, b, i:not(.key), script")).toBeNull();
  });

  it("runs again with r, and shows the new run", async () => {
    const client = stub();
    let finish = () => {};
    const done = new Promise<void>((resolve) => (finish = resolve));
    client.handlers.run = async () => {
      await done;
      const details = client.handlers["run-details"]?.({ do: "run-details", run: "00000000-0000-7000-8000-000000000005" });
      if (!details) throw new Error();
      return details;
    };
    const { user } = await show(client, `#/history?run=${FAILED}`);
    const button = await screen.findByRole("button", { name: "Run again" });
    await user.keyboard("r");
    expect(client.asked.filter((a) => a.do === "run").length).toBe(1);
    expect(button.getAttribute("aria-busy")).toBe("true");
    await user.keyboard("r");
    expect(client.asked.filter((a) => a.do === "run").length).toBe(1);
    finish();
    await waitFor(() => expect(openRun()).toBe("00000000-0000-7000-8000-000000000005"));
  });

  it("copies the report that the keeper made", async () => {
    const { user, client } = await show(stub(), `#/history?run=${FAILED}`);
    await user.click(await screen.findByRole("button", { name: "Copy report" }));
    await waitFor(() => expect(client.copied[0]).toContain("outcome:"));
    expect(screen.getByRole("button", { name: "Copied" })).toBeTruthy();
  });

  it("exports what the filter shows, all of it", async () => {
    const client = stub();
    client.handlers["export-history"] = () => ({ path: "/tmp/out.csv", runs: 42 });
    const { user, app } = await show(client, "#/history?charm=gmail");
    await user.click(screen.getByRole("button", { name: "Export" }));
    await user.click(await menuEntry("menuitem", "As a table (CSV)"));
    await waitFor(() => expect(app.toasts.list[0]?.message).toBe("42 runs were written"));
    const asked = client.asked.find((a) => a.do === "export-history");
    expect(asked).toMatchObject({ format: "csv", path: "/tmp/out.csv", filter: { charm: "gmail", limit: 0 } });
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Export" }));
  });

  it("shows a run as it goes, cancels it, and shows how it ended", async () => {
    const client = stub();
    client.handlers.cancel = () => null;
    client.handlers.status = () => ({ ...status, running: [run({ run: "live-1", outcome: null, duration_ms: null })] });
    const { user, container } = await show(client);
    client.emit({ event: "run-started", run: "live-1", charm: "gmail", trigger: "manual" });
    client.emit({ event: "run-progress", run: "live-1", calls: 3, message: "Reading messages" });
    const row = await waitFor(() => {
      const found = screen.getAllByRole("row").find((r) => r.textContent?.includes("Running"));
      expect(found?.textContent).toContain("Reading messages");
      return found as HTMLElement;
    });
    await expectNoAxe(container);
    client.handlers["run-details"] = () => ({
      ...run({ run: "live-1", outcome: null, duration_ms: null }),
      calls: [],
      log: [],
      cells_changed: [],
    });
    await user.click(row);
    await user.click(await screen.findByRole("button", { name: "Cancel" }));
    expect(client.asked).toContainEqual({ do: "cancel", run: "live-1" });
    client.emit({ event: "run-ended", run: run({ run: "live-1", outcome: "cancelled", started_at: new Date(NOW).toISOString() }) });
    await waitFor(() => expect(screen.getAllByRole("row").some((r) => r.textContent?.includes("Cancelled"))).toBe(true));
  });

  it("draws the last day and tells it in words", async () => {
    await show();
    const lane = await screen.findByRole("img", { name: /^Attendance sheet, last 24 hours: / });
    expect(lane.getAttribute("aria-label")).toMatch(/[1-9]\d* failed$/);
  });
});
