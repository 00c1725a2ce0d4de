// Counts and sizes as a person reads them. Pure.
import { t } from "$lib/i18n";

/** "1,204". */
export function count(n: number): string {
  return n.toLocaleString("en");
}

/** "12 B", "1.4 KB", "38 MB": powers of 1,000. */
export function bytes(n: number): string {
  if (n < 1000) return t("format.bytes", { n: String(n) });
  const units = ["format.kb", "format.mb", "format.gb"] as const;
  let value = n / 1000;
  let at = 0;
  while (value >= 999.5 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return t(units[at] ?? "format.gb", { n: value < 9.95 ? value.toFixed(1) : String(Math.round(value)) });
}
