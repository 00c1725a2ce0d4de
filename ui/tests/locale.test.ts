import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "$locale/en.json";
import { t, type Key, word } from "$lib/i18n";

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(svelte|ts)$/.test(name) && !name.includes("fake"))
  .map((name) => ({ name, text: readFileSync(join("src", name), "utf8") }));
const source = files.map((f) => f.text).join("\n");
const keys = Object.keys(en);

describe("the locale file", () => {
  it("has every text that is asked for by its key", () => {
    const asked = [...source.matchAll(/\b(?:t|has)\(\s*"([a-z0-9.-]+)"/g)].map((m) => m[1] ?? "");
    expect(asked.length).toBeGreaterThan(100);
    const missing = asked.filter((key) => !keys.includes(key) && !keys.includes(`${key}_other`));
    expect(missing).toEqual([]);
  });

  it("has no text that nobody shows", () => {
    // Keys that are put together from a word of the keeper, by their first part.
    const made = [...source.matchAll(/(?:word\("([a-z-]+)"|t\(`([a-z.-]+)\.\$\{)/g)].map((m) => `${m[1] ?? m[2]}.`);
    const unused = keys.filter((key) => {
      if (/^(tray|notice)\./.test(key)) return false;
      const stem = key.replace(/_(one|other)$/, "");
      return !source.includes(`"${stem}"`) && !made.some((prefix) => key.startsWith(prefix));
    });
    expect(unused).toEqual([]);
  });

  it("has both forms of each plural, with the same places", () => {
    const places = (text: string) => [...text.matchAll(/\{([a-z]+)\}/g)].map((m) => m[1]).sort();
    for (const [key, text] of Object.entries(en)) {
      expect(text.trim(), key).not.toBe("");
      expect(text, key).not.toMatch(/[<>]/);
      if (!key.endsWith("_one")) continue;
      const other = (en as Record<string, string>)[key.replace(/_one$/, "_other")];
      expect(other, key).toBeDefined();
      const more = places(other ?? "");
      for (const place of places(text)) expect(more, key).toContain(place);
    }
  });

  it("no component writes a text of its own", () => {
    const own = files
      .filter((f) => f.name.endsWith(".svelte"))
      .flatMap((f) => {
        const markup = f.text
          .replace(/<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->/g, "")
          .replace(/\{[^{}]*(\{[^{}]*\}[^{}]*)*\}/g, "{}");
        return [...markup.matchAll(/>([^<>]*[A-Za-z]{3,}[^<>]*)</g)].map((m) => `${f.name}: ${m[1]?.trim()}`);
      })
      .filter((found) => !found.endsWith(": Charmkeeper") && !/[{}()=;]/.test(found));
    expect(own).toEqual([]);
  });
});

describe("t", () => {
  it("fills places and chooses the plural", () => {
    expect(t("run.cells-changed", { count: 1 })).toBe("1 cell changed");
    expect(t("run.cells-changed", { count: 1204 })).toBe("1,204 cells changed");
  });

  it("does not fall back to the key in silence", () => {
    expect(() => t("no.such.key" as Key)).toThrow("no text for");
  });

  it("shows a word of the keeper that it does not know as it is", () => {
    expect(word("outcome", "ok")).toBe("Changed");
    expect(word("outcome", "brand-new")).toBe("brand-new");
  });
});
