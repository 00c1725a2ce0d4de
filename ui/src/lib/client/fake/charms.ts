// Charms of the keeper in the page: the list, adding, removing, changing, and
// the runs that are begun here.
import type { CharmView, ErrorKind, JsonValue, Outcome, RunDetails, Trigger } from "$lib/bindings";
import { cellsOf } from "./cells";
import { fault, usage } from "./errors";
import { preview } from "./preview";
import { rowOf } from "./runs";
import * as seed from "./seed";
import type { Handlers, World } from "./world";

const STEPS: readonly string[] = ["Reading what changed", "Reading 48 messages", "Reading 96 messages", "Writing cells"];
const STEP_MS = 700;

/** Why these take no host: as the keeper says it. */
function checkedHost(text: string): string {
  const host = text.trim().toLowerCase();
  if (/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::\d{1,5})?$/.test(host)) return host;
  throw usage(`"${text}" is not a host name, such as api.example.com.`);
}

/** Begins a run; resolves when it ended. */
export function run(world: World, which: string, trigger: Trigger): Promise<RunDetails> {
  const charm = world.charm(which);
  if ([...world.going.values()].some((g) => g.charm === charm.charm)) {
    return Promise.reject(usage("This charm is running already."));
  }
  const id = world.id("run");
  const startedAt = world.time.now();
  return new Promise((done) => {
    let step = 0;
    let cancel = () => {};
    const end = (outcome: Outcome) => {
      cancel();
      world.going.delete(id);
      const details = ended(charm, id, trigger, outcome, startedAt, world.time.now());
      world.runs.add(details);
      settle(world, charm.id, outcome);
      world.emit({ event: "run-ended", run: rowOf(details) });
      world.changed();
      done(details);
    };
    const next = () => {
      const message = STEPS[step];
      if (message === undefined) return end(charm.failures > 0 ? "failed" : "ok");
      step += 1;
      world.emit({ event: "run-progress", run: id, calls: step * 2, message });
      cancel = world.time.after(STEP_MS, next);
    };
    world.going.set(id, { charm: charm.charm, cancel: () => end("cancelled") });
    world.runs.add({ ...ended(charm, id, trigger, "ok", startedAt, startedAt), outcome: null, duration_ms: null, changed: 0, calls: [], cells_changed: [] });
    world.change(charm.id, { state: "running", detail: "Running now.", next_run_at: null });
    world.emit({ event: "run-started", run: id, charm: charm.charm, trigger });
    cancel = world.time.after(STEP_MS, next);
  });
}

/** What a charm does after its run. */
function settle(world: World, id: string, outcome: Outcome): void {
  const now = world.charms.find((c) => c.id === id);
  if (!now) return;
  const failed = outcome === "failed";
  const failures = failed ? now.failures + 1 : outcome === "cancelled" ? now.failures : 0;
  world.change(id, {
    state: failed ? "failing" : now.enabled ? "waiting" : "off",
    detail: failed ? "Failed; tried again later." : now.enabled ? "Waits for its next run." : "Runs only when asked to.",
    next_run_at: world.next(now),
    last_run_at: world.time.iso(),
    last_outcome: outcome,
    failures,
  });
}

function ended(charm: CharmView, id: string, trigger: Trigger, outcome: Outcome, from: number, to: number): RunDetails {
  const host = charm.hosts[0] ?? "api.example.org";
  const at = (ms: number) => new Date(from + ms).toISOString();
  const kind: ErrorKind = "charm";
  return {
    run: id,
    charm: charm.charm,
    charm_name: charm.name,
    account: charm.account,
    space: charm.space,
    trigger,
    outcome,
    sync: "local",
    started_at: at(0),
    duration_ms: to - from,
    changed: outcome === "ok" ? 2 : 0,
    calls: [0, 1, 2].map((n) => ({
      method: "GET",
      host,
      path: "/v1/changes",
      status: 200,
      started_at: at(n * 40),
      duration_ms: 120,
      bytes_out: 0,
      bytes_in: 5200,
      account: charm.account,
      error: null,
    })),
    error:
      outcome === "failed"
        ? { kind, message: "TypeError: cannot read property 'attendees' of undefined", stack: "TypeError: cannot read property 'attendees' of undefined\n    at addUp (main.tsx:88:13)" }
        : null,
    log: [{ at: at(4), level: "info", text: "Reading what changed" }],
    cells_changed:
      outcome === "ok"
        ? [{ id: "of:fid1:a1k2p9", path: "/value/historyId", op: "replace", before: "4410921", after: "4410987", truncated: false }]
        : [],
  };
}

