import { screen, waitFor, within } from "@testing-library/svelte";
import { describe, expect, it } from "vitest";
import { fakeClient, type FakeOptions } from "$lib/client/fake";
import { router } from "$lib/router.svelte";
import Spaces from "../src/pages/Spaces.svelte";
import { expectNoAxe, mount } from "./helpers";

const NOW = Date.parse("2026-11-21T14:05:00Z");
const WORDS = Array.from({ length: 24 }, (_, n) => `word${n}`).join(" ");

function show(address = "#/spaces", options: FakeOptions = {}) {
  const client = fakeClient({ now: NOW, ...options });
  return { client, ...mount(Spaces, { client, address }) };
}

const region = (name: string) => screen.findByRole("region", { name });

describe("spaces", () => {
  it("tell their state in a sentence", async () => {
    const { container } = show("#/spaces", { scene: "trouble" });
    expect((await region("Home")).textContent).toContain("Waiting for the server; 12 changes kept until then.");
    expect((await region("books")).textContent).toContain("2 changes are stuck");
    expect((await region("On this computer")).textContent).toContain("main");
    await expectNoAxe(container);
  });

  it("say when none is connected", async () => {
    const { user, container } = show("#/spaces", { scene: "empty" });
    await screen.findByText("No space is connected");
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: "Connect a space" }));
    await region("Connect a space");
  });

  it("tell why they cannot be read", async () => {
    const client = fakeClient({ now: NOW });
    client.fail("spaces");
    const { user } = mount(Spaces, { client, address: "#/spaces" });
    await screen.findByRole("alert");
    client.mend("spaces");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await region("Home");
  });

  it("try a stuck change again, and drop one after a question", async () => {
    const { client, user } = show("#/spaces", { scene: "trouble" });
    const retry = () => screen.getAllByRole("button", { name: "Try again: a change of Reading notes" });
    await region("books");
    await user.click(retry()[0] as HTMLElement);
    await waitFor(() => expect(retry()).toHaveLength(1));
    expect(client.asked).toContainEqual({ do: "retry-change", change: 41 });
    await user.click(screen.getByRole("button", { name: "Drop a change of Reading notes" }));
    const dialog = await screen.findByRole("dialog", { name: "Drop this change?" });
    expect(dialog.textContent).toContain("1 document that Reading notes wrote goes back to what the server has.");
    expect(client.asked.some((r) => r.do === "drop-change")).toBe(false);
    await expectNoAxe(dialog);
    await user.click(within(dialog).getByRole("button", { name: "Drop" }));
    await waitFor(() => expect(client.asked).toContainEqual({ do: "drop-change", change: 44 }));
    await waitFor(() => expect(screen.queryByText(/stuck/)).toBeNull());
  });

  it("disconnect after a question, and connect again", async () => {
    const { client, user } = show();
    await user.click(await screen.findByRole("button", { name: "Disconnect books" }));
    await user.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Disconnect" }));
    await waitFor(async () => expect((await region("books")).textContent).toContain("Not synced: disconnected."));
    await user.click(screen.getByRole("button", { name: "Connect again: books" }));
    await waitFor(async () => expect((await region("books")).textContent).not.toContain("Not synced"));
    expect(client.asked.filter((r) => r.do === "connect-space").at(-1)).toMatchObject({ claim: false });
  });
});

