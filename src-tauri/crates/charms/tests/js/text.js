import { equal, run, same, test, throws } from "./assert.js";

const bytes = (...list) => Uint8Array.from(list);

test("encode", () => {
  same(
    [...new TextEncoder().encode("a\u00e9\u20ac\u{1f600}")],
    [97, 195, 169, 226, 130, 172, 240, 159, 152, 128],
  );
  same([...new TextEncoder().encode("\ud800x")], [239, 191, 189, 120]);
  equal(new TextEncoder().encode().length, 0);
  equal(new TextEncoder().encode("x") instanceof Uint8Array, true);
  const into = new Uint8Array(4);
  same(new TextEncoder().encodeInto("a\u20ac\u20ac", into), { read: 2, written: 4 });
  same([...into], [97, 226, 130, 172]);
});

test("decode", () => {
  equal(new TextDecoder().decode(bytes(0xef, 0xbb, 0xbf, 0x61, 0xc3, 0xa9)), "a\u00e9");
  equal(
    new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes(0xef, 0xbb, 0xbf, 0x61)),
    "\ufeffa",
  );
  equal(new TextDecoder().decode(bytes(0x61, 0xff)), "a\ufffd");
  throws(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes(0xff)), TypeError);
  equal(new TextDecoder("ISO-8859-1").decode(bytes(0xe9, 0x80)), "\u00e9\u20ac");
  equal(new TextDecoder("latin1").encoding, "windows-1252");
  equal(new TextDecoder("utf-16le").decode(bytes(0x3d, 0xd8, 0x00, 0xde)), "\u{1f600}");
  throws(() => new TextDecoder("koi8-r"), RangeError, /koi8-r/);
  equal(new TextDecoder().decode(bytes(0x61, 0x62).buffer), "ab");
  equal(new TextDecoder().decode(new DataView(bytes(0x61, 0x62, 0x63).buffer, 1, 1)), "b");
  equal(new TextDecoder().decode(), "");
  throws(() => new TextDecoder().decode("text"), TypeError);
});

test("there and back again, of every width and size", () => {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  for (const piece of ["", "a", "\u00e9", "\u20ac", "\u{1f600}", "a\u00ff\u0100\u{1f600}\0"]) {
    for (const times of [1, 7, 300, 100000]) {
      const text = piece.repeat(times);
      const encoded = encoder.encode(text);
      equal(decoder.decode(encoded) === text, true, `${times} times ${piece}:`);
      // A part of a long text is no text of its own in the engine.
      const part = text.slice(1, -1);
      equal(decoder.decode(encoder.encode(part)) === part.toWellFormed(), true, "a part:");
    }
  }
  const lone = "\ud800".repeat(2000) + "x" + "\udc00".repeat(2000);
  equal(decoder.decode(encoder.encode(lone)) === lone.toWellFormed(), true);
  const invalid = encoder.encode("a".repeat(5000) + "\u20ac").subarray(0, 5002);
  equal(decoder.decode(invalid) === "a".repeat(5000) + "\ufffd", true);
});

test("decode in pieces", () => {
  const text = "\u00e9\u20ac\u{1f600}z";
  const whole = new TextEncoder().encode(text);
  for (let size = 1; size <= 4; size++) {
    const decoder = new TextDecoder();
    let out = "";
    for (let i = 0; i < whole.length; i += size)
      out += decoder.decode(whole.subarray(i, i + size), { stream: true });
    equal(out + decoder.decode(), text, `pieces of ${size}:`);
  }
  const broken = new TextDecoder();
  equal(broken.decode(bytes(0x61, 0xe2, 0x82), { stream: true }), "a");
  equal(broken.decode(), "\ufffd");
  const wide = new TextDecoder("utf-16le");
  equal(
    wide.decode(bytes(0x3d), { stream: true }) +
      wide.decode(bytes(0xd8, 0x00), { stream: true }) +
      wide.decode(bytes(0xde)),
    "\u{1f600}",
  );
  const bom = new TextDecoder();
  equal(
    bom.decode(bytes(0xef, 0xbb), { stream: true }) +
      bom.decode(bytes(0xbf, 0x61), { stream: true }) +
      bom.decode(),
    "a",
  );
});

test("atob", () => {
  same(["", "YQ==", "YQ", " Y\nQ = =", "YWI=", "YWJj", "/+8="].map(atob), [
    "",
    "a",
    "a",
    "a",
    "ab",
    "abc",
    "\xff\xef",
  ]);
  for (const bad of ["Y", "YQ=", "Y=Q=", "YQ===", "Y-Q_", "\u00e9", "YWJj====", "="])
    throws(() => atob(bad), "InvalidCharacterError");
  equal(atob(btoa("x".repeat(100000))).length, 100000);
});

test("btoa", () => {
  equal(btoa("\x00\xff\x10"), "AP8Q");
  equal(btoa(""), "");
  equal(btoa(12), "MTI=");
  throws(() => btoa("\u20ac"), "InvalidCharacterError");
});

test("mail body as charms decode it", () => {
  const sent = "Gr\u00fc\u00dfe \u{1f600}";
  const url64 = btoa(String.fromCharCode(...new TextEncoder().encode(sent)))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
  const binary = atob(url64.replaceAll("-", "+").replaceAll("_", "/"));
  equal(new TextDecoder("utf-8").decode(Uint8Array.from(binary, (c) => c.charCodeAt(0))), sent);
});

export default run();
