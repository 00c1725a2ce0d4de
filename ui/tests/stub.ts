// A keeper of a few lines for tests of the shell and of the history: answers
// what it is told to, and says what it was asked.
import type { Event, RunView, SettingsView, StatusView } from "$lib/bindings";
import type { AnswerOf, Answers, Ask, Client, Kind, Shell } from "$lib/client";
import { FakeRuns, type FakeRunCharm } from "$lib/client/fake/runs";

export const NOW = Date.parse("2026-11-21T14:05:00Z");

type Handlers = { [K in Kind]?: (request: Extract<Ask, { do: K }>) => Answers[K] | Promise<Answers[K]> };

export interface Stub extends Client {
  asked: Ask[];
  copied: string[];
  emit(event: Event): void;
  navigate(page: string): void;
  handlers: Handlers;
}

export const settings: SettingsView = {
  notifications: true,
  theme: "system",
  pause_on_metered: false,
  pause_on_battery: false,
  introduced: true,
  keep_days: 90,
  client: { source: "none", client_id: null },
};

export const status: StatusView = {
  summary: "All synced · 2 min ago",
  synced_at: new Date(NOW - 120_000).toISOString(),
  icon: "ok",
  serving: true,
  pid: 1,
  version: "0.1.0",
  home: "/home/kim/charmkeeper",
  online: true,
  warning: null,
  paused: null,
  running: [],
  charms: [],
  accounts: [
    {
      account: "a1",
      email: "kim@example.com",
      name: "Kim",
      services: ["gmail"],
      scopes: [],
      state: "ready",
      detail: "Connected.",
      connected_at: "2026-11-01T10:00:00Z",
    },
  ],
};

export const charms: FakeRunCharm[] = [
  { charm: "gmail", name: "Gmail importer", account: "a1", space: "did:key:z1", kind: "mail" },
  { charm: "sheet", name: "Attendance sheet", account: "a1", space: "did:key:z1", kind: "broken" },
  { charm: "garden", name: "حديقة المجتمع", account: null, space: "did:key:z2", kind: "notes" },
];

/** A client with so many made-up runs; `handlers` replace its answers. */
export function stub(total = 500, handlers: Handlers = {}): Stub {
  const runs = new FakeRuns({ now: NOW, total, charms });
  const listeners = new Set<(event: Event) => void>();
  const ways = new Set<(page: string) => void>();
  const asked: Ask[] = [];
  const copied: string[] = [];
  const unknown = { kind: "usage", message: "There is no such run.", hint: "It may have been removed." } as const;
  const all: Handlers = {
    status: () => status,
    settings: () => settings,
    history: (r) => runs.history(r),
    facets: () => runs.facets([{ value: "a1", label: "kim@example.com" }]),
    lanes: (r) => runs.lanes(r.since, r.until, r.buckets),
    "run-details": (r) => {
      const details = runs.details(r.run);
      if (!details) throw unknown;
      return details;
    },
    "run-report": (r) => runs.report(r.run),
    ...handlers,
  };
  const shell = {
    trySandbox: async () => null,
    appInfo: async () => ({ version: "0.1.0", platform: "linux", sandbox: false, home: "/", debug: true }),
    copyText: async (text: string) => {
      copied.push(text);
      return null;
    },
    pick: async () => "/tmp/out.csv",
    reveal: async () => null,
    autostartGet: async () => ({ enabled: false, available: true }),
  } as unknown as Shell;
  return {
    asked,
    copied,
    handlers: all,
    shell,
    emit: (event) => listeners.forEach((listener) => listener(event)),
    navigate: (page) => ways.forEach((way) => way(page)),
    async call<R extends Ask>(request: R): Promise<AnswerOf<R["do"]>> {
      asked.push(request);
      const handler = all[request.do] as ((r: Ask) => unknown) | undefined;
      if (!handler) throw { kind: "usage", message: `nothing answers ${request.do}` };
      return (await handler(request)) as AnswerOf<R["do"]>;
    },
    events(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    navigations(listener) {
      ways.add(listener);
      return () => ways.delete(listener);
    },
  };
}

/** A run as a row, made from a few fields. */
export function run(fields: Partial<RunView> & { run: string }): RunView {
  return {
    charm: "gmail",
    charm_name: "Gmail importer",
    account: "a1",
    space: "did:key:z1",
    trigger: "timer",
    outcome: "ok-unchanged",
    sync: "local",
    started_at: new Date(NOW - 60_000).toISOString(),
    duration_ms: 120,
    changed: 0,
    calls: 2,
    error: null,
    ...fields,
  };
}
