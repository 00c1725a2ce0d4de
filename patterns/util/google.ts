// Requests to Google's JSON services, for our importers.
//
// Owns: the Authorization header (a placeholder, see google-auth.tsx), errors
// with Google's own reason, and batches. A part of a batch has its own status:
// what failed is handed back, never dropped.

/** An answer other than 2xx. No class of its own: the reference's client runs no module that declares one. */
export interface GoogleError extends Error {
  readonly status: number;
  /** Google's word, as in `rateLimitExceeded`; empty when there was none. */
  readonly reason: string;
}

const NAME = "GoogleError";

/** A `GoogleError`, to be thrown or kept. */
export function googleError(status: number, reason: string, message: string): GoogleError {
  return Object.assign(new Error(message), { name: NAME, status, reason });
}

/** Whether Google answered, but not with 2xx. */
export function isGoogleError(error: unknown): error is GoogleError {
  return error instanceof Error && error.name === NAME;
}

type ErrorBody = {
  error?: { message?: string; status?: string; errors?: { reason?: string }[] };
};

function errorOf(what: string, status: number, body: string): GoogleError {
  let said: ErrorBody["error"];
  try {
    said = (JSON.parse(body) as ErrorBody).error;
  } catch {
    // Not JSON: a gateway's page. The status has to do.
  }
  const reason = said?.errors?.[0]?.reason ?? said?.status ?? "";
  return googleError(status, reason, `${what} answered ${status}: ${said?.message ?? "no reason given"}`);
}

/** GETs JSON with the account's token. */
export async function getJson<T>(what: string, url: URL | string, token: string): Promise<T> {
  const response = await fetch(url, {
    headers: { Authorization: `Bearer ${token}`, Accept: "application/json" },
  });
  const text = await response.text();
  if (!response.ok) throw errorOf(what, response.status, text);
  return JSON.parse(text) as T;
}

/** A URL with its query; parameters that are undefined are left out. */
export function address(
  base: string,
  query: Record<string, string | number | undefined>,
): string {
  const url = new URL(base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** One part of a batch. Without an answer its status is 0, and `body` says why, where that is known. */
export type Part = { status: number; body: string };

/** Parts in one batch; Google advises at most 50 and throttles large ones. */
const PARTS = 20;

/**
 * GETs many paths of one host in multipart batches, one after another. The
 * answer has the order of `paths`; a part that Google left out has status 0.
 * When a batch fails after others that did not, those are worth keeping: it and
 * what would follow have status 0. When the first one fails, so does the call.
 */
export async function batchGet(url: string, paths: string[], token: string): Promise<Part[]> {
  const all: Part[] = [];
  for (let at = 0; at < paths.length; at += PARTS) {
    try {
      all.push(...await oneBatch(url, paths.slice(at, at + PARTS), token));
    } catch (error) {
      if (at === 0) throw error;
      const body = error instanceof Error ? error.message : String(error);
      return [...all, ...paths.slice(at).map(() => ({ status: 0, body }))];
    }
  }
  return all;
}

async function oneBatch(url: string, paths: string[], token: string): Promise<Part[]> {
  const boundary = "batch_charmkeeper";
  const parts = paths.map((path, n) =>
    `--${boundary}\r\nContent-Type: application/http\r\nContent-ID: <part-${n}>\r\n\r\n` +
    `GET ${path} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n`
  );
  const response = await fetch(url, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": `multipart/mixed; boundary=${boundary}`,
    },
    body: `${parts.join("")}--${boundary}--\r\n`,
  });
  const text = await response.text();
  if (!response.ok) throw errorOf("The batch", response.status, text);
  return readBatch(response.headers.get("content-type") ?? "", text, paths.length);
}

/** Takes a multipart answer apart. Exported for its tests. */
export function readBatch(contentType: string, text: string, count: number): Part[] {
  const found: Part[] = Array.from({ length: count }, () => ({ status: 0, body: "" }));
  const boundary = /boundary="?([^";]+)"?/i.exec(contentType)?.[1];
  if (!boundary) throw new Error("The batch's answer names no boundary.");
  // Boundaries stand at the beginning of a line.
  const pieces = `\r\n${text}`.split(`\r\n--${boundary}`).slice(1);
  let next = 0;
  for (const piece of pieces) {
    if (piece.startsWith("--")) break;
    const head = piece.indexOf("\r\n\r\n");
    if (head < 0) continue;
    // `Content-ID: <response-part-3>` names the request; without it, order does.
    const id = /^content-id:\s*<(?:response-)?part-(\d+)>/im.exec(piece.slice(0, head))?.[1];
    const index = id === undefined ? next : Number(id);
    next += 1;
    const inner = piece.slice(head + 4);
    const status = Number(/^HTTP\/\d\.?\d? (\d{3})/.exec(inner)?.[1] ?? 0);
    const end = inner.indexOf("\r\n\r\n");
    if (index < count) found[index] = { status, body: end < 0 ? "" : inner.slice(end + 4) };
  }
  return found;
}
