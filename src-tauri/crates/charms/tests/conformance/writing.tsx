// Derived values that write, events that do not fit, and members that are assigned to.
import {
  action,
  computed,
  Default,
  derive,
  handler,
  lift,
  pattern,
  Stream,
  Writable,
} from "commonfabric";

interface Order {
  item: string;
  count: number;
  gift?: boolean;
  note: string | null;
  tags: string[];
  to: { city: string };
  free: any;
  size: number | Default<1>;
}

const place = handler<Order, { orders: Writable<Order[]> }>((order, { orders }) => {
  orders.push(order);
  console.log("ordered", order.item);
});

const scribble = handler<void, { plain: number; list: Writable<string[]>; go: Stream<void> }>(
  (_event, state) => {
    for (const key of ["plain", "list", "go"] as const) {
      try {
        (state as any)[key] = 1;
      } catch (error) {
        console.log((error as Error).message);
      }
    }
  },
);

const untyped = handler((_event: unknown, state: any) => {
  state.total = 5;
  console.log("total", Number(state.total));
});

interface Input {
  total: number | Default<0>;
  seen: number | Default<0>;
}

export default pattern<Input>(({ total, seen }) => {
  const orders = new Writable<Order[]>([]).for("orders");
  const label = new Writable("").for("label");
  const list = new Writable<string[]>([]).for("list");
  const told = action(() => console.log("told of", orders.get().length));
  const order = place({ orders });
  const done = scribble({ plain: 3, list, go: told });
  const add = untyped({ total });

  // Nobody reads these; they run when the handlers have settled.
  computed(() => {
    const count = orders.get().length;
    console.log("counting", count);
    if (seen !== count) seen.set(count);
  });
  const spoken = computed(() => {
    if (seen > 0 && label.get() === "") label.set(`seen ${seen}`);
    return label.get();
  });
  derive(label, (text: string) => {
    if (text !== "" && list.get().length === 0) {
      list.push(text);
      told.send();
    }
  });
  lift((text: string) => {
    if (text === "seen 1") throw new Error("not today");
  })(label);
  // Read by nobody and writing nothing: never worked out.
  const idle = computed(() => {
    console.log("idle");
    return orders.get().length;
  });

  return {
    idle,
    spoken,
    bgUpdater: action(() => {
      const fine = { item: "tea", count: 2, note: null, tags: [], to: { city: "Oslo" } };
      order.send(fine as any);
      done.send();
      add.send({});
      console.log("sent");
    }),
  };
});
// says: sent
// says: ordered tea
// says: Assigning to "plain" would be lost: it is handed over as a plain value. Declare it as Writable<..> in the type of what this function is given and use plain.set(value)
// says: Assigning to "list" would be lost: it is a cell, so use list.set(value)
// says: Assigning to "go" would be lost: it is a stream, so use go.send(event)
// says: total 5
// says: counting 1
// says: The derived value at main.tsx:77 threw, so what it writes is missing: not today
// says: told of 1
// says: counting 1
