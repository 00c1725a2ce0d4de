// Methods of cells, and that each write reaches its document.
import { Cell, Default, equals, handler, NAME, pattern, Writable } from "commonfabric";

interface Note { title: string; done?: boolean }
interface State {
  n: Writable<number>;
  person: Writable<{ name: string; address: { city: string; zip?: string } }>;
  notes: Writable<Note[]>;
  old: Cell<string>;
  fresh: Writable<string[]>;
}

const update = handler<unknown, State>(async (_event, { n, person, notes, old, fresh }) => {
  n.set(n.get() + 1);
  n.increment(2);
  console.log("number", n.get());

  person.update({ name: "Bo" });
  person.key("address").update({ zip: "1" });
  person.key("address", "city").set("Rome");
  console.log("object", JSON.stringify(person.get()));
  const { address } = person.get();
  person.key("address").set({ city: "Oslo" });
  console.log("read before", address.city, "read after", person.get().address.city);

  notes.push({ title: "b" }, { title: "c" });
  console.log("pushed", notes.get().map((note) => note.title).join());
  notes.key(1).update({ done: true });
  console.log("by key", JSON.stringify(notes.get()[1]), notes.get().length);
  const [first, second] = notes.get();
  notes.addUnique(first);
  console.log("unique", notes.get().length);
  notes.remove(first);
  console.log("removed", notes.get().map((note) => note.title).join());
  console.log("equals", equals(second, notes.key(0)), notes.key(0).equals(notes.key(1)), equals({ a: 1 }, { a: 1 }));

  notes.set(notes.get().filter((note) => note.title === "c"));
  notes.key(0).key("title").set("C");
  console.log("link", Object.keys(notes.getAsNormalizedFullLink()).join(), notes.getAsNormalizedFullLink().path.join());
  console.log("a filtered list", JSON.stringify(notes.get()));

  old.set(`${old.get()}!`);
  await old.sync();
  console.log("old", old.get());
  for (const word of ["x", "y", "x"]) fresh.addUnique(word);
  console.log("fresh", fresh.get().join(), fresh.get().includes("y"));
  fresh.set([]);
  console.log("empty", JSON.stringify(fresh.get()));
});

export default pattern<{
  n: number | Default<1>;
  person: { name: string; address: { city: string; zip?: string } } | Default<{ name: "Al"; address: { city: "Bern" } }>;
  notes: Note[] | Default<[{ title: "a" }]>;
  old: Default<string, "hi">;
}>(({ n, person, notes, old }) => {
  const fresh = new Writable<string[]>([]).for("fresh");
  return { [NAME]: "Cells", n, notes, fresh, bgUpdater: update({ n, person, notes, old, fresh }) };
});
// says: number 4
// says: object {"name":"Bo","address":{"city":"Rome","zip":"1"}}
// says: read before Rome read after Oslo
// says: pushed a,b,c
// says: by key {"title":"b","done":true} 3
// says: unique 3
// says: removed b,c
// says: equals true false true
// says: link id,space,scope,path notes
// says: a filtered list [{"title":"C"}]
// says: old hi!
// says: fresh x,y true
// says: empty []
