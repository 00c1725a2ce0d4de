// Which page is shown, read from and written to the hash of the address.
//
// Owns the address. A page keeps its filters in the query, so that an address
// is all there is to know: going back, a notification's link and a second
// start all lead to the same sight.

/** A parsed address. */
export interface Route {
  /** `/charms/gmail` → `["charms", "gmail"]`, decoded. */
  path: string[];
  /** The query; a value that is empty is left out. */
  query: Readonly<Record<string, string>>;
}

// The shell writes addresses as URI components: a plus is a plus.
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads `#/charms/gmail?x=1`; the `#` may be missing. */
export function parse(address: string): Route {
  const bare = address.replace(/^#/, "");
  const cut = bare.indexOf("?");
  const path = cut < 0 ? bare : bare.slice(0, cut);
  const query: Record<string, string> = {};
  for (const pair of cut < 0 ? [] : bare.slice(cut + 1).split("&")) {
    const at = pair.indexOf("=");
    const name = decode(at < 0 ? pair : pair.slice(0, at));
    const value = at < 0 ? "1" : decode(pair.slice(at + 1));
    if (name && value && name !== "__proto__") query[name] = value;
  }
  return { path: path.split("/").filter(Boolean).map(decode), query };
}

/** Values of a query; what is empty, false or missing is left out. */
export type Query = Record<string, string | number | boolean | null | undefined>;

/** Writes an address with its `#`. */
export function href(path: string, query: Query = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => {
    if (value === null || value === undefined || value === "" || value === false) return [];
    const text = value === true ? "1" : String(value);
    return [`${encodeURIComponent(name)}=${encodeURIComponent(text)}`];
  });
  return `#${path}${pairs.length ? `?${pairs.join("&")}` : ""}`;
}

/** Address of a charm's page. */
export function charmHref(handle: string): string {
  return href(`/charms/${encodeURIComponent(handle)}`);
}

class Router {
  route = $state.raw<Route>(parse(location.hash));

  /** First word of the path: which page. */
  get page(): string {
    return this.route.path[0] ?? "";
  }

  /** Shows another page. */
  go(path: string, query: Query = {}, options: { replace?: boolean } = {}): void {
    this.#show(href(path, query), options.replace ?? false);
  }

  /** Shows a page that somebody else named, as in `/connect?services=gmail`. */
  open(page: string): void {
    this.#show(`#${page.startsWith("/") ? page : `/${page}`}`, false);
  }

  /** Changes parts of the query and keeps the rest. */
  setQuery(change: Query, options: { replace?: boolean } = {}): void {
    const path = `/${this.route.path.map(encodeURIComponent).join("/")}`;
    this.#show(href(path, { ...this.route.query, ...change }), options.replace ?? true);
  }

  /** Follows the address until the answer is called. */
  start(): () => void {
    const read = () => {
      this.route = parse(location.hash);
    };
    read();
    addEventListener("hashchange", read);
    addEventListener("popstate", read);
    return () => {
      removeEventListener("hashchange", read);
      removeEventListener("popstate", read);
    };
  }

  #show(address: string, replace: boolean): void {
    if (address === location.hash) return;
    if (replace) history.replaceState(null, "", address);
    else history.pushState(null, "", address);
    this.route = parse(address);
  }
}

/** The page's address. */
export const router = new Router();
