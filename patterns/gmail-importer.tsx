// Keeps a mailbox in cells: newest messages first, then whatever changes.
//
// The first sync walks the list of messages page by page and remembers where it
// is, so that a large mailbox is filled over many runs and a run that ends early
// loses nothing. Afterwards only Gmail's history is read. When Gmail no longer
// knows our place in it (404), the list is walked again and what is not in it is
// removed. The place in the history is taken *before* the first page, and moves
// on only together with the messages, in one commit.

import {
  computed,
  Default,
  handler,
  NAME,
  pattern,
  str,
  Stream,
  UI,
  VNode,
  wish,
  Writable,
} from "commonfabric";
import type { Auth } from "./google-auth.tsx";
import { address, batchGet, getJson, type GoogleError, googleError, isGoogleError } from "./util/google.ts";
import { decodeText, type Email, type GmailMessage, missingBodies, toEmail } from "./util/mail.ts";

export type { Email } from "./util/mail.ts";

type Settings = {
  /** Which messages to keep, in Gmail's search words; empty: all but spam and trash. */
  gmailFilterQuery: string | Default<"">;
  /** Keep at most this many of the newest messages at the first sync; 0: all. */
  limit: number | Default<1000>;
  /** Messages fetched in one run at most; the rest follows in the next. */
  perRun: number | Default<200>;
};

/** Where the sync stands. Lives in its own cell, beside the messages. */
type Progress = {
  /** Our place in Gmail's history; empty before the first sync. */
  historyId: string | Default<"">;
  /** The walk over the list that is going on, if one is. */
  walk: Walk | null;
};

type Walk = {
  /** The next page; empty for the first. */
  pageToken: string;
  /** Ids met so far. */
  seen: string[];
  /** True when the walk replaces an earlier state: what it does not meet goes. */
  replace: boolean;
};

interface Input {
  emails: Email[] | Default<[]>;
  settings: Settings;
}

/** Messages of a Gmail account. #gmailEmails */
export interface Output {
  [NAME]: string;
  [UI]: VNode;
  /** Every message. */
  emails: Email[];
  /** How many there are. */
  emailCount: number;
  /** Fetches what is new. */
  bgUpdater: Stream<void>;
}

const GMAIL = "https://gmail.googleapis.com/gmail/v1/users/me";
const BATCH = "https://gmail.googleapis.com/batch/gmail/v1";
const HIDDEN = ["SPAM", "TRASH"];

type State = {
  emails: Writable<Email[]>;
  auth: Writable<Auth>;
  settings: Writable<Settings>;
  progress: Writable<Progress>;
};

/** Messages by id; what Gmail no longer has is in `gone`. */
type Fetched = { found: Email[]; gone: string[]; failed: GoogleError | undefined };

async function fetchMessages(ids: string[], token: string): Promise<Fetched> {
  const paths = ids.map((id) => `/gmail/v1/users/me/messages/${encodeURIComponent(id)}?format=full`);
  const parts = await batchGet(BATCH, paths, token);
  const result: Fetched = { found: [], gone: [], failed: undefined };
  for (const [n, part] of parts.entries()) {
    if (part.status === 404) {
      // Deleted between the list and now.
      result.gone.push(ids[n]);
    } else if (part.status !== 200) {
      const why = part.status === 0 ? part.body || "no answer" : `status ${part.status}`;
      result.failed ??= googleError(part.status, "", `A message could not be read (${why})`);
    } else {
      const message = JSON.parse(part.body) as GmailMessage;
      result.found.push(toEmail(message, await largeBodies(message, token)));
    }
  }
  return result;
}

async function largeBodies(message: GmailMessage, token: string): Promise<Map<string, string>> {
  const bodies = new Map<string, string>();
  for (const id of missingBodies(message)) {
    const url = `${GMAIL}/messages/${encodeURIComponent(message.id)}/attachments/${encodeURIComponent(id)}`;
    const { data } = await getJson<{ data?: string }>("Gmail", url, token);
    bodies.set(id, decodeText(data ?? ""));
  }
  return bodies;
}

