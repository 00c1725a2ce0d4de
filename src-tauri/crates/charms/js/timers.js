// setTimeout, setInterval and what clears them (HTML standard).
//
// Owns the ids. A callback that throws makes the run fail with kind "timer".
// A timer never keeps a run from being complete; see run.js.

import { core } from "ext:ck/host.js";
import { fail } from "ext:ck/run_state.js";

const timers = new Map();
let nextId = 1;

function start(callback, delay, args, repeat) {
  if (typeof callback !== "function")
    throw new TypeError("A timer needs a function; text is not run as code");
  const id = nextId++;
  const fire = () => {
    if (!repeat) timers.delete(id);
    try {
      callback(...args);
    } catch (error) {
      fail("timer", error);
    }
  };
  timers.set(id, {
    repeat,
    timer: core.createTimer(fire, Number(delay) || 0, undefined, repeat, true, false),
  });
  return id;
}

function stop(id) {
  const entry = timers.get(Number(id));
  if (entry === undefined) return;
  timers.delete(Number(id));
  core.cancelTimer(entry.timer);
}

export const setTimeout = (callback, delay, ...args) => start(callback, delay, args, false);
export const setInterval = (callback, delay, ...args) => start(callback, delay, args, true);
export const clearTimeout = (id) => stop(id);
export const clearInterval = (id) => stop(id);

/** How many one-shot timers still wait: work that a completed run leaves out. */
export function waitingTimeouts() {
  return [...timers.values()].filter((entry) => !entry.repeat).length;
}

export function queueMicrotask(callback) {
  if (typeof callback !== "function") throw new TypeError("queueMicrotask needs a function");
  Promise.resolve()
    .then(callback)
    .catch((error) => fail("exception", error));
}
