// How a test puts a component on the page: with an app, a client and an address.
import { render, screen, waitFor } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import axe from "axe-core";
import type { Component } from "svelte";
import { expect, onTestFinished } from "vitest";
import { App, appContext } from "$lib/app.svelte";
import type { Client } from "$lib/client";
import { clock } from "$lib/clock.svelte";
import { parse, router } from "$lib/router.svelte";

export interface Mounting {
  client: Client;
  /** As in `#/history?changed=1`. */
  address?: string;
  props?: Record<string, unknown>;
  /** The moment it is, in milliseconds since 1970. */
  now?: number;
}

/** Shows a component inside a started app. */
export function mount(component: Component<any>, { client, address = "#/", props = {}, now }: Mounting) {
  if (now !== undefined) clock.use(() => now);
  history.replaceState(null, "", address);
  router.route = parse(address);
  const app = new App(client);
  const ends = [app.start(), router.start()];
  onTestFinished(() => {
    for (const end of ends) end();
  });
  const user = userEvent.setup();
  const view = render(component, { props, context: appContext(app) });
  return { ...view, app, user };
}

/** No fault that axe knows, colours aside: jsdom draws none. */
export async function expectNoAxe(container: Element = document.body): Promise<void> {
  const { violations } = await axe.run(container, {
    rules: { "color-contrast": { enabled: false }, region: { enabled: false } },
  });
  const told = violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.map((n) => `  ${n.html}`).join("\n")}`);
  expect(told).toEqual([]);
}

/**
 * An entry of an open menu or list by its text. Without a layout the library
 * takes it to be out of sight and hides it, so that it has no name for a role.
 */
export async function menuEntry(role: "menuitem" | "option", text: string): Promise<HTMLElement> {
  return waitFor(() => {
    const found = screen.getAllByRole(role, { hidden: true }).find((entry) => entry.textContent?.trim() === text);
    if (!found) throw new Error(`no entry ${text}`);
    return found;
  });
}
