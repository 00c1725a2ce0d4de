import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { type FakeOptions, fakeClient } from "$lib/client/fake";
import { router } from "$lib/router.svelte";
import Accounts from "../src/pages/Accounts.svelte";
import Connect from "../src/pages/Connect.svelte";
import Welcome from "../src/pages/Welcome.svelte";
import { expectNoAxe, mount } from "./helpers";

const NOW = Date.parse("2026-11-21T14:05:00Z");

function connect(address: string, options: FakeOptions = {}) {
  const client = fakeClient({ now: NOW, ...options });
  return { client, ...mount(Connect, { client, address }) };
}

describe("connecting Google", () => {
  it("asks for what the address says, waits for the browser and shows the result", async () => {
    const { client, user, container } = connect("#/connect?services=gmail");
    const gmail = await screen.findByRole("checkbox", { name: "Gmail" });
    expect((gmail as HTMLInputElement).checked).toBe(true);
    expect((screen.getByRole("checkbox", { name: "Google Calendar" }) as HTMLInputElement).checked).toBe(false);
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: "Continue in the browser" }));
    const waiting = await screen.findByRole("heading", { name: "Waiting for your browser" });
    expect(document.activeElement?.contains(waiting) && document.activeElement !== document.body).toBe(true);
    await user.click(await screen.findByRole("button", { name: "Copy link" }));
    expect(client.copied[0]).toContain("https://accounts.google.com/");
    await user.click(screen.getByRole("button", { name: "Open again" }));
    expect(client.opened[0]).toContain("https://accounts.google.com/");
    await expectNoAxe(container);
    await client.advance(4000);
    // The browser has answered: that is not cut off any more.
    await screen.findByText("Signing in");
    expect(screen.queryByRole("button", { name: "Cancel" })).toBeNull();
    await client.advance(1000);
    await screen.findByRole("heading", { name: "robin@example.com is connected" });
    expect(screen.getByText("New mail is read and kept in your cells.")).toBeTruthy();
    const runs = await screen.findByRole("region", { name: "What runs now" });
    await client.advance(700);
    await waitFor(() => expect(runs.textContent).toContain("Reading"));
    await expectNoAxe(container);
    expect(client.asked).toContainEqual({ do: "connect", services: ["gmail"], client: null, print_url: false, account: null });
  });

  it("shows what was not allowed, and asks for that alone", async () => {
    const { client, user, container } = connect("#/connect", { browser: "grants-some" });
    await user.click(await screen.findByRole("button", { name: "Continue in the browser" }));
    await client.advance(6000);
    await screen.findByText("Events cannot be read until you grant it.");
    expect(screen.getByText("Not granted")).toBeTruthy();
    await expectNoAxe(container);
    client.world.browser = "grants";
    await user.click(screen.getByRole("button", { name: "Grant Google Calendar" }));
    await client.advance(6000);
    await screen.findByText("Events are read and kept in your cells.");
    const asked = client.asked.filter((r) => r.do === "connect").at(-1);
    expect(asked).toMatchObject({ services: ["calendar"], account: "account-1" });
  });

  it("gives up when asked, without an error", async () => {
    const { client, user } = connect("#/connect", { browser: "waits" });
    await user.click(await screen.findByRole("button", { name: "Continue in the browser" }));
    await user.click(await screen.findByRole("button", { name: "Cancel" }));
    const go = await screen.findByRole("button", { name: "Continue in the browser" });
    await waitFor(() => expect(document.activeElement).toBe(go));
    expect(screen.queryByRole("alert")).toBeNull();
    expect(client.world.accounts).toHaveLength(2);
  });

  it("tells when access was refused in the browser", async () => {
    const { client, user, container } = connect("#/connect", { browser: "refuses" });
    await user.click(await screen.findByRole("button", { name: "Continue in the browser" }));
    await client.advance(5000);
    expect((await screen.findByRole("alert")).textContent).toContain("Access was refused in the browser.");
    const go = screen.getByRole("button", { name: "Continue in the browser" });
    await waitFor(() => expect(document.activeElement).toBe(go));
    await expectNoAxe(container);
  });

  it("does not go on with nothing chosen", async () => {
    const { client, user } = connect("#/connect?services=gmail");
    await user.click(await screen.findByRole("checkbox", { name: "Gmail" }));
    await user.click(screen.getByRole("button", { name: "Continue in the browser" }));
    expect(screen.getByText("Choose at least one.")).toBeTruthy();
    expect(client.asked.some((r) => r.do === "connect")).toBe(false);
  });

  it("goes on when the page is left, and tells the end in a message", async () => {
    const { client, user, unmount, app } = connect("#/connect");
    await user.click(await screen.findByRole("button", { name: "Continue in the browser" }));
    await screen.findByRole("heading", { name: "Waiting for your browser" });
    unmount();
    await client.advance(6000);
    await waitFor(() => expect(app.toasts.list.map((t) => t.message)).toContain("robin@example.com is connected"));
  });
});

