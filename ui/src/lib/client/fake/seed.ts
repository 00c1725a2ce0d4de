// What the keeper in the page begins with: believable accounts, charms, spaces
// and favorites. Made-up people at example addresses, no secret anywhere.
import type { AccountView, CharmView, FavoriteView, SettingsView, SpaceView } from "$lib/bindings";
import { oddAccounts, oddCharms } from "./odd";
import type { FakeTime } from "./time";

/** A first sight of the program; the address of the page chooses one. */
export type Scene = "usual" | "first" | "empty" | "trouble" | "busy" | "many" | "odd";

export const SCENES: readonly Scene[] = ["usual", "first", "empty", "trouble", "busy", "many", "odd"];

export const HOME = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";
export const BOOKS = "did:key:z6MkwYMhwTvsq376YBAcJHy3vyRWzBgn5vKfVqqDCgm7XVKU";
export const LOCAL = "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG";
export const SCOPES: Readonly<Record<string, string>> = {
  gmail: "https://www.googleapis.com/auth/gmail.readonly",
  calendar: "https://www.googleapis.com/auth/calendar.readonly",
};

const MINUTE = 60_000;
const DAY = 86_400_000;

/** A charm that waits for its next run. */
export function charm(time: FakeTime, fields: Partial<CharmView> & { charm: string; name: string }): CharmView {
  return {
    id: `id-${fields.charm}`,
    description: null,
    space: LOCAL,
    space_name: "main",
    tags: [],
    hosts: [],
    account: null,
    source: `/home/kim/charms/${fields.charm}.tsx`,
    warnings: [],
    state: "waiting",
    detail: "Waits for its next run.",
    interval_seconds: 300,
    enabled: true,
    next_run_at: time.iso(2 * MINUTE),
    last_run_at: time.iso(-3 * MINUTE),
    last_outcome: "ok-unchanged",
    failures: 0,
    ...fields,
  };
}

export function account(time: FakeTime, id: string, email: string, services: string[]): AccountView {
  return {
    account: id,
    email,
    name: email.split("@")[0] ?? email,
    services,
    scopes: services.flatMap((s) => SCOPES[s] ?? []),
    state: "ready",
    detail: "Connected.",
    connected_at: time.iso(-12 * DAY),
  };
}

export function accounts(time: FakeTime, scene: Scene): AccountView[] {
  if (scene === "first" || scene === "empty") return [];
  if (scene === "odd") return oddAccounts(time);
  const kim = account(time, "a1", "kim@example.com", ["gmail", "calendar"]);
  const work = account(time, "a2", "kim.doe@work.example", ["gmail"]);
  if (scene !== "trouble") return [kim, work];
  return [
    { ...kim, state: "waiting", detail: "Waiting for Google until 14:20." },
    { ...work, state: "needs-sign-in", detail: "Needs to sign in again: Google no longer accepts the sign-in." },
  ];
}

export function charms(time: FakeTime, scene: Scene): CharmView[] {
  if (scene === "first" || scene === "empty") return [];
  if (scene === "many") return Array.from({ length: 1000 }, (_, n) => numbered(time, n));
  if (scene === "odd") return oddCharms(time);
  const all = usual(time);
  return scene === "trouble" ? all.map((c) => troubled(time, c)) : all;
}

function numbered(time: FakeTime, n: number): CharmView {
  const name = `Feed reader ${n + 1}`;
  return charm(time, { charm: `feed-${n + 1}`, name, hosts: ["feeds.example.org"], next_run_at: time.iso(1000 * (n + 5)) });
}

function usual(time: FakeTime): CharmView[] {
  return [
    charm(time, {
      charm: "gmail-importer",
      name: "Gmail importer",
      description: "Keeps the newest mail of an account in its cells.",
      tags: ["#googleEmails"],
      hosts: ["gmail.googleapis.com"],
      account: "a1",
      source: "builtin:gmail-importer",
      interval_seconds: 60,
      next_run_at: time.iso(0.6 * MINUTE),
      last_run_at: time.iso(-0.4 * MINUTE),
      last_outcome: "ok",
    }),
    charm(time, {
      charm: "google-calendar-importer",
      name: "Google Calendar importer",
      description: "Keeps the events of the next weeks in its cells.",
      tags: ["#googleCalendar"],
      hosts: ["www.googleapis.com"],
      account: "a1",
      source: "builtin:google-calendar-importer",
    }),
    charm(time, {
      charm: "work-mail",
      name: "Gmail importer",
      description: "Keeps the newest mail of an account in its cells.",
      tags: ["#googleEmails"],
      hosts: ["gmail.googleapis.com"],
      account: "a2",
      source: "builtin:gmail-importer",
      interval_seconds: 600,
      next_run_at: time.iso(7 * MINUTE),
    }),
    charm(time, {
      charm: "reading-notes",
      name: "Reading notes",
      description: "Collects highlights from the library's list.",
      space: BOOKS,
      space_name: "books",
      hosts: ["api.example.org"],
      source: `space:${BOOKS}/fid1:notes`,
      interval_seconds: 3600,
      next_run_at: time.iso(41 * MINUTE),
      last_run_at: time.iso(-19 * MINUTE),
      last_outcome: "ok",
    }),
    charm(time, {
      charm: "attendance-sheet",
      name: "Attendance sheet",
      description: "Adds up who came to which meeting.",
      hosts: ["www.googleapis.com", "sheets.example.net"],
      account: "a2",
      interval_seconds: 900,
      next_run_at: time.iso(9 * MINUTE),
      last_run_at: time.iso(-6 * MINUTE),
      warnings: [
        { file: "main.tsx", line: 42, column: 7, message: "“navigateTo” opens a page; in the background it does nothing." },
        { file: "main.tsx", line: 88, column: 13, message: "“setInterval” ends with the run." },
      ],
    }),
    charm(time, {
      charm: "garden",
      name: "حديقة المجتمع",
      description: "Waters, in turns 🌱",
      state: "off",
      detail: "Runs only when asked to.",
      enabled: false,
      interval_seconds: 86_400,
      next_run_at: null,
      last_run_at: time.iso(-3 * DAY),
      last_outcome: "ok",
    }),
  ];
}

