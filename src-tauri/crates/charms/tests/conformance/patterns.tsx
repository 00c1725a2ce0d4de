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

// What is a cell by its type can be written although nobody gave it.
const Ungiven = pattern<{ list?: Writable<string[]>; given: string }>((input) => {
  const list = input.list!;
  return { add: handler<unknown, { list: Writable<string[]> }>((_event, { list }) => list.push("one"))({ list }), list, given: (input as any).key("given") };
});

const update = handler<unknown, {
  bump: Stream<unknown>; count: number; title: string; base: number; items: Writable<any[]>; titles: string[]; of: Writable<number>; self: unknown; ungiven: { add: Stream<unknown>; list: string[]; given: string }; add: Stream<unknown>; pieces: Writable<any[]>;
}>(async (_event, { bump, count, title, base, items, titles, of, self, ungiven, add, pieces }) => {
  console.log(title, count, base, titles.join());
  await new Promise<void>((resolve) => bump.send({}, () => resolve()));
  items.push(Inner({ title: "made", count: 4 }));
  const made = items.get()[items.get().length - 1];
  console.log(made.title, made.count);
  await new Promise<void>((resolve) => items.key(items.get().length - 1).key("bump").send({}, () => resolve()));
  console.log("bumped", items.get()[items.get().length - 1].count);
  of.set(of.get() + 1);
  await new Promise<void>((resolve) => add.send({}, () => resolve()));
  console.log("ungiven", pieces.get()[0].list.join(), ungiven.given);
  // The stream of a piece in a list is one to send to.
  await new Promise<void>((resolve) => pieces.get()[0].add.send({}, () => resolve()));
  console.log("again", pieces.get()[0].list.join());
  console.log("of", of.get(), typeof getEntityId(of)?.["/"], self === undefined);
});

export default pattern<{ items: Item[] | Default<[{ title: "x"; count: 2 }, { title: "y"; count: 3 }]>; deep: { a?: { b: number } } | Default<{ a: { b: 2 } }> }>((input) => {
  const { items, deep } = input;
  const inner = Inner({ title: "inner" });
  const older = Older({});
  const ungiven = Ungiven({ given: "g" });
  const pieces = new Writable<any[]>([ungiven]);
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
    bgUpdater: update({ bump: inner.bump, count: inner.count, title: inner.title, base: older.base, items, titles, of, self: input[SELF] && 1, ungiven, add: ungiven.add, pieces }),
  };
});
// says: inner 1 5 x,y
// says: made 4
// says: bumped 5
// says: ungiven one g
// says: again one,one
// says: of 3 string false