describe("a Google client of one's own", () => {
  it("is set up in numbered steps, and a wrong file is told", async () => {
    const { client, user, container } = connect("#/connect", { scene: "first" });
    await screen.findByRole("heading", { name: "Set up a Google client of your own" });
    expect(screen.getAllByRole("listitem")).toHaveLength(6);
    expect(screen.getByText(/Google ends every sign-in after 7 days/)).toBeTruthy();
    await expectNoAxe(container);
    await user.click(screen.getByRole("link", { name: "Gmail API" }));
    expect(client.opened).toEqual(["https://console.cloud.google.com/apis/library/gmail.googleapis.com"]);
    client.world.picks["client-file"] = "/home/kim/web.json";
    await user.click(screen.getByRole("button", { name: "Choose the file…" }));
    expect((await screen.findByRole("alert")).textContent).toContain("Web application");
    client.world.picks["client-file"] = null;
    await user.click(screen.getByRole("button", { name: "Choose the file…" }));
    expect(client.world.settings.client.source).toBe("none");
    client.world.picks["client-file"] = "/home/kim/client_secret_1.json";
    await user.click(screen.getByRole("button", { name: "Choose the file…" }));
    await screen.findByRole("button", { name: "Continue in the browser" });
  });

  it("can be pasted, and what was pasted leaves the page", async () => {
    const { client, user, app } = connect("#/connect", { scene: "first" });
    const field = (await screen.findByRole("textbox", { name: "Or paste it" })) as HTMLTextAreaElement;
    await user.click(field);
    await user.paste("two words");
    await user.click(screen.getByRole("button", { name: "Use what I pasted" }));
    await screen.findByText("That is not a Google client id.");
    await user.clear(field);
    await user.paste("1234-abcd.apps.googleusercontent.com\nnot-a-real-secret");
    await user.click(screen.getByRole("button", { name: "Use what I pasted" }));
    await screen.findByRole("button", { name: "Continue in the browser" });
    expect(client.world.settings.client.client_id).toBe("1234-abcd.apps.googleusercontent.com");
    expect(JSON.stringify([app.settings, client.asked, app.toasts.list])).not.toContain("not-a-real-secret");
    expect(document.body.textContent).not.toContain("not-a-real-secret");
  });
});

