// What derive and lift hand out keeps its link: a write through it reaches the
// cell that it came from. What is truly derived cannot be written, and says so.
import { Cell, computed, derive, handler, ifElse, lift, NAME, pattern, Writable } from "commonfabric";

interface Auth { token: string; user: { email: string } }
interface Item { id: string; n: number }

const pick = lift(({ piece }: { piece: { auth: Cell<Auth> } }) => piece.auth);

const update = handler<unknown, {
  one: Writable<Auth>; two: Writable<Auth>; three: Writable<Auth>; lifted: Writable<Auth>; origin: Writable<Auth>;
  items: Writable<Item[]>; big: Writable<Item[]>; kept: Writable<Item[]>; sum: Writable<number>;
}>((_event, { one, two, three, lifted, origin, items, big, kept, sum }) => {
  one.update({ token: "one" });
  console.log("derive", origin.get().token, origin.get().user.email);
  two.key("user").set({ email: "two" });
  console.log("ifElse", origin.get().user.email);
  three.set({ token: "three", user: { email: "three" } });
  console.log("computed", origin.get().token);
  lifted.update({ token: "lifted" });
  console.log("lift", origin.get().token);

  // Elements that were pushed have documents of their own.
  items.push({ id: "a", n: 1 }, { id: "b", n: 2 }, { id: "c", n: 3 });
  kept.set(big.get());
  items.key(1).update({ n: 20 });
  console.log("a kept view", kept.get().map((item) => item.n).join());
  items.set([...items.get()].reverse());
  items.key(0).update({ n: 30 });
  console.log("reversed", items.get().map((item) => item.n).join(), kept.get().map((item) => item.n).join());
  items.set(items.get().map((item) => (item.id === "a" ? { ...item, n: 10 } : item)));
  console.log("one replaced", items.get().map((item) => item.n).join());

  try {
    sum.set(5);
    console.log("no error");
  } catch (error) {
    console.log("derived", error instanceof Error && /computed|derived/.test(error.message));
  }
});

export default pattern<{ auth: Auth; items: Item[] }>(({ auth, items }) => {
  const kept = new Writable<Item[]>([]);
  const big = computed(() => items.filter((item: Item) => item.n > 1));
  return {
    [NAME]: "Live",
    bgUpdater: update({
      one: derive(auth, (auth) => auth),
      two: ifElse(true, auth, undefined),
      three: computed(() => auth),
      lifted: pick({ piece: { auth } }),
      origin: auth,
      items,
      big,
      kept,
      sum: computed(() => items.length + 1),
    }),
  };
});
// argument: {"auth": {"token": "t", "user": {"email": "e"}}, "items": []}
// says: derive one e
// says: ifElse two
// says: computed three
// says: lift lifted
// says: a kept view 20,3
// says: reversed 30,20,1 20,30
// says: one replaced 30,20,10
// says: derived true