/** Puts messages in, in place of older versions of themselves. */
function store(emails: Writable<Email[]>, found: Email[]): void {
  if (found.length === 0) return;
  const places = new Map(emails.get().map((email, n) => [email.id, n]));
  const fresh: Email[] = [];
  for (const email of found) {
    const place = places.get(email.id);
    if (place === undefined) fresh.push(email);
    else emails.key(place).set(email);
  }
  if (fresh.length > 0) emails.push(...fresh);
}

function drop(emails: Writable<Email[]>, ids: Set<string>): void {
  if (ids.size === 0) return;
  const all = emails.get();
  const left = all.filter((email) => !ids.has(email.id));
  if (left.length < all.length) emails.set(left);
}

/** What the query says about labels, or undefined when only Gmail can tell. */
function matcher(query: string): ((labels: string[]) => boolean) | undefined {
  const visible = (labels: string[]) => !labels.some((label) => HIDDEN.includes(label));
  switch (query.trim().toLowerCase()) {
    case "":
      return visible;
    case "in:inbox":
      return (labels) => labels.includes("INBOX") && visible(labels);
    default:
      return undefined;
  }
}

type HistoryRecord = {
  messagesAdded?: { message: { id: string } }[];
  messagesDeleted?: { message: { id: string } }[];
  labelsAdded?: { message: { id: string } }[];
  labelsRemoved?: { message: { id: string } }[];
};
type HistoryPage = { history?: HistoryRecord[]; nextPageToken?: string; historyId?: string };

/** Ids that changed since `startHistoryId`, and the new place. */
async function readHistory(startHistoryId: string, token: string) {
  const changed = new Set<string>();
  const deleted = new Set<string>();
  let historyId = startHistoryId;
  let pageToken: string | undefined;
  do {
    const url = address(`${GMAIL}/history`, { startHistoryId, pageToken, maxResults: 500 });
    const page = await getJson<HistoryPage>("Gmail", url, token);
    for (const record of page.history ?? []) {
      for (const { message } of record.messagesAdded ?? []) {
        changed.add(message.id);
        deleted.delete(message.id);
      }
      for (const { message } of [...record.labelsAdded ?? [], ...record.labelsRemoved ?? []]) {
        changed.add(message.id);
      }
      for (const { message } of record.messagesDeleted ?? []) {
        changed.delete(message.id);
        deleted.add(message.id);
      }
    }
    pageToken = page.nextPageToken;
    historyId = page.historyId ?? historyId;
  } while (pageToken !== undefined);
  return { changed, deleted, historyId };
}

/** Applies what changed; true when Gmail still knew our place. */
async function followHistory(state: State, token: string, query: string): Promise<boolean> {
  const { historyId: place } = state.progress.get();
  let history;
  try {
    history = await readHistory(place, token);
  } catch (error) {
    if (isGoogleError(error) && error.status === 404) return false;
    throw error;
  }
  const { found, gone, failed } = await fetchMessages([...history.changed], token);
  if (failed !== undefined) {
    // The place in the history moves on only when everything since then is here.
    console.warn(`${failed.message}: the changes are read again in the next run.`);
    return true;
  }
  const matches = matcher(query);
  const wanted = matches === undefined
    ? await askGmail(found, query, token)
    : found.filter((email) => matches(email.labelIds));
  const kept = new Set(wanted.map((email) => email.id));
  const unwanted = found.map((email) => email.id).filter((id) => !kept.has(id));
  drop(state.emails, new Set([...history.deleted, ...gone, ...unwanted]));
  store(state.emails, wanted);
  if (history.historyId !== place) state.progress.key("historyId").set(history.historyId);
  return true;
}

/** Of these messages, those that Gmail lists for the query. */
async function askGmail(found: Email[], query: string, token: string): Promise<Email[]> {
  if (found.length === 0) return [];
  const listed = new Set<string>();
  let pageToken: string | undefined;
  do {
    const url = address(`${GMAIL}/messages`, { q: query, maxResults: 500, pageToken });
    const page = await getJson<ListPage>("Gmail", url, token);
    for (const { id } of page.messages ?? []) listed.add(id);
    pageToken = page.nextPageToken;
  } while (pageToken !== undefined && !found.every((email) => listed.has(email.id)));
  return found.filter((email) => listed.has(email.id));
}