describe("accounts", () => {
  const show = (options: FakeOptions = {}) => {
    const client = fakeClient({ now: NOW, ...options });
    return { client, ...mount(Accounts, { client, address: "#/accounts" }) };
  };

  it("tell what each granted, and lead to asking for more", async () => {
    const { container } = show({ scene: "trouble" });
    const work = await screen.findByRole("region", { name: "kim.doe@work.example" });
    expect(work.textContent).toContain("Google no longer accepts the sign-in");
    // Granted or not: nothing is read until the person has signed in again.
    expect(work.textContent).toContain("Waits until this account works again.");
    expect(work.textContent).not.toContain("New mail is read");
    expect(within(work).getByRole("link", { name: "Ask for Google Calendar for kim.doe@work.example" }).getAttribute("href")).toBe(
      "#/connect?services=calendar&account=a2",
    );
    expect(within(work).getByRole("link", { name: "Sign in again: kim.doe@work.example" }).getAttribute("href")).toBe(
      "#/connect?services=gmail&account=a2",
    );
    expect(screen.getByRole("region", { name: "kim@example.com" }).textContent).toContain("Waiting for Google until 14:20.");
    await expectNoAxe(container);
  });

  it("say before disconnecting what will stop", async () => {
    const { client, user, app } = show();
    await user.click(await screen.findByRole("button", { name: "Disconnect kim@example.com" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("2 charms stop: Gmail importer, Google Calendar importer.");
    await expectNoAxe(dialog);
    await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
    expect(client.world.accounts).toHaveLength(2);
    await user.click(screen.getByRole("button", { name: "Disconnect kim@example.com" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Disconnect" }));
    await waitFor(() => expect(screen.queryByRole("region", { name: "kim@example.com" })).toBeNull());
    expect(app.toasts.list[0]?.hint).toBe("Google has ended the access.");
  });

  it("say when there is none", async () => {
    const { container } = show({ scene: "empty" });
    await screen.findByText("No account is connected");
    await expectNoAxe(container);
  });
});

describe("the first sight", () => {
  const show = (options: { sandbox?: boolean } = {}) => {
    const client = fakeClient({ now: NOW, scene: "first", ...(options.sandbox ? { params: new URLSearchParams("sandbox&scene=first") } : {}) });
    return { client, ...mount(Welcome, { client, address: "#/welcome" }) };
  };

  it("offers three ways, and is not shown again", async () => {
    const { client, user, container } = show();
    await screen.findByRole("button", { name: /^Try the sandbox/ });
    expect(screen.getAllByRole("listitem")).toHaveLength(3);
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: /^Add a charm/ }));
    expect(router.page).toBe("add");
    await waitFor(() => expect(client.world.settings.introduced).toBe(true));
  });

  it("opens the sandbox beside this profile, and says how to come back", async () => {
    const { client, user, container } = show();
    const choice = await screen.findByRole("button", { name: /^Try the sandbox/ });
    await user.click(choice);
    const told = await screen.findByText(/is open in a window of its own/);
    expect(told.closest("[role=status]")).toBeTruthy();
    expect(client.opened).toEqual(["sandbox"]);
    // The first run is still to come, and the focus stays where it was.
    expect(client.world.settings.introduced).toBe(false);
    expect(document.activeElement).toBe(choice);
    await expectNoAxe(container);
  });

  it("says why the sandbox did not open, and can try again", async () => {
    const { client, user } = show();
    client.fail("trySandbox", { kind: "local", message: "The sandbox could not be started: the port is taken." });
    const choice = await screen.findByRole("button", { name: /^Try the sandbox/ });
    await user.click(choice);
    expect((await screen.findByText(/the port is taken/)).closest("[role=alert]")).toBeTruthy();
    client.mend("trySandbox");
    await user.click(choice);
    await screen.findByText(/is open in a window of its own/);
    expect(screen.queryByText(/the port is taken/)).toBeNull();
  });

  it("asks about starting at login", async () => {
    const { client, user } = show();
    const login = await screen.findByRole("switch", { name: "Start at login" });
    await waitFor(() => expect(login.getAttribute("aria-disabled")).toBeNull());
    await user.click(login);
    await waitFor(() => expect(login.getAttribute("aria-checked")).toBe("true"));
    expect(client.world.autostart.enabled).toBe(true);
  });

  it("says why it cannot start at login", async () => {
    const client = fakeClient({ now: NOW, scene: "first" });
    client.world.autostart = { enabled: false, available: false, reason: "A development build does not start at login." };
    const { user } = mount(Welcome, { client, address: "#/welcome" });
    await screen.findByText(/A development build does not start at login/);
    await user.click(screen.getByRole("switch", { name: "Start at login" }));
    expect(client.world.autostart.enabled).toBe(false);
  });

  it("in the try-out profile, offers the sample account instead", async () => {
    show({ sandbox: true });
    await screen.findByText(/Sign in with a sample account/);
    expect(screen.queryByRole("button", { name: /^Try the sandbox/ })).toBeNull();
  });
});
