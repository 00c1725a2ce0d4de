// Photographs every page and its main states, light and dark, at 100 % and at
// 200 %, and writes an index.html beside the pictures.
//
//   node screenshots/take.mjs FOLDER [PART-OF-A-NAME]
//
// Wants the page built with `npm run build:fake`. Ends with 1 when a page
// complained of something, is wider than its window, or has a fault that axe
// knows, colours included: here they are drawn.
import { createServer } from "node:http";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { startBrowser } from "./browser.mjs";
import { scenes } from "./scenes.mjs";

const AXE = fileURLToPath(new URL("../node_modules/axe-core/axe.min.js", import.meta.url));
const BUILT = fileURLToPath(new URL("../dist-fake", import.meta.url));
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };
/** Pages that are photographed at the same time. */
const AT_ONCE = 3;
/** Longest picture, in CSS pixels. */
const LONGEST = 4000;
const PATIENCE_MS = 20_000;

// 200 %: everything twice as large in a window of 1280 pixels, so that the page
// has 640 to use.
const SIZES = [
  { name: "100", width: 1080, height: 720, scale: 1 },
  { name: "200", width: 640, height: 480, scale: 2 },
];
const THEMES = ["light", "dark"];

async function serve() {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    const file = join(BUILT, path === "/" ? "index.html" : path);
    try {
      const body = await readFile(file);
      response.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return server;
}

// Runs on the page. Names are taken as a screen reader takes the usual ones.
const FIND = `(name) => {
  const named = (e) => e.getAttribute("aria-label")
    ?? e.getAttribute("aria-labelledby")?.split(" ").map((id) => document.getElementById(id)?.textContent ?? "").join(" ")
    ?? e.labels?.[0]?.textContent ?? e.textContent;
  const all = [...document.querySelectorAll("button, a, input, [role=treeitem], [role=menuitem], [role=option], [role=radio]")];
  const words = (e) => (named(e) ?? "").replace(/\\s+/g, " ").trim();
  const found = all.find((e) => words(e) === name) ?? all.find((e) => words(e).startsWith(name));
  if (!found) return null;
  found.scrollIntoView({ block: "center" });
  const box = found.getBoundingClientRect();
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}`;

// Drawn, and nothing on its way: two frames after the fonts are there.
const SETTLED = `Promise.race([new Promise((done) => setTimeout(done, 2000)), document.fonts.ready.then(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)))))])`;

async function until(page, expression, what) {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end) {
    const found = await page.eval(expression);
    if (found) return found;
    await page.eval("new Promise((done) => setTimeout(done, 40))");
  }
  throw new Error(`it never came: ${what}`);
}

async function step(page, text) {
  const cut = text.indexOf(":");
  const [verb, what] = cut < 0 ? [text, ""] : [text.slice(0, cut), text.slice(cut + 1)];
  switch (verb) {
    case "click": {
      const at = await until(page, `(${FIND})(${JSON.stringify(what)})`, `a control called “${what}”`);
      await page.click(at.x, at.y);
      break;
    }
    case "tab":
      for (let n = 0; n < Number(what); n++) await page.press("Tab");
      break;
    case "key":
      await page.press(what);
      break;
    case "type":
      await page.type(what);
      break;
    case "eval":
      await page.eval(`${what}, null`);
      break;
    case "wait":
      await until(page, `document.body.innerText.includes(${JSON.stringify(what)})`, what);
      break;
    default:
      throw new Error(`there is no step ${text}`);
  }
  await page.eval(SETTLED);
}

/** What is wrong with the layout: something wider than its window. */
const WIDE = `(() => {
  const main = document.querySelector("main");
  const wide = [document.documentElement, main].filter((e) => e && e.scrollWidth > e.clientWidth + 1);
  if (wide.length === 0) return "";
  const edge = document.documentElement.clientWidth;
  const culprit = [...document.querySelectorAll("main *")].find((e) => e.getBoundingClientRect().right > edge + 1);
  return "wider than the window: " + (culprit ? culprit.tagName + "." + culprit.className : "?");
})()`;

