// A keeper that lives in the page: for component tests, screenshots and work on
// the window without the program. Answers every request, with believable data
// and the program's errors. Never a part of the program's own build.
//
// The address of the page chooses what is seen:
//   scene=usual|first|empty|trouble|busy|many|odd   theme=system|light|dark
//   now=RFC3339 (the time stands still)   total=RUNS   sandbox   paused   warning
//   browser=grants|grants-some|refuses|waits    fail=cells,spaces   live
import type { ApiError, Event } from "$lib/bindings";
import { clock } from "$lib/clock.svelte";
import type { AnswerOf, Ask } from "../answers";
import type { Client } from "../types";
import { accountAnswers } from "./accounts";
import { charmAnswers, run } from "./charms";
import { fault } from "./errors";
import { restAnswers } from "./rest";
import { SCENES, type Scene } from "./seed";
import { fakeShell } from "./shell";
import { spaceAnswers } from "./spaces";
import { FakeTime } from "./time";
import { wishAnswers } from "./wishes";
import { type Browser, type Handlers, World } from "./world";

export type { Browser, Scene, World };

export interface FakeOptions {
  /** The query of the page's address. */
  params?: URLSearchParams;
  scene?: Scene;
  /** Milliseconds since 1970; given, the time moves by `advance` alone. */
  now?: number;
  /** Runs in the history. */
  total?: number;
  /** What the person does in the browser when a sign-in is begun. */
  browser?: Browser;
}

/** What a test or a script does with the fake besides asking it. */
export interface FakeControls {
  /** Every request so far, in order. */
  readonly asked: Ask[];
  /** Texts that were copied. */
  readonly copied: string[];
  /** Addresses and folders that were opened. */
  readonly opened: string[];
  /** What it holds; a change is told with `world.changed()`. */
  readonly world: World;
  emit(event: Event): void;
  /** Asks the window for a page, as the tray does. */
  navigate(page: string): void;
  /** Moves the time on, and does what falls due on the way. */
  advance(ms: number): Promise<void>;
  /** Lets requests of this kind, or a method of the shell, fail from now on. */
  fail(kind: string, error?: ApiError): void;
  /** Lets them succeed again. */
  mend(kind: string): void;
  /** So many runs end at once. */
  burst(runs: number): void;
}

const FAULT = fault("local", "The database cannot be read: the disk is full.", "Make some room and try again.");
const EPOCH = Date.parse("2026-11-21T14:05:00Z");
const WARNING = "The database was damaged and has been read from its last copy, of 20 November 2026, 09:12. What was written after that is in the folder “damaged-1”.";

function worldOf(options: FakeOptions): { world: World; sandbox: boolean } {
  const params = options.params ?? new URLSearchParams();
  const word = params.get("scene");
  const scene = options.scene ?? SCENES.find((s) => s === word) ?? "usual";
  const still = params.get("now");
  const time = new FakeTime({
    now: options.now ?? (still ? Date.parse(still) : EPOCH),
    manual: options.now !== undefined,
    still: still !== null,
  });
  const world = new World({
    time,
    scene,
    theme: params.get("theme") ?? "system",
    total: Number(params.get("total") ?? options.total ?? 5000),
  });
  world.browser = options.browser ?? ((params.get("browser") ?? "grants") as Browser);
  if (params.has("paused")) world.paused = { until: time.iso(3_600_000) };
  if (params.has("warning")) world.warning = WARNING;
  for (const kind of params.get("fail")?.split(",") ?? []) world.failures.set(kind, FAULT);
  clock.use(() => time.now());
  return { world, sandbox: params.has("sandbox") };
}

/** Runs that go on at the first sight. */
function beginRuns(world: World, live: boolean): void {
  const first = world.charms[0];
  if (!first || !(live || world.options.scene === "busy")) return;
  void run(world, first.id, "timer").catch(() => {});
}

/** A keeper of its own. */
export function fakeClient(options: FakeOptions = {}): Client & FakeControls {
  const { world, sandbox } = worldOf(options);
  const handlers: Handlers = { ...charmAnswers(world), ...accountAnswers(world), ...spaceAnswers(world), ...wishAnswers(world), ...restAnswers(world) };
  const asked: Ask[] = [];
  const traces = { copied: [] as string[], opened: [] as string[] };
  const ways = new Set<(page: string) => void>();
  const client: Client & FakeControls = {
    asked,
    ...traces,
    world,
    shell: fakeShell(world, traces, sandbox),
    async call<R extends Ask>(request: R): Promise<AnswerOf<R["do"]>> {
      asked.push(request);
      const failure = world.failures.get(request.do);
      if (failure) throw failure;
      const answer = handlers[request.do] as (request: Ask) => unknown;
      return structuredClone(await answer(request)) as AnswerOf<R["do"]>;
    },
    events: (listener) => world.listen(listener),
    navigations(listener) {
      ways.add(listener);
      return () => ways.delete(listener);
    },
    emit: (event) => world.emit(event),
    navigate: (page) => ways.forEach((way) => way(page)),
    async advance(ms) {
      await world.time.advance(ms);
      clock.tick();
    },
    fail: (kind, error = FAULT) => void world.failures.set(kind, error),
    mend: (kind) => void world.failures.delete(kind),
    burst(runs) {
      const like = world.runs.history({ limit: 1 })[0];
      for (let n = 0; like && n < runs; n++) {
        const outcome = n % 3 ? "ok-unchanged" : "ok";
        world.emit({ event: "run-ended", run: { ...like, run: world.id("burst"), outcome, started_at: world.time.iso(n) } });
      }
    },
  };
  beginRuns(world, options.params?.has("live") ?? false);
  if (options.params) Object.assign(globalThis, { fake: client });
  return client;
}
