// The loaded part of the history. Pages come by the key of the last row, so
// that the millionth is as fast as the first; far pages are let go, and read
// again by their key when they come into sight.
//
// Owns which runs are in memory. Never sorts or filters: the keeper does; what
// is heard by events goes on top when it fits.
import { SvelteSet } from "svelte/reactivity";
import type { ApiError, RunView } from "$lib/bindings";
import { asApiError, type Client } from "$lib/client";
import { type Filter, fits, NOTHING, toRequest } from "./filter";
import { type Item, itemsOf } from "./items";

/** Runs per page. */
export const PAGE = 200;
/** Pages in memory; older ones above the sight are let go. */
export const MOST_PAGES = 25;

interface Chunk {
  /** The row before this page; nothing for the first. */
  before: string | null;
  runs: RunView[];
}

/** A page that was let go. */
interface Gone {
  before: string | null;
  /** Its oldest run: tells whether the page still is what it was. */
  last: string;
  /** Rows it took in the list. */
  rows: number;
}

export class HistoryList {
  items = $state.raw<readonly Item[]>([]);
  /** Rows above `items` that are not in memory. */
  gone = $state(0);
  /** True until the first answer to the present filter. */
  loading = $state(true);
  /** True when the oldest run is in memory. */
  complete = $state(false);
  error = $state.raw<ApiError>();
  readonly open = new SvelteSet<string>();
  /** Ends with the first answer, also when that is an error: what else a page reads can wait for it. */
  readonly first: Promise<void>;

  #answered = () => {};
  #filter: Filter = NOTHING;
  #chunks: Chunk[] = [];
  /** In which page each run in memory is: a burst asks for many. */
  readonly #where = new Map<string, Chunk>();
  #gone: Gone[] = [];
  #version = 0;
  #fetching = false;
  #queue: { run: RunView; isNew: boolean }[] = [];
  #flush: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly client: Client) {
    this.first = new Promise((done) => (this.#answered = done));
  }

  /** Number of runs in memory. */
  get loaded(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.runs.length, 0);
  }

  /** A run that is in memory. */
  runNamed(id: string): RunView | undefined {
    return this.#where.get(id)?.runs.find((r) => r.run === id);
  }

