// The services of Google that an account can grant.
import type { AccountView } from "$lib/bindings";
import type { IconName } from "$lib/components/icons";
import { href } from "$lib/router.svelte";

/** A service, as the API names it. */
export const SERVICES = ["gmail", "calendar"] as const;
export type Service = (typeof SERVICES)[number];

export const iconOf: Readonly<Record<Service, IconName>> = { gmail: "mail", calendar: "calendar" };

/** Words that name services, in the order of `SERVICES`. */
export function servicesOf(words: readonly string[]): Service[] {
  return SERVICES.filter((s) => words.includes(s));
}

/** Where an account signs in again, for what it has granted before. */
export const signInHref = ({ account, services }: AccountView) =>
  href("/connect", { services: services.join(","), account });
