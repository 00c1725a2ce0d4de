// Every pair of ink and ground that the styles use is read from the tokens and
// measured: 4.5:1 for text, 3:1 for the edges of controls (WCAG 2.2, 1.4.3 and
// 1.4.11).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/styles/tokens.css", "utf8");
const block = (from: string) => css.slice(css.indexOf(from)).split("}")[0] ?? "";
const themes = { light: block(":root {"), dark: block(':root[data-theme="dark"] {') };

function colour(theme: string, name: string): [number, number, number] {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6});`).exec(theme)?.[1];
  if (!hex) throw new Error(`--${name} is no colour`);
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)) as [number, number, number];
}

function luminance(rgb: [number, number, number]): number {
  const [r, g, b] = rgb.map((v) => {
    const c = v / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(theme: string, a: string, b: string): number {
  const [x, y] = [luminance(colour(theme, a)), luminance(colour(theme, b))];
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
}

const grounds = ["ground", "surface", "raised", "sunken", "hover", "selected"];
const text = [
  ...grounds.flatMap((g) => [["ink", g], ["ink-2", g], ["accent-ink", g]]),
  ["on-accent", "accent"],
  ["on-accent", "accent-hover"],
  ["on-bad", "bad"],
  ["on-bad", "bad-hover"],
  ["accent-ink", "accent-soft"],
  ...["good", "warn", "bad", "info"].flatMap((tone) => [
    [tone, `${tone}-soft`],
    ["ink", `${tone}-soft`],
    [tone, "surface"],
    [tone, "raised"],
    [tone, "ground"],
    [tone, "selected"],
  ]),
] as [string, string][];
const edges = [
  ["line-strong", "surface"],
  ["line-strong", "ground"],
  ["line-strong", "raised"],
  ["accent", "surface"],
  ["accent", "ground"],
  ["accent", "sunken"],
] as [string, string][];

describe.each(Object.entries(themes))("%s", (_name, theme) => {
  it.each(text)("%s can be read on %s", (ink, ground) => {
    expect(contrast(theme, ink, ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(edges)("the edge %s is seen on %s", (edge, ground) => {
    expect(contrast(theme, edge, ground)).toBeGreaterThanOrEqual(3);
  });
});
