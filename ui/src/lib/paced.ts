// Something that may be asked for often and is done at most once per gap: at
// once when it is quiet, and once more at the end of a burst.

export class Paced {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #last = -Infinity;
  #waiting: (() => void)[] = [];

  constructor(
    private readonly work: () => Promise<void>,
    private readonly gapMs: number,
  ) {}

  /** Does the work, soon; resolves when it was done after this call. */
  go(): Promise<void> {
    return new Promise((done) => {
      this.#waiting.push(done);
      if (this.#running) this.#again = true;
      else if (this.#timer === undefined) {
        const wait = Math.max(0, this.#last + this.gapMs - performance.now());
        if (wait === 0) this.#run();
        else this.#timer = setTimeout(() => this.#run(), wait);
      }
    });
  }

  /** Forgets what was asked for. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
    for (const done of this.#waiting.splice(0)) done();
  }

  #run(): void {
    this.#timer = undefined;
    const waiting = this.#waiting.splice(0);
    this.#last = performance.now();
    // What failed is the work's to tell; who waited goes on all the same.
    const ended = () => this.#ended(waiting);
    this.#running = this.work().then(ended, ended);
  }

  #ended(waiting: (() => void)[]): void {
    this.#running = undefined;
    for (const done of waiting) done();
    if (!this.#again) return;
    this.#again = false;
    this.#timer = setTimeout(() => this.#run(), this.gapMs);
  }
}
