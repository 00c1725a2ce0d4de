import { expect, it } from "vitest";
import { asTyped, CHOICES, LEAST, MOST, typedSeconds } from "../src/pages/charm/schedule";

it("takes what a person types within the bounds", () => {
  expect(typedSeconds("30", "seconds")).toBe(30);
  expect(typedSeconds("1.5", "minutes")).toBe(90);
  expect(typedSeconds(" 2,5 ", "hours")).toBe(9000);
  expect(typedSeconds("24", "hours")).toBe(MOST);
  for (const text of ["", "x", "-1", "1e3", "0", "99999999"]) expect(typedSeconds(text, "minutes")).toBeUndefined();
  expect(typedSeconds("29", "seconds")).toBeUndefined();
  expect(typedSeconds("25", "hours")).toBeUndefined();
});

it("says an interval in the largest whole unit, and reads it back", () => {
  expect(asTyped(5400)).toEqual({ text: "90", unit: "minutes" });
  for (const seconds of [...CHOICES, 45, 100, 5400]) {
    const { text, unit } = asTyped(seconds);
    expect(typedSeconds(text, unit)).toBe(seconds);
    expect(seconds).toBeGreaterThanOrEqual(LEAST);
  }
});
