// Runs as the rows of the list: a heading per day, and quiet runs folded. Pure;
// one pass over the loaded runs.
import type { Outcome, RunView } from "$lib/bindings";
import { millis } from "$lib/format";

export type Item =
  | { kind: "day"; key: string; at: string }
  | { kind: "run"; key: string; run: RunView; inFold: boolean }
  | { kind: "fold"; key: string; runs: readonly RunView[]; outcome: Outcome; open: boolean };

/** So many quiet runs in a row become one row. */
export const FOLD_FROM = 3;

/**
 * What makes runs "the same and quiet": no change, or nothing started for the
 * same reason. Everything else has something to tell and is never folded.
 */
export function quietKey(run: RunView): string | undefined {
  if (run.outcome === "ok-unchanged" && !run.error) return "ok-unchanged";
  if (run.outcome === "skipped" || run.outcome === "missed") return `${run.outcome} ${run.error?.message ?? ""}`;
  return undefined;
}

/**
 * The rows for `runs`, newest first. A fold is open when one of its runs is in
 * `open`.
 */
export function itemsOf(runs: readonly RunView[], open: ReadonlySet<string>, folding: boolean): Item[] {
  const items: Item[] = [];
  let day: Day | undefined;
  let at = 0;
  while (at < runs.length) {
    const run = runs[at];
    if (!run) break;
    if (!day || !holds(day, run)) {
      day = dayAt(run);
      items.push({ kind: "day", key: `day ${day.from}`, at: run.started_at });
    }
    const end = folding ? foldEnd(runs, at, day) : at + 1;
    if (end - at >= FOLD_FROM) {
      const folded = runs.slice(at, end);
      const isOpen = open.size > 0 && folded.some((r) => open.has(r.run));
      const last = folded.at(-1) ?? run;
      items.push({ kind: "fold", key: `fold ${last.run}`, runs: folded, outcome: run.outcome ?? "ok-unchanged", open: isOpen });
      if (isOpen) for (const r of folded) items.push({ kind: "run", key: r.run, run: r, inFold: true });
    } else {
      for (let n = at; n < end; n++) {
        const r = runs[n];
        if (r) items.push({ kind: "run", key: r.run, run: r, inFold: false });
      }
    }
    at = end;
  }
  return items;
}

/** A local day, from its midnight to the next, in milliseconds since 1970. */
interface Day {
  from: number;
  to: number;
}

// Kept for a whole day of runs: a date for each of ten thousand runs is slow.
function dayAt(run: RunView): Day {
  const date = new Date(run.started_at);
  const from = new Date(date.getFullYear(), date.getMonth(), date.getDate());
  const to = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1);
  return { from: from.getTime(), to: to.getTime() };
}

function holds(day: Day, run: RunView): boolean {
  const at = millis(run.started_at);
  return at >= day.from && at < day.to;
}

/** Where the runs that are like the one at `from` end. */
function foldEnd(runs: readonly RunView[], from: number, day: Day): number {
  const first = runs[from];
  const key = first && quietKey(first);
  if (key === undefined) return from + 1;
  let at = from + 1;
  for (; at < runs.length; at++) {
    const run = runs[at];
    if (!run || quietKey(run) !== key || !holds(day, run)) break;
  }
  return at;
}

/** The charms in a fold, by how often they ran. */
export function charmsIn(runs: readonly RunView[]): string[] {
  const times = new Map<string, number>();
  for (const run of runs) times.set(name(run), (times.get(name(run)) ?? 0) + 1);
  return [...times].sort((a, b) => b[1] - a[1]).map(([charm]) => charm);
}

const name = (run: RunView) => run.charm_name.trim() || run.charm;
