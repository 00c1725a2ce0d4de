// Times, ages and lengths of time as a person says them. Pure: the moment it is
// now is an argument. Times come as RFC 3339 and are shown in local time.
import { t } from "$lib/i18n";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// One locale for all texts (en.json is English), 24 hours as in the tray.
const LOCALE = "en-GB";
const hourMinute = new Intl.DateTimeFormat(LOCALE, { hour: "2-digit", minute: "2-digit" });
const weekday = new Intl.DateTimeFormat(LOCALE, { weekday: "short" });
const dayMonth = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "short" });
const longDay = new Intl.DateTimeFormat(LOCALE, { weekday: "long", day: "numeric", month: "long" });
const yearDay = new Intl.DateTimeFormat(LOCALE, { day: "numeric", month: "long", year: "numeric" });
const full = new Intl.DateTimeFormat(LOCALE, { dateStyle: "medium", timeStyle: "medium" });
const precise = new Intl.DateTimeFormat(LOCALE, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
});

/** Milliseconds of a time; not a number when it is none. */
export function millis(iso: string): number {
  return Date.parse(iso);
}

/** "now", "40 s ago", "2 min ago", "3 h ago", "5 days ago", "12 Mar". */
export function age(iso: string, now: number): string {
  const at = millis(iso);
  if (Number.isNaN(at)) return "";
  const gone = now - at;
  if (gone < 10 * SECOND) return t("format.now");
  if (gone < MINUTE) return t("format.seconds-ago", { count: Math.floor(gone / SECOND) });
  if (gone < HOUR) return t("format.minutes-ago", { count: Math.floor(gone / MINUTE) });
  if (gone < DAY) return t("format.hours-ago", { count: Math.floor(gone / HOUR) });
  if (gone < 30 * DAY) return t("format.days-ago", { count: Math.floor(gone / DAY) });
  return sameYear(at, now) ? dayMonth.format(at) : yearDay.format(at);
}

/** As `age`, but not to the second: for a line that stays on the screen. */
export function wholeMinutes(iso: string, now: number): string {
  return now - millis(iso) < MINUTE ? t("format.just-now") : age(iso, now);
}

/** "now", "in 40 s", "in 4 min", "in 3 h", "in 2 days". */
export function until(iso: string, now: number): string {
  const left = millis(iso) - now;
  if (Number.isNaN(left)) return "";
  if (left < SECOND) return t("format.now");
  if (left < MINUTE) return t("format.in-seconds", { count: Math.ceil(left / SECOND) });
  if (left < HOUR) return t("format.in-minutes", { count: Math.round(left / MINUTE) });
  if (left < DAY) return t("format.in-hours", { count: Math.round(left / HOUR) });
  return t("format.in-days", { count: Math.round(left / DAY) });
}

/** "14:05", with the day where it is not today. */
export function clockTime(iso: string, now: number): string {
  const at = millis(iso);
  if (Number.isNaN(at)) return "";
  const time = hourMinute.format(at);
  const days = daysBetween(now, at);
  if (days === 0) return time;
  if (days === 1) return t("format.tomorrow", { time });
  if (days === -1) return t("format.yesterday", { time });
  const name = Math.abs(days) < 7 ? weekday.format(at) : dayMonth.format(at);
  return `${name} ${time}`;
}

/** "14:05", whatever the day. */
export function hour(iso: string | number): string {
  const at = typeof iso === "number" ? iso : millis(iso);
  return Number.isNaN(at) ? "" : hourMinute.format(at);
}

/** "14:05:09.120", for logs. */
export function preciseTime(iso: string): string {
  const at = millis(iso);
  return Number.isNaN(at) ? "" : precise.format(at);
}

/** "21 Nov 2026, 14:05:09". */
export function fullTime(iso: string): string {
  const at = millis(iso);
  return Number.isNaN(at) ? "" : full.format(at);
}

/** "Today", "Yesterday", "Thursday 19 November", "3 March 2025". */
export function day(iso: string, now: number): string {
  const at = millis(iso);
  if (Number.isNaN(at)) return "";
  const days = daysBetween(now, at);
  if (days === 0) return t("format.today");
  if (days === -1) return t("format.yesterday-alone");
  return sameYear(at, now) ? longDay.format(at) : yearDay.format(at);
}

/** A key that is equal for two times of one local day. */
export function dayKey(iso: string): string {
  const date = new Date(iso);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

/** "42 ms", "1.2 s", "3 min 5 s", "2 h 10 min". */
export function duration(ms: number): string {
  if (ms < SECOND) return t("format.ms", { count: Math.round(ms) });
  if (ms < 10 * SECOND) return t("format.s", { n: (ms / SECOND).toFixed(1) });
  if (ms < MINUTE) return t("format.s", { n: String(Math.round(ms / SECOND)) });
  if (ms < HOUR) return two(Math.floor(ms / MINUTE), "format.min", Math.floor((ms % MINUTE) / SECOND), "format.s");
  return two(Math.floor(ms / HOUR), "format.h", Math.floor((ms % HOUR) / MINUTE), "format.min");
}

/** "every 30 seconds", "every 5 minutes", "every hour", "once a day". */
export function interval(seconds: number): string {
  if (seconds % 86_400 === 0 && seconds > 0) return t("format.every-days", { count: seconds / 86_400 });
  if (seconds % 3600 === 0 && seconds > 0) return t("format.every-hours", { count: seconds / 3600 });
  if (seconds % 60 === 0 && seconds > 0) return t("format.every-minutes", { count: seconds / 60 });
  return t("format.every-seconds", { count: seconds });
}

type Unit = "format.h" | "format.min" | "format.s";

function two(big: number, unit: Unit, small: number, part: Unit): string {
  const first = t(unit, { n: String(big) });
  return small === 0 ? first : `${first} ${t(part, { n: String(small) })}`;
}

function midnight(at: number): number {
  const date = new Date(at);
  return Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
}

/** Local days from `from` to `to`; a day with 23 or 25 hours counts as one. */
function daysBetween(from: number, to: number): number {
  return Math.round((midnight(to) - midnight(from)) / DAY);
}

function sameYear(a: number, b: number): boolean {
  return new Date(a).getFullYear() === new Date(b).getFullYear();
}
