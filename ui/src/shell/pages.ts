// Which component shows which address.
import type { Component } from "svelte";
import type { IconName } from "$lib/components/icons";
import type { Key } from "$lib/i18n";
import Accounts from "../pages/Accounts.svelte";
import Add from "../pages/Add.svelte";
import Charm from "../pages/Charm.svelte";
import Charms from "../pages/Charms.svelte";
import Connect from "../pages/Connect.svelte";
import History from "../pages/History.svelte";
import Settings from "../pages/Settings.svelte";
import Spaces from "../pages/Spaces.svelte";
import Welcome from "../pages/Welcome.svelte";

export type PageName =
  | "history"
  | "charms"
  | "add"
  | "accounts"
  | "connect"
  | "spaces"
  | "settings"
  | "doctor"
  | "welcome";

export interface PageEntry {
  name: PageName;
  title: Key;
  component: Component;
  /** The entry of the navigation that is marked. */
  section: PageName;
}

const pages: Record<PageName, Omit<PageEntry, "name">> = {
  history: { title: "shell.history", component: History, section: "history" },
  charms: { title: "shell.charms", component: Charms, section: "charms" },
  add: { title: "shell.charms", component: Add, section: "charms" },
  accounts: { title: "shell.accounts", component: Accounts, section: "accounts" },
  connect: { title: "shell.accounts", component: Connect, section: "accounts" },
  spaces: { title: "shell.spaces", component: Spaces, section: "spaces" },
  settings: { title: "shell.settings", component: Settings, section: "settings" },
  doctor: { title: "shell.settings", component: Settings, section: "settings" },
  welcome: { title: "shell.history", component: Welcome, section: "history" },
};

/** The page of a path; nothing for a path that names none. */
export function pageOf(path: readonly string[]): PageEntry | undefined {
  const name = path[0];
  if (name === undefined || !Object.hasOwn(pages, name)) return undefined;
  const entry = { name: name as PageName, ...pages[name as PageName] };
  return name === "charms" && path.length > 1 ? { ...entry, component: Charm } : entry;
}

/** The navigation, in order. */
export const navigation: readonly { page: PageName; label: Key; icon: IconName }[] = [
  { page: "history", label: "shell.history", icon: "history" },
  { page: "charms", label: "shell.charms", icon: "charm" },
  { page: "accounts", label: "shell.accounts", icon: "account" },
  { page: "spaces", label: "shell.spaces", icon: "space" },
  { page: "settings", label: "shell.settings", icon: "settings" },
];
