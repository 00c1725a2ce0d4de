// A few assertions and a list of tests, as a charm: its bgUpdater runs them all
// and throws one Error that names those that failed.
import { action, pattern } from "commonfabric";

const tests = [];

export function test(name, body) {
  tests.push({ name, body });
}

export function show(value) {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  return typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object"
      ? JSON.stringify(value)
      : String(value);
}

export function equal(found, wanted, what = "") {
  if (!Object.is(found, wanted))
    throw new Error(`${what} found ${show(found)}, wanted ${show(wanted)}`);
}

/** Equal as JSON: order of keys counts, prototypes do not. */
export function same(found, wanted, what = "") {
  if (JSON.stringify(found) !== JSON.stringify(wanted)) {
    throw new Error(`${what} found ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
  }
}

function check(error, type, pattern) {
  const name = typeof type === "string" ? type : type.name;
  if (error?.name !== name || (pattern && !pattern.test(error.message))) {
    throw new Error(`threw ${error?.name}: ${error?.message}; wanted ${name} ${pattern ?? ""}`);
  }
}

export function throws(body, type, pattern) {
  let thrown;
  try {
    body();
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined)
    throw new Error(`did not throw ${typeof type === "string" ? type : type.name}`);
  check(thrown.error, type, pattern);
}

export async function rejects(promise, type, pattern) {
  let thrown;
  try {
    await promise;
  } catch (error) {
    thrown = { error };
  }
  if (thrown === undefined)
    throw new Error(`did not reject with ${typeof type === "string" ? type : type.name}`);
  check(thrown.error, type, pattern);
}

export function run() {
  return pattern(() => ({
    bgUpdater: action(async () => {
      const failed = [];
      for (const { name, body } of tests) {
        try {
          await body();
        } catch (error) {
          failed.push(`${name}: ${error?.message ?? error}`);
        }
      }
      console.log(`${tests.length} tests`);
      if (failed.length > 0) throw new Error(`\n${failed.join("\n")}`);
    }),
  }));
}
