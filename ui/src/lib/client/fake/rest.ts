// The rest of the keeper in the page: state, settings, history, exports, the
// doctor's report.
import type { CharmView, CheckView, SettingsView, StatusView } from "$lib/bindings";
import { usage } from "./errors";
import { rowOf } from "./runs";
import * as seed from "./seed";
import type { Handlers, World } from "./world";

const NEEDY = ["failed", "overdue", "sign-in", "scope"];

function status(world: World): StatusView {
  const running = [...world.going.keys()].flatMap((id) => {
    const run = world.runs.details(id);
    return run ? [rowOf(run)] : [];
  });
  const [summary, icon] = sentence(world, running.length);
  return {
    summary,
    synced_at: summary.startsWith("All synced") ? world.time.iso(-2 * 60_000) : null,
    icon,
    serving: true,
    pid: 4711,
    version: "0.1.0",
    home: "/home/kim/.local/share/charmkeeper",
    online: true,
    warning: world.warning,
    paused: world.paused,
    running,
    charms: world.charms.map((c) => paused(world, c)),
    accounts: world.accounts,
  };
}

function sentence(world: World, running: number): [string, string] {
  const signIn = world.accounts.find((a) => a.state === "needs-sign-in");
  if (signIn) return [`${signIn.email} needs to sign in again`, "attention"];
  const needy = world.charms.find((c) => NEEDY.includes(c.state));
  if (needy) return [`${needy.name} needs attention`, "attention"];
  if (running > 0) return ["Syncing", "running"];
  if (world.paused) return ["Paused until resumed", "paused"];
  return world.charms.length === 0 ? ["Nothing to do yet", "ok"] : ["All synced · 2 min ago", "ok"];
}

/** A charm while all timers are stopped. */
function paused(world: World, charm: CharmView): CharmView {
  if (!world.paused || charm.state !== "waiting") return charm;
  return { ...charm, state: "paused", detail: "Everything is paused until resumed.", next_run_at: null };
}

function changeSettings(world: World, change: Partial<Record<keyof SettingsView, unknown>>): SettingsView {
  const days = change.keep_days;
  if (typeof days === "number" && (!Number.isInteger(days) || days < 1 || days > 3650)) {
    throw usage("Runs are kept for 1 to 3650 days.");
  }
  const given = Object.fromEntries(
    Object.entries(change).filter(([name, value]) => name !== "do" && value !== null && value !== undefined),
  );
  world.settings = { ...world.settings, ...given };
  world.changed();
  return world.settings;
}

function reset(world: World): null {
  for (const going of [...world.going.values()]) going.cancel();
  world.accounts = [];
  world.charms = [];
  world.favorites = [];
  world.spaces = seed.spaces(world.time, "first");
  world.settings = { ...seed.settings("first", world.settings.theme) };
  world.forgetRuns();
  world.changed();
  return null;
}

function doctor(world: World): CheckView[] {
  const check = (name: string, state: string, detail: string, hint: string | null = null) => ({ name, state, detail, hint });
  const trouble = world.options.scene === "trouble";
  return [
    check("Program", "ok", "Charmkeeper 0.1.0 on linux x86_64, keeper running."),
    trouble
      ? check("Keychain", "problem", "The keychain is locked.", "Unlock it: open the program “Passwords and Keys”, or sign out and in.")
      : check("Keychain", "ok", "The keychain works."),
    check("Worker isolation", "ok", "Workers are locked in (landlock 6, seccomp); refused: open a file, connect, start a program."),
    check("Data", "ok", `${world.charms.length} charms in /home/kim/.local/share/charmkeeper.`),
    world.settings.client.source === "none"
      ? check("Google", "warning", "No client id is set up; no account is connected.", "Set one up under Connect Google.")
      : check("Google", "ok", `Your own client id is set up; ${world.accounts.length} accounts are connected.`),
    check("Network", "ok", "There is a route to the internet, not metered."),
  ];
}

type Mine =
  | "status" | "history" | "facets" | "lanes" | "run-details" | "run-report" | "export-history" | "export-all" | "reset"
  | "settings" | "change-settings" | "use-client" | "forget-client" | "pause-all" | "resume-all" | "doctor" | "dismiss-warning";

/** The answers that belong to no other file. */
export function restAnswers(world: World): Pick<Handlers, Mine> {
  const client = (id: string | null): SettingsView => {
    world.settings = { ...world.settings, client: { source: id === null ? "none" : "own", client_id: id } };
    world.changed();
    return world.settings;
  };
  return {
    status: () => status(world),
    history: (r) => world.runs.history(r),
    facets: () => world.runs.facets(world.accounts.map((a) => ({ value: a.account, label: a.email }))),
    lanes: (r) => world.runs.lanes(r.since, r.until, r.buckets),
    "run-details"(r) {
      const found = world.runs.details(r.run);
      if (!found) throw usage("There is no such run.", "It may have been removed after 90 days.");
      return found;
    },
    "run-report": (r) => world.runs.report(r.run),
    "export-history": (r) => ({ path: r.path, runs: world.runs.history({ ...r.filter, limit: 100_000 }).length }),
    "export-all": (r) => ({ path: `${r.folder}/charmkeeper-2026-11-21`, runs: world.runs.facets([]).runs }),
    reset: () => reset(world),
    settings: () => world.settings,
    "change-settings": (r) => changeSettings(world, r),
    "use-client"(r) {
      if (r.path.includes("web")) {
        throw usage("That file describes a client of the type “Web application”, which cannot sign in to a desktop program.", "Create one of the type “Desktop app”.");
      }
      return client("1047-sample.apps.googleusercontent.com");
    },
    "forget-client": () => client(null),
    "pause-all"(r) {
      world.paused = { until: r.until ?? null };
      world.changed();
      return null;
    },
    "resume-all"() {
      world.paused = null;
      world.changed();
      return null;
    },
    doctor: () => doctor(world),
    "dismiss-warning"() {
      world.warning = null;
      world.changed();
      return null;
    },
  };
}

/** Takes a pasted client, as the shell does. */
export function useClientText(world: World, text: string): SettingsView {
  const pasted = text.trim();
  const json = pasted.startsWith("{");
  if (json ? !pasted.includes("installed") : !/^\S+$/.test(pasted.split("\n")[0] ?? "")) {
    throw usage("That is not a Google client id.", "A client id looks like 1234-abcd.apps.googleusercontent.com.");
  }
  world.settings = { ...world.settings, client: { source: "own", client_id: json ? "1047-sample.apps.googleusercontent.com" : (pasted.split("\n")[0] ?? null) } };
  world.changed();
  return world.settings;
}
