import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { type FakeOptions, fakeClient } from "$lib/client/fake";
import { router } from "$lib/router.svelte";
import Charm from "../src/pages/Charm.svelte";
import Charms from "../src/pages/Charms.svelte";
import { expectNoAxe, menuEntry, mount } from "./helpers";

const NOW = Date.parse("2026-11-21T14:05:00Z");

function list(options: FakeOptions = {}) {
  const client = fakeClient({ now: NOW, ...options });
  return { client, ...mount(Charms, { client, address: "#/charms" }) };
}

function one(handle: string, options: FakeOptions = {}) {
  const client = fakeClient({ now: NOW, ...options });
  return { client, ...mount(Charm, { client, address: `#/charms/${handle}` }) };
}

const row = async (name: string) => (await screen.findByRole("link", { name })).closest("li") as HTMLElement;
const messages = (app: { toasts: { list: readonly { message: string }[] } }) => app.toasts.list.map((t) => t.message);

describe("the list of charms", () => {
  it("tells each charm's state, next and last run", async () => {
    const { container } = list({ scene: "trouble" });
    const broken = await row("Attendance sheet");
    expect(broken.textContent).toContain("Failed");
    expect(broken.textContent).toContain("Paused after 5 failures in a row; tried again at 09:00.");
    expect(broken.textContent).toContain("in 19 h");
    const off = await row("حديقة المجتمع");
    expect(within(off).getByRole("switch").getAttribute("aria-checked")).toBe("false");
    await expectNoAxe(container);
  });

  it("leads to the sign-in that a charm waits for", async () => {
    list({ scene: "trouble" });
    const link = await screen.findByRole("link", { name: "Sign in again, for Gmail importer" });
    expect(link.getAttribute("href")).toBe("#/connect?services=gmail&account=a2");
  });

  it("says when there is none, and what to do", async () => {
    const { container } = list({ scene: "empty" });
    await screen.findByText("No charms yet");
    expect(screen.getByRole("link", { name: "Add a charm" }).getAttribute("href")).toBe("#/add");
    await expectNoAxe(container);
  });

  it("tells why the state cannot be read, and tries again", async () => {
    const client = fakeClient({ now: NOW });
    client.fail("status");
    const { user, container } = mount(Charms, { client, address: "#/charms" });
    expect((await screen.findByRole("alert")).textContent).toContain("the disk is full");
    await expectNoAxe(container);
    client.mend("status");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await row("Reading notes");
  });

  it("shows a run going on and cancels it", async () => {
    const { client, user, app, container } = list();
    const notes = await row("Reading notes");
    await user.click(within(notes).getByRole("button", { name: "Run now: Reading notes" }));
    const cancel = await within(notes).findByRole("button", { name: "Cancel the run of Reading notes" });
    expect(document.activeElement).toBe(cancel);
    await client.advance(800);
    await waitFor(() => expect(notes.textContent).toContain("Reading what changed"));
    expect(notes.textContent).toContain("2 requests");
    await expectNoAxe(container);
    await user.click(cancel);
    await waitFor(() => expect(messages(app)).toContain("Reading notes: Cancelled"));
    await within(notes).findByRole("button", { name: "Run now: Reading notes" });
  });

  it("switches a charm off and on", async () => {
    const { client, user } = list();
    const notes = await row("Reading notes");
    await user.click(within(notes).getByRole("switch"));
    await waitFor(() => expect(notes.textContent).toContain("Paused until resumed."));
    expect(client.asked).toContainEqual({ do: "pause", charm: "id-reading-notes" });
    await user.click(within(notes).getByRole("switch"));
    await waitFor(() => expect(within(notes).getByRole("switch").getAttribute("aria-checked")).toBe("true"));
  });

  it("removes a charm, and undo brings it back", async () => {
    const { user, app } = list();
    await row("Reading notes");
    await user.click(screen.getByRole("button", { name: "More for Reading notes" }));
    await user.click(await menuEntry("menuitem", "Remove"));
    await waitFor(() => expect(screen.queryByRole("link", { name: "Reading notes" })).toBeNull());
    const toast = app.toasts.list.find((t) => t.message.startsWith("Reading notes was removed"));
    toast?.action?.run();
    await row("Reading notes");
  });

  it("finds among a thousand charms and draws a hundred", async () => {
    const { user } = list({ scene: "many" });
    await screen.findByText("1,000 charms");
    expect(screen.getAllByRole("switch")).toHaveLength(100);
    await user.type(screen.getByRole("searchbox"), "reader 977");
    await screen.findByText("1 charm");
    expect(screen.getAllByRole("listitem")).toHaveLength(1);
    await user.type(screen.getByRole("searchbox"), "zzz");
    await screen.findByText("No charm matches");
  });

  it("does not show the charm that only keeps an account's sign-in", async () => {
    const client = fakeClient({ now: NOW });
    const first = client.world.charms[0];
    if (first) client.world.charms.push({ ...first, id: "auth", charm: "google-auth", name: "Google sign-in", source: "builtin:google-auth" });
    mount(Charms, { client, address: "#/charms" });
    await row("Reading notes");
    expect(screen.queryByText("Google sign-in")).toBeNull();
  });
});

