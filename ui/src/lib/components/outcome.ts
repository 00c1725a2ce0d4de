// What an outcome looks like: its shape and its tone. Pure data, so that the
// row, the lane and the filter agree.
import type { Outcome } from "$lib/bindings";

export type Tone = "neutral" | "good" | "warn" | "bad" | "info" | "accent";

/** An outcome, or `running` while there is none. */
export type Look = Outcome | "running";

/** Every outcome, in the order of the filter. */
export const OUTCOMES: readonly Outcome[] = [
  "ok",
  "ok-unchanged",
  "partial",
  "failed",
  "timed-out",
  "out-of-memory",
  "crashed",
  "cancelled",
  "interrupted",
  "missed",
  "skipped",
];

/** The tone of each outcome; the shape in `Glyph.svelte` says the same. */
export const toneOf: Readonly<Record<Look, Tone>> = {
  running: "accent",
  ok: "good",
  "ok-unchanged": "neutral",
  partial: "warn",
  failed: "bad",
  "timed-out": "bad",
  "out-of-memory": "bad",
  crashed: "bad",
  cancelled: "neutral",
  interrupted: "warn",
  missed: "info",
  skipped: "info",
};

/** How an outcome is drawn. */
export const lookOf = (outcome: Outcome | null): Look => outcome ?? "running";
