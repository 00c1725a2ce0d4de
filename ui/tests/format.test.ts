import { describe, expect, it } from "vitest";
import { age, bytes, clockTime, day, duration, interval, until } from "$lib/format";

const NOW = Date.parse("2026-11-21T14:05:00Z");
const at = (ms: number) => new Date(NOW + ms).toISOString();
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("words for time", () => {
  it("says how long ago", () => {
    expect(age(at(-3000), NOW)).toBe("now");
    expect(age(at(-59_000), NOW)).toBe("59 s ago");
    expect(age(at(-2 * MINUTE), NOW)).toBe("2 min ago");
    expect(age(at(-23 * HOUR), NOW)).toBe("23 h ago");
    expect(age(at(-25 * HOUR), NOW)).toBe("1 day ago");
    expect(age(at(-49 * HOUR), NOW)).toBe("2 days ago");
    expect(age(at(-40 * 24 * HOUR), NOW)).toBe("12 Oct");
    expect(age(at(-400 * 24 * HOUR), NOW)).toBe("17 October 2025");
  });

  it("does not say that a clock that is a little ahead is in the future", () => {
    expect(age(at(30_000), NOW)).toBe("now");
  });

  it("says how long from now", () => {
    expect(until(at(-1), NOW)).toBe("now");
    expect(until(at(30_000), NOW)).toBe("in 30 s");
    expect(until(at(5 * MINUTE), NOW)).toBe("in 5 min");
    expect(until(at(24 * HOUR), NOW)).toBe("in 1 day");
  });

  it("names the day where it is not today", () => {
    expect(clockTime(at(0), NOW)).toBe("14:05");
    expect(clockTime(at(10 * HOUR), NOW)).toBe("tomorrow 00:05");
    expect(clockTime(at(-15 * HOUR), NOW)).toBe("yesterday 23:05");
    expect(clockTime(at(72 * HOUR), NOW)).toBe("Tue 14:05");
    expect(day(at(0), NOW)).toBe("Today");
    expect(day(at(-24 * HOUR), NOW)).toBe("Yesterday");
    expect(day(at(-48 * HOUR), NOW)).toBe("Thursday 19 November");
  });

  it("says lengths", () => {
    expect(duration(0)).toBe("0 ms");
    expect(duration(999)).toBe("999 ms");
    expect(duration(1234)).toBe("1.2 s");
    expect(duration(61_000)).toBe("1 min 1 s");
    expect(duration(2 * HOUR + 10 * MINUTE)).toBe("2 h 10 min");
    expect(interval(30)).toBe("every 30 seconds");
    expect(interval(60)).toBe("every minute");
    expect(interval(300)).toBe("every 5 minutes");
    expect(interval(86_400)).toBe("once a day");
  });

  it("says nothing for what is no time", () => {
    expect(age("soon", NOW)).toBe("");
    expect(clockTime("", NOW)).toBe("");
  });

  it("says sizes", () => {
    expect(bytes(0)).toBe("0 B");
    expect(bytes(999)).toBe("999 B");
    expect(bytes(1400)).toBe("1.4 KB");
    expect(bytes(999_999)).toBe("1.0 MB");
    expect(bytes(38_000_000)).toBe("38 MB");
  });
});
