// Everything that a page must bear from outside: markup in a subject, a cell of
// a megabyte, names from right to left, emoji, words without a place to break.
import type { AccountView, CellChangeView, CharmView, JsonValue } from "$lib/bindings";
import type { FakeTime } from "./time";
import { account, charm } from "./seed";

/** Markup as a sender would put it into a subject. */
export const MARKUP = '<img src=x onerror="alert(1)"><b>Invoice</b> 2026-114 & <script>alert(1)</script>';
const LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnung".repeat(3);
const RIGHT_TO_LEFT = "نشرة حديقة المجتمع الأسبوعية";
const EMOJI = "🌱👩🏽‍🌾 Garden 🏳️‍🌈 👨‍👩‍👧‍👦";
/** Characters of the large cell. */
const MEGABYTE = 1_048_576;

/** A text of a megabyte: lines of words, as a letter with everything in it. */
export function megabyte(): string {
  const line = "See you there, and bring the minutes of the last meeting with you. ";
  return line.repeat(Math.ceil(MEGABYTE / line.length)).slice(0, MEGABYTE);
}

export function oddAccounts(time: FakeTime): AccountView[] {
  const long = "a.very.long.address.that.nobody.would.choose.but.somebody.has.nevertheless@department.of.long.names.example";
  return [account(time, "a1", long, ["gmail", "calendar"]), account(time, "a2", "نور@حديقة.example", ["gmail"])];
}

export function oddCharms(time: FakeTime): CharmView[] {
  return [
    charm(time, {
      charm: "markup",
      name: MARKUP,
      description: MARKUP,
      account: "a1",
      hosts: ["gmail.googleapis.com", `${"very-".repeat(9)}long.host.example.org`],
      tags: ["#googleEmails", `#${"tag".repeat(20)}`],
      warnings: [{ file: `${"folder/".repeat(12)}main.tsx`, line: 42, column: 7, message: LONG_WORD }],
    }),
    charm(time, {
      charm: "long-word",
      name: LONG_WORD,
      account: "a1",
      state: "failing",
      detail: `TypeError: ${LONG_WORD} is not a function`,
      last_outcome: "failed",
      failures: 3,
    }),
    charm(time, { charm: "right-to-left", name: RIGHT_TO_LEFT, description: `${RIGHT_TO_LEFT} 2026`, account: "a2" }),
    charm(time, { charm: "emoji", name: EMOJI, description: "🌧️☀️", last_outcome: "ok" }),
    charm(time, { charm: "nameless", name: " ", last_run_at: null, last_outcome: null }),
  ];
}

/** What the first of them wrote. */
export function oddCells(): JsonValue {
  return {
    "$NAME": MARKUP,
    letter: megabyte(),
    [RIGHT_TO_LEFT]: "شكرا",
    [LONG_WORD]: LONG_WORD,
    emoji: EMOJI,
    nothing: null,
    empty: [],
    emails: [{ subject: MARKUP }, { subject: RIGHT_TO_LEFT }, { subject: EMOJI }, { subject: "" }],
  };
}

/** What their runs changed. */
export function oddChanges(): CellChangeView[] {
  const create = (n: number, subject: string): CellChangeView => ({
    id: `of:fid1:odd${n}`,
    path: "",
    op: "create",
    before: null,
    after: { value: { subject, from: "Kim Doe <kim@example.com>", snippet: "" } },
    truncated: false,
  });
  return [
    create(1, MARKUP),
    create(2, RIGHT_TO_LEFT),
    create(3, EMOJI),
    create(4, LONG_WORD),
    {
      id: "of:fid1:odd5",
      path: "/value/letter",
      op: "replace",
      before: "Short.",
      after: megabyte().slice(0, 65_536),
      truncated: true,
    },
    { id: "of:fid1:odd6", path: `/value/${LONG_WORD}/0`, op: "replace", before: MARKUP, after: RIGHT_TO_LEFT, truncated: false },
  ];
}
