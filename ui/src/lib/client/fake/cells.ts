// What the cells of made-up charms hold.
import type { CharmView, JsonValue } from "$lib/bindings";
import { oddCells } from "./odd";

const PEOPLE = ["Robin <robin@example.com>", "Sam <sam@example.net>", "نور <noor@example.org>", "Alex <alex@example.com>"];
const SUBJECTS = [
  "Minutes of the garden meeting",
  "Your order has shipped",
  "<b>Invoice</b> 2026-114 & receipt",
  "مرحبا بكم في النادي",
  "Lunch on Thursday? 🥗",
];

const HOUR = 3_600_000;

function mail(now: number): JsonValue {
  const emails = Array.from({ length: 120 }, (_, n) => ({
    id: `18c2f${(4096 + n).toString(16)}`,
    subject: SUBJECTS[n % SUBJECTS.length] ?? "",
    from: PEOPLE[n % PEOPLE.length] ?? "",
    date: new Date(now - n * 3 * HOUR).toISOString(),
    snippet: "See you there.",
    labels: n % 3 === 0 ? ["INBOX", "UNREAD"] : ["INBOX"],
  }));
  return { "$NAME": "Gmail importer", emails, emailCount: emails.length, historyId: "4410987", progress: { done: 120, of: 4200 } };
}

function events(now: number): JsonValue {
  const list = Array.from({ length: 24 }, (_, n) => ({
    summary: SUBJECTS[(n * 2) % SUBJECTS.length] ?? "",
    start: new Date(now + n * 9 * HOUR).toISOString(),
    location: n % 2 ? "Room 2" : null,
    attendees: PEOPLE.slice(0, 1 + (n % 4)),
  }));
  return { events: list, syncToken: "CPjgk7qk", calendars: ["primary", "Garden"] };
}

/** All outputs of a charm. */
export function cellsOf(charm: CharmView, now: number): JsonValue {
  if (charm.last_run_at === null) return {};
  if (charm.charm === "markup") return oddCells();
  if (charm.source.includes("gmail")) return mail(now);
  if (charm.source.includes("calendar")) return events(now);
  return {
    notes: ["A garden in one hour a week", "How seeds travel"],
    settings: { language: "en", every: charm.interval_seconds },
    lastError: null,
  };
}