function add(world: World, source: string, space: string | null | undefined, hosts: string[]): CharmView {
  const seen = preview(source);
  if (seen.problem) throw seen.problem;
  const base = seen.name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  const taken = world.charms.filter((c) => c.charm === base || c.charm.startsWith(`${base}-`)).length;
  const charm = seed.charm(world.time, {
    charm: taken === 0 ? base : `${base}-${taken + 1}`,
    name: seen.name,
    description: seen.description,
    source,
    space_name: space ?? "main",
    hosts: [...new Set([...seen.hosts, ...hosts.map(checkedHost)])],
    tags: seen.tags,
    warnings: seen.warnings,
    account: seen.services.length > 0 ? (world.accounts[0]?.account ?? null) : null,
    enabled: seen.background,
    state: seen.background ? "waiting" : "off",
    detail: seen.background ? "Waits for its next run." : "Runs only when asked to.",
    last_run_at: null,
    last_outcome: null,
  });
  world.charms = [...world.charms, charm];
  world.changed();
  return charm;
}

type Mine =
  | "charms" | "add" | "remove" | "restore" | "pause" | "resume" | "set-interval" | "set-account" | "set-hosts"
  | "run" | "run-all" | "cancel" | "cells" | "preview";

/** The answers about charms. */
export function charmAnswers(world: World): Pick<Handlers, Mine> {
  return {
    charms: () => world.charms,
    preview: (r) => preview(r.source),
    add: (r) => add(world, r.source, r.space, r.hosts),
    remove(r) {
      const gone = world.charm(r.charm);
      for (const going of [...world.going.values()]) if (going.charm === gone.charm) going.cancel();
      world.charms = world.charms.filter((c) => c.id !== gone.id);
      world.removed.push(gone);
      world.changed();
      return gone;
    },
    restore(r) {
      const back = world.removed.find((c) => c.id === r.charm);
      if (!back) throw usage("That charm was not removed, or too long ago to bring it back.");
      world.removed = world.removed.filter((c) => c !== back);
      world.charms = [...world.charms, back];
      world.changed();
      return back;
    },
    pause: (r) =>
      world.change(r.charm, { enabled: false, state: "paused", detail: "Paused until resumed.", next_run_at: null }),
    resume: (r) =>
      world.change(r.charm, {
        enabled: true,
        state: "waiting",
        detail: "Waits for its next run.",
        failures: 0,
        next_run_at: world.next({ ...world.charm(r.charm), enabled: true }),
      }),
    "set-interval"(r) {
      if (r.seconds < 30 || r.seconds > 86_400) throw usage("The time between runs is 30 to 86400 seconds.");
      const now = world.charm(r.charm);
      return world.change(r.charm, {
        interval_seconds: r.seconds,
        next_run_at: world.next({ ...now, interval_seconds: r.seconds }),
      });
    },
    "set-account": (r) => world.change(r.charm, { account: r.account ? world.account(r.account).account : null }),
    "set-hosts": (r) => world.change(r.charm, { hosts: [...new Set(r.hosts.map(checkedHost))].sort() }),
    run: (r) => run(world, r.charm, "manual"),
    "run-all"() {
      for (const charm of world.charms.filter((c) => c.enabled && c.state !== "running").slice(0, 20)) {
        void run(world, charm.id, "manual");
      }
      return null;
    },
    cancel(r) {
      const going = world.going.get(r.run);
      if (!going) throw usage("That run is not going on.");
      going.cancel();
      return null;
    },
    cells(r) {
      const charm = world.charm(r.charm);
      let value: JsonValue = cellsOf(charm, world.time.now());
      for (const name of r.path) {
        const inside = typeof value === "object" && value !== null ? (value as Record<string, JsonValue>)[name] : undefined;
        if (inside === undefined) throw fault("usage", `There is no “${name}” in the cells of ${charm.name}.`);
        value = inside;
      }
      return value;
    },
  };
}
