// Math.random from the system's generator.
//
// The engine seeds its own generator when a runtime is made, and runs are copies
// of one prepared runtime: without this all charms of a batch would draw the same
// "random" numbers. Nothing may be drawn before the copy is made, which the op
// makes sure of: it throws as long as there is no run.
"use strict";
((opRandom) => {
  const words = new Uint32Array(128);
  const bytes = new Uint8Array(words.buffer);
  let left = 0;
  const methods = {
    random() {
      if (left === 0) {
        opRandom(bytes);
        left = 128;
      }
      left -= 2;
      // 53 bits, all that a number in [0, 1) can hold.
      return ((words[left] >>> 5) * 0x4000000 + (words[left + 1] >>> 6)) / 0x20000000000000;
    },
  };
  Object.defineProperty(Math, "random", {
    value: methods.random,
    writable: true,
    enumerable: false,
    configurable: true,
  });
})(Deno.core.ops.op_ck_random);