type ListPage = { messages?: { id: string }[]; nextPageToken?: string };

/** Goes on with the walk over the list, at most `perRun` messages further. */
async function continueWalk(state: State, token: string, settings: Settings): Promise<void> {
  const begun = state.progress.get().walk;
  if (!begun) return;
  const walk: Walk = { pageToken: begun.pageToken, seen: [...begun.seen], replace: begun.replace };
  const seen = new Set(walk.seen);
  const limit = settings.limit > 0 ? settings.limit : Infinity;
  let left = Math.max(1, settings.perRun);
  let done = false;
  while (!done && left > 0) {
    const page = await listPage(walk, settings, Math.min(100, left, limit - seen.size), token);
    const ids = (page.messages ?? []).map(({ id }) => id).filter((id) => !seen.has(id));
    const wanted = ids.slice(0, limit - seen.size);
    const { found, failed } = await fetchMessages(wanted, token);
    store(state.emails, found);
    if (failed !== undefined) {
      // What came is kept and not read again; the page is, in the next run.
      walk.seen = [...seen, ...found.map((email) => email.id)];
      state.progress.key("walk").set(walk);
      console.warn(`${failed.message}: the rest follows in the next run.`);
      return;
    }
    for (const id of wanted) seen.add(id);
    left -= Math.max(1, wanted.length);
    walk.seen = [...seen];
    walk.pageToken = page.nextPageToken ?? "";
    done = walk.pageToken === "" || seen.size >= limit;
    state.progress.key("walk").set(walk);
  }
  if (!done) return;
  if (walk.replace) {
    const stale = state.emails.get().map((email) => email.id).filter((id) => !seen.has(id));
    drop(state.emails, new Set(stale));
  }
  state.progress.key("walk").set(null);
}

async function listPage(walk: Walk, settings: Settings, size: number, token: string): Promise<ListPage> {
  const query = { q: settings.gmailFilterQuery || undefined, maxResults: Math.max(1, size) };
  const list = (pageToken: string) =>
    getJson<ListPage>("Gmail", address(`${GMAIL}/messages`, { ...query, pageToken: pageToken || undefined }), token);
  try {
    return await list(walk.pageToken);
  } catch (error) {
    // A page token can go stale; the list from its top is as good, because what
    // was seen is skipped.
    if (walk.pageToken !== "" && isGoogleError(error) && error.status === 400) return await list("");
    throw error;
  }
}

async function startWalk(state: State, token: string, replace: boolean): Promise<void> {
  const { historyId } = await getJson<{ historyId: string }>("Gmail", `${GMAIL}/profile`, token);
  state.progress.set({ historyId: String(historyId), walk: { pageToken: "", seen: [], replace } });
}

const update = handler<void, State>(async (_event, state) => {
  const token = state.auth.get()?.token;
  if (!token) throw new Error("No Google account is signed in.");
  const settings = state.settings.get();
  if (!state.progress.get().historyId) {
    await startWalk(state, token, state.emails.get().length > 0);
  } else if (!(await followHistory(state, token, settings.gmailFilterQuery))) {
    console.warn("Gmail no longer knows our place in its history: reading the list again.");
    await startWalk(state, token, true);
  }
  await continueWalk(state, token, settings);
});

export default pattern<Input, Output>(({ emails, settings }) => {
  const progress = new Writable<Progress>({ historyId: "", walk: null }).for("progress");
  const google = wish<{ auth: Writable<Auth> }>({ query: "#googleAuth" });
  const auth = google.result!.auth;
  const emailCount = computed(() => emails.length);
  return {
    [NAME]: "Gmail importer",
    [UI]: (
      <cf-screen>
        <cf-heading slot="header">Gmail</cf-heading>
        <div>{str`${emailCount} messages`}</div>
      </cf-screen>
    ),
    emails,
    emailCount,
    bgUpdater: update({ emails, auth, settings, progress }),
  };
});
