// The causes of what a charm's code makes: what its documents' ids come from.
//
// Owns the count of cells and streams in the order of their making, which is
// the same in every run of the pattern's body. Cells and streams are counted
// apart, so that a stream more does not rename the cells after it.

// A frame counts; nested patterns have frames of their own with a prefix.
let frame = newFrame((cause) => cause);

function newFrame(wrap) {
  return { cells: 0, streams: 0, lists: 0, components: 0, wrap };
}

/** Runs `body` with what it makes counted in a frame of its own, inside the present one. */
export function inNestedFrame(body) {
  const outer = frame;
  const sub = outer.cells++;
  return inFrame((cause) => outer.wrap({ sub, cause }), body);
}

function inFrame(wrap, body) {
  const outer = frame;
  frame = newFrame(wrap);
  try {
    return body();
  } finally {
    frame = outer;
  }
}

/**
 * Gives `(element, body)`, which runs `body` with what it makes named after an
 * element of a list, whenever it is called.
 */
export function frameOfList() {
  const { wrap } = frame;
  const list = frame.lists++;
  return (element, body) => inFrame((cause) => wrap({ list, element, cause }), body);
}

/**
 * Runs `body`, a component. Components are counted apart: what a page shows does
 * not rename the cells beside it.
 */
export function inComponentFrame(body) {
  const { wrap } = frame;
  const component = frame.components++;
  return inFrame((cause) => wrap({ component, cause }), body);
}

/** From here on things are made by handlers and new in each run. */
export function handlerFrame(runId) {
  frame = newFrame((cause) => ({ run: runId, cause }));
}

/** The cause of a new cell, and how a name given to it later becomes one. */
export function causeOfCell() {
  const { wrap } = frame;
  return { order: wrap(frame.cells++), wrap };
}

/** The cause of a cell that is known by a name and not counted. */
export function causeNamed(name) {
  return frame.wrap(name);
}

/** The cause of a new stream. */
export function causeOfStream() {
  return frame.wrap({ stream: frame.streams++ });
}