/** What axe finds on the page as it is now. */
async function faultsOf(page, axe) {
  await page.eval(`${axe}; null`);
  const found = await page.eval(`axe.run(document.body, {
    resultTypes: ["violations"],
    // A list that is open is above the page, and in no part of it.
    rules: { region: { enabled: !document.querySelector("[role=menu], [role=listbox]") } },
  }).then(({ violations }) =>
    violations.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + (n.any[0]?.message ?? "")).join(" | ")))`);
  return found;
}

async function photograph(browser, base, axe, scene, size, theme) {
  const page = await browser.page();
  await page.size(size.width, size.height, size.scale);
  await page.media([
    { name: "prefers-reduced-motion", value: "reduce" },
    { name: "prefers-color-scheme", value: theme },
    { name: "forced-colors", value: scene.forced ? "active" : "none" },
  ]);
  const [query, hash] = scene.address.split("#");
  await page.open(`${base}/${query}&theme=${theme}#${hash}`);
  await until(page, `document.querySelector("h1") !== null`, "a heading");
  await page.eval(SETTLED);
  for (const one of scene.steps) await step(page, one);
  const complaints = [...page.complaints];
  const wide = await page.eval(WIDE);
  if (wide) complaints.push(wide);
  if (scene.tall) {
    const more = await page.eval(`(() => { const m = document.querySelector("main"); return m.scrollHeight - m.clientHeight; })()`);
    const height = scene.height ?? Math.min(size.height + more, LONGEST);
    await page.size(size.width, height, size.scale);
    await page.eval(SETTLED);
  }
  const picture = await page.picture();
  if (size.scale === 1) complaints.push(...(await faultsOf(page, axe)));
  await page.close();
  return { picture, complaints };
}

function index(shots) {
  const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  const rows = [...new Set(shots.map((s) => s.scene))].map((name) => {
    const cells = shots
      .filter((s) => s.scene === name)
      .map((s) => `<a href="${s.file}"><img loading="lazy" src="${s.file}" alt="${escape(`${name}, ${s.kind}`)}"><span>${s.kind}</span></a>`);
    return `<section><h2>${escape(name)}</h2>${cells.join("")}</section>`;
  });
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Charmkeeper, every page</title>
<style>body{font:14px system-ui;margin:1rem;background:#888;color:#000}section{display:flex;flex-wrap:wrap;gap:.75rem;align-items:flex-start}
h2{width:100%;margin:1rem 0 0}a{display:grid;width:23%;min-width:16rem;color:inherit}img{width:100%;border:1px solid #444}</style>${rows.join("\n")}</html>`;
}

async function main() {
  const [folder, part = ""] = process.argv.slice(2);
  if (!folder) throw new Error("usage: take.mjs FOLDER [PART-OF-A-NAME]");
  const wanted = scenes.filter((s) => s.name.includes(part));
  if (!part) await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const axe = await readFile(AXE, "utf8");
  const server = await serve();
  const browser = await startBrowser();
  const base = `http://127.0.0.1:${server.address().port}`;
  const jobs = wanted.flatMap((scene) => SIZES.flatMap((size) => THEMES.map((theme) => ({ scene, size, theme }))));
  const shots = jobs.map(({ scene, size, theme }) => ({
    scene: scene.name,
    kind: `${theme} ${size.name} %`,
    file: `${scene.name}-${theme}-${size.name}.png`,
  }));
  const faults = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < jobs.length; at = next++) {
      const { scene, size, theme } = jobs[at];
      const { file } = shots[at];
      try {
        const { picture, complaints } = await photograph(browser, base, axe, scene, size, theme);
        await writeFile(join(folder, file), picture);
        faults.push(...complaints.map((c) => `${file}: ${c}`));
      } catch (error) {
        faults.push(`${file}: ${error.message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await browser.close();
  server.close();
  await writeFile(join(folder, "index.html"), index(shots));
  console.log(`${shots.length - faults.length} of ${shots.length} pictures without complaint: ${join(folder, "index.html")}`);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) process.exitCode = 1;
}

await main();
