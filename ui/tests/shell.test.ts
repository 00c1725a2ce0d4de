import { render, screen, waitFor, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { App as AppState } from "$lib/app.svelte";
import { fakeClient } from "$lib/client/fake";
import { clock } from "$lib/clock.svelte";
import { Paced } from "$lib/paced";
import { parse, router } from "$lib/router.svelte";
import App from "../src/App.svelte";
import { expectNoAxe, menuEntry } from "./helpers";
import { charm as charmOf } from "$lib/client/fake/seed";
import { FakeTime } from "$lib/client/fake/time";
import { NOW, settings, status as bare, type Stub, stub } from "./stub";

/** A state with something to sync. */
const status = { ...bare, charms: [charmOf(new FakeTime({ now: NOW, manual: true, still: true }), { charm: "gmail", name: "Gmail importer" })] };

function show(client: Stub = stub(), address = "#/history") {
  clock.use(() => NOW);
  history.replaceState(null, "", address);
  router.route = parse(address);
  const app = new AppState(client);
  return { ...render(App, { props: { app } }), app, client, user: userEvent.setup() };
}

describe("the window", () => {
  it("shows where one is, and the state in one sentence, politely", async () => {
    const { container } = show();
    await waitFor(() => expect(screen.getAllByText("All synced · 2 min ago").length).toBe(2));
    expect(screen.getByRole("link", { name: "History" }).getAttribute("aria-current")).toBe("page");
    expect(document.title).toBe("History · Charmkeeper");
    await waitFor(() => expect(screen.getByRole("treegrid")).toBeTruthy());
    await expectNoAxe(container);
  });

  it("lets the age in the state grow although nothing happens, and says it aloud once", async () => {
    const { container } = show();
    const aloud = () => container.querySelector("[aria-live=polite].visually-hidden, [role=status].visually-hidden")?.textContent;
    await screen.findAllByText("All synced · 2 min ago");
    const first = aloud();
    expect(first).toContain("All synced");
    clock.use(() => NOW + 180_000);
    expect(await screen.findByText("All synced · 5 min ago")).toBeTruthy();
    clock.use(() => NOW - 100_000);
    expect(await screen.findByText("All synced · just now")).toBeTruthy();
    expect(aloud()).toBe(first);
  });

  it("without an address opens the welcome page at the first start, else the history", async () => {
    const client = stub(0, { settings: () => ({ ...settings, introduced: false }) });
    const first = show(client, "#");
    await waitFor(() => expect(first.container.querySelector("h1")).toBeTruthy());
    expect(screen.queryByRole("navigation")).toBeNull();
    first.unmount();
    show(stub(0), "#");
    await waitFor(() => expect(screen.getByRole("heading", { name: "History" })).toBeTruthy());
    expect(screen.getByRole("navigation")).toBeTruthy();
  });

  it("says on every page that it is the sandbox, and is the way out of it", async () => {
    const client = stub(0, { settings: () => ({ ...settings, introduced: false }) });
    const info = await client.shell.appInfo();
    const left = vi.fn(async () => null);
    client.shell = { ...client.shell, appInfo: async () => ({ ...info, sandbox: true }), quit: left };
    const { user, container } = show(client, "#");
    const bar = await screen.findByRole("complementary", { name: "Sandbox" });
    expect(bar.textContent).toContain("Nothing here reaches your real accounts.");
    // On the welcome page, and on one with the navigation.
    client.navigate("/history");
    await screen.findByRole("navigation");
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: "Leave the sandbox" }));
    expect(left).toHaveBeenCalledOnce();
  });

  it("goes where the tray asks", async () => {
    const { client } = show();
    client.navigate("/accounts?x=1");
    await waitFor(() => expect(screen.getByRole("link", { name: /^Accounts/ }).getAttribute("aria-current")).toBe("page"));
    expect(location.hash).toBe("#/accounts?x=1");
  });

  it.each([
    ["/welcome", "Welcome to Charmkeeper"],
    ["/connect?services=gmail", "Connect Google"],
    ["/charms", "Charms"],
    ["/add", "Add a charm"],
    ["/accounts", "Accounts"],
    ["/spaces", "Spaces"],
    ["/settings", "Settings"],
  ])("shows %s when everything it needs was read by another page", async (path, title) => {
    const { app } = show(fakeClient({ now: NOW }) as unknown as Stub, "#/history");
    await waitFor(() => expect(app.settings && app.status && app.info).toBeTruthy());
    router.go(path);
    await screen.findByRole("heading", { level: 1, name: title });
  });

  it("puts the focus on the heading of a new page", async () => {
    const { client } = show(stub(0), "#/charms");
    await waitFor(() => expect(document.querySelector("main h1")).toBeTruthy());
    client.navigate("/history");
    await waitFor(() => expect(document.activeElement?.textContent).toBe("History"));
  });

  it("syncs now, pauses for an hour, and resumes", async () => {
    let paused = false;
    const client = stub(0, {
      "run-all": () => null,
      "pause-all": () => ((paused = true), null),
      "resume-all": () => ((paused = false), null),
      status: () => ({ ...status, icon: paused ? "paused" : "ok", paused: paused ? { until: null } : null }),
    });
    const { user } = show(client);
    const sync = await screen.findByRole("button", { name: "Sync now" });
    await waitFor(() => expect(sync.getAttribute("aria-disabled")).toBeNull());
    await user.click(sync);
    expect(client.asked).toContainEqual({ do: "run-all" });
    await user.click(screen.getByRole("button", { name: "Pause" }));
    await user.click(await menuEntry("menuitem", "For 1 hour"));
    await waitFor(() => expect(client.asked).toContainEqual({ do: "pause-all", until: "2026-11-21T15:05:00.000Z" }));
    // The keyboard stays where the button was that is done with.
    const resume = await screen.findByRole("button", { name: "Resume" });
    await waitFor(() => expect(document.activeElement).toBe(resume));
    await user.keyboard("{Enter}");
    await waitFor(() => expect(client.asked).toContainEqual({ do: "resume-all" }));
    const again = await screen.findByRole("button", { name: "Sync now" });
    await waitFor(() => expect(document.activeElement).toBe(again));
  });

  it("goes back to the page when a message is closed", async () => {
    const { user, app } = show(stub(0), "#/accounts");
    const link = await screen.findByRole("link", { name: "Connect an account" });
    link.focus();
    app.toast({ message: "One" });
    app.toast({ message: "Two" });
    await screen.findByText("Two");
    const close = () => within(screen.getByRole("region", { name: "Messages" })).queryAllByRole("button", { name: "Close" });
    close()[0]?.focus();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(document.activeElement).toBe(close()[0]));
    await user.keyboard("{Enter}");
    await waitFor(() => expect(close()).toHaveLength(0));
    await waitFor(() => expect(document.activeElement).toBe(link));
  });

  it("goes on with the next control when the one with the focus is gone", async () => {
    let warning: string | null = "The database was damaged.";
    const client = stub(0, { status: () => ({ ...status, warning }), "dismiss-warning": () => ((warning = null), null) });
    const { user } = show(client, "#/accounts");
    const seen = await screen.findByRole("button", { name: "I have seen it" });
    const next = await screen.findByRole("link", { name: "Connect an account" });
    seen.focus();
    await user.keyboard("{Enter}");
    await waitFor(() => expect(seen.isConnected).toBe(false));
    await waitFor(() => expect(document.activeElement).toBe(next));
  });

  it("has nothing to sync without a charm that runs on its own", async () => {
    const off = { ...status, charms: status.charms.map((c) => ({ ...c, enabled: false })) };
    const client = stub(0, { status: () => off });
    const { user } = show(client);
    await screen.findAllByText("All synced · 2 min ago");
    const sync = screen.getByRole("button", { name: "Sync now" });
    expect(sync.getAttribute("aria-disabled")).toBe("true");
    await user.click(sync);
    expect(client.asked).not.toContainEqual({ do: "run-all" });
  });

  it("tells a failed action in a message, with what to do", async () => {
    const client = stub(0, { status: () => status, "run-all": () => Promise.reject({ kind: "offline", message: "There is no network.", hint: "Connect first." }) });
    const { user } = show(client);
    const sync = await screen.findByRole("button", { name: "Sync now" });
    await waitFor(() => expect(sync.getAttribute("aria-disabled")).toBeNull());
    await user.click(sync);
    expect((await screen.findByText("There is no network.")).closest("[aria-live=polite]")?.textContent).toContain("Connect first.");
  });

  it("says when the keeper does not answer, and recovers", async () => {
    const client = stub(0, { status: () => Promise.reject({ kind: "local", message: "The database is locked." }) });
    const { app } = show(client);
    await waitFor(() => expect(screen.getAllByText("The database is locked.").length).toBeGreaterThan(0));
    client.handlers.status = () => status;
    await app.refresh();
    await waitFor(() => expect(screen.queryByText("The database is locked.")).toBeNull());
  });

  it("follows the chosen theme", async () => {
    show(stub(0, { settings: () => ({ ...settings, theme: "dark" }) }));
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe("dark"));
  });

  it("forgets runs that ended while nobody listened", async () => {
    const { app, client } = show();
    await waitFor(() => expect(app.status).not.toBeNull());
    client.emit({ event: "run-started", run: "r1", charm: "gmail", trigger: "timer" });
    expect(app.live.has("r1")).toBe(true);
    await app.refresh();
    expect(app.live.has("r1")).toBe(false);
  });
});

describe("asking often", () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("is done at once, and once more for a burst", async () => {
    const work = vi.fn(() => Promise.resolve());
    const paced = new Paced(work, 1000);
    for (let n = 0; n < 50; n++) void paced.go();
    expect(work).toHaveBeenCalledTimes(1);
    await vi.advanceTimersByTimeAsync(1000);
    expect(work).toHaveBeenCalledTimes(2);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("leaves nobody waiting when it is stopped or fails", async () => {
    const paced = new Paced(() => Promise.reject(new Error("no")), 1000);
    await paced.go();
    const waiting = paced.go();
    paced.stop();
    await waiting;
  });
});
