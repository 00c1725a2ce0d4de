// The global names that charms of the ecosystem use, and the package turndown.
import TurndownService from "turndown";
import { handler, NAME, pattern } from "commonfabric";

const update = handler<unknown, {}>(async () => {
  const url = new URL("/a b?x=1", "https://example.com");
  url.searchParams.append("y", "ä");
  console.log("url", url.href, new URLSearchParams("a=1&a=2").getAll("a").join());
  const response = await fetch(url, { method: "POST", headers: new Headers({ "X-A": "1" }), body: JSON.stringify({ a: "ü" }) });
  console.log("fetch", response.ok, response.status, JSON.stringify(await response.json()));
  const request = new Request("https://example.com/", { method: "PUT", body: "text" });
  console.log("request", request.method, await request.text(), new Response("r", { status: 201 }).status);
  const bytes = new TextEncoder().encode("é");
  console.log("text", bytes.length, new TextDecoder().decode(bytes), atob(btoa("hi")));
  console.log("clone", JSON.stringify(structuredClone({ a: [new Date(0)] })), typeof crypto.randomUUID());
  console.log("time", typeof Date.now(), new Date("2026-01-05T18:11:12Z").toLocaleDateString("en-US", { weekday: "long", month: "long", day: "numeric", timeZone: "America/New_York" }));
  console.log("money", (1234.5).toLocaleString("en-US", { style: "currency", currency: "USD" }), (1e6).toLocaleString());
  await new Promise((resolve) => setTimeout(resolve, 1));
  const endless = setInterval(() => {}, 1000);
  console.log("timers", endless !== undefined, Math.random() < 1);
  const aborting = new AbortController();
  aborting.abort();
  console.log("abort", await fetch("https://example.com/", { signal: aborting.signal }).then(() => "none", (error) => error.name));
  console.log(new TurndownService({ headingStyle: "atx" }).turndown("<h1>T</h1><p>a <b>b</b></p>"));
});

export default pattern(() => ({ [NAME]: "Web", bgUpdater: update({}) }));
// says: url https://example.com/a%20b?x=1&y=%C3%A4 1,2
// says: fetch true 200 {"a":"ü"}
// says: request PUT text 201
// says: text 2 é hi
// says: clone {"a":["1970-01-01T00:00:00.000Z"]} string
// says: time number Monday, January 5
// says: money $1,234.50 1,000,000
// says: timers true true
// says: abort AbortError
// says: # T
// says:
// says: a **b**
