// The last day of each charm as shapes to draw. Pure.
import type { LaneBucket, LaneView } from "$lib/bindings";

export const BUCKETS = 96;
const QUARTER_MS = 900_000;
const DAY_MS = 86_400_000;

/** The day up to the end of the present quarter of an hour. */
export function dayOf(now: number): { since: string; until: string } {
  const end = (Math.floor(now / QUARTER_MS) + 1) * QUARTER_MS;
  return { since: new Date(end - DAY_MS).toISOString(), until: new Date(end).toISOString() };
}

export type Mark = "failed" | "uneven" | "changed" | "quiet";

/** The worst that happened in a part, or else the most telling. */
export function markOf(bucket: LaneBucket): Mark {
  if (bucket.failed > 0) return "failed";
  if (bucket.uneven > 0) return "uneven";
  return bucket.changed > 0 ? "changed" : "quiet";
}

/** Height of a lane's picture; a part is 10 wide. */
export const HEIGHT = 20;
export const WIDTH = BUCKETS * 10;

/**
 * One path per kind of mark. They differ by shape: a dot on the line for quiet,
 * a bar for changes, a bar hanging from the top for uneven, a full bar with a
 * gap for failed.
 */
export function pathsOf(buckets: readonly LaneBucket[]): Record<Mark, string> {
  const paths: Record<Mark, string> = { failed: "", uneven: "", changed: "", quiet: "" };
  for (const bucket of buckets) {
    const x = bucket.index * 10 + 1;
    const mark = markOf(bucket);
    if (mark === "quiet") paths.quiet += `M${x} 16h8v2h-8Z`;
    else if (mark === "changed") {
      const height = Math.min(16, 5 + Math.round(Math.log2(bucket.changed + 1) * 3));
      paths.changed += `M${x} ${18 - height}h8v${height}h-8Z`;
    } else if (mark === "uneven") paths.uneven += `M${x} 2h8v7h-8ZM${x} 16h8v2h-8Z`;
    else paths.failed += `M${x} 2h8v10h-8ZM${x} 14h8v4h-8Z`;
  }
  return paths;
}

/** Runs of a lane, by what came of them. */
export function sums(lane: LaneView): Record<Mark, number> {
  const sum = { failed: 0, uneven: 0, changed: 0, quiet: 0 };
  for (const bucket of lane.buckets) {
    sum.failed += bucket.failed;
    sum.uneven += bucket.uneven;
    sum.changed += bucket.changed;
    sum.quiet += bucket.quiet;
  }
  return sum;
}

/** What needs a look first: failures, then uneven, then by name. */
export function byNeed(lanes: readonly LaneView[]): LaneView[] {
  const need = (lane: LaneView) => {
    const sum = sums(lane);
    return sum.failed > 0 ? 2 : sum.uneven > 0 ? 1 : 0;
  };
  const rank = new Map(lanes.map((lane) => [lane.charm, need(lane)]));
  return lanes
    .filter((lane) => lane.buckets.length > 0)
    .sort((a, b) => (rank.get(b.charm) ?? 0) - (rank.get(a.charm) ?? 0) || a.name.localeCompare(b.name));
}

/** Full hours at which a line is drawn, as parts of the width. */
export function ticks(since: string, hour: (at: number) => string): { at: number; label: string }[] {
  const from = Date.parse(since);
  const made = [];
  for (let h = 0; h < 24; h++) {
    const date = new Date(from + h * 3_600_000);
    if (date.getMinutes() !== 0) date.setMinutes(60, 0, 0);
    if (date.getHours() % 6 !== 0) continue;
    made.push({ at: (date.getTime() - from) / DAY_MS, label: hour(date.getTime()) });
  }
  return made;
}
