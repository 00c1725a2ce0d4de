// Request and Response (Fetch standard) over bodies that are whole in memory.
//
// Owns the two classes and the reading of bodies. There are no streams and no
// blobs: `body` is null, everything else behaves as on the Web.

import { ops, parseJson } from "ext:ck/host.js";
import { Headers, receivedHeaders } from "ext:ck/headers.js";
import { parseUrl, URLSearchParams } from "ext:ck/url.js";
import { AbortSignal } from "ext:ck/events.js";
import { bytesOf, decodeUtf8, encodeUtf8 } from "ext:ck/text.js";

/** `{ content, type }` of anything `fetch` takes as a body; null when there is none. */
function readBodyInit(body) {
  if (body === undefined || body === null) return null;
  if (body instanceof Content) return { content: body, type: null };
  const { bytes, type } = encodeBody(body);
  return { content: new Content(bytes), type };
}

function encodeBody(body) {
  if (body instanceof URLSearchParams) {
    return {
      bytes: encodeUtf8(body.toString()),
      type: "application/x-www-form-urlencoded;charset=UTF-8",
    };
  }
  if (body instanceof ArrayBuffer || ArrayBuffer.isView(body))
    return { bytes: bytesOf(body).slice(), type: null };
  return { bytes: encodeUtf8(`${body}`), type: "text/plain;charset=UTF-8" };
}

// Bodies that the host keeps back are let go with the last that may ask for them.
const unasked = new FinalizationRegistry((held) => ops.op_ck_body_drop(held));

// What a body holds. Clones share it: nobody changes the bytes, and the text is
// decoded once. A large answer is with the host until it is asked for, under the
// number `held`; one that was asked for as text is a text alone from then on.
class Content {
  #bytes;
  #text;
  #held;

  constructor(bytes, held) {
    this.#bytes = bytes;
    this.#held = held;
    if (held !== undefined) unasked.register(this, held);
  }

  get bytes() {
    if (this.#held !== undefined) {
      this.#bytes = ops.op_ck_body_bytes(this.#held);
      this.#held = undefined;
    }
    return this.#bytes ?? encodeUtf8(this.#text);
  }