function troubled(time: FakeTime, one: CharmView): CharmView {
  if (one.charm === "attendance-sheet") {
    return {
      ...one,
      state: "failed",
      detail: "Paused after 5 failures in a row; tried again at 09:00.",
      next_run_at: time.iso(19 * 60 * MINUTE),
      last_run_at: time.iso(-50 * MINUTE),
      last_outcome: "failed",
      failures: 5,
    };
  }
  if (one.account === "a2" && one.state === "waiting") {
    return { ...one, state: "sign-in", detail: "kim.doe@work.example needs to sign in again.", next_run_at: null };
  }
  if (one.account === "a1") {
    return { ...one, state: "quota", detail: "Waiting for Google until 14:20.", next_run_at: time.iso(15 * MINUTE) };
  }
  return one;
}

export function spaces(time: FakeTime, scene: Scene): SpaceView[] {
  const main: SpaceView = {
    space: LOCAL,
    name: "main",
    kind: "local",
    url: null,
    identity: null,
    state: "local",
    detail: "Kept on this computer.",
    queued: 0,
    merged: 0,
    stuck: [],
    synced_at: null,
  };
  if (scene === "first" || scene === "empty") return [main];
  const home = remote(HOME, "Home", "home", time.iso(-2 * MINUTE));
  const books = remote(BOOKS, "books", "remote", time.iso(-19 * MINUTE));
  if (scene !== "trouble") return [home, { ...books, merged: 3 }, main];
  const stuck = [
    {
      change: 41,
      run: "00000000-0000-7000-8000-000000000003",
      charm: "Reading notes",
      documents: 2,
      reason: "The access list of the space does not let this key write.",
      at: time.iso(-42 * MINUTE),
    },
    {
      change: 44,
      run: null,
      charm: "Reading notes",
      documents: 1,
      reason: "The access list of the space does not let this key write.",
      at: time.iso(-12 * MINUTE),
    },
  ];
  return [
    { ...home, state: "offline", detail: "Waiting for the server; 12 changes kept until then.", queued: 12 },
    { ...books, state: "stuck", detail: "2 changes stuck.", stuck },
    main,
  ];
}

export function remote(space: string, name: string, kind: string, syncedAt: string | null): SpaceView {
  return {
    space,
    name,
    kind,
    url: "https://toolshed.example.net",
    identity: HOME,
    state: "synced",
    detail: "All synced.",
    queued: 0,
    merged: 0,
    stuck: [],
    synced_at: syncedAt,
  };
}

export function favorites(scene: Scene): FavoriteView[] {
  if (scene === "first" || scene === "empty") return [];
  const one = (piece: string, name: string, fields: Partial<FavoriteView>): FavoriteView => ({
    id: `${fields.space ?? HOME}/fid1:${piece}`,
    name,
    tags: [],
    space: HOME,
    space_name: "Home",
    piece: `fid1:${piece}`,
    background: true,
    on: false,
    charm: null,
    runner: "nobody",
    other: null,
    detail: "Nobody runs it.",
    ...fields,
  });
  return [
    one("notes", "Reading notes", {
      space: BOOKS,
      space_name: "books",
      tags: ["#notes"],
      on: true,
      charm: "reading-notes",
      runner: "here",
      detail: "It runs on this computer.",
    }),
    one("bills", "Monthly bills", { tags: ["#bills", "#money"], runner: "server", detail: "The server runs it." }),
    one("photos", "Photo frame", {
      runner: "other",
      other: "Kim's studio computer",
      detail: "Another computer of yours runs it.",
    }),
    one("recipes", "Recipes of the week", {}),
    one("poster", "Poster for the fair", { background: false, detail: "It has no work for the background." }),
  ];
}

export function settings(scene: Scene, theme: string): SettingsView {
  return {
    notifications: true,
    theme,
    pause_on_metered: true,
    pause_on_battery: false,
    introduced: scene !== "first",
    keep_days: 90,
    client:
      scene === "first" || scene === "empty"
        ? { source: "none", client_id: null }
        : { source: "own", client_id: "1047-sample.apps.googleusercontent.com" },
  };
}
