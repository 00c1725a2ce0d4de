// Headers (Fetch standard).
//
// Owns the list of names and values. Names are kept in lower case, values of
// one name are joined with ", " when read, except Set-Cookie.

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function checkName(name) {
  const text = `${name}`;
  if (!NAME.test(text)) throw new TypeError(`Invalid header name: '${text}'`);
  return text.toLowerCase();
}

function checkValue(value) {
  const text = `${value}`.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  // Bytes only, and nothing that could end the line.
  if (/[\0\n\r]|[^\0-\xff]/.test(text)) throw new TypeError("Invalid header value");
  return text;
}

export class Headers {
  #list = [];

  constructor(init) {
    if (init === undefined || init === null) return;
    if (typeof init !== "object") throw new TypeError("Headers need an object or a list of pairs");
    if (typeof init[Symbol.iterator] === "function") {
      for (const pair of init) {
        const items = [...pair];
        if (items.length !== 2) throw new TypeError("Each header must be a [name, value] pair");
        this.append(items[0], items[1]);
      }
    } else {
      for (const name of Object.keys(init)) this.append(name, init[name]);
    }
  }

  /** Headers as they came from the network: not ours to refuse. */
  static received(pairs) {
    const headers = new Headers();
    headers.#list = pairs.map(([name, value]) => [`${name}`.toLowerCase(), `${value}`]);
    return headers;
  }

  append(name, value) {
    this.#list.push([checkName(name), checkValue(value)]);
  }

  delete(name) {
    const key = checkName(name);
    this.#list = this.#list.filter(([n]) => n !== key);
  }

  get(name) {
    const key = checkName(name);
    const values = this.#list.filter(([n]) => n === key).map(([, v]) => v);
    return values.length === 0 ? null : values.join(", ");
  }

  getSetCookie() {
    return this.#list.filter(([n]) => n === "set-cookie").map(([, v]) => v);
  }

  has(name) {
    const key = checkName(name);
    return this.#list.some(([n]) => n === key);
  }

  set(name, value) {
    const pair = [checkName(name), checkValue(value)];
    const at = this.#list.findIndex(([n]) => n === pair[0]);
    this.#list = this.#list.filter(([n], i) => n !== pair[0] || i === at);
    if (at < 0) this.#list.push(pair);
    else this.#list[this.#list.findIndex(([n]) => n === pair[0])] = pair;
  }

  forEach(callback, thisArg) {
    for (const [name, value] of this) callback.call(thisArg, value, name, this);
  }

  *entries() {
    const names = [...new Set(this.#list.map(([n]) => n))].sort();
    for (const name of names) {
      if (name === "set-cookie") {
        for (const value of this.getSetCookie()) yield [name, value];
      } else {
        yield [name, this.get(name)];
      }
    }
  }

  *keys() {
    for (const [name] of this.entries()) yield name;
  }

  *values() {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator]() {
    return this.entries();
  }

  get [Symbol.toStringTag]() {
    return "Headers";
  }
}

const received = Headers.received;
delete Headers.received;
export { received as receivedHeaders };
