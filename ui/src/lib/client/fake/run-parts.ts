// The inside of a made-up run: calls, changed cells, log, stack.
import type { CallRecord, CellChangeView, JsonValue, LogView, RunView } from "$lib/bindings";
import { oddChanges } from "./odd";

type Kind = "mail" | "calendar" | "notes" | "broken" | "odd";

const SUBJECTS = [
  "Minutes of the garden meeting",
  "Your order has shipped",
  "مرحبا بكم في النادي",
  "Lunch on Thursday? 🥗",
  "<b>Invoice</b> 2026-114 & receipt",
  "Re: Re: Re: the long thread about nothing in particular that goes on for quite a while",
];

const at = (run: RunView, ms: number) => new Date(Date.parse(run.started_at) + ms).toISOString();

export function callsOf(run: RunView, kind: Kind): CallRecord[] {
  const host = kind === "calendar" ? "www.googleapis.com" : kind === "notes" ? "api.example.org" : "gmail.googleapis.com";
  const paths =
    kind === "calendar"
      ? ["/calendar/v3/calendars/primary/events", "/calendar/v3/users/me/calendarList"]
      : kind === "notes"
        ? ["/v1/notes"]
        : ["/gmail/v1/users/me/history", "/gmail/v1/users/me/messages", "/batch/gmail/v1"];
  const total = Math.max(run.duration_ms ?? 400, 40);
  return Array.from({ length: run.calls }, (_, n) => {
    const bad = run.outcome === "partial" && n % 7 === 3;
    const start = (total * 0.8 * n) / Math.max(run.calls, 1);
    return {
      method: n % 5 === 4 ? "POST" : "GET",
      host,
      path: paths[n % paths.length] ?? "/",
      status: bad ? 503 : 200,
      started_at: at(run, start),
      duration_ms: Math.round(total * (0.05 + ((n * 7) % 5) * 0.03)),
      bytes_out: n % 5 === 4 ? 1840 : 0,
      bytes_in: bad ? 210 : 900 + ((n * 7919) % 60_000),
      account: run.account,
      error: bad ? { kind: "provider", message: "The server could not answer." } : null,
    };
  });
}

export function changesOf(run: RunView, kind: Kind): CellChangeView[] {
  if (kind === "odd" && run.changed > 0) return oddChanges();
  const length = Math.min(run.changed, 60);
  const idOf = (n: number) => `of:fid1:${"abcdefgh"[n % 8]}${n}k2p9`;
  const labels = (n: number) => n % 5 === 4;
  return Array.from({ length }, (_, n): CellChangeView => {
    const id = idOf(n);
    const subject = SUBJECTS[n % SUBJECTS.length] ?? "";
    if (n === 0) {
      return {
        id,
        path: kind === "calendar" ? "/value/syncToken" : "/value/historyId",
        op: "replace",
        before: "4410921",
        after: "4410987",
        truncated: false,
      };
    }
    if (n === 1 && length > 2) {
      const made = Array.from({ length }, (_, m) => m).filter((m) => m > 1 && !labels(m));
      const after: JsonValue[] = made.map((m) => ({ "/": { "link@1": { id: idOf(m), path: [] } } }));
      const path = kind === "calendar" ? "/value/events" : kind === "notes" ? "/value/notes" : "/value/emails";
      return { id, path, op: "append", before: null, after, truncated: false };
    }
    if (labels(n)) {
      return {
        id,
        path: `/value/labels/${n}`,
        op: "replace",
        before: { labels: ["INBOX", "UNREAD"], starred: false, threadId: "18c2", size: 1200 },
        after: { labels: ["INBOX"], starred: true, threadId: "18c2", size: 1200 },
        truncated: false,
      };
    }
    const value: JsonValue =
      kind === "calendar"
        ? { summary: subject, start: at(run, 86_400_000), location: "Room 2", attendees: ["kim@example.com"] }
        : { id: `18c2f${n}`, subject, from: "Kim Doe <kim@example.com>", snippet: "See you there.", labels: ["INBOX"] };
    return { id, path: "", op: "create", before: null, after: { value }, truncated: false };
  });
}

export function logOf(run: RunView, kind: Kind): LogView[] {
  if (run.calls === 0) return [];
  const lines: LogView[] = [
    { at: at(run, 3), level: "info", text: kind === "calendar" ? "Reading changed events" : "Reading the mailbox's history" },
    { at: at(run, 30), level: "debug", text: `${run.calls} requests, ${run.changed} changes` },
  ];
  if (run.outcome === "partial") lines.push({ at: at(run, 60), level: "warn", text: "Two messages could not be read, next time" });
  if (run.outcome === "failed") lines.push({ at: at(run, 80), level: "error", text: "Giving up" });
  return lines;
}

export function stackOf(run: RunView): string {
  return `${run.error?.message ?? "Error"}\n    at readEvent (main.tsx:84:31)\n    at syncCalendar (main.tsx:132:18)\n    at bgUpdater (main.tsx:201:5)`;
}
