import { describe, expect, it } from "vitest";
import { charmHref, href, parse, router } from "$lib/router.svelte";

describe("addresses", () => {
  it("are read as they were written", () => {
    const address = href("/history", { text: "a+b & c=d/ü", charm: "x y", changed: true, none: "", off: false });
    expect(parse(address)).toEqual({ path: ["history"], query: { text: "a+b & c=d/ü", charm: "x y", changed: "1" } });
  });

  it("keep a plus, as the shell writes file names", () => {
    expect(parse("#/add?source=/home/kim/c+%2B%20x.tsx").query.source).toBe("/home/kim/c++ x.tsx");
  });

  it("survive what is no address", () => {
    expect(parse("#/history?text=%E0%A4%A").query.text).toBe("%E0%A4%A");
    expect(parse("")).toEqual({ path: [], query: {} });
    expect(parse("#///?&&=x").path).toEqual([]);
    expect(parse("#/x?__proto__=1").query).toEqual({});
  });

  it("encode a charm's handle", () => {
    expect(parse(charmHref("a/b c")).path).toEqual(["charms", "a/b c"]);
  });

  it("change in part", () => {
    router.go("/history", { charm: "gmail", text: "x" });
    router.setQuery({ text: null, changed: true });
    expect(router.route.query).toEqual({ charm: "gmail", changed: "1" });
    expect(location.hash).toBe("#/history?charm=gmail&changed=1");
    router.open("/accounts");
    expect(router.page).toBe("accounts");
  });
});
