// Spaces and favorites of the keeper in the page.
import type { FavoriteView, SpaceView } from "$lib/bindings";
import type { AskOf } from "../answers";
import { coded, fault, usage } from "./errors";
import * as seed from "./seed";
import type { Handlers, World } from "./world";

function connectSpace(world: World, request: AskOf<"connect-space">): SpaceView {
  const url = request.url.trim();
  if (!/^https:\/\/[^/]+/.test(url)) {
    throw usage("That is not the address of a server.", "It begins with https://, as in https://toolshed.example.net.");
  }
  if (url.includes("offline")) throw fault("offline", "The server does not answer.", "It is tried again when you ask.");
  const name = request.space?.trim() || "Home";
  if (name.includes("new") && !request.claim) {
    const error = fault(
      "space",
      "This space is new: it has no access list yet, so nothing can be kept in it.",
      "Confirm that it is yours, and its access list is written.",
    );
    throw coded(error, "new-space");
  }
  if (name.includes("closed")) {
    const error = fault(
      "space",
      "Your key may not read this space.",
      "Ask the owner of the space to add your key, or connect with another key.",
    );
    throw coded(error, "key-refused");
  }
  const did = name === "Home" ? request.identity : name.startsWith("did:key:") ? name : `did:key:z6Mk${name.replaceAll(/\W/g, "")}`;
  const known = world.spaces.find((s) => s.space === did);
  const fresh = seed.remote(did, known?.name ?? name, name === "Home" ? "home" : "remote", world.time.iso());
  const space = { ...fresh, url, identity: request.identity };
  world.spaces = [space, ...world.spaces.filter((s) => s.space !== did)];
  if (name === "Home" && world.favorites.length === 0) world.favorites = seed.favorites("usual").slice(1);
  world.changed();
  return space;
}

/** Takes a change that is stuck out of its space. */
function unstick(world: World, change: number, queued: number): SpaceView {
  const space = world.spaces.find((s) => s.stuck.some((c) => c.change === change));
  if (!space) throw usage("There is no such change.");
  const stuck = space.stuck.filter((c) => c.change !== change);
  const word = stuck.length === 1 ? "1 change stuck." : `${stuck.length} changes stuck.`;
  return world.changeSpace(space.space, {
    stuck,
    queued: space.queued + queued,
    state: stuck.length > 0 ? "stuck" : queued > 0 ? "syncing" : "synced",
    detail: stuck.length > 0 ? word : queued > 0 ? "1 change on the way." : "All synced.",
  });
}

function favorite(world: World, id: string, fields: Partial<FavoriteView>): FavoriteView {
  const before = world.favorites.find((f) => f.id === id);
  if (!before) throw usage("There is no such favorite.");
  const after = { ...before, ...fields };
  world.favorites = world.favorites.map((f) => (f.id === id ? after : f));
  return after;
}

function setFavorite(world: World, id: string, on: boolean): FavoriteView {
  const known = favorite(world, id, {});
  if (!known.background) throw usage("It has no work for the background.");
  const handle = known.charm ?? known.piece.replace("fid1:", "");
  if (on && !world.charms.some((c) => c.charm === handle)) {
    world.charms = [
      ...world.charms,
      seed.charm(world.time, {
        charm: handle,
        name: known.name,
        space: known.space,
        space_name: known.space_name ?? known.space,
        source: `space:${known.id}`,
        last_run_at: null,
        last_outcome: null,
      }),
    ];
  } else if (!on) {
    world.charms = world.charms.filter((c) => c.charm !== handle);
  }
  const both = on && known.runner === "server";
  const after = favorite(world, id, {
    on,
    charm: on ? handle : null,
    runner: both ? "server" : on ? "here" : "nobody",
    other: on ? null : known.other,
    detail: both
      ? "The server runs this too, so its work is done twice."
      : on
        ? "It runs on this computer."
        : "Nobody runs it.",
  });
  world.changed();
  return after;
}

type Mine =
  | "spaces" | "connect-space" | "disconnect-space" | "retry-change" | "drop-change" | "favorites" | "set-favorite"
  | "take-over" | "publish" | "register";

/** The answers about spaces and favorites. */
export function spaceAnswers(world: World): Pick<Handlers, Mine> {
  return {
    spaces: () => world.spaces,
    "connect-space": (r) => connectSpace(world, r),
    "disconnect-space": (r) => world.changeSpace(r.space, { state: "off", detail: "Not synced: disconnected." }),
    "retry-change": (r) => unstick(world, r.change, 1),
    "drop-change": (r) => unstick(world, r.change, 0),
    favorites: () => world.favorites,
    "set-favorite": (r) => setFavorite(world, r.id, r.on),
    "take-over"(r) {
      favorite(world, r.id, { runner: "nobody", other: null });
      return setFavorite(world, r.id, true);
    },
    publish(r) {
      const space = world.space(r.space);
      if (space.state === "refused") throw fault("space", "Your key may read this space but not write to it.");
      const before = world.charm(r.charm);
      const already = before.space === space.space;
      const charm = world.change(r.charm, { space: space.space, space_name: space.name });
      if (r.favorite) {
        const id = `${space.space}/fid1:${charm.charm}`;
        world.favorites = [
          ...world.favorites,
          {
            id,
            name: charm.name,
            tags: charm.tags,
            space: space.space,
            space_name: space.name,
            piece: `fid1:${charm.charm}`,
            background: true,
            on: true,
            charm: charm.charm,
            runner: "here",
            other: null,
            detail: "It runs on this computer.",
          },
        ];
        world.changed();
      }
      return {
        charm,
        piece: `fid1:${charm.charm}`,
        state: already ? "already" : "placed",
        detail: already ? "It is already there; nothing was changed." : "It is in the space.",
        warnings: before.source.startsWith("builtin:") ? ['"auth" leads to a charm that is only on this computer: others cannot follow it.'] : [],
      };
    },
    register(r) {
      return setFavorite(world, `${r.space}/${r.piece}`, true);
    },
  };
}
