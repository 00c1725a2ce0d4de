// The page's policy forbids inline scripts and style attributes in markup.
// Styles that are set by properties are allowed, which is what Svelte does for
// values that change.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

const all = (folder: string, end: RegExp) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => end.test(name))
    .map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));

it("no component has a style attribute that is text", () => {
  const found = all("src", /\.svelte$/).filter((f) => /\sstyle="[^{"]*"/.test(f.text));
  expect(found.map((f) => f.name)).toEqual([]);
});

it("no component shows text as HTML", () => {
  const found = all("src", /\.(svelte|ts)$/).filter((f) => /\{@html|innerHTML|outerHTML|insertAdjacentHTML/.test(f.text));
  expect(found.map((f) => f.name)).toEqual([]);
});

it("only the Tauri backend knows of Tauri", () => {
  const found = all("src", /\.(svelte|ts)$/).filter((f) => f.text.includes("@tauri-apps/"));
  expect(found.map((f) => f.name)).toEqual([join("lib", "client", "tauri.ts")]);
});

it("the page has no inline script and no inline style", () => {
  const page = readFileSync("index.html", "utf8");
  expect(page).not.toMatch(/<style|style=|<script(?![^>]*src=)/);
});
