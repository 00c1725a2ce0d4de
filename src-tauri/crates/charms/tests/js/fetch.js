import { equal, rejects, run, same, test, throws } from "./assert.js";

// The fake network answers with what it was sent; see js_fetch.rs.
const echo = async (input, init) => await (await fetch(input, init)).json();

test("method, headers and body", async () => {
  const got = await echo("https://api.test/x?q=1", {
    method: "post",
    headers: { "X-Own": " v ", Authorization: "Bearer kc:1" },
    body: "h\u00e9",
  });
  same(got, {
    method: "POST",
    url: "https://api.test/x?q=1",
    headers: {
      authorization: "Bearer kc:1",
      "content-type": "text/plain;charset=UTF-8",
      "x-own": "v",
    },
    redirect: "follow",
    body: "h\u00e9",
  });
  equal((await echo("https://api.test/", { method: "patch", body: "x" })).method, "patch");
  equal((await echo(new URL("https://api.test/u"))).url, "https://api.test/u");
});

test("kinds of body", async () => {
  const params = await echo("https://api.test/", {
    method: "POST",
    body: new URLSearchParams({ a: "b c" }),
  });
  same(
    [params.body, params.headers["content-type"]],
    ["a=b+c", "application/x-www-form-urlencoded;charset=UTF-8"],
  );
  const bytes = new TextEncoder().encode("xabcx");
  const raw = await echo("https://api.test/", { method: "PUT", body: bytes.subarray(1, 4) });
  same([raw.body, raw.headers["content-type"]], ["abc", undefined]);
  equal((await echo("https://api.test/", { method: "PUT", body: bytes.buffer })).body, "xabcx");
  const typed = await echo("https://api.test/", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ a: 1 }),
  });
  same([typed.body, typed.headers["content-type"]], ['{"a":1}', "application/json"]);
  await rejects(fetch("https://api.test/", { body: "x" }), TypeError, /GET cannot have a body/);
});

test("a Request, and a Request with changes", async () => {
  const request = new Request("https://api.test/r", {
    method: "POST",
    body: "b",
    headers: [
      ["a", "1"],
      ["a", "2"],
    ],
  });
  same(
    [request.method, request.url, request.headers.get("a"), request.bodyUsed],
    ["POST", "https://api.test/r", "1, 2", false],
  );
  const copy = request.clone();
  equal((await echo(request)).body, "b");
  equal(request.bodyUsed, true);
  await rejects(fetch(request), TypeError, /already read/);
  equal(await copy.text(), "b");
  const changed = new Request(new Request("https://api.test/r", { headers: { a: "1" } }), {
    method: "DELETE",
  });
  same([changed.method, changed.headers.get("a")], ["DELETE", "1"]);
  throws(() => new Request("nope"), TypeError, /Invalid URL/);
  throws(() => new Request("https://me:pw@api.test/"), TypeError, /user name/);
  throws(() => new Request("https://api.test/", { method: "CONNECT" }), TypeError);
  throws(() => new Request("https://api.test/", { method: "a b" }), TypeError);
  throws(() => new Request("https://api.test/", { redirect: "x" }), TypeError);
});

test("a response", async () => {
  const res = await fetch("https://api.test/status/404");
  same(
    [res.ok, res.status, res.statusText, res.redirected, res.type, res.bodyUsed],
    [false, 404, "Not Found", false, "basic", false],
  );
  equal(res.url, "https://api.test/status/404");
  equal(res.headers.get("Content-Type"), "application/json");
  const twin = res.clone();
  const value = await res.json();
  equal(res.bodyUsed, true);
  same(await twin.json(), value);
  await rejects(res.text(), TypeError, /already read/);
  throws(() => res.clone(), TypeError);
  equal((await fetch("https://api.test/status/204")).status, 204);
});

test("bodies as bytes and text", async () => {
  const make = () => new Response("\ufeffa\u00e9");
  equal(await make().text(), "a\u00e9");
  same([...(await make().bytes())], [0xef, 0xbb, 0xbf, 97, 195, 169]);
  equal((await make().arrayBuffer()).byteLength, 6);
  await rejects(new Response("<html>").json(), SyntaxError);
  equal(await new Response().text(), "");
  equal(new Response().body, null);
});

test("a large body that is no JSON, and one that is", async () => {
  const filler = "x".repeat(5000);
  for (const text of ["--batch_1\r\n", "- 1", "<", "\u00e9", "+1", "undefined", " ".repeat(70)])
    await rejects(new Response(text + filler).json(), SyntaxError);
  // Its beginning is that of JSON; the engine says what is wrong.
  for (const text of ["{", "[", "nul", "-1x", '"', "tru"])
    await rejects(new Response(text + filler).json(), SyntaxError);
  const space = " \r\n\t".repeat(500);
  for (const value of [[filler], { filler }, filler, -1, 0, true, false, null])
    same(await new Response(space + JSON.stringify(value) + space).json(), value);
});