describe("connecting a space", () => {
  it("takes 24 words, which leave the page, and shows the home space", async () => {
    const { client, user, container } = show("#/spaces?connect=1", { scene: "empty" });
    await expectNoAxe(container);
    await user.type(await screen.findByRole("textbox", { name: "Server" }), "https://toolshed.example.net");
    const field = screen.getByRole("textbox", { name: "Your 24 words" });
    await user.click(field);
    await user.paste("too few words");
    await user.click(screen.getByRole("button", { name: "Connect" }));
    await screen.findByText("A key has 24 words.");
    await user.clear(field);
    await user.paste(WORDS);
    await user.click(screen.getByRole("button", { name: "Connect" }));
    await region("Home");
    expect(JSON.stringify(client.asked)).not.toContain("word3");
    expect(document.body.innerHTML).not.toContain("word3");
    expect(router.route.query.connect).toBeUndefined();
    await region("Your favorites");
  });

  it("asks before it writes the access list of a new space", async () => {
    const { client, user } = show("#/spaces?connect=1");
    await user.type(await screen.findByRole("textbox", { name: "Server" }), "https://toolshed.example.net");
    await user.type(screen.getByRole("textbox", { name: "Space" }), "brand new");
    await user.click(screen.getByRole("button", { name: "Connect" }));
    await screen.findByText(/This space is new/);
    const claims = () => client.asked.flatMap((r) => (r.do === "connect-space" ? [r.claim] : []));
    expect(claims()).toEqual([false]);
    await user.click(screen.getByRole("button", { name: "It is mine and new…" }));
    const dialog = await screen.findByRole("dialog", { name: "Is this space yours?" });
    expect(dialog.textContent).toContain("everybody who knows its name may write to it");
    await expectNoAxe(dialog);
    await user.click(within(dialog).getByRole("button", { name: "Write the access list" }));
    await region("brand new");
    expect(claims()).toEqual([false, true]);
  });

  it("offers no claim on a space that refuses the key, but another key", async () => {
    const { user } = show("#/spaces?connect=1");
    await user.type(await screen.findByRole("textbox", { name: "Server" }), "https://toolshed.example.net");
    await user.type(screen.getByRole("textbox", { name: "Space" }), "closed circle");
    await user.click(screen.getByRole("radio", { name: /^24 words/ }));
    await user.type(screen.getByRole("textbox", { name: "Your 24 words" }), Array(24).fill("word").join(" "));
    await user.click(screen.getByRole("button", { name: "Connect" }));
    const error = (await screen.findByText(/may not read this space/)).closest("[role=alert]") as HTMLElement;
    expect(error.textContent).toContain("Ask the owner of the space");
    expect(screen.queryByRole("button", { name: "It is mine and new…" })).toBeNull();
    await user.click(within(error).getByRole("button", { name: "Use another key" }));
    await screen.findByRole("radio", { name: /^24 words/ });
  });

  it("forgets the words once the key is in the keychain, even when the space was refused", async () => {
    const { user, container } = show("#/spaces?connect=1", { scene: "empty" });
    await user.type(await screen.findByRole("textbox", { name: "Server" }), "https://toolshed.example.net");
    await user.type(screen.getByRole("textbox", { name: "Space" }), "brand new");
    await user.click(screen.getByRole("textbox", { name: "Your 24 words" }));
    await user.paste(WORDS);
    await user.click(screen.getByRole("button", { name: "Connect" }));
    await screen.findByText("Your key is in the keychain");
    await screen.findByText(/This space is new/);
    await expectNoAxe(container);
    await user.click(screen.getByRole("button", { name: "Use another key" }));
    expect((screen.getByRole("textbox", { name: "Your 24 words" }) as HTMLTextAreaElement).value).toBe("");
  });

  it("offers no access list when the server just does not answer", async () => {
    const { user } = show("#/spaces?connect=1");
    await user.type(await screen.findByRole("textbox", { name: "Server" }), "https://offline.example.net{Enter}");
    await user.click(screen.getByRole("button", { name: "Connect" }));
    await screen.findByText("The server does not answer.");
    expect(screen.queryByRole("button", { name: "It is mine and new…" })).toBeNull();
  });

  it("takes a key file, and marks a passphrase as for development", async () => {
    const { user, client } = show("#/spaces?connect=1", { scene: "empty" });
    await user.type(await screen.findByRole("textbox", { name: "Server" }), "https://toolshed.example.net");
    await user.click(screen.getByRole("radio", { name: /^Passphrase \(for development\)/ }));
    expect(screen.getByText(/development server only/)).toBeTruthy();
    await user.click(screen.getByRole("radio", { name: /^Key file/ }));
    await user.click(screen.getByRole("button", { name: "Choose the key file…" }));
    await screen.findByText("/home/kim/keys/home.pem");
    await user.click(screen.getByRole("button", { name: "Connect" }));
    await waitFor(() => expect(client.world.spaces.some((s) => s.kind === "home")).toBe(true));
  });
});

