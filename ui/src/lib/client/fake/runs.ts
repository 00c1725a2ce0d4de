// Runs for the keeper that lives in the page: made from their number when they
// are asked for, so that a million of them cost nothing. The same seed gives
// the same runs. Owns the history's answers of the fake; never used by the
// program.
import type {
  CallRecord,
  CellChangeView,
  ErrorKind,
  FacetsView,
  HistoryFilter,
  LaneBucket,
  LaneView,
  LogView,
  Outcome,
  RunDetails,
  RunView,
  SyncState,
  Trigger,
} from "$lib/bindings";
import { callsOf, changesOf, logOf, stackOf } from "./run-parts";

/** A charm whose runs are made up. */
export interface FakeRunCharm {
  charm: string;
  name: string;
  account: string | null;
  space: string;
  kind: "mail" | "calendar" | "notes" | "broken" | "odd";
}

export interface FakeRunsOptions {
  seed?: number;
  /** Milliseconds since 1970: the newest run ended just before. */
  now: number;
  /** How many runs there are. */
  total: number;
  charms: readonly FakeRunCharm[];
  /** Milliseconds between two runs. */
  stepMs?: number;
}

const ERRORS: Record<"partial" | "failed" | "skipped", { kind: ErrorKind; message: string }[]> = {
  partial: [{ kind: "provider", message: "2 of 14 requests failed: Gmail answered 503." }],
  failed: [
    { kind: "charm", message: "TypeError: cannot read property 'attendees' of undefined" },
    { kind: "sign-in", message: "Google no longer accepts this sign-in." },
  ],
  skipped: [
    { kind: "offline", message: "Waiting for network." },
    { kind: "quota", message: "Waiting for Google until 14:05." },
  ],
};

/** A number from 0 up to 1 that depends on `seed` and `n` alone. */
export function noise(seed: number, n: number): number {
  let x = Math.imul(n ^ seed, 0x9e3779b1) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b) >>> 0;
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35) >>> 0;
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

export class FakeRuns {
  readonly #seed: number;
  readonly #step: number;
  /** Runs that were added, newest first. */
  readonly #added: RunDetails[] = [];

  constructor(private readonly options: FakeRunsOptions) {
    this.#seed = options.seed ?? 7;
    this.#step = options.stepMs ?? 41_000;
  }

  /** Puts a run on top, or replaces the one with its id. */
  add(run: RunDetails): void {
    const at = this.#added.findIndex((r) => r.run === run.run);
    if (at >= 0) this.#added[at] = run;
    else this.#added.unshift(run);
  }

  history(filter: Partial<HistoryFilter>): RunView[] {
    const limit = filter.limit || 100;
    const found: RunView[] = [];
    for (const run of this.#all(filter.before ?? null)) {
      if (this.#fits(run, filter)) found.push(run);
      if (found.length === limit) break;
    }
    return found;
  }

  facets(accounts: { value: string; label: string }[]): FacetsView {
    const { charms, total } = this.options;
    const oldest = total > 0 ? this.#row(total - 1).started_at : null;
    return {
      charms: charms.map((c) => ({ value: c.charm, label: c.name })).sort((a, b) => a.label.localeCompare(b.label)),
      accounts,
      runs: total + this.#added.length,
      oldest,
    };
  }

  lanes(since: string, until: string, buckets: number): LaneView[] {
    const from = Date.parse(since);
    const width = (Date.parse(until) - from) / buckets;
    const lanes = new Map<string, Map<number, LaneBucket>>();
    for (const run of this.#all(null)) {
      const index = Math.floor((Date.parse(run.started_at) - from) / width);
      if (index < 0) break;
      if (index >= buckets || run.outcome === null) continue;
      const lane = lanes.get(run.charm) ?? new Map<number, LaneBucket>();
      lanes.set(run.charm, lane);
      const bucket = lane.get(index) ?? { index, changed: 0, quiet: 0, uneven: 0, failed: 0, run: run.run };
      lane.set(index, bucket);
      bucket[bucketOf(run.outcome)] += 1;
    }
    return this.options.charms.map((c) => ({
      charm: c.charm,
      name: c.name,
      buckets: [...(lanes.get(c.charm)?.values() ?? [])].sort((a, b) => a.index - b.index),
    }));
  }

  details(id: string): RunDetails | undefined {
    const added = this.#added.find((r) => r.run === id);
    if (added) return added;
    const n = numberOf(id);
    if (n === undefined || n >= this.options.total) return undefined;
    const row = this.#row(n);
    const kind = this.options.charms.find((c) => c.charm === row.charm)?.kind ?? "notes";
    const calls: CallRecord[] = callsOf(row, kind);
    const cells: CellChangeView[] = changesOf(row, kind);
    const log: LogView[] = logOf(row, kind);
    const error = row.error && row.error.kind === "charm" ? { ...row.error, stack: stackOf(row) } : row.error;
    return { ...row, error, calls, log, cells_changed: cells };
  }

  report(id: string): string {
    const run = this.details(id);
    if (!run) return "";
    const head = `Charmkeeper run ${run.run}\ncharm: ${run.charm_name} (${run.charm})\noutcome: ${run.outcome ?? "running"}`;
    const calls = run.calls.map((c) => `${c.method} ${c.host} ${c.status ?? "no answer"} ${c.duration_ms} ms`);
    return [head, ...calls].join("\n");
  }

  *#all(before: string | null): Iterable<RunView> {
    const at = before === null ? -1 : this.#added.findIndex((r) => r.run === before);
    if (before === null || at >= 0) yield* this.#added.slice(at + 1).map(rowOf);
    const from = before === null || at >= 0 ? 0 : (numberOf(before) ?? -1) + 1;
    for (let n = from; n < this.options.total; n++) yield this.#row(n);
  }

