// Which requests of a run failed and were not made good.
//
// Owns that count, which decides between `ok` and `partial`:
// * A request failed when no response came, or its status is 400 or more.
//   A multipart batch counts as its parts.
// * It is recovered when a later request of the run with the same method, host
//   and path succeeds: a retry, also one after a token refresh.
// * 404 and 410 say that something is gone (a message, a history id, a sync
//   token), not that the service failed. They are also recovered by any later
//   success on the same host: the charm went on and was served.
// * A request that the charm itself aborted is no failure; a timeout is one.

const GONE = [404, 410];
const failed = new Map();
// Several failures of one request count once: after all it is one thing that
// could not be had.
const keyOf = (method, url) => `${method} ${url.host}${url.pathname}`;

function settle(method, url, status) {
  const key = keyOf(method, url);
  if (status === null || status >= 400) {
    failed.set(key, { host: url.host, gone: GONE.includes(status) });
    return;
  }
  failed.delete(key);
  for (const [other, call] of failed) {
    if (call.gone && call.host === url.host) failed.delete(other);
  }
}

/** How many requests failed and were not recovered. */
export function failedCalls() {
  return failed.size;
}

/** Notes how a request ended; `status` is null when no response came. */
export function noteCall(method, url, status) {
  settle(method, url, status);
}

const PART_ID = /content-id:\s*<?(?:response-)?([^>\r\n]+)>?/i;

/** The requests inside a batch body: content id (or position) to method and path. */
function partsSent(text) {
  const parts = [];
  for (const found of text.matchAll(/(?:^|\n)(GET|POST|PUT|PATCH|DELETE) (\S+)/g)) {
    const before = text.slice(text.lastIndexOf("\n--", found.index) + 1, found.index);
    parts.push({ id: PART_ID.exec(before)?.[1], method: found[1], path: found[2].split("?")[0] });
  }
  return parts;
}

/** The answers inside a batch response: content id and status. */
function partsReceived(text) {
  const parts = [];
  for (let at = text.indexOf("HTTP/1.1 "); at >= 0; at = text.indexOf("HTTP/1.1 ", at + 9)) {
    const status = Number.parseInt(text.slice(at + 9, at + 12), 10);
    if (Number.isNaN(status) || (at > 0 && text[at - 1] !== "\n")) continue;
    const before = text.slice(text.lastIndexOf("\n--", at) + 1, at);
    parts.push({ id: PART_ID.exec(before)?.[1], status });
  }
  return parts;
}

/** Notes the parts of a multipart batch that was answered with 2xx. */
export function noteBatch(url, sent, received) {
  const requests = partsSent(sent);
  const byId = new Map(
    requests.filter((part) => part.id !== undefined).map((part) => [part.id, part]),
  );
  partsReceived(received).forEach((answer, i) => {
    const request = byId.get(answer.id) ?? requests[i];
    if (request === undefined) return;
    settle(request.method, { host: url.host, pathname: request.path }, answer.status);
  });
}
