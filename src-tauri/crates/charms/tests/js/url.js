import { equal, run, same, test, throws } from "./assert.js";

test("parts", () => {
  const url = new URL("https://me:pw@example.org:8080/a/b?x=1&y=2#top");
  same(
    [
      url.href,
      url.origin,
      url.protocol,
      url.username,
      url.password,
      url.host,
      url.hostname,
      url.port,
      url.pathname,
      url.search,
      url.hash,
    ],
    [
      "https://me:pw@example.org:8080/a/b?x=1&y=2#top",
      "https://example.org:8080",
      "https:",
      "me",
      "pw",
      "example.org:8080",
      "example.org",
      "8080",
      "/a/b",
      "?x=1&y=2",
      "#top",
    ],
  );
  equal(String(url), url.href);
  equal(JSON.stringify({ url }), `{"url":"${url.href}"}`);
  equal(
    `${new URL("/api/x", new URL("https://charmkeeper.invalid/"))}`,
    "https://charmkeeper.invalid/api/x",
  );
  equal(new URL("../c", "https://a.test/x/y/z").pathname, "/x/c");
});

test("invalid", () => {
  throws(() => new URL("nope"), TypeError, /Invalid URL: 'nope'/);
  throws(() => new URL("/a", "nope"), TypeError);
  equal(URL.canParse("nope"), false);
  equal(URL.canParse("a", "https://b.test"), true);
  equal(URL.parse("nope"), null);
  equal(URL.parse("https://b.test").host, "b.test");
});

test("setters", () => {
  const url = new URL("https://a.test/x");
  url.searchParams.set("timeMin", "2026-01-05T10:00:00.000Z");
  url.searchParams.append("q", "a b&c");
  equal(url.href, "https://a.test/x?timeMin=2026-01-05T10%3A00%3A00.000Z&q=a+b%26c");
  url.search = "?z=1";
  equal(url.searchParams.get("z"), "1");
  equal(url.searchParams.get("q"), null);
  url.pathname = "/y z";
  url.hash = "h";
  equal(url.href, "https://a.test/y%20z?z=1#h");
  url.searchParams.delete("z");
  equal(url.href, "https://a.test/y%20z#h");
  url.href = "https://b.test/?k=v";
  equal(url.searchParams.get("k"), "v");
  throws(() => (url.href = "nope"), TypeError);
  equal(url.host, "b.test");
});

test("encodeURIComponent of a calendar id stays", () => {
  const id = "a#b@group.calendar.google.com";
  equal(
    new URL(`https://a.test/calendars/${encodeURIComponent(id)}/events`).pathname,
    "/calendars/a%23b%40group.calendar.google.com/events",
  );
});

test("search params", () => {
  const params = new URLSearchParams("?a=1&b=2&a=3&c");
  same(
    [params.get("a"), params.getAll("a"), params.has("c"), params.get("c"), params.get("d")],
    ["1", ["1", "3"], true, "", null],
  );
  equal(params.size, 4);
  params.set("a", "9");
  equal(params.toString(), "a=9&b=2&c=");
  params.append("b", "x");
  params.delete("b", "2");
  equal(`${params}`, "a=9&c=&b=x");
  params.sort();
  equal(`${params}`, "a=9&b=x&c=");
  same(
    [...params],
    [
      ["a", "9"],
      ["b", "x"],
      ["c", ""],
    ],
  );
  same([...params.keys()].concat([...params.values()]), ["a", "b", "c", "9", "x", ""]);
  equal(params.has("b", "y"), false);
  const seen = [];
  params.forEach((value, name) => seen.push(name + value));
  same(seen, ["a9", "bx", "c"]);
  equal(
    `${new URLSearchParams({ grant_type: "refresh_token", x: 1 })}`,
    "grant_type=refresh_token&x=1",
  );
  equal(
    `${new URLSearchParams([
      ["a", "b"],
      ["a", "c"],
    ])}`,
    "a=b&a=c",
  );
  equal(`${new URLSearchParams(params)}`, "a=9&b=x&c=");
  throws(() => new URLSearchParams([["a"]]), TypeError);
});

test("form encoding", () => {
  equal(
    `${new URLSearchParams({ q: "in:INBOX after:2026/01/01 (a|b)!~*'\u00e9\u{1f600}" })}`,
    "q=in%3AINBOX+after%3A2026%2F01%2F01+%28a%7Cb%29%21%7E*%27%C3%A9%F0%9F%98%80",
  );
  equal(new URLSearchParams("a=%C3%A9+%zz%").get("a"), "\u00e9 %zz%");
  equal(new URLSearchParams("a=%FF").get("a"), "\ufffd");
  equal(`${new URLSearchParams({ a: "\ud800" })}`, "a=%EF%BF%BD");
});

export default run();