describe("favorites", () => {
  it("run here with a switch, and say who else runs them", async () => {
    const { client, user, container } = show();
    const favorites = await region("Your favorites");
    const recipes = await within(favorites).findByRole("switch", { name: "Run Recipes of the week on this computer" });
    expect(within(favorites).queryByRole("switch", { name: /Poster/ })).toBeNull();
    expect(favorites.textContent).toContain("Kim's studio computer");
    await user.click(recipes);
    await waitFor(() => expect(recipes.getAttribute("aria-checked")).toBe("true"));
    expect(client.world.charm("recipes").name).toBe("Recipes of the week");
    await expectNoAxe(container);
  });

  it("are taken over from the server or another computer after a question", async () => {
    const { client, user } = show();
    await user.click(await screen.findByRole("switch", { name: "Run Monthly bills on this computer" }));
    await screen.findByText(/The server runs this too, so its work is done twice/);
    await user.click(screen.getByRole("button", { name: "Run it here instead: Monthly bills" }));
    const dialog = await screen.findByRole("dialog");
    expect(dialog.textContent).toContain("The server is told to stop running it");
    await user.click(within(dialog).getByRole("button", { name: "Run it here instead" }));
    await waitFor(() => expect(screen.queryByText(/done twice\. /)).toBeNull());
    await waitFor(() => expect(client.world.favorites.find((f) => f.name === "Monthly bills")?.runner).toBe("here"));
    await user.click(screen.getByRole("button", { name: "Run it here instead: Photo frame" }));
    expect((await screen.findByRole("dialog")).textContent).toContain("Kim's studio computer stops running it");
  });

  it("tell when they cannot be read", async () => {
    const client = fakeClient({ now: NOW });
    client.fail("favorites");
    mount(Spaces, { client, address: "#/spaces" });
    await waitFor(async () => expect((await region("Your favorites")).textContent).toContain("the disk is full"));
  });
});

describe("publishing a charm", () => {
  it("places the charm that the address names", async () => {
    const { client, user } = show("#/spaces?publish=attendance-sheet");
    const dialog = await screen.findByRole("dialog", { name: "Publish a charm" });
    await within(dialog).findByRole("combobox", { name: /^Charm/ });
    expect(dialog.textContent).toContain("Attendance sheet (attendance-sheet)");
    await expectNoAxe(dialog);
    await user.click(within(dialog).getByRole("checkbox", { name: "Add it to my favorites" }));
    await user.click(within(dialog).getByRole("button", { name: "Publish" }));
    await waitFor(() => expect(router.route.query.publish).toBeUndefined());
    expect(client.asked.find((r) => r.do === "publish")).toMatchObject({ charm: "id-attendance-sheet", favorite: false });
    expect(client.world.charm("attendance-sheet").space_name).toBe("Home");
  });

  it("begins at the list of spaces", async () => {
    const { user, container } = show();
    await region("Home");
    await user.click(screen.getByRole("button", { name: "Publish to a space…" }));
    const dialog = await screen.findByRole("dialog", { name: "Publish a charm" });
    await expectNoAxe(container);
    await user.click(within(dialog).getByRole("button", { name: "Cancel" }));
    await waitFor(() => expect(router.route.query.publish).toBeUndefined());
  });

  it("tells what others will not see", async () => {
    const { user, app } = show("#/spaces?publish=gmail-importer");
    const dialog = await screen.findByRole("dialog", { name: "Publish a charm" });
    await user.click(within(dialog).getByRole("button", { name: "Publish" }));
    await within(dialog).findByText(/"auth" leads to a charm that is only on this computer/);
    expect(app.toasts.list.map((toast) => toast.message)).toEqual(["Gmail importer is in Home now."]);
    await expectNoAxe(dialog);
    const close = within(dialog).getAllByRole("button", { name: "Close" });
    await user.click(close.at(-1) as HTMLElement);
    await waitFor(() => expect(router.route.query.publish).toBeUndefined());
  });

  it("never takes another charm than the one asked for", async () => {
    show("#/spaces?publish=reading-notes");
    const dialog = await screen.findByRole("dialog", { name: "Publish a charm" });
    await within(dialog).findByText("This charm is in a connected space already.");
    expect(within(dialog).getByRole("button", { name: "Publish" }).getAttribute("aria-disabled")).toBe("true");
  });

  it("tells why it could not be published", async () => {
    const client = fakeClient({ now: NOW });
    client.fail("publish", { kind: "space", message: "The space does not let this key write." });
    const { user } = mount(Spaces, { client, address: "#/spaces?publish=1" });
    const dialog = await screen.findByRole("dialog");
    await within(dialog).findByRole("combobox", { name: /^Charm/ });
    await user.click(within(dialog).getByRole("button", { name: "Publish" }));
    await within(dialog).findByText("The space does not let this key write.");
  });
});
