// Messages that go away by themselves, one of them with an undo.

export type Tone = "info" | "good" | "bad";

export interface Toast {
  message: string;
  hint?: string;
  tone?: Tone;
  action?: { label: string; run: () => void };
}

/** A toast that is shown. */
export interface Shown extends Toast {
  id: number;
}

// Long enough to read and reach by keyboard; errors stay until closed.
const SHOWN_MS = 8000;
const MOST = 4;

export class Toasts {
  list = $state.raw<readonly Shown[]>([]);
  #next = 1;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  add(toast: Toast): void {
    // The same message twice is one message.
    const same = this.list.find((s) => s.message === toast.message && !s.action);
    if (same) this.close(same.id);
    const id = this.#next++;
    this.list = [...this.list, { ...toast, id }].slice(-MOST);
    this.#arm(id);
  }

  close(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    this.list = this.list.filter((s) => s.id !== id);
  }

  /** Keeps them while a person points at or is in them. */
  hold(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Lets them go again. */
  release(): void {
    for (const { id } of this.list) if (!this.#timers.has(id)) this.#arm(id);
  }

  clear(): void {
    this.hold();
    this.list = [];
  }

  #arm(id: number): void {
    if (this.list.find((s) => s.id === id)?.tone === "bad") return;
    this.#timers.set(
      id,
      setTimeout(() => this.close(id), SHOWN_MS),
    );
  }
}