  /** Shows what fits `filter`, from the newest. */
  async show(filter: Filter): Promise<void> {
    this.#filter = filter;
    const version = ++this.#version;
    this.#fetching = false;
    this.#queue = [];
    try {
      const runs = await this.#page(null);
      if (version !== this.#version) return;
      this.#chunks = [];
      this.#where.clear();
      this.#chunks.push(this.#chunk(null, runs));
      this.#gone = [];
      this.complete = runs.length < PAGE;
      this.error = undefined;
      this.open.clear();
    } catch (thrown) {
      if (version !== this.#version) return;
      this.error = asApiError(thrown);
    }
    this.loading = false;
    this.draw();
    this.#answered();
  }

  /** Reads the next older page, when there is one and none is on its way. */
  async older(): Promise<void> {
    const last = this.#chunks.at(-1)?.runs.at(-1);
    if (!last || this.complete) return;
    await this.#fetch(last.run, (runs) => {
      this.complete = runs.length < PAGE;
      if (runs.length > 0) this.#chunks.push(this.#chunk(last.run, runs));
      while (this.#chunks.length > MOST_PAGES) this.#letGo();
    });
  }

  /** Reads the page above again that was let go last. */
  async newer(): Promise<void> {
    const gone = this.#gone.at(-1);
    if (!gone) return;
    await this.#fetch(gone.before, (runs) => {
      this.#gone.pop();
      // So much is new that this page no longer reaches the next: begin anew.
      if (!runs.some((r) => r.run === gone.last)) {
        this.#chunks = [];
        this.#where.clear();
        this.complete = false;
      }
      this.#chunks.unshift(this.#chunk(gone.before, runs));
      if (this.#chunks.length > MOST_PAGES) {
        this.#forget(this.#chunks.pop());
        this.complete = false;
      }
    });
  }

  /** Takes a run that began or ended; many at once are drawn once. */
  hear(run: RunView): void {
    this.#later(run, true);
  }

  /** Takes in how far the changes of a run got, if it is here. */
  hearSynced(run: RunView): void {
    this.#later(run, false);
  }

  /** Opens or closes a fold. */
  toggle(item: Extract<Item, { kind: "fold" }>): void {
    const newest = item.runs[0];
    if (item.open) for (const run of item.runs) this.open.delete(run.run);
    else if (newest) this.open.add(newest.run);
    this.draw();
  }

  /** Makes the rows anew from what is in memory. */
  draw(): void {
    const runs = this.#chunks.flatMap((chunk) => chunk.runs);
    this.items = itemsOf(runs, this.open, this.#folding);
    this.gone = this.#gone.reduce((sum, page) => sum + page.rows, 0);
  }

  stop(): void {
    this.#version++;
    clearTimeout(this.#flush);
  }

  /** Who asks for one outcome wants to see each run of it. */
  get #folding(): boolean {
    return this.#filter.outcome === "";
  }

  #page(before: string | null): Promise<RunView[]> {
    return this.client.call({ do: "history", ...toRequest(this.#filter, PAGE, before) });
  }

  async #fetch(before: string | null, use: (runs: RunView[]) => void): Promise<void> {
    if (this.#fetching) return;
    this.#fetching = true;
    const version = this.#version;
    try {
      const runs = await this.#page(before);
      if (version !== this.#version) return;
      use(runs);
      this.error = undefined;
      this.draw();
    } catch (thrown) {
      if (version === this.#version) this.error = asApiError(thrown);
    } finally {
      if (version === this.#version) this.#fetching = false;
    }
  }

  #letGo(): void {
    const first = this.#chunks.shift();
    if (!first) return;
    this.#forget(first);
    this.#gone.push({
      before: first.before,
      last: first.runs.at(-1)?.run ?? "",
      rows: itemsOf(first.runs, this.open, this.#folding).length,
    });
  }

  #later(run: RunView, isNew: boolean): void {
    this.#queue.push({ run, isNew });
    this.#flush ??= setTimeout(() => this.#take(), 100);
  }

  #take(): void {
    this.#flush = undefined;
    const heard = this.#queue;
    this.#queue = [];
    let ask = false;
    for (const { run, isNew } of heard) {
      if (this.#replace(run) || !isNew) continue;
      const belongs = fits(run, this.#filter);
      if (belongs === "unknown") ask = true;
      // When the newest page is out of memory, it is read again on the way up.
      else if (belongs && this.#gone.length === 0) this.#insert(run);
    }
    if (ask && this.#gone.length === 0) void this.#readNewest();
    this.draw();
  }

  #replace(run: RunView): boolean {
    const chunk = this.#where.get(run.run);
    if (!chunk) return false;
    const at = chunk.runs.findIndex((r) => r.run === run.run);
    const known = chunk.runs[at];
    // Its changes may be there before the keeper says that the run ended.
    if (run.sync === "queued" && known?.outcome && known.sync !== "queued") return true;
    const stays = fits(run, this.#filter) !== false;
    // When it began was a guess until the keeper told it: it may belong elsewhere.
    if (stays && chunk === this.#chunks[0] && known?.started_at !== run.started_at) {
      chunk.runs = chunk.runs.toSpliced(at, 1);
      this.#insert(run);
      return true;
    }
    chunk.runs = stays ? chunk.runs.with(at, run) : chunk.runs.toSpliced(at, 1);
    if (!stays) this.#where.delete(run.run);
    return true;
  }

  #insert(run: RunView): void {
    const first = this.#chunks[0] ?? this.#chunk(null, []);
    if (this.#chunks.length === 0) this.#chunks.push(first);
    const at = first.runs.findIndex((r) => r.started_at <= run.started_at);
    first.runs = first.runs.toSpliced(at < 0 ? first.runs.length : at, 0, run);
    this.#where.set(run.run, first);
    // A page that is heard for hours is cut in two, so that it can be let go.
    if (first.runs.length < 2 * PAGE) return;
    const rest = first.runs.slice(PAGE);
    first.runs = first.runs.slice(0, PAGE);
    this.#chunks.splice(1, 0, this.#chunk(first.runs.at(-1)?.run ?? null, rest));
    while (this.#chunks.length > MOST_PAGES) {
      this.#forget(this.#chunks.pop());
      this.complete = false;
    }
  }

  #chunk(before: string | null, runs: RunView[]): Chunk {
    const chunk = { before, runs };
    for (const run of runs) this.#where.set(run.run, chunk);
    return chunk;
  }

  #forget(chunk: Chunk | undefined): void {
    for (const run of chunk?.runs ?? []) this.#where.delete(run.run);
  }

  async #readNewest(): Promise<void> {
    const version = this.#version;
    try {
      const runs = await this.#page(null);
      if (version !== this.#version) return;
      for (const run of runs) if (!this.#replace(run)) this.#insert(run);
      this.draw();
    } catch {
      // The list stays as it is; the state bar tells when the keeper is gone.
    }
  }
}
