// The time of the keeper that lives in the page. It stands still, goes by
// itself, or moves only when a test says so.
//
// Owns: the moment it is, and what is to happen later.

export interface TimeOptions {
  /** Milliseconds since 1970 at the start. */
  now: number;
  /** What is to happen later waits for `advance`. For tests. */
  manual: boolean;
  /** The moment never moves by itself: two screenshots show the same ages. */
  still: boolean;
}

interface Task {
  at: number;
  work: () => void;
}

export class FakeTime {
  #now: number;
  readonly #began = performance.now();
  #tasks: Task[] = [];

  constructor(private readonly options: TimeOptions) {
    this.#now = options.now;
  }

  /** Milliseconds since 1970. */
  now(): number {
    const { manual, still } = this.options;
    return manual || still ? this.#now : this.#now + Math.floor(performance.now() - this.#began);
  }

  /** A moment `ms` from now, as the API writes it. */
  iso(ms = 0): string {
    return new Date(this.now() + ms).toISOString();
  }

  /** Does `work` in `ms` milliseconds, unless the answer is called before. */
  after(ms: number, work: () => void): () => void {
    if (this.options.manual) {
      const task = { at: this.#now + ms, work };
      this.#tasks.push(task);
      return () => {
        this.#tasks = this.#tasks.filter((t) => t !== task);
      };
    }
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  }

  /** Moves the time on, and does what falls due on the way, in order. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#tasks.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#tasks = this.#tasks.filter((t) => t !== next);
      this.#now = Math.max(this.#now, next.at);
      next.work();
      // What waits for the work may ask for more to happen.
      await new Promise((done) => setTimeout(done));
    }
    this.#now = end;
  }
}
