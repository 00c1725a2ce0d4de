// Patterns in patterns, made in the body, in a list and in a handler; defaults of
// both dialects; names and elements.
import {
  Cell, CHIP_UI, Default, getEntityId, handler, NAME, pattern, recipe, SELF, Stream, TILE_UI, UI, UiAction, Writable,
} from "commonfabric";

interface Item { title: string; count: Default<number, 1> }

const bump = handler<unknown, { count: Cell<number> }>((_event, { count }) => count.set(count.get() + 1));

const Inner = pattern<Item>(({ title, count }) => ({
  [NAME]: title,
  [UI]: <div>{title}</div>,
  title,
  count,
  bump: bump({ count }),
}));
const Older = recipe<{ base: number | Default<5> }>("Older", ({ base }) => ({ base, hidden: Cell.of(base) }));

const update = handler<unknown, {
  bump: Stream<unknown>; count: number; title: string; base: number; items: Writable<any[]>; titles: string[]; of: Writable<number>; self: unknown;
}>(async (_event, { bump, count, title, base, items, titles, of, self }) => {
  console.log(title, count, base, titles.join());
  await new Promise<void>((resolve) => bump.send({}, () => resolve()));
  items.push(Inner({ title: "made", count: 4 }));
  const made = items.get()[items.get().length - 1];
  console.log(made.title, made.count);
  await new Promise<void>((resolve) => items.key(items.get().length - 1).key("bump").send({}, () => resolve()));
  console.log("bumped", items.get()[items.get().length - 1].count);
  of.set(of.get() + 1);
  console.log("of", of.get(), typeof getEntityId(of)?.["/"], self === undefined);
});

export default pattern<{ items: Item[] | Default<[{ title: "x"; count: 2 }, { title: "y"; count: 3 }]>; deep: { a?: { b: number } } | Default<{ a: { b: 2 } }> }>((input) => {
  const { items, deep } = input;
  const inner = Inner({ title: "inner" });
  const older = Older({});
  const of = Writable.of(deep.a?.b).for("of");
  const titles = items.map((item) => Inner({ title: item.title, count: item.count }).title);
  return {
    [NAME]: inner[NAME],
    [UI]: (
      <cf-vstack>
        {inner[UI]}
        <>
          <cf-button onClick={inner.bump}>Add</cf-button>
          <UiAction label="x" />
        </>
        {items.map((item) => <p>{item.title}</p>)}
      </cf-vstack>
    ),
    [TILE_UI]: <b>tile</b>,
    [CHIP_UI]: <i>chip</i>,
    items,
    bgUpdater: update({ bump: inner.bump, count: inner.count, title: inner.title, base: older.base, items, titles, of, self: input[SELF] && 1 }),
  };
});
// says: inner 1 5 x,y
// says: made 4
// says: bumped 5
// says: of 3 string false
