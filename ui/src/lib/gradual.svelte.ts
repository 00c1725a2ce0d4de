// Long lists that are drawn a few rows at a time, so that the window answers
// in between. The lists of a page take turns in the order in which they were
// made: what is above is whole before what is below begins.
//
// Owns how much is drawn, and when. Never looks at the rows.

// About a frame: the rows of one step are laid out before the next come.
const PAUSE_MS = 16;

interface Growing {
  order: number;
  grow: () => void;
}

const waiting = new Set<Growing>();
let timer: ReturnType<typeof setTimeout> | undefined;
let made = 0;

function turn(): void {
  timer = undefined;
  let first: Growing | undefined;
  for (const one of waiting) if (!first || one.order < first.order) first = one;
  if (!first) return;
  waiting.delete(first);
  first.grow();
  if (waiting.size > 0) timer = setTimeout(turn, PAUSE_MS);
}

/** Lets it grow when it is its turn, unless the answer is called before. */
function soon(one: Growing): () => void {
  waiting.add(one);
  timer ??= setTimeout(turn, PAUSE_MS);
  return () => waiting.delete(one);
}

/**
 * How many of the rows that `wanted` counts are drawn by now: `step` more at a
 * time. To be called while a component is made.
 */
export function gradual(wanted: () => number, step: number): { readonly drawn: number } {
  const order = made++;
  let drawn = $state(0);
  $effect(() => {
    if (drawn >= wanted()) return;
    return soon({ order, grow: () => (drawn = Math.min(wanted(), drawn + step)) });
  });
  return {
    get drawn() {
      return drawn;
    },
  };
}
