// A person's home space in which Charmkeeper placed the first favorite, until their
// browser puts its own home program here. Keeps the list of favorites and nothing else.
import { type Default, equals, handler, NAME, pattern, type Stream, Writable } from "commonfabric";

type Favorite = {
  cell: { [NAME]?: string };
  tags: string[];
  userTags: string[];
  spaceName?: string;
  id?: string;
};

type Added = { piece: Writable<{ [NAME]?: string }>; tags?: string[]; spaceName?: string; id?: string };
type Removed = { piece?: Writable<unknown>; id?: string };

interface Output {
  [NAME]: string;
  favorites: Writable<Favorite[] | Default<[]>>;
  addFavorite: Stream<Added>;
  removeFavorite: Stream<Removed>;
}

const add = handler<Added, { favorites: Writable<Favorite[]> }>(
  ({ piece, tags, spaceName, id }, { favorites }) => {
    if (!id) return;
    const entry = favorites.elementById(id);
    if (!entry.get()) entry.set({ cell: piece, tags: tags ?? [], userTags: [], spaceName, id });
    favorites.addUnique(entry);
  },
);

const remove = handler<Removed, { favorites: Writable<Favorite[]> }>(({ piece, id }, { favorites }) => {
  const stays = (one: Favorite) => (id ? one.id !== id : !equals(one.cell, piece));
  favorites.set(favorites.get().filter((one) => one && stays(one)));
});

export default pattern<Record<string, never>, Output>(() => {
  const favorites = new Writable<Favorite[]>([]).for("favorites");
  return {
    [NAME]: "Home",
    favorites,
    addFavorite: add({ favorites }),
    removeFavorite: remove({ favorites }),
  };
});
