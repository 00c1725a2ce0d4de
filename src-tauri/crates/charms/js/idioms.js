// What the compiler puts in place of loops over bytes and of chains of
// replacements; see src/compile/idioms.rs.
//
// Owns the helpers. Each does what the code that it stands for would do, or
// leaves it to that code: when the text is not plain text, when it has
// characters that are no bytes, when a charm has its own `charCodeAt`.

import { ops, parseJson } from "ext:ck/host.js";
import { replacesAsUsual } from "ext:ck/regexp.js";

const { charCodeAt, isWellFormed } = String.prototype;
const { setFromBase64 } = Uint8Array.prototype;
const lengthOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  "length",
).get;
const tagOf = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
).get;
const apply = Reflect.apply;
const Bytes = Uint8Array;
const encode = btoa;

/** True when the codes of `text` were written to the front of `bytes`. */
function copied(bytes, text) {
  if (String.prototype.charCodeAt !== charCodeAt) return false;
  let encoded;
  try {
    encoded = encode(text);
  } catch {
    // A character above 255: the low eight bits count, one by one.
    return false;
  }
  // Base64 there and back again: both ways are the engine's own and take a
  // hundredth of the time of a loop.
  apply(setFromBase64, bytes, [encoded]);
  return true;
}

/**
 * Where a loop that writes `text`'s codes to `bytes` up to `end` has to begin:
 * at the end, because all of it is done, or at 0.
 */
export function copyCodes(bytes, text, end) {
  const whole =
    typeof text === "string" &&
    end === text.length &&
    end > 0 &&
    apply(tagOf, bytes, []) === "Uint8Array" &&
    apply(lengthOf, bytes, []) >= end;
  return whole && copied(bytes, text) ? end : 0;
}

/** `Type.from(text, each)` where `each` gives the first code of what it gets. */
export function fromCodes(Type, text, each) {
  if (Type === Bytes && typeof text === "string" && text !== "") {
    const bytes = new Bytes(text.length);
    if (copied(bytes, text)) return bytes;
  }
  return Type.from(text, each);
}

// Texts below this length are not worth the way to the host.
const LONG = 100;
// The steps of a chain as text -> the numbers that the host gave them.
const plans = new Map();

/** One replacement after another, as they stand in the charm. */
function inTurn(text, pairs, from, to) {
  let value = text;
  for (let i = from; i < to; i++) value = value.replace(pairs[2 * i], pairs[2 * i + 1]);
  return value;
}

/**
 * `text.replace(pairs[0], pairs[1]).replace(pairs[2], pairs[3])` and so on, where
 * `literals()` gives the pairs and `steps` is the same as text for the host.
 */
export function replaceChain(text, steps, literals) {
  const pairs = literals();
  const long = typeof text === "string" && text.length >= LONG;
  if (!long || !replacesAsUsual() || !apply(isWellFormed, text, []))
    return inTurn(text, pairs, 0, pairs.length / 2);
  let numbers = plans.get(steps);
  if (numbers === undefined) {
    numbers = parseJson(ops.op_ck_replace_plan(steps));
    plans.set(steps, numbers);
  }
  let value = text;
  for (let at = 0; at < numbers.length;) {
    let end = at + 1;
    if (numbers[at] < 0) {
      value = inTurn(value, pairs, at, end);
    } else {
      while (end < numbers.length && numbers[end] >= 0) end++;
      value = ops.op_ck_replace(value, value.length, numbers[at], end - at) ?? inTurn(value, pairs, at, end);
    }
    at = end;
  }
  return value;
}
