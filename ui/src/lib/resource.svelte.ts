// Something that is read from the keeper and shown: what came, or why not, and
// reading it again. Old data stays while new data is on its way.
import { untrack } from "svelte";
import type { ApiError } from "$lib/bindings";
import { asApiError } from "$lib/client";
import type { App } from "$lib/app.svelte";
import { Paced } from "$lib/paced";

export interface Resource<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  /** True until the first answer came. */
  readonly loading: boolean;
  reload(): Promise<void>;
  /** Puts in what another answer brought. */
  set(data: T): void;
}

// Shared lists are read again at most this often.
const GAP_MS = 1000;

/**
 * Reads with `load` now, when a state that `load` reads changes, and on every
 * `changed` event of `app`. To be called while a component is made.
 */
export function resource<T>(load: () => Promise<T>, options: { app?: App } = {}): Resource<T> {
  let data = $state.raw<T>();
  let error = $state.raw<ApiError>();
  let loading = $state(true);
  let asked = 0;

  async function take(coming: Promise<T>): Promise<void> {
    const mine = ++asked;
    try {
      const came = await coming;
      if (mine !== asked) return;
      data = came;
      error = undefined;
    } catch (thrown) {
      if (mine !== asked) return;
      error = asApiError(thrown);
    }
    loading = false;
  }

  const paced = new Paced(() => take(load()), GAP_MS);

  $effect(() => {
    const coming = load();
    untrack(() => void take(coming));
  });

  $effect(() => {
    const end = options.app?.onEvent((event) => {
      if (event.event === "changed") void paced.go();
    });
    return () => {
      end?.();
      paced.stop();
      asked++;
    };
  });

  return {
    get data() {
      return data;
    },
    get error() {
      return error;
    },
    get loading() {
      return loading;
    },
    reload: () => take(load()),
    set(value) {
      asked++;
      data = value;
      error = undefined;
      loading = false;
    },
  };
}