test("what was read is given once, also where clones share it", async () => {
  const first = new Response("body");
  const second = first.clone();
  const third = second.clone();
  equal(await second.text(), "body");
  same([first.bodyUsed, second.bodyUsed, third.bodyUsed], [false, true, false]);
  equal((await first.bytes()).length, 4);
  equal(await third.text(), "body");
  for (const used of [first, second, third]) {
    await rejects(used.text(), TypeError, /already read/);
    throws(() => used.clone(), TypeError, /already read/);
  }
  const empty = new Response();
  same([await empty.text(), empty.bodyUsed, await empty.text()], ["", false, ""]);
});

test("made responses", async () => {
  const made = Response.json({ a: 1 }, { status: 201, statusText: "Created" });
  same(
    [made.status, made.statusText, made.headers.get("content-type"), await made.json()],
    [201, "Created", "application/json", { a: 1 }],
  );
  const moved = Response.redirect("https://api.test/new", 301);
  same([moved.status, moved.headers.get("location")], [301, "https://api.test/new"]);
  const error = Response.error();
  same([error.type, error.status, error.ok], ["error", 0, false]);
  throws(() => new Response("", { status: 99 }), RangeError);
  throws(() => new Response("x", { status: 204 }), TypeError);
  throws(() => Response.redirect("https://a.test/", 200), RangeError);
  throws(() => Response.json(undefined), TypeError);
});

test("headers", () => {
  const headers = new Headers({ B: "2", a: " 1 " });
  headers.append("b", "3");
  headers.append("Set-Cookie", "x=1");
  headers.append("Set-Cookie", "y=2");
  same(
    [...headers],
    [
      ["a", "1"],
      ["b", "2, 3"],
      ["set-cookie", "x=1"],
      ["set-cookie", "y=2"],
    ],
  );
  headers.set("b", "9");
  headers.delete("SET-COOKIE");
  same(
    [...headers.entries()],
    [
      ["a", "1"],
      ["b", "9"],
    ],
  );
  same(
    [headers.has("A"), headers.get("nope"), [...headers.keys()], [...headers.values()]],
    [true, null, ["a", "b"], ["1", "9"]],
  );
  const seen = [];
  headers.forEach((value, name) => seen.push(name + value));
  same(seen, ["a1", "b9"]);
  same(
    [...new Headers(headers)],
    [
      ["a", "1"],
      ["b", "9"],
    ],
  );
  same([...new Headers([["x", "y"]])], [["x", "y"]]);
  throws(() => headers.set("bad name", "x"), TypeError);
  throws(() => headers.set("x", "line\r\nInjected: 1"), TypeError);
  throws(() => headers.set("x", "\u20ac"), TypeError);
  throws(() => new Headers([["a"]]), TypeError);
});

test("a failed network is a TypeError with the sentence of the host", async () => {
  await rejects(fetch("https://offline.test/"), TypeError, /^The network is not reachable$/);
});

test("an aborted signal stops before sending", async () => {
  await rejects(fetch("https://api.test/", { signal: AbortSignal.abort() }), "AbortError");
  await rejects(
    fetch("https://api.test/", { signal: AbortSignal.abort(new RangeError("own")) }),
    RangeError,
    /own/,
  );
});

test("a large answer gives its bytes and its text, in any order", async () => {
  const filler = "x".repeat(70_000);
  const utf8 = (text) => new TextEncoder().encode(text);
  for (const [kind, bytes, text] of [
    ["plain", utf8(filler), filler],
    ["wide", utf8(`${filler}\u00e9\u20ac`), `${filler}\u00e9\u20ac`],
    // Not all of it comes back from the text.
    ["mark", utf8(`\ufeff${filler}`), filler],
    ["broken", Uint8Array.from([...utf8(filler), 0xff]), `${filler}\ufffd`],
  ]) {
    const whole = (found) => {
      equal(found.length, bytes.length, kind);
      same([...found.slice(0, 4), ...found.slice(-4)], [...bytes.slice(0, 4), ...bytes.slice(-4)]);
    };
    for (const order of ["bytes text", "text bytes", "text text", "bytes bytes"]) {
      const first = await fetch(`https://api.test/large/${kind}`);
      const second = first.clone();
      for (const [response, what] of [first, second].map((r, i) => [r, order.split(" ")[i]])) {
        if (what === "text") equal(await response.text(), text);
        else whole(await response.bytes());
      }
      await rejects(first.text(), TypeError);
    }
  }
});

export default run();
