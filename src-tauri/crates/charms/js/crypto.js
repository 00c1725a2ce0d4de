// crypto (the random part of Web Cryptography) and performance.now.
//
// Owns the checks; randomness comes from the host. There is no `subtle`.

import { ops } from "ext:ck/host.js";

const QUOTA = 65536;

export const crypto = {
  getRandomValues(array) {
    const isInteger =
      ArrayBuffer.isView(array) &&
      !(array instanceof DataView) &&
      !/^Float/.test(Object.getPrototypeOf(array).constructor.name);
    if (!isInteger)
      throw new DOMException("getRandomValues needs an integer typed array", "TypeMismatchError");
    if (array.byteLength > QUOTA) {
      throw new DOMException(
        `getRandomValues fills at most ${QUOTA} bytes at once`,
        "QuotaExceededError",
      );
    }
    ops.op_ck_random(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return array;
  },
  randomUUID: () => ops.op_ck_uuid(),
};
