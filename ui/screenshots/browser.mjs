// A headless Chromium and its pages, spoken to over a pipe in the browser's own
// protocol (https://chromedevtools.github.io/devtools-protocol/).
//
// Owns: the browser's process and profile. Knows nothing of our pages.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome"];
/** Longest wait for one answer of the browser. */
const PATIENCE_MS = 60_000;
const FLAGS = [
  "--headless=new",
  "--remote-debugging-pipe",
  "--no-first-run",
  "--no-default-browser-check",
  "--disable-gpu",
  "--disable-extensions",
  "--disable-background-networking",
  "--hide-scrollbars",
  "--disable-background-timer-throttling",
  "--disable-backgrounding-occluded-windows",
  "--disable-renderer-backgrounding",
  "--force-color-profile=srgb",
  "--font-render-hinting=none",
];

/** Starts the browser; answers something to open pages with. */
export async function startBrowser() {
  const profile = await mkdtemp(join(tmpdir(), "charmkeeper-screenshots-"));
  // As root the browser starts without its own sandbox only. It sees our pages alone.
  const root = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
  const child = await start([...FLAGS, ...root, `--user-data-dir=${profile}`, "about:blank"]);
  const wire = new Wire(child);
  return {
    /** A new page, in a window of its own: one that is covered draws nothing. */
    async page() {
      const { targetId } = await wire.call("Target.createTarget", { url: "about:blank", newWindow: true });
      const { sessionId } = await wire.call("Target.attachToTarget", { targetId, flatten: true });
      const page = new Page(wire, sessionId, targetId);
      await page.begin();
      return page;
    },
    async close() {
      const ended = new Promise((done) => child.once("exit", done));
      await wire.call("Browser.close").catch(() => child.kill());
      await ended;
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function start(flags) {
  for (const name of process.env.CHROMIUM ? [process.env.CHROMIUM] : NAMES) {
    const child = spawn(name, flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    const began = await new Promise((done) => {
      child.once("spawn", () => done(true));
      child.once("error", () => done(false));
    });
    if (began) return child;
  }
  throw new Error("No Chromium was found. Install it, or name it in the variable CHROMIUM.");
}

/** Messages to the browser and back: JSON, each ended by a zero byte. */
class Wire {
  #serial = 0;
  #waiting = new Map();
  #listeners = new Set();

  constructor(child) {
    this.out = child.stdio[3];
    this.out.on("error", () => {});
    let rest = Buffer.alloc(0);
    child.stdio[4].on("data", (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        this.#hear(JSON.parse(rest.subarray(0, end).toString()));
        rest = rest.subarray(end + 1);
      }
    });
    child.once("exit", () => {
      for (const { fail } of this.#waiting.values()) fail(new Error("The browser ended."));
    });
  }

  call(method, params = {}, sessionId = undefined) {
    const id = ++this.#serial;
    return new Promise((done, fail) => {
      const late = setTimeout(() => fail(new Error(`The browser does not answer ${method}.`)), PATIENCE_MS);
      const over = (way) => (value) => {
        clearTimeout(late);
        this.#waiting.delete(id);
        way(value);
      };
      this.#waiting.set(id, { done: over(done), fail: over(fail) });
      this.out.write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  /** Hears the events of a page until the answer is called. */
  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #hear(message) {
    if (message.id === undefined) {
      for (const listener of [...this.#listeners]) listener(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (message.error) waiting?.fail(new Error(message.error.message));
    else waiting?.done(message.result);
  }
}

/** One page. */
class Page {
  /** What the page complained of: errors and refused content. */
  complaints = [];

  constructor(wire, session, target) {
    this.wire = wire;
    this.session = session;
    this.target = target;
  }

  call(method, params) {
    return this.wire.call(method, params, this.session);
  }

  async begin() {
    this.wire.listen(({ sessionId, method, params }) => {
      if (sessionId !== this.session) return;
      if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
      if (method === "Log.entryAdded" && params.entry.level === "error" && !params.entry.url?.endsWith("/favicon.ico")) this.complaints.push(params.entry.text);
      if (method === "Runtime.consoleAPICalled" && params.type === "error") this.complaints.push(params.args.map((a) => a.value ?? a.description).join(" "));
    });
    await this.call("Page.enable");
    await this.call("Runtime.enable");
    await this.call("Log.enable");
    await this.call("Emulation.setFocusEmulationEnabled", { enabled: true });
    await this.call("Emulation.setTimezoneOverride", { timezoneId: "UTC" });
    await this.call("Emulation.setLocaleOverride", { locale: "en-GB" });
  }

  /** Size in CSS pixels, and device pixels to each. */
  async size(width, height, scale) {
    await this.call("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: scale, mobile: false });
  }

  async media(features) {
    await this.call("Emulation.setEmulatedMedia", { features });
  }

  async open(url) {
    const loaded = new Promise((done) => {
      const stop = this.wire.listen(({ sessionId, method }) => {
        if (sessionId !== this.session || method !== "Page.loadEventFired") return;
        stop();
        done();
      });
    });
    await this.call("Page.navigate", { url });
    await loaded;
  }

  /** The value of an expression on the page; a promise is waited for. */
  async eval(expression) {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Clicks the middle of what an expression finds. */
  async click(x, y) {
    const at = { x, y, button: "left", clickCount: 1 };
    await this.call("Input.dispatchMouseEvent", { ...at, type: "mousePressed" });
    await this.call("Input.dispatchMouseEvent", { ...at, type: "mouseReleased" });
  }

  /** Presses a key by its name, as in `Tab` or `ArrowDown`. */
  async press(key) {
    const codes = { Tab: 9, Enter: 13, Escape: 27, " ": 32, ArrowDown: 40, ArrowUp: 38, End: 35 };
    const plain = { key, code: key, windowsVirtualKeyCode: codes[key] ?? key.toUpperCase().charCodeAt(0) };
    const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
    await this.call("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", ...plain, ...(text ? { text } : {}) });
    await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...plain });
  }

  async type(text) {
    await this.call("Input.insertText", { text });
  }

  /** The picture as PNG bytes. */
  async picture() {
    const { data } = await this.call("Page.captureScreenshot", { format: "png", optimizeForSpeed: false });
    return Buffer.from(data, "base64");
  }

  async close() {
    await this.wire.call("Target.closeTarget", { targetId: this.target });
  }
}
