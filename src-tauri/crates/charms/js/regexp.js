// Replacing one text by another with a regular expression that is plain text.
//
// Owns a short way for `text.replace(/-/g, "+")` on long texts, as everybody
// writes it who decodes base64: the engine makes an array for every match and
// several calls of it, which for a mail takes a hundred times as long as
// `replaceAll`, which gives the same. Everything else goes the engine's way.

const replace = RegExp.prototype[Symbol.replace];
const { exec } = RegExp.prototype;
const { replace: inText, replaceAll } = String.prototype;
const sourceOf = Object.getOwnPropertyDescriptor(RegExp.prototype, "source").get;
const apply = Reflect.apply;

// Texts below this length are as quick the usual way.
const LONG = 100;

// Sources that mean themselves, apart from these escapes.
const PLAIN = /^(?:[\w \-"%&',:;<=>@`~#!]|\\[nrt/.\-+*?$()[\]{}|^\\])+$/;
const ESCAPE = /\\(.)/g;
const CONTROLS = { n: "\n", r: "\r", t: "\t" };
const known = new Map();

/** The text that a source stands for, or null. */
function plainText(source) {
  let text = known.get(source);
  if (text === undefined) {
    // Built anew, so that a charm's own `exec` is not in the way.
    text = null;
    if (source.length <= 32 && apply(exec, PLAIN, [source]) !== null)
      text = apply(replace, ESCAPE, [source, (_, letter) => CONTROLS[letter] ?? letter]);
    if (known.size < 256) known.set(source, text);
  }
  return text;
}

let ours = replace;

/** False when a charm has its own idea of replacing. */
export function replacesAsUsual() {
  return (
    RegExp.prototype.exec === exec &&
    RegExp.prototype[Symbol.replace] === ours &&
    String.prototype.replace === inText
  );
}

/** Puts the short way in front of the engine's. */
export function installReplace() {
  const methods = {
    [Symbol.replace](text, replacement) {
      if (
        typeof text === "string" &&
        text.length >= LONG &&
        typeof replacement === "string" &&
        this.exec === exec &&
        this.flags === "g"
      ) {
        let source;
        try {
          source = apply(sourceOf, this, []);
        } catch {
          return apply(replace, this, [text, replacement]);
        }
        const wanted = plainText(source);
        if (wanted !== null) {
          this.lastIndex = 0;
          return apply(replaceAll, text, [wanted, replacement]);
        }
      }
      return apply(replace, this, [text, replacement]);
    },
  };
  ours = methods[Symbol.replace];
  Object.defineProperty(RegExp.prototype, Symbol.replace, {
    value: ours,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}