describe("the page of one charm", () => {
  it("leads to publishing it", async () => {
    const { user } = one("attendance-sheet");
    await user.click(await screen.findByRole("button", { name: "More for Attendance sheet" }));
    await user.click(await menuEntry("menuitem", "Publish to a space…"));
    await waitFor(() => expect(router.route.query.publish).toBe("attendance-sheet"));
    expect(router.route.path[0]).toBe("spaces");
  });

  it("shows state, schedule, hosts, errors and warnings", async () => {
    const { container } = one("attendance-sheet", { scene: "trouble" });
    await screen.findByRole("heading", { name: "Attendance sheet" });
    expect(screen.getByText("Paused after 5 failures in a row; tried again at 09:00.")).toBeTruthy();
    expect(screen.getByText("5 failures in a row")).toBeTruthy();
    expect(screen.getByText("main.tsx:42:7")).toBeTruthy();
    expect(screen.getByText("sheets.example.net")).toBeTruthy();
    const errors = screen.getByRole("region", { name: "Latest errors" });
    const links = await within(errors).findAllByRole("link");
    expect(links.length).toBeGreaterThan(0);
    expect(links[0]?.getAttribute("href")).toContain("#/history?charm=attendance-sheet&run=");
    await expectNoAxe(container);
  });

  it("says when there is no such charm", async () => {
    const { container } = one("nobody");
    await screen.findByText("There is no such charm");
    await expectNoAxe(container);
  });

  it("changes how often it runs, by choice and by a time of one's own", async () => {
    const { client, user } = one("reading-notes");
    await user.click(await screen.findByRole("combobox", { name: /^Runs/ }));
    await user.click(await menuEntry("option", "every 6 hours"));
    await waitFor(() => expect(client.world.charm("reading-notes").interval_seconds).toBe(21_600));
    await user.click(screen.getByRole("combobox", { name: /^Runs/ }));
    await user.click(await menuEntry("option", "Another time…"));
    const field = screen.getByRole("textbox", { name: "Every" });
    expect((field as HTMLInputElement).value).toBe("6");
    await user.clear(field);
    await user.type(field, "25{Enter}");
    expect(await screen.findByText("Choose a time from 30 seconds to 24 hours.")).toBeTruthy();
    await user.clear(field);
    await user.type(field, "7{Enter}");
    await waitFor(() => expect(client.world.charm("reading-notes").interval_seconds).toBe(25_200));
  });

  it("binds it to an account", async () => {
    const { client, user } = one("attendance-sheet");
    await user.click(await screen.findByRole("combobox", { name: /^Account/ }));
    await user.click(await menuEntry("option", "kim@example.com"));
    await waitFor(() => expect(client.world.charm("attendance-sheet").account).toBe("a1"));
    await user.click(screen.getByRole("combobox", { name: /^Account/ }));
    await user.click(await menuEntry("option", "Whichever fits"));
    await waitFor(() => expect(client.world.charm("attendance-sheet").account).toBeNull());
  });

  it("allows a host, refuses what is none, and takes one away with undo", async () => {
    const { client, user, app } = one("reading-notes");
    const field = await screen.findByRole("textbox", { name: "Another host" });
    await user.type(field, "not a host{Enter}");
    expect(await screen.findByText(/is not a host name/)).toBeTruthy();
    await user.clear(field);
    await user.type(field, "https://books.example.org/list?x=1{Enter}");
    await screen.findByText("books.example.org");
    await user.click(screen.getByRole("button", { name: "No longer allow api.example.org" }));
    await waitFor(() => expect(client.world.charm("reading-notes").hosts).toEqual(["books.example.org"]));
    app.toasts.list.at(-1)?.action?.run();
    await waitFor(() => expect(client.world.charm("reading-notes").hosts).toContain("api.example.org"));
  });

  it("keeps the keyboard in the list when a host goes, and in the field after the last", async () => {
    const { user } = one("attendance-sheet");
    await user.click(await screen.findByRole("button", { name: "No longer allow www.googleapis.com" }));
    const left = screen.getByRole("button", { name: "No longer allow sheets.example.net" });
    await waitFor(() => expect(document.activeElement).toBe(left));
    await user.keyboard("{Enter}");
    await screen.findByText("It may call no host.");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByRole("textbox", { name: "Another host" })));
  });

  it("lets a person choose what a wish gets, and leave it to the charm again", async () => {
    const { client, user, app, container } = one("attendance-sheet");
    // Bound to one account, there is nothing to choose.
    await screen.findByRole("heading", { name: "Schedule and account" });
    expect(screen.queryByRole("heading", { name: "What it works with" })).toBeNull();
    await client.call({ do: "set-account", charm: "attendance-sheet", account: null });
    const picker = await screen.findByRole("combobox", { name: /^What it takes for #googleAuth/ });
    expect(picker.textContent).toContain("By itself: kim@example.com");
    expect(screen.queryByText("#googleCalendar")).toBeNull();
    await expectNoAxe(container);
    await user.click(picker);
    await user.click(await menuEntry("option", "kim.doe@work.example"));
    await waitFor(() => expect(client.world.choices.get("id-attendance-sheet #googleAuth")).toBe("auth-a2"));
    await waitFor(() => expect(messages(app)).toContain("Attendance sheet takes kim.doe@work.example from its next run on."));
    await user.click(screen.getByRole("combobox", { name: /^What it takes for #googleAuth/ }));
    await user.click(await menuEntry("option", "By itself: kim@example.com"));
    await waitFor(() => expect(client.world.choices.size).toBe(0));
  });

  it("reads its cells when asked, finds in them, and tells of a failure", async () => {
    const { client, user, container } = one("gmail-importer");
    const show = await screen.findByRole("button", { name: "Show" });
    expect(client.asked.some((r) => r.do === "cells")).toBe(false);
    client.fail("cells");
    await user.click(show);
    await screen.findByText(/the disk is full/);
    client.mend("cells");
    await user.click(screen.getByRole("button", { name: "Show" }));
    const tree = await screen.findByRole("tree");
    expect(within(tree).getByText("emails")).toBeTruthy();
    await user.type(screen.getByRole("searchbox", { name: "Find in cells" }), "4410987");
    await waitFor(() => expect(within(tree).queryByText("emails")).toBeNull());
    expect(within(tree).getByText("historyId")).toBeTruthy();
    await expectNoAxe(container);
  });

  it("goes back to the list when it is removed", async () => {
    const { user } = one("reading-notes");
    await user.click(await screen.findByRole("button", { name: "More for Reading notes" }));
    await user.click(await menuEntry("menuitem", "Remove"));
    await waitFor(() => expect(router.route.path).toEqual(["charms"]));
  });

  it("runs now, and tells how it ended with a way to the run", async () => {
    const { client, user, app } = one("attendance-sheet", { scene: "trouble" });
    await user.click(await screen.findByRole("button", { name: "Run now" }));
    await screen.findByRole("button", { name: "Cancel" });
    await client.advance(5000);
    await waitFor(() => expect(messages(app)).toContain("Attendance sheet: Failed"));
    app.toasts.list.at(-1)?.action?.run();
    expect(router.route.query.run).toBe("run-1");
    expect(router.page).toBe("history");
  });
});