  #fits(run: RunView, filter: Partial<HistoryFilter>): boolean {
    if (filter.charm && run.charm !== filter.charm && run.charm_name !== filter.charm) return false;
    if (filter.outcome && run.outcome !== filter.outcome) return false;
    if (filter.account && run.account !== filter.account) return false;
    if (filter.changed && run.changed === 0) return false;
    if (filter.since && run.started_at < filter.since) return false;
    if (!filter.text) return true;
    const text = `${run.charm_name} ${run.error?.message ?? ""} ${run.account ?? ""}`.toLowerCase();
    return filter.text
      .toLowerCase()
      .split(/\s+/)
      .every((w) => text.includes(w));
  }

  #row(n: number): RunView {
    const { charms, now } = this.options;
    const dice = (salt: number) => noise(this.#seed + salt, n);
    const charm = charms[Math.floor(dice(1) * charms.length)] ?? charms[0];
    if (!charm) throw new Error("runs need a charm");
    const at = now - 20_000 - n * this.#step - Math.floor(dice(2) * this.#step * 0.6);
    const outcome = this.#outcome(n, charm);
    const good = outcome === "ok" || outcome === "partial";
    const changed = good ? 1 + Math.floor(dice(3) ** 3 * 40) : 0;
    const none = outcome === "skipped" || outcome === "missed";
    const errors = outcome === "partial" || outcome === "failed" || outcome === "skipped" ? ERRORS[outcome] : [];
    const error = errors[outcome === "skipped" ? Math.floor(n / 300) % 2 : Math.floor(dice(4) * errors.length)];
    const sync: SyncState = charm.kind === "notes" && good ? (n < 3 ? "queued" : "synced") : "local";
    return {
      run: idOf(n),
      charm: charm.charm,
      charm_name: charm.name,
      account: charm.account,
      space: charm.space,
      trigger: this.#trigger(n),
      outcome,
      sync,
      started_at: new Date(at).toISOString(),
      duration_ms: none ? 0 : outcome === "timed-out" ? 30_000 : Math.floor(40 + dice(5) ** 4 * 9000),
      changed,
      calls: none ? 0 : 1 + Math.floor(dice(6) * 4) + Math.min(changed, 24),
      error: error ?? errorOf(outcome),
    };
  }

  #trigger(n: number): Trigger {
    const d = noise(this.#seed + 9, n);
    return d > 0.985 ? "manual" : d > 0.975 ? "wake" : d > 0.965 ? "network" : "timer";
  }

  #outcome(n: number, charm: FakeRunCharm): Outcome {
    // Some hours without network, once in a while.
    if (n % 1500 > 620 && n % 1500 < 660) return n % 1500 === 659 ? "missed" : "skipped";
    const d = noise(this.#seed + 11, n);
    if (charm.kind === "broken" && d > 0.35) return "failed";
    if (d > 0.998) return "crashed";
    if (d > 0.996) return "out-of-memory";
    if (d > 0.993) return "timed-out";
    if (d > 0.991) return "interrupted";
    if (d > 0.989) return "cancelled";
    if (d > 0.975) return "partial";
    return d > 0.9 || n % 23 < 3 ? "ok" : "ok-unchanged";
  }
}

function errorOf(outcome: Outcome): RunView["error"] {
  switch (outcome) {
    case "crashed":
      return { kind: "charm", message: "The worker process ended unexpectedly." };
    case "out-of-memory":
      return { kind: "charm", message: "The charm used more than 256 MB." };
    case "timed-out":
      return { kind: "charm", message: "The charm took longer than 30 s." };
    default:
      return null;
  }
}

function bucketOf(outcome: Outcome): "changed" | "quiet" | "uneven" | "failed" {
  if (outcome === "ok") return "changed";
  if (outcome === "ok-unchanged" || outcome === "cancelled") return "quiet";
  if (outcome === "partial" || outcome === "skipped" || outcome === "missed") return "uneven";
  return "failed";
}

/** A run in full as a row of the history. */
export function rowOf(run: RunDetails): RunView {
  const { log: _log, cells_changed: _cells, calls, ...row } = run;
  return { ...row, calls: calls.length };
}

const idOf = (n: number) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

function numberOf(id: string): number | undefined {
  const match = /^00000000-0000-7000-8000-(\d{12})$/.exec(id);
  return match ? Number(match[1]) : undefined;
}
