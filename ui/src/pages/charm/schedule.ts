// How often a charm runs: the choices, and what a person types. Pure.

/** The API's bounds, in seconds. */
export const LEAST = 30;
export const MOST = 86_400;

/** Sensible choices, in seconds. */
export const CHOICES: readonly number[] = [30, 60, 300, 900, 1800, 3600, 6 * 3600, 12 * 3600, 86_400];

export type Unit = "seconds" | "minutes" | "hours";

const SECONDS: Readonly<Record<Unit, number>> = { seconds: 1, minutes: 60, hours: 3600 };

/** Seconds of what was typed; nothing when it is no number or out of bounds. */
export function typedSeconds(text: string, unit: Unit): number | undefined {
  if (!/^\d{1,6}(?:[.,]\d{1,2})?$/.test(text.trim())) return undefined;
  const seconds = Math.round(Number(text.trim().replace(",", ".")) * SECONDS[unit]);
  return seconds >= LEAST && seconds <= MOST ? seconds : undefined;
}

/** The largest unit that says `seconds` in whole numbers. */
export function asTyped(seconds: number): { text: string; unit: Unit } {
  const unit: Unit = seconds % 3600 === 0 ? "hours" : seconds % 60 === 0 ? "minutes" : "seconds";
  return { text: String(seconds / SECONDS[unit]), unit };
}
