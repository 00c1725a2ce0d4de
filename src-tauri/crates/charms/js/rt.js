// The entry of the charm runtime: makes the globals, leaves `__ck` for the host.
//
// Owns the list of globals. What deno_core and the QuickJS binding leave behind
// is removed, so that a charm finds the Web's names and nothing else. Must stay
// the only file with side effects on the global object.

import "ext:ck/cell_methods.js";
import { console } from "ext:ck/console.js";
import { TextDecoder, TextEncoder } from "ext:ck/text.js";
import { URL, URLSearchParams } from "ext:ck/url.js";
import { AbortController, AbortSignal, CustomEvent, Event, EventTarget } from "ext:ck/events.js";
import {
  clearInterval,
  clearTimeout,
  queueMicrotask,
  setInterval,
  setTimeout,
} from "ext:ck/timers.js";
import { structuredClone } from "ext:ck/clone.js";
import { Headers } from "ext:ck/headers.js";
import { Request, Response } from "ext:ck/body.js";
import { fetch } from "ext:ck/fetch.js";
import { crypto } from "ext:ck/crypto.js";
import { installLocale } from "ext:ck/locale.js";
import { installReplace } from "ext:ck/regexp.js";
import { modules } from "ext:ck/api.js";
import { catchStrayErrors, start } from "ext:ck/run.js";

const globals = {
  console,
  TextDecoder,
  TextEncoder,
  URL,
  URLSearchParams,
  AbortController,
  AbortSignal,
  CustomEvent,
  Event,
  EventTarget,
  clearInterval,
  clearTimeout,
  queueMicrotask,
  setInterval,
  setTimeout,
  structuredClone,
  Headers,
  Request,
  Response,
  fetch,
  crypto,
  self: globalThis,
};
for (const [name, value] of Object.entries(globals)) {
  Object.defineProperty(globalThis, name, {
    value,
    configurable: true,
    writable: true,
    enumerable: false,
  });
}

catchStrayErrors();
installLocale();
installReplace();
globalThis.__ck = { start, modules };

// `__v8xTemporalTimeZone` stays: without it every Intl.DateTimeFormat throws.
for (const name of [
  "gc",
  "__v8x_snapshot_intrinsics",
  "__v8x_import_source",
  "__v8xPostForegroundTask",
  "WebAssembly",
  "SharedArrayBuffer",
  "Atomics",
  "ShadowRealm",
  "__bootstrap",
  "Deno",
])
  delete globalThis[name];
for (const name of Object.getOwnPropertyNames(globalThis))
  if (name.startsWith("__v8xAtomics")) delete globalThis[name];
