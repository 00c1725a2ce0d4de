// Every text a person sees comes from one file, which the tray reads as well.
//
// Owns: looking a text up, filling its places, choosing its plural. Never holds
// a text itself. A key that does not exist is a type error and a failing test.
import en from "$locale/en.json";

type Raw = keyof typeof en;
type Stem<K> = K extends `${infer S}_one` ? S : K extends `${infer S}_other` ? S : K;

/** A key of the locale file; for plurals the part before `_one` and `_other`. */
export type Key = Stem<Raw>;

/** What fills the places of a text, `{name}`. */
export type Fill = Record<string, string | number>;

const texts: Readonly<Record<string, string>> = en;
const plural = new Intl.PluralRules("en");

/** The text of `key`. With `count` in `fill`, its plural where it has one. */
export function t(key: Key, fill?: Fill): string {
  return fillIn(find(key, fill?.count), fill);
}

/** Whether the locale file has this text: for words that come from the keeper. */
export function has(key: string): key is Key {
  return key in texts || `${key}_other` in texts;
}

/** The text of a word that came from the keeper, or the word itself. */
export function word(prefix: string, value: string): string {
  const key = `${prefix}.${value}`;
  return has(key) ? t(key) : value;
}

function find(key: string, count: string | number | undefined): string {
  if (typeof count === "number") {
    const form = texts[`${key}_${plural.select(count)}`] ?? texts[`${key}_other`];
    if (form !== undefined) return form;
  }
  const text = texts[key];
  if (text !== undefined) return text;
  if (import.meta.env.MODE === "test") throw new Error(`no text for ${key}`);
  return key;
}

function fillIn(text: string, fill: Fill | undefined): string {
  if (!fill) return text;
  return text.replace(/\{([a-z]+)\}/g, (place, name: string) => {
    const value = fill[name];
    if (value === undefined) return place;
    return typeof value === "number" ? value.toLocaleString("en") : value;
  });
}
