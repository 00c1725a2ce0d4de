// What the window does with a charm, and how it tells of the result. Used by
// the list and by the page of one charm, so that both do and say the same.
import type { App, LiveRun } from "$lib/app.svelte";
import type { CharmView } from "$lib/bindings";
import { t } from "$lib/i18n";
import { href, router } from "$lib/router.svelte";
import { signInHref } from "$lib/services";

/** How a state is drawn: the shape of `StateMark`, the tone of a badge. */
export interface Look {
  mark: "ok" | "running" | "attention" | "paused";
  tone: "neutral" | "good" | "warn" | "bad" | "info" | "accent";
}

const LOOKS: Readonly<Record<string, Look>> = {
  waiting: { mark: "ok", tone: "good" },
  running: { mark: "running", tone: "accent" },
  paused: { mark: "paused", tone: "neutral" },
  off: { mark: "paused", tone: "neutral" },
  stopped: { mark: "paused", tone: "neutral" },
  offline: { mark: "paused", tone: "info" },
  quota: { mark: "paused", tone: "info" },
  power: { mark: "paused", tone: "info" },
  elsewhere: { mark: "paused", tone: "info" },
  failing: { mark: "attention", tone: "warn" },
  overdue: { mark: "attention", tone: "warn" },
  failed: { mark: "attention", tone: "bad" },
  "sign-in": { mark: "attention", tone: "bad" },
  scope: { mark: "attention", tone: "warn" },
  keychain: { mark: "attention", tone: "warn" },
};

/** How the keeper's word for a charm's state is drawn. */
export function lookOfState(state: string): Look {
  return LOOKS[state] ?? { mark: "ok", tone: "neutral" };
}

// Keeps an account's sign-in in a cell for the others. It belongs to the
// account and has no work of its own, so it is not shown among the charms.
const SIGN_IN_SOURCE = "builtin:google-auth";

/** The charms that a person looks after; one without a name goes by its handle. */
export function shownCharms(charms: readonly CharmView[]): CharmView[] {
  return charms
    .filter((c) => c.source !== SIGN_IN_SOURCE)
    .map((c) => (c.name.trim() === "" ? { ...c, name: c.charm } : c));
}

/** The run of a charm that goes on now. */
export function liveRun(app: App, charm: CharmView): LiveRun | undefined {
  for (const run of app.live.values()) if (run.charm === charm.charm || run.charm === charm.id) return run;
  return undefined;
}

/** Runs a charm now; says how it ended. */
export async function runNow(app: App, charm: CharmView): Promise<void> {
  const run = await app.ask({ do: "run", charm: charm.id });
  if (!run || run.outcome === null) return;
  const bad = run.error !== null && run.outcome !== "cancelled" && run.outcome !== "skipped";
  const words = { name: charm.name, outcome: t(`outcome.${run.outcome}`) };
  app.toast({
    tone: bad ? "bad" : run.outcome === "ok" || run.outcome === "ok-unchanged" ? "good" : "info",
    message: t("charms.ran", words),
    ...(run.error ? { hint: run.error.message } : {}),
    action: { label: t("charms.show-run"), run: () => router.go("/history", { run: run.run }) },
  });
}

/** Switches a charm's timer. */
export async function switchCharm(app: App, charm: CharmView, on: boolean): Promise<void> {
  await app.ask({ do: on ? "resume" : "pause", charm: charm.id });
  await app.refresh();
}

/** Removes a charm; the message brings it back. */
export async function removeCharm(app: App, charm: CharmView): Promise<boolean> {
  const gone = await app.ask({ do: "remove", charm: charm.id });
  if (!gone) return false;
  await app.refresh();
  app.toast({
    message: t("charms.removed", { name: charm.name }),
    action: {
      label: t("common.undo"),
      run: () => void app.ask({ do: "restore", charm: gone.id }).then(() => app.refresh()),
    },
  });
  return true;
}

/** Where a person mends what an account keeps a charm from; nothing when it is not that. */
export function wayBack(app: App, charm: CharmView): { href: string; label: string; name: string } | undefined {
  if (charm.state === "scope") {
    return { href: href("/accounts"), label: t("charm.grant"), name: t("charm.grant-named", { name: charm.name }) };
  }
  if (charm.state !== "sign-in") return undefined;
  const account = app.status?.accounts.find((a) => a.account === charm.account);
  if (!account) return { href: href("/connect"), label: t("charms.connect"), name: t("charms.connect") };
  return { href: signInHref(account), label: t("charm.sign-in"), name: t("charm.sign-in-named", { name: charm.name }) };
}

/** The history of one charm. */
export const historyHref = (charm: CharmView) => href("/history", { charm: charm.charm });
