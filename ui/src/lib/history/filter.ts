// The filters of the history: from the address, to a request, and whether a run
// that just ended belongs into the list. Pure.
import type { HistoryFilter, Outcome, RunView } from "$lib/bindings";
import { OUTCOMES } from "$lib/components/outcome";

/** What the address says. */
export interface Filter {
  charm: string;
  account: string;
  outcome: Outcome | "";
  changed: boolean;
  text: string;
}

export const NOTHING: Filter = { charm: "", account: "", outcome: "", changed: false, text: "" };

export function fromQuery(query: Readonly<Record<string, string>>): Filter {
  const outcome = OUTCOMES.find((o) => o === query.outcome) ?? "";
  return {
    charm: query.charm ?? "",
    account: query.account ?? "",
    outcome,
    changed: query.changed === "1" || query.changed === "true",
    text: query.text ?? "",
  };
}

/** A request's filter; `limit` 0 means the keeper's default, or all for export. */
export function toRequest(filter: Filter, limit: number, before: string | null = null): HistoryFilter {
  return {
    charm: filter.charm || null,
    account: filter.account || null,
    outcome: filter.outcome || null,
    text: filter.text.trim() || null,
    changed: filter.changed,
    limit,
    before,
  };
}

export function same(a: Filter, b: Filter): boolean {
  return (Object.keys(NOTHING) as (keyof Filter)[]).every((key) => a[key] === b[key]);
}

export function isEmpty(filter: Filter): boolean {
  return same(filter, NOTHING);
}

/**
 * Whether a run that was heard of belongs into the list. A search looks into
 * logs and cells, which an event does not carry: then the answer is
 * "unknown" and the keeper has to be asked.
 */
export function fits(run: RunView, filter: Filter): boolean | "unknown" {
  if (filter.charm && run.charm !== filter.charm && run.charm_name !== filter.charm) return false;
  if (filter.account && run.account !== filter.account) return false;
  if (filter.outcome && run.outcome !== filter.outcome) return false;
  if (filter.changed && run.changed === 0) return false;
  return filter.text.trim() ? "unknown" : true;
}
