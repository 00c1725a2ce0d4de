// fetch: one op per request; the host checks, sends and receives.
//
// Owns the requests that are under way, so that a run is complete only when all
// of them are settled. Never sees a token: what a charm sends holds
// placeholders.

import { ops, parseJson, PromiseCtor, toJson } from "ext:ck/host.js";
import { peekText, receivedResponse, Request, takeBody } from "ext:ck/body.js";
import { decodeUtf8 } from "ext:ck/text.js";
import { noteBatch, noteCall } from "ext:ck/calls.js";
import { parseUrl } from "ext:ck/url.js";

const underWay = new Map();
let nextId = 1;

/** How many requests have no answer yet. */
export function requestsUnderWay() {
  return underWay.size;
}

/** Fulfils when the requests that are under way now are settled. */
export async function requestsSettled() {
  await PromiseCtor.all([...underWay.values()]);
}

/** Gives up every request; used when the run has failed already. */
export function abandonRequests() {
  for (const id of underWay.keys()) ops.op_ck_fetch_abort(id);
}

/** Splits the host's answer: u32 LE length of the head, the head, the body. */
function splitAnswer(answer) {
  const length = answer[0] + answer[1] * 0x100 + answer[2] * 0x10000 + answer[3] * 0x1000000;
  return {
    head: parseJson(decodeUtf8(answer.subarray(4, 4 + length))),
    bytes: answer.subarray(4 + length),
  };
}

function isBatch(request, response) {
  return (
    /^multipart\/mixed/i.test(request.headers.get("content-type") ?? "") &&
    /^multipart\/mixed/i.test(response.headers.get("content-type") ?? "")
  );
}

async function exchange(id, request, body) {
  const head = toJson({
    id,
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    redirect: request.redirect,
  });
  const answer = splitAnswer(await ops.op_ck_fetch(id, head, body));
  return ops.op_ck_body_held(id) ? { head: answer.head, held: id } : answer;
}

async function send(request, signal) {
  const url = parseUrl(request.url);
  const body = takeBody(request);
  const id = nextId++;
  const pending = exchange(id, request, body);
  const done = () => underWay.delete(id);
  underWay.set(id, pending.then(done, done));
  let gone = false;
  const aborted = new PromiseCtor((_, reject) => {
    signal?.addEventListener(
      "abort",
      () => {
        if (!underWay.has(id) || gone) return;
        gone = true;
        ops.op_ck_fetch_abort(id);
        if (signal.reason?.name === "TimeoutError") noteCall(request.method, url, null);
        reject(signal.reason);
      },
      { once: true },
    );
  });
  const { head, bytes, held } = await (signal ? PromiseCtor.race([pending, aborted]) : pending);
  if (head.error !== undefined) {
    noteCall(request.method, url, null);
    throw new TypeError(head.error.message);
  }
  const response = receivedResponse(head, bytes, held);
  noteCall(request.method, url, head.status);
  if (head.status < 300 && isBatch(request, response))
    noteBatch(url, decodeUtf8(body), peekText(response));
  return response;
}

/** Sends a request. A failed network is a TypeError with the host's sentence. */
export async function fetch(input, init) {
  const request = new Request(input, init);
  const { signal } = request;
  signal?.throwIfAborted();
  return await send(request, signal);
}
