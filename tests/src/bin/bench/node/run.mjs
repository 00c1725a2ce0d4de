// Runs an importer once in Node and says what it used; see ../node.rs, which
// lays out the folder: bench.json, modules/, mail/.
//
// Requests are answered here, with Node's own Response. A message is read from
// its file when it is asked for, as it would come from the network, and that
// time does not count.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const folder = process.argv[2];
const bench = JSON.parse(readFileSync(join(folder, "bench.json"), "utf8"));
const api = await import(pathToFileURL(join(folder, "modules/charm-api/charm.mjs")));

let answering = { cpu: 0, wall: 0 };

/** Time that is not the importer's. */
function aside(work) {
  const [cpu, wall] = [process.cpuUsage(), performance.now()];
  try {
    return work();
  } finally {
    const used = process.cpuUsage(cpu);
    answering.cpu += used.user + used.system;
    answering.wall += performance.now() - wall;
  }
}

function list(url) {
  const from = Number(url.searchParams.get("pageToken") ?? 0);
  const to = Math.min(from + Number(url.searchParams.get("maxResults") ?? 100), bench.ids.length);
  const messages = bench.ids.slice(from, to).map((id) => ({ id, threadId: id }));
  const nextPageToken = to < bench.ids.length ? String(to) : undefined;
  return JSON.stringify({ messages, nextPageToken, resultSizeEstimate: bench.ids.length }, null, 2);
}

const message = (id) => readFileSync(join(folder, `mail/${id}.json`));

function batch(question) {
  const pieces = [];
  let name = "";
  for (const line of question.split(/\r?\n/)) {
    name = /^Content-ID: <(.*)>$/.exec(line)?.[1] ?? name;
    const path = /^GET ([^? ]+)/.exec(line)?.[1];
    if (path === undefined) continue;
    const body = message(path.split("/").at(-1));
    const head =
      `--batch_answer\r\nContent-Type: application/http\r\nContent-ID: <response-${name}>\r\n\r\n` +
      "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\n" +
      `Content-Length: ${body.length}\r\n\r\n`;
    pieces.push(Buffer.from(head), body, Buffer.from("\r\n"));
  }
  pieces.push(Buffer.from("--batch_answer--\r\n"));
  return Buffer.concat(pieces);
}

function answer(url, body) {
  if (url.pathname.startsWith("/batch/"))
    return [batch(String(body)), "multipart/mixed; boundary=batch_answer"];
  const json = "application/json; charset=UTF-8";
  if (url.pathname.endsWith("/profile")) return [bench.profile, json];
  if (url.pathname.endsWith("/messages")) return [list(url), json];
  return [message(url.pathname.split("/").at(-1)), json];
}

globalThis.fetch = async (input, init = {}) => {
  const [body, type] = aside(() => answer(new URL(String(input)), init.body));
  return new Response(body, { headers: { "content-type": type } });
};

// Node loads these when they are first used; that is its start, not the run.
new Response("", { headers: new Headers() });
new TextDecoder("utf-8").decode(new Uint8Array(1));
atob(btoa("x"));

const before = [process.cpuUsage(), performance.now()];
answering = { cpu: 0, wall: 0 };
const entry = bench.entry.replace("charm:///", "");
const charm = await import(pathToFileURL(join(folder, `modules/${entry}.mjs`)));
api.grant(bench.auth);
const argument = { ...structuredClone(bench.defaults), ...bench.argument };
const outputs = api.setUp(charm.default, argument);
api.run.phase = "run";
await outputs.bgUpdater.send({});
const emails = api.isHandle(outputs.emails) ? outputs.emails.get() : outputs.emails;
const report = JSON.stringify(emails);
const used = process.cpuUsage(before[0]);
const wall = performance.now() - before[1];

const peak_kib = process.resourceUsage().maxRSS;
writeFileSync(join(folder, "emails.json"), report);
console.log(
  JSON.stringify({
    cpu_ms: (used.user + used.system - answering.cpu) / 1000,
    wall_ms: wall - answering.wall,
    peak_kib,
  }),
);
