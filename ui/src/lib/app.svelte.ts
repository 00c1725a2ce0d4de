// What every page shares: the client, the keeper's state as last heard, runs
// going on, and toasts. Fed by events; asks again only when something changed.
//
// Owns: the one place where a failed action becomes a message. Never decides
// anything about charms: the keeper does.
import { getContext, setContext } from "svelte";
import { SvelteMap } from "svelte/reactivity";
import type { ApiError, Event, SettingsView, StatusView, Trigger } from "$lib/bindings";
import { type AnswerOf, type AppInfo, type Ask, asApiError, type Client } from "$lib/client";
import { Paced } from "$lib/paced";
import { type Toast, Toasts } from "$lib/toasts.svelte";
import { applyTheme } from "$lib/theme";
import { clock } from "$lib/clock.svelte";

/** A run that goes on now. */
export interface LiveRun {
  run: string;
  charm: string;
  trigger: Trigger;
  /** Requests that ended so far. */
  calls: number;
  /** The last thing that happened. */
  message: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Which answer of the keeper is the first that has to know of it. */
  since: number;
}

// A keeper with a thousand charms sends events in bursts; the state is asked
// for at once, and then not more often than this.
const REFRESH_GAP_MS = 1500;

export class App {
  /** The keeper's state; nothing until it answered once. */
  status = $state.raw<StatusView | null>(null);
  settings = $state.raw<SettingsView | null>(null);
  info = $state.raw<AppInfo | null>(null);
  /** Why the keeper's state cannot be read. */
  problem = $state.raw<ApiError | null>(null);
  /** Runs that go on now, by id. */
  readonly live = new SvelteMap<string, LiveRun>();
  readonly toasts = new Toasts();
  #asks = 0;
  readonly #listeners = new Set<(event: Event) => void>();
  readonly #soon = new Paced(() => this.#read(), REFRESH_GAP_MS);

  constructor(readonly client: Client) {}

  /** Listens and reads everything once, until the answer is called. */
  start(): () => void {
    const end = this.client.events((event) => this.#hear(event));
    void this.#readSettings();
    void this.refresh();
    return () => {
      end();
      this.#soon.stop();
      this.toasts.clear();
    };
  }

  /** Reads the keeper's state at once: for after something a person did. */
  refresh(): Promise<void> {
    return this.#read();
  }

  /** Hears every event until the answer is called. */
  onEvent(listener: (event: Event) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Asks the keeper; a failure is told in a toast and answers `undefined`. */
  async ask<R extends Ask>(request: R): Promise<AnswerOf<R["do"]> | undefined> {
    return this.attempt(() => this.client.call(request));
  }

  /** Does something; a failure is told in a toast and answers `undefined`. */
  async attempt<T>(action: () => Promise<T>): Promise<T | undefined> {
    try {
      return await action();
    } catch (thrown) {
      this.fail(asApiError(thrown));
      return undefined;
    }
  }

  /** Tells of an error. */
  fail(error: ApiError): void {
    this.toast({ tone: "bad", message: error.message, ...(error.hint ? { hint: error.hint } : {}) });
  }

  /** Shows a message for a while. */
  toast(toast: Toast): void {
    this.toasts.add(toast);
  }

  /** Changes settings and keeps what came back. */
  async changeSettings(change: Partial<Omit<SettingsView, "client">>): Promise<boolean> {
    const settings = await this.ask({ do: "change-settings", ...change });
    if (settings) this.useSettings(settings);
    return settings !== undefined;
  }

  /** Keeps settings that an answer brought. */
  useSettings(settings: SettingsView): void {
    this.settings = settings;
    applyTheme(settings.theme);
  }

  /** An account as a person knows it. */
  accountName(id: string | null): string {
    if (id === null) return "";
    return this.status?.accounts.find((a) => a.account === id)?.email ?? id;
  }

  /** The charm with this handle or id. */
  charmNamed(handle: string) {
    return this.status?.charms.find((c) => c.charm === handle || c.id === handle);
  }

  #hear(event: Event): void {
    switch (event.event) {
      case "run-started":
        this.live.set(event.run, {
          run: event.run,
          charm: event.charm,
          trigger: event.trigger,
          calls: 0,
          message: "",
          startedAt: clock.now,
          since: this.#asks,
        });
        void this.#soon.go();
        break;
      case "run-progress": {
        const run = this.live.get(event.run);
        if (run) this.live.set(event.run, { ...run, calls: event.calls, message: event.message });
        break;
      }
      case "run-ended":
        this.live.delete(event.run.run);
        void this.#soon.go();
        break;
      case "changed":
        void this.#readSettings();
        void this.#soon.go();
        break;
    }
    for (const listener of this.#listeners) listener(event);
  }

  async #readSettings(): Promise<void> {
    try {
      this.useSettings(await this.client.call({ do: "settings" }));
      this.info ??= await this.client.shell.appInfo();
    } catch (thrown) {
      this.problem = asApiError(thrown);
    }
  }

  async #read(): Promise<void> {
    const ask = this.#asks++;
    try {
      const status = await this.client.call({ do: "status" });
      this.status = status;
      this.problem = null;
      this.#agree(status, ask);
    } catch (thrown) {
      this.problem = asApiError(thrown);
    }
  }

  /**
   * Events can be missed while the window is made; the state is the truth, but
   * for runs that began after it was asked for.
   */
  #agree(status: StatusView, ask: number): void {
    const going = new Set(status.running.map((r) => r.run));
    for (const [id, run] of this.live) if (!going.has(id) && run.since <= ask) this.live.delete(id);
    for (const run of status.running) {
      if (this.live.has(run.run)) continue;
      this.live.set(run.run, {
        run: run.run,
        charm: run.charm,
        trigger: run.trigger,
        calls: run.calls,
        message: "",
        startedAt: Date.parse(run.started_at),
        since: 0,
      });
    }
  }
}

const KEY = Symbol("app");

/** Gives an app to the components below. */
export function setApp(app: App): App {
  return setContext(KEY, app);
}

/** The app of the components above. */
export function getApp(): App {
  return getContext<App>(KEY);
}

/** For tests: the context that `getApp` reads. */
export function appContext(app: App): Map<symbol, App> {
  return new Map([[KEY, app]]);
}
