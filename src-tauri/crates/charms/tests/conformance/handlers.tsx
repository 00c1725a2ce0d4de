// Handlers in every form, actions, and events within one charm.
import { action, Cell, handler, NAME, pattern, Stream, Writable } from "commonfabric";

const generic = handler<{ by?: number }, { n: Writable<number>; plain: number }>(({ by }, { n, plain }) => {
  n.set(n.get() + (by ?? 1));
  console.log("generic", n.get(), typeof plain, plain);
});

const withSchemas = handler(
  { type: "object", properties: { by: { type: "number" } } } as const,
  { type: "object", properties: { n: { type: "number", asCell: true }, plain: { type: "number" } }, required: ["n"] } as const,
  ({ by }, { n, plain }) => {
    (n as Cell<number>).set((n as Cell<number>).get() + (by ?? 0));
    console.log("schemas", (n as Cell<number>).get(), plain);
  },
);

const proxied = handler<unknown, { n: number; list: string[] }>((_event, state) => {
  state.n += 1;
  state.list.push("p");
  console.log("proxy", state.n, state.list.length);
}, { proxy: true });

const failing = handler<unknown, { n: Writable<number> }>((_event, { n }) => { n.set(-1); });

const update = handler<unknown, {
  first: Stream<{ by?: number }>; second: Stream<{ by: number }>; third: Stream<void>; acted: Stream<{ by: number }>; last: Stream<unknown>;
}>(async (_event, { first, second, third, acted, last }) => {
  await new Promise<void>((resolve) => first.send({ by: 2 }, (tx) => { console.log("commit", tx.status().status); resolve(); }));
  await new Promise<void>((resolve) => second.send({ by: 3 }, () => resolve()));
  await new Promise<void>((resolve) => third.send(undefined, () => resolve()));
  // A nested event is handled while this handler waits, in the order of sending.
  const order: string[] = [];
  await Promise.all([10, 20].map((by) => new Promise<void>((resolve) => acted.send({ by }, () => { order.push(`${by}`); resolve(); }))));
  console.log("order", order.join());
  last.send({});
  console.log("not waited for");
});

export default pattern(() => {
  const n = new Writable(0);
  const list = new Writable<string[]>([]);
  const acted = action(({ by }: { by: number }) => {
    n.set(n.get() + by);
    console.log("action", n.get());
  });
  return {
    [NAME]: "Handlers",
    bgUpdater: update({
      first: generic({ n, plain: n }),
      second: withSchemas({ n, plain: 7 }),
      third: proxied({ n, list }),
      acted,
      last: failing({ n }),
    }),
  };
});
// says: generic 2 number 0
// says: commit done
// says: schemas 5 7
// says: proxy 6 1
// says: action 16
// says: action 36
// says: order 10,20
// says: not waited for
