// The time that the page shows. One timer for all ages on the page, stopped
// while nobody looks; tests and screenshots set the time themselves.

const STEP_MS = 10_000;

class Clock {
  /** Milliseconds since 1970; moves every ten seconds. */
  now = $state(Date.now());
  #read: () => number = Date.now;

  /** Reads the time from somewhere else, and shows it at once. */
  use(read: () => number): void {
    this.#read = read;
    this.now = read();
  }

  /** The moment itself, which moves by itself and draws nothing anew. */
  exact(): number {
    return this.#read();
  }

  /** Reads the time again. */
  tick(): void {
    this.now = this.#read();
  }

  /** Moves the time until the answer is called. */
  start(): () => void {
    const step = () => {
      if (!document.hidden) this.tick();
    };
    const timer = setInterval(step, STEP_MS);
    document.addEventListener("visibilitychange", step);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", step);
    };
  }
}

/** The page's clock. */
export const clock = new Clock();
