import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { fakeClient, type FakeOptions } from "$lib/client/fake";
import { router } from "$lib/router.svelte";
import Settings from "../src/pages/Settings.svelte";
import { expectNoAxe, menuEntry, mount } from "./helpers";

const NOW = Date.parse("2026-11-21T14:05:00Z");

async function show(address = "#/settings", options: FakeOptions = {}) {
  const client = fakeClient({ now: NOW, ...options });
  const view = mount(Settings, { client, address });
  await screen.findByRole("heading", { name: "General" });
  return { client, ...view };
}

describe("settings", () => {
  it("change at once", async () => {
    const { client, user, container } = await show();
    await user.click(screen.getByRole("switch", { name: "Notifications" }));
    await waitFor(() => expect(client.world.settings.notifications).toBe(false));
    await user.click(screen.getByRole("switch", { name: "Wait on battery" }));
    await user.click(screen.getByRole("switch", { name: "Wait on a metered connection" }));
    await waitFor(() => expect(client.world.settings.pause_on_metered).toBe(false));
    expect(client.world.settings.pause_on_battery).toBe(true);
    await user.click(screen.getByRole("radio", { name: "Dark" }));
    await waitFor(() => expect(document.documentElement.dataset.theme).toBe("dark"));
    await user.click(screen.getByRole("switch", { name: "Start at login" }));
    await waitFor(() => expect(client.world.autostart.enabled).toBe(true));
    await expectNoAxe(container);
  });

  it("ask before runs are removed for good, and not when more are kept", async () => {
    const { client, user } = await show();
    const keep = () => screen.getByRole("combobox", { name: /^Keep runs for/ });
    await user.click(keep());
    await user.click(await menuEntry("option", "1 year"));
    await waitFor(() => expect(client.world.settings.keep_days).toBe(365));
    await user.click(keep());
    await user.click(await menuEntry("option", "7 days"));
    const dialog = await screen.findByRole("dialog", { name: "Keep runs for 7 days only?" });
    expect(client.world.settings.keep_days).toBe(365);
    await expectNoAxe(dialog);
    await user.click(within(dialog).getByRole("button", { name: "Remove older runs" }));
    await waitFor(() => expect(client.world.settings.keep_days).toBe(7));
  });

  it("forget the Google client after a question", async () => {
    const { client, user } = await show();
    expect(screen.getByText("Your own: 1047-sample.apps.googleusercontent.com")).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Forget" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Forget" }));
    await screen.findByText("None is set up yet.");
    expect(client.world.settings.client.source).toBe("none");
  });

  it("open the sandbox, but not from within it", async () => {
    const { client, user, unmount } = await show();
    await user.click(await screen.findByRole("button", { name: "Open the sandbox" }));
    await waitFor(() => expect(client.opened).toEqual(["sandbox"]));
    unmount();
    await show("#/settings", { params: new URLSearchParams("sandbox") });
    await screen.findByRole("button", { name: "Quit Charmkeeper" });
    expect(screen.queryByRole("button", { name: "Open the sandbox" })).toBeNull();
  });

  it("show the data folder and export everything", async () => {
    const { client, user, app } = await show();
    await user.click(await screen.findByRole("button", { name: "Open the folder" }));
    expect(client.opened).toEqual(["/home/kim/.local/share/charmkeeper"]);
    await user.click(screen.getByRole("button", { name: "Export…" }));
    await waitFor(() => expect(app.toasts.list[0]?.message).toBe("5,000 runs and all cells were written."));
    app.toasts.list[0]?.action?.run();
    expect(client.opened.at(-1)).toBe("/home/kim/Documents/charmkeeper-2026-11-21");
  });

  it("reset only after the word was typed", async () => {
    const { client, user } = await show();
    await user.click(screen.getByRole("button", { name: "Reset…" }));
    const dialog = await screen.findByRole("dialog", { name: "Remove everything?" });
    await expectNoAxe(dialog);
    const go = within(dialog).getByRole("button", { name: "Remove everything" });
    await user.click(go);
    await user.type(within(dialog).getByRole("textbox"), "rese{Enter}");
    expect(client.asked.some((r) => r.do === "reset")).toBe(false);
    await user.type(within(dialog).getByRole("textbox"), "t");
    await user.click(go);
    await waitFor(() => expect(router.page).toBe("welcome"));
    expect(client.world.charms).toEqual([]);
  });

  it("tell when they cannot be read or stored", async () => {
    const { client, user, app } = await show();
    client.fail("change-settings");
    await user.click(screen.getByRole("switch", { name: "Notifications" }));
    await waitFor(() => expect(app.toasts.list[0]?.message).toContain("the disk is full"));
    expect(screen.getByRole("switch", { name: "Notifications" }).getAttribute("aria-checked")).toBe("true");
  });
});

describe("the doctor's report", () => {
  it("is looked at when its address is opened, once, and can be copied", async () => {
    const { client, user, container } = await show("#/doctor", { scene: "trouble" });
    await screen.findByText("The keychain is locked.");
    expect(client.asked.filter((r) => r.do === "doctor")).toHaveLength(1);
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: "Copy report" }));
    expect(client.copied[0]).toContain("Problem: Keychain: The keychain is locked.\n  Unlock it:");
  });

  it("is looked at when asked for, and a failure is told", async () => {
    const { client, user } = await show();
    expect(client.asked.some((r) => r.do === "doctor")).toBe(false);
    client.fail("doctor");
    await user.click(screen.getByRole("button", { name: "Check now" }));
    await screen.findByText(/the disk is full/);
    client.mend("doctor");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await screen.findByText("The keychain works.");
  });
});
