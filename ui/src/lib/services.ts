// The services of Google that an account can grant.
import type { IconName } from "$lib/components/icons";

/** A service, as the API names it. */
export const SERVICES = ["gmail", "calendar"] as const;
export type Service = (typeof SERVICES)[number];

export const iconOf: Readonly<Record<Service, IconName>> = { gmail: "mail", calendar: "calendar" };

/** Words that name services, in the order of `SERVICES`. */
export function servicesOf(words: readonly string[]): Service[] {
  return SERVICES.filter((s) => words.includes(s));
}
