import { screen, waitFor } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { fakeClient, type FakeOptions } from "$lib/client/fake";
import { router } from "$lib/router.svelte";
import Add from "../src/pages/Add.svelte";
import { expectNoAxe, mount } from "./helpers";

const NOW = Date.parse("2026-11-21T14:05:00Z");

function show(address: string, options: FakeOptions = {}) {
  const client = fakeClient({ now: NOW, ...options });
  return { client, ...mount(Add, { client, address }) };
}

describe("adding a charm", () => {
  it("shows what it asks for before anything is added", async () => {
    const { client, user, container } = show("#/add");
    expect(client.asked.some((r) => r.do === "preview")).toBe(false);
    await expectNoAxe(container);
    await user.type(screen.getByRole("textbox"), "https://example.com/weather.tsx{Enter}");
    await screen.findByRole("heading", { name: "Weather" });
    expect(screen.getByText("api.weather.example")).toBeTruthy();
    expect(screen.getByText("main.tsx:31:5")).toBeTruthy();
    expect(screen.getByText("main.tsx, util/format.ts")).toBeTruthy();
    expect(client.asked.some((r) => r.do === "add")).toBe(false);
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: "Add this charm" }));
    await waitFor(() => expect(router.route.path).toEqual(["charms", "weather"]));
    expect(client.world.charm("weather").hosts).toEqual(["api.weather.example"]);
  });

  it("looks at what was dropped on the window or chosen", async () => {
    const { client, user } = show("#/add?source=%2Fhome%2Fkim%2Fposter.tsx");
    await screen.findByText("It has no work for the background: it runs only when you ask.");
    await user.click(screen.getByRole("button", { name: "Choose a folder…" }));
    await screen.findByRole("heading", { name: "Weather" });
    expect(router.route.query.source).toBe("/home/kim/charms/weather");
    client.world.picks["charm-file"] = null;
    await user.click(screen.getByRole("button", { name: "Choose a file…" }));
    expect(router.route.query.source).toBe("/home/kim/charms/weather");
  });

  it("shows a problem with its place, and looks again when it is mended", async () => {
    const { client, user, container } = show("#/add?source=/home/kim/broken.tsx");
    const alert = await screen.findByRole("alert");
    expect(alert.textContent).toContain("main.tsx:14:9: Expected ';', got 'of'");
    expect(alert.textContent).toContain("const of the days");
    expect(screen.queryByRole("button", { name: "Add this charm" })).toBeNull();
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: "Look again" }));
    await waitFor(() => expect(client.asked.filter((r) => r.do === "preview")).toHaveLength(2));
  });

  it("says when no account has granted what it wants", async () => {
    show("#/add?source=/home/kim/mail-sorter.tsx", { scene: "empty" });
    await screen.findByText("No account has granted Gmail yet.");
    expect(screen.getByRole("link", { name: "Connect" }).getAttribute("href")).toBe("#/connect?services=gmail");
  });

  it("tells when the keeper cannot look", async () => {
    const client = fakeClient({ now: NOW });
    client.fail("preview");
    const { user, container } = mount(Add, { client, address: "#/add?source=x.tsx" });
    await screen.findByText(/the disk is full/);
    await expectNoAxe(container);
    client.mend("preview");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByRole("heading", { name: "X" });
  });
});
