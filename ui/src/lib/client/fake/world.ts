// What the keeper in the page holds, and how it tells of changes. The answers
// to requests are made from it by the files beside this one.
import type { AccountView, ApiError, CharmView, Event, FavoriteView, SettingsView, SpaceView, StatusView } from "$lib/bindings";
import type { Answers, AskOf, Kind } from "../answers";
import type { PickWhat } from "../types";
import { usage } from "./errors";
import { FakeRuns } from "./runs";
import * as seed from "./seed";
import type { FakeTime } from "./time";

/** One answer for each request. */
export type Handlers = { [K in Kind]: (request: AskOf<K>) => Answers[K] | Promise<Answers[K]> };

/** What the person does in the browser when a sign-in is begun. */
export type Browser = "grants" | "grants-some" | "refuses" | "waits";

export interface WorldOptions {
  time: FakeTime;
  scene: seed.Scene;
  theme: string;
  /** Runs in the history. */
  total: number;
}

export class World {
  readonly time: FakeTime;
  accounts: AccountView[];
  charms: CharmView[];
  /** Removed, and can be brought back. */
  removed: CharmView[] = [];
  spaces: SpaceView[];
  favorites: FavoriteView[];
  settings: SettingsView;
  paused: StatusView["paused"] = null;
  warning: string | null = null;
  /** Ends of runs that go on, by run id. */
  readonly going = new Map<string, { charm: string; cancel: () => void }>();
  /** What a person chose for a charm's wish, by charm and tag. */
  readonly choices = new Map<string, string>();
  runs: FakeRuns;
  browser: Browser = "grants";
  /** Ends the sign-in that waits. */
  cancelConnect: (() => void) | null = null;
  autostart = { enabled: false, available: true } as { enabled: boolean; available: boolean; reason?: string };
  readonly picks: Partial<Record<PickWhat, string | null>> = {
    "charm-file": "/home/kim/charms/weather.tsx",
    "charm-folder": "/home/kim/charms/weather",
    "client-file": "/home/kim/Downloads/client_secret_1047.json",
    "key-file": "/home/kim/keys/home.pem",
    folder: "/home/kim/Documents",
    "save-csv": "/home/kim/Documents/runs.csv",
    "save-json": "/home/kim/Documents/runs.json",
  };
  /** Errors for the next requests of a kind, until taken away. */
  readonly failures = new Map<string, ApiError>();
  readonly #listeners = new Set<(event: Event) => void>();
  #serial = 0;

  constructor(readonly options: WorldOptions) {
    const { time, scene } = options;
    this.time = time;
    this.accounts = seed.accounts(time, scene);
    this.charms = seed.charms(time, scene);
    this.spaces = seed.spaces(time, scene);
    this.favorites = seed.favorites(scene);
    this.settings = seed.settings(scene, options.theme);
    const known = this.charms.slice(0, 40).map((c) => ({
      charm: c.charm,
      name: c.name,
      account: c.account,
      space: c.space,
      kind: kindOf(c),
    }));
    this.runs = new FakeRuns({ now: time.now(), total: known.length > 0 ? options.total : 0, charms: known });
  }

  /** Forgets all runs. */
  forgetRuns(): void {
    this.runs = new FakeRuns({ now: this.time.now(), total: 0, charms: [] });
  }

  /** A new id of its kind. */
  id(prefix: string): string {
    this.#serial += 1;
    return `${prefix}-${this.#serial}`;
  }

  emit(event: Event): void {
    for (const listener of [...this.#listeners]) listener(event);
  }

  changed(): void {
    this.emit({ event: "changed" });
  }

  listen(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The charm with this handle, id or name. */
  charm(which: string): CharmView {
    const found = this.charms.find((c) => c.charm === which || c.id === which || c.name === which);
    if (!found) throw usage(`There is no charm called “${which}”.`);
    return found;
  }

  /** Changes a charm and tells of it. */
  change(which: string, fields: Partial<CharmView>): CharmView {
    const before = this.charm(which);
    const after = { ...before, ...fields };
    this.charms = this.charms.map((c) => (c.id === before.id ? after : c));
    this.changed();
    return after;
  }

  account(which: string): AccountView {
    const found = this.accounts.find((a) => a.account === which || a.email === which);
    if (!found) throw usage(`There is no account called “${which}”.`);
    return found;
  }

  space(which: string): SpaceView {
    const found = this.spaces.find((s) => s.space === which || s.name === which);
    if (!found) throw usage("There is no such space.");
    return found;
  }

  changeSpace(which: string, fields: Partial<SpaceView>): SpaceView {
    const before = this.space(which);
    const after = { ...before, ...fields };
    this.spaces = this.spaces.map((s) => (s.space === before.space ? after : s));
    this.changed();
    return after;
  }

  /** When a charm that is on runs next. */
  next(charm: CharmView): string | null {
    return charm.enabled ? this.time.iso(charm.interval_seconds * 1000) : null;
  }
}

function kindOf(charm: CharmView): "mail" | "calendar" | "notes" | "broken" | "odd" {
  if (charm.charm === "markup") return "odd";
  if (charm.failures > 0) return "broken";
  if (charm.source.includes("gmail")) return "mail";
  return charm.source.includes("calendar") ? "calendar" : "notes";
}
