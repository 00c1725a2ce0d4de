// TextEncoder and TextDecoder (Encoding standard).
//
// Owns the three encodings that mail needs: UTF-8, windows-1252 (also the
// label "latin1") and UTF-16LE. Other labels are refused with a RangeError.
// `atob` and `btoa` are the engine's own: they follow the standard and are fifty
// times faster than what can be written here.

import { ops } from "ext:ck/host.js";

/** The bytes of anything that the Web's buffer-taking functions accept. */
export function bytesOf(source) {
  if (source === undefined) return new Uint8Array(0);
  if (source instanceof Uint8Array) return source;
  if (ArrayBuffer.isView(source))
    return new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  throw new TypeError("Expected an ArrayBuffer or a view of one");
}

/** UTF-8 bytes of a string; unpaired surrogates become U+FFFD. */
export function encodeUtf8(text) {
  return ops.op_ck_text_encode(text, text.length);
}

/** Text of UTF-8 bytes without their byte order mark. */
export function decodeUtf8(bytes) {
  return ops.op_ck_text_decode(bytes, "utf-8", false, false);
}

export class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(input = "") {
    return encodeUtf8(`${input}`);
  }

  encodeInto(source, destination) {
    let read = 0;
    let written = 0;
    for (const character of `${source}`) {
      const bytes = encodeUtf8(character);
      if (written + bytes.length > destination.length) break;
      destination.set(bytes, written);
      written += bytes.length;
      read += character.length;
    }
    return { read, written };
  }
}

// How many bytes at the end belong to a character that is not complete yet.
const INCOMPLETE = {
  "utf-8"(bytes) {
    const end = bytes.length;
    for (let back = 1; back <= 3 && back <= end; back++) {
      const byte = bytes[end - back];
      if (byte < 0x80) return 0;
      if (byte >= 0xc0) {
        const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
        return needs > back ? back : 0;
      }
    }
    return 0;
  },
  "utf-16le"(bytes) {
    const odd = bytes.length % 2;
    const last = bytes.length - odd;
    const highSurrogate = last >= 2 && (bytes[last - 1] & 0xfc) === 0xd8;
    return odd + (highSurrogate ? 2 : 0);
  },
  "windows-1252": () => 0,
};

export class TextDecoder {
  #encoding;
  #fatal;
  #ignoreBOM;
  #rest = new Uint8Array(0);
  // False until something was decoded: a byte order mark counts at the start only.
  #begun = false;

  constructor(label = "utf-8", options = {}) {
    this.#encoding = ops.op_ck_text_label(`${label}`);
    if (this.#encoding === "") {
      throw new RangeError(`The encoding label provided ('${label}') is invalid or not supported`);
    }
    this.#fatal = Boolean(options.fatal);
    this.#ignoreBOM = Boolean(options.ignoreBOM);
  }

  get encoding() {
    return this.#encoding;
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input, options = {}) {
    let bytes = bytesOf(input);
    if (this.#rest.length > 0) {
      const joined = new Uint8Array(this.#rest.length + bytes.length);
      joined.set(this.#rest);
      joined.set(bytes, this.#rest.length);
      bytes = joined;
      this.#rest = new Uint8Array(0);
    }
    const keepBom = this.#ignoreBOM || this.#begun;
    if (options.stream) {
      const cut = INCOMPLETE[this.#encoding](bytes);
      this.#rest = bytes.slice(bytes.length - cut);
      bytes = bytes.subarray(0, bytes.length - cut);
      this.#begun ||= bytes.length > 0;
    } else {
      this.#begun = false;
    }
    return ops.op_ck_text_decode(bytes, this.#encoding, this.#fatal, keepBom);
  }
}
