// What the charms of the keeper in the page look for, and get.
import type { CharmView, WishMatch, WishView } from "$lib/bindings";
import { usage } from "./errors";
import type { Handlers, World } from "./world";

const AUTH = "#googleAuth";

/** Those that use Google and are bound to no account choose among accounts. */
function tagsOf(charm: CharmView): string[] {
  const google = charm.hosts.some((h) => h.endsWith("googleapis.com"));
  return [...(google ? [AUTH] : []), ...(charm.charm === "attendance-sheet" ? ["#googleCalendar"] : [])];
}

function matches(world: World, asker: CharmView, tag: string): WishMatch[] {
  if (tag !== AUTH) {
    const fits = world.charms.filter((c) => c.id !== asker.id && c.tags.includes(tag));
    return fits.map((c) => ({ id: c.id, charm: c.charm, name: c.name, account: null, email: null }));
  }
  return world.accounts
    .filter((a) => asker.account === null || asker.account === a.account)
    .map((a) => ({ id: `auth-${a.account}`, charm: `google-auth-${a.account}`, name: "Google Auth", account: a.account, email: a.email }));
}

function wishes(world: World, which: string): WishView[] {
  const asker = world.charm(which);
  return tagsOf(asker).map((tag) => {
    const found = matches(world, asker, tag);
    const chosen = world.choices.get(`${asker.id} ${tag}`) ?? null;
    const taken = found.find((m) => m.id === chosen) ?? found[0];
    return { tag, matches: found, chosen, taken: taken?.id ?? null };
  });
}

/** The answers about wishes. */
export function wishAnswers(world: World): Pick<Handlers, "wishes" | "choose-wish"> {
  return {
    wishes: (r) => wishes(world, r.charm),
    "choose-wish"(r) {
      const asker = world.charm(r.charm);
      const wish = wishes(world, r.charm).find((w) => w.tag === r.tag);
      if (!wish) throw usage(`${asker.charm} does not look for “${r.tag}”.`);
      const key = `${asker.id} ${r.tag}`;
      if (!r.choice) world.choices.delete(key);
      else if (wish.matches.some((m) => m.id === r.choice)) world.choices.set(key, r.choice);
      else throw usage(`“${r.choice}” does not answer to ${r.tag}.`);
      world.changed();
      return wishes(world, r.charm);
    },
  };
}
