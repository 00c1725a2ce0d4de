// `console`: every method ends as one line of the run's log.
//
// Owns the methods and the format strings. Levels: debug, info (also `log`),
// warn, error. The host limits how many lines a run may write.

import { log } from "ext:ck/run_state.js";
import { clip, describeThrown, guarded, inspect } from "ext:ck/inspect.js";

let indent = "";
const counts = new Map();
const timers = new Map();

function placeholder(kind, value) {
  switch (kind) {
    case "s":
      return typeof value === "string" ? value : inspect(value, 1);
    case "d":
    case "i":
      return guarded(
        () => String(kind === "i" ? Number.parseInt(value, 10) : Number(value)),
        "NaN",
      );
    case "f":
      return guarded(() => String(Number.parseFloat(value)), "NaN");
    case "j":
      return guarded(() => JSON.stringify(value), "[Circular]");
    case "c":
      return "";
    default:
      return inspect(value);
  }
}

function format(args) {
  let rest = args;
  const parts = [];
  if (typeof args[0] === "string" && args.length > 1 && args[0].includes("%")) {
    let next = 1;
    parts.push(
      args[0].replace(/%([sdifjoOc%])/g, (all, kind) => {
        if (kind === "%") return "%";
        return next < args.length ? placeholder(kind, args[next++]) : all;
      }),
    );
    rest = args.slice(next);
  }
  for (const value of rest) parts.push(inspect(value));
  const text = clip(parts.join(" "));
  return indent === "" ? text : indent + text.replaceAll("\n", `\n${indent}`);
}

function write(level, args) {
  log(
    level,
    guarded(() => format(args), "a value that cannot be shown"),
  );
}

function seconds(label) {
  const began = timers.get(label);
  return began === undefined
    ? `Timer '${label}' does not exist`
    : `${label}: ${(performance.now() - began).toFixed(3)} ms`;
}

export const console = {
  debug: (...args) => write("debug", args),
  log: (...args) => write("info", args),
  info: (...args) => write("info", args),
  warn: (...args) => write("warn", args),
  error: (...args) => write("error", args),
  trace(...args) {
    const { stack } = describeThrown(new Error());
    write("debug", [`Trace: ${format(args)}${stack === "" ? "" : `\n${stack}`}`]);
  },
  dir: (value) => write("info", [value]),
  dirxml: (...args) => write("info", args),
  table: (value) => write("info", [value]),
  assert(condition, ...args) {
    if (!condition)
      write("error", args.length === 0 ? ["Assertion failed"] : ["Assertion failed:", ...args]);
  },
  count(label = "default") {
    const n = (counts.get(`${label}`) ?? 0) + 1;
    counts.set(`${label}`, n);
    write("info", [`${label}: ${n}`]);
  },
  countReset: (label = "default") => void counts.delete(`${label}`),
  group(...args) {
    if (args.length > 0) write("info", args);
    if (indent.length < 40) indent += "  ";
  },
  groupCollapsed: (...args) => console.group(...args),
  groupEnd: () => void (indent = indent.slice(2)),
  time: (label = "default") => void timers.set(`${label}`, performance.now()),
  timeLog: (label = "default", ...args) => write("info", [seconds(`${label}`), ...args]),
  timeEnd(label = "default") {
    write("info", [seconds(`${label}`)]);
    timers.delete(`${label}`);
  },
  clear() {},
};
