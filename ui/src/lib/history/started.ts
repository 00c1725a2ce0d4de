// A run that just began, as a row: the event says little, the charm the rest.
import type { CharmView, RunView, Trigger } from "$lib/bindings";

export function started(
  event: { run: string; charm: string; trigger: Trigger },
  charm: CharmView | undefined,
  now: number,
): RunView {
  return {
    run: event.run,
    charm: event.charm,
    charm_name: charm?.name ?? "",
    account: charm?.account ?? null,
    space: charm?.space ?? "",
    trigger: event.trigger,
    outcome: null,
    sync: "local",
    started_at: new Date(now).toISOString(),
    duration_ms: null,
    changed: 0,
    calls: 0,
    error: null,
  };
}