  get text() {
    if (this.#held !== undefined) {
      this.#text = ops.op_ck_body_text(this.#held) ?? undefined;
      if (this.#text !== undefined) this.#held = undefined;
    }
    this.#text ??= decodeUtf8(this.bytes);
    return this.#text;
  }
}

const NOTHING = new Content(new Uint8Array(0));
const JSON_START = /^[\t\n\r ]*(?:[{["tfn]|-?[0-9])/;
const take = Symbol("take");
const peek = Symbol("peek");

class Body {
  #content = null;
  #used = false;

  constructor(content) {
    this.#content = content;
  }

  get bodyUsed() {
    return this.#used;
  }

  get body() {
    return null;
  }

  /** The content, once: a charm may keep the response for as long as it runs. */
  [take]() {
    if (this.#used) throw new TypeError("The body was already read");
    const content = this.#content;
    this.#used = content !== null;
    this.#content = null;
    return content ?? NOTHING;
  }

  /** The content without using it up, or null. */
  [peek]() {
    if (this.#used) throw new TypeError("The body was already read");
    return this.#content;
  }

  async arrayBuffer() {
    return this[take]().bytes.slice().buffer;
  }

  async bytes() {
    return this[take]().bytes.slice();
  }

  async text() {
    return this[take]().text;
  }

  async json() {
    const { text } = this[take]();
    // Charms ask this of answers that are no JSON, to see whether they are. The
    // engine would copy all of a large one first; the beginning says the same.
    return parseJson(text.length < 1024 || JSON_START.test(text) ? text : text.slice(0, 64));
  }
}

const NORMALIZED = new Set(["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"]);
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const REDIRECTS = ["follow", "error", "manual"];

function checkMethod(method) {
  const text = `${method}`;
  const upper = text.toUpperCase();
  if (!METHOD.test(text) || ["CONNECT", "TRACE", "TRACK"].includes(upper)) {
    throw new TypeError(`'${text}' is not a method that fetch sends`);
  }
  return NORMALIZED.has(upper) ? upper : text;
}

export class Request extends Body {
  #url;
  #method;
  #headers;
  #signal;
  #redirect;

  constructor(input, init = {}) {
    const from = input instanceof Request ? input : null;
    const body = init.body === undefined || init.body === null ? null : readBodyInit(init.body);
    // Taken over from another request, a body is used up there.
    super(
      body?.content ??
        (from && init.body === undefined && from[peek]() !== null ? from[take]() : null),
    );
    this.#url = from ? from.url : checkUrl(`${input}`);
    this.#method = init.method === undefined ? (from?.method ?? "GET") : checkMethod(init.method);
    this.#headers = new Headers(init.headers ?? from?.headers);
    this.#redirect = `${init.redirect ?? from?.redirect ?? "follow"}`;
    if (!REDIRECTS.includes(this.#redirect))
      throw new TypeError(`'${this.#redirect}' is not a redirect mode`);
    const signal = init.signal === undefined ? from?.signal : init.signal;
    if (signal && !(signal instanceof AbortSignal))
      throw new TypeError("The signal must be an AbortSignal");
    this.#signal = signal ?? null;
    if (this[peek]() !== null && (this.#method === "GET" || this.#method === "HEAD")) {
      throw new TypeError(`A request with method ${this.#method} cannot have a body`);
    }
    if (body?.type && !this.#headers.has("content-type"))
      this.#headers.set("content-type", body.type);
  }

  get url() {
    return this.#url;
  }

  get method() {
    return this.#method;
  }

  get headers() {
    return this.#headers;
  }

  get redirect() {
    return this.#redirect;
  }

  get signal() {
    return this.#signal;
  }

  clone() {
    return new Request(this.#url, {
      method: this.#method,
      headers: this.#headers,
      redirect: this.#redirect,
      signal: this.#signal,
      body: this[peek]() ?? undefined,
    });
  }
}

function checkUrl(text) {
  const parts = parseUrl(text);
  if (parts === null) throw new TypeError(`Invalid URL: '${text}'`);
  if (parts.username !== "" || parts.password !== "") {
    throw new TypeError("A request's URL must not hold a user name or password");
  }
  return parts.href;
}

/** The body of a request that is about to be sent. */
export function takeBody(request) {
  return request[take]().bytes;
}

/** The text of a response that nobody has read yet; it stays unread. */
export function peekText(response) {
  return response[peek]()?.text ?? "";
}

const NULL_BODY = [101, 103, 204, 205, 304];

export class Response extends Body {
  #status;
  #statusText;
  #headers;
  #url = "";
  #redirected = false;
  #type = "default";

  constructor(body, init = {}) {
    const read = readBodyInit(body);
    super(read?.content ?? null);
    this.#status = init.status === undefined ? 200 : Number(init.status);
    if (!Number.isInteger(this.#status) || this.#status < 200 || this.#status > 599) {
      throw new RangeError(`${init.status} is not a status of a response (200 to 599)`);
    }
    if (read !== null && NULL_BODY.includes(this.#status)) {
      throw new TypeError(`A response with status ${this.#status} cannot have a body`);
    }
    this.#statusText = `${init.statusText ?? ""}`;
    this.#headers = new Headers(init.headers);
    if (read?.type && !this.#headers.has("content-type"))
      this.#headers.set("content-type", read.type);
  }

  /** A response as it came from the network; `held`: the host has its body. */
  static received(head, bytes, held) {
    const noBody = NULL_BODY.includes(head.status);
    const response = new Response(noBody ? null : new Content(bytes, held), {
      status: head.status,
      statusText: head.statusText,
    });
    response.#headers = receivedHeaders(head.headers ?? []);
    response.#url = head.url ?? "";
    response.#redirected = Boolean(head.redirected);
    response.#type = "basic";
    return response;
  }

  static error() {
    const response = new Response(null);
    response.#status = 0;
    response.#type = "error";
    return response;
  }

  static json(data, init = {}) {
    const text = JSON.stringify(data);
    if (text === undefined) throw new TypeError("The value cannot be written as JSON");
    const response = new Response(text, init);
    if (!new Headers(init.headers).has("content-type"))
      response.headers.set("content-type", "application/json");
    return response;
  }

  static redirect(url, status = 302) {
    if (![301, 302, 303, 307, 308].includes(status))
      throw new RangeError(`${status} is not a redirect status`);
    const parts = parseUrl(`${url}`);
    if (parts === null) throw new TypeError(`Invalid URL: '${url}'`);
    return new Response(null, { status, headers: { location: parts.href } });
  }

  get status() {
    return this.#status;
  }

  get statusText() {
    return this.#statusText;
  }

  get ok() {
    return this.#status >= 200 && this.#status < 300;
  }

  get headers() {
    return this.#headers;
  }

  get url() {
    return this.#url;
  }

  get redirected() {
    return this.#redirected;
  }

  get type() {
    return this.#type;
  }

  clone() {
    const copy = new Response(this[peek](), {
      status: this.#status || 200,
      statusText: this.#statusText,
      headers: this.#headers,
    });
    copy.#status = this.#status;
    copy.#url = this.#url;
    copy.#redirected = this.#redirected;
    copy.#type = this.#type;
    return copy;
  }
}

const received = Response.received;
delete Response.received;
export { received as receivedResponse };
