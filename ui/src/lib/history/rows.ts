// What a row of the history says, in words. Pure.
import type { RunView } from "$lib/bindings";
import { duration } from "$lib/format";
import { t } from "$lib/i18n";

/** Name of the charm, or its handle where it has none. */
export const charmOf = (run: RunView): string => run.charm_name.trim() || run.charm;

/** What came of a run, in a few words. */
export function result(run: RunView): string {
  if (run.error) return run.error.message;
  if (run.changed > 0) return t("run.cells-changed", { count: run.changed });
  return run.calls > 0 ? t("run.calls", { count: run.calls }) : "";
}

/** How long it took; empty where that says nothing. */
export function took(run: RunView): string {
  if (run.duration_ms === null || run.outcome === "skipped" || run.outcome === "missed") return "";
  return duration(run.duration_ms);
}
