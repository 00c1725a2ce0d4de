// Values made of other values, in every form, and that they follow what they are made of.
import {
  cell, computed, derive, handler, ifElse, lift, NAME, pattern, str, toSchema, unless, when, Writable,
} from "commonfabric";

const double = lift((n: number) => n * 2);
const area = lift<{ w: number; h: number }, number>(({ w, h }) => w * h);
const typed = lift(
  { type: "object", properties: { n: { type: "number" } } } as const,
  { type: "number" } as const,
  ({ n }: { n: number }) => n + 0.5,
);

interface Shown {
  n: Writable<number>;
  list: Writable<number[]>;
  shown: Record<string, unknown>;
}
const update = handler<unknown, Shown>((_event, { n, list, shown }) => {
  const say = (when: string) => { for (const key of Object.keys(shown)) console.log(when, key, JSON.stringify(shown[key])); };
  say("now");
  n.set(0);
  list.push(4);
});
const again = handler<unknown, Shown>((_event, { shown }) => {
  for (const key of Object.keys(shown)) console.log("later", key, JSON.stringify(shown[key]));
});
const both = handler<unknown, { one: any; two: any }>(async (_event, { one, two }) => {
  await new Promise<void>((resolve) => one.send({}, () => resolve()));
  two.send({});
});

export default pattern(() => {
  const n = cell(3);
  const list = new Writable([1, 2, 3]);
  const shown = {
    computed: computed(() => n.get() + 1),
    derive: derive(n, (value) => value + 2),
    many: derive({ n, list }, ({ n, list }) => n + list.length),
    lift: double(n),
    area: area({ w: n, h: 5 }),
    typed: typed({ n }),
    ifElse: ifElse(n, "some", "none"),
    when: when(n, "yes"),
    unless: unless(n, "nothing"),
    str: str`n is ${n}`,
    template: `n = ${n}`,
    ternary: n.get() > 1 ? "big" : "small",
    and: n && "and",
    or: n || "or",
    not: !n,
    map: list.map((item) => item * 10),
    filter: list.filter((item) => item > 1),
    chained: computed(() => double(n)),
    schema: typeof toSchema<{ a: number }>(),
  };
  const one = update({ n, list, shown });
  const two = again({ n, list, shown });
  return { [NAME]: str`Derived ${n}`, bgUpdater: both({ one, two }) };
});
// says: now computed 4
// says: now derive 5
// says: now many 6
// says: now lift 6
// says: now area 15
// says: now typed 3.5
// says: now ifElse "some"
// says: now when "yes"
// says: now unless 3
// says: now str "n is 3"
// says: now template "n = 3"
// says: now ternary "big"
// says: now and "and"
// says: now or 3
// says: now not false
// says: now map [10,20,30]
// says: now filter [2,3]
// says: now chained 6
// says: now schema "object"
// says: later computed 1
// says: later derive 2
// says: later many 4
// says: later lift 0
// says: later area 0
// says: later typed 0.5
// says: later ifElse "none"
// says: later when 0
// says: later unless "nothing"
// says: later str "n is 0"
// says: later template "n = 0"
// says: later ternary "small"
// says: later and 0
// says: later or "or"
// says: later not true
// says: later map [10,20,30,40]
// says: later filter [2,3,4]
// says: later chained 0
// says: later schema "object"
