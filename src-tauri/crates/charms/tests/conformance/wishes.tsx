// wish in both forms: tags with paths, candidates, what is not found, the clock.
import { computed, handler, NAME, pattern, Stream, wish, Writable } from "commonfabric";

interface Other { n: number; deep: { list: string[] }; go: Stream<{ x: number }> }

const update = handler<unknown, {
  found: Other; n: Writable<number>; deep: string; path: string; names: number; missing: unknown; error: string; old: Other; oldPath: string[]; now: number; early: boolean; go: Stream<{ x: number }>;
  starred: { cell: Writable<Other>; tags: string[] }[]; second: number; registry: Writable<unknown[]>; space: unknown; mentionable: Writable<any[]>;
}>(async (_event, { found, n, deep, path, names, missing, error, old, oldPath, now, early, go, starred, second, registry, space, mentionable }) => {
  console.log("result", found.n, n.get(), deep, path, names);
  console.log("missing", missing === undefined || missing === null, error);
  console.log("old", old.n, oldPath.join());
  console.log("now", typeof now, now > 0, early);
  const status = await new Promise((resolve) => go.send({ x: 1 }, (tx) => resolve(tx.status().status)));
  console.log("sent", status);
  console.log("starred", starred.length, starred[0].tags.join(), starred[0].cell.get().n, second);
  registry.push({ title: "mine" });
  console.log("registry", registry.get().length, space === undefined);
  mentionable.push({ title: "mine" });
  console.log("mentionable", mentionable.get().length, mentionable.get()[1].title);
});

export default pattern(() => {
  const found = wish<Other>({ query: "#other", scope: [".", "~"] });
  const missing = wish<Other>({ query: "#nothing" });
  const old = wish<Other>("#other");
  const early = computed(() => !!missing.result);
  return {
    [NAME]: "Wishes",
    bgUpdater: update({
      found: found.result,
      n: found.result.n,
      deep: wish<string>({ query: "#other/deep/list/0" }).result,
      path: wish<string>({ query: "#other", path: ["deep", "list", "1"] }).result,
      names: computed(() => found.candidates.length),
      missing: missing.result,
      error: missing.error,
      old,
      oldPath: wish<string[]>("#other/deep/list"),
      now: wish<number>({ query: "#now" }).result,
      early,
      go: found.result.go,
      starred: wish<any[]>({ query: "#favorites" }).result,
      second: wish<number>({ query: "#mentionable/0/n" }).result,
      mentionable: wish<unknown[]>({ query: "#mentionable" }).result,
      registry: wish<unknown[]>({ query: "#pieceRegistry" }).result,
      space: wish<unknown>("/defaultPattern/settings"),
    }),
  };
});
// says: result 7 7 a b 1
// says: missing true No favorites found matching "#nothing"
// says: old 7 a,b
// says: now number true false
// says: sent done
// says: starred 1 other 7 7
// says: registry 1 true
// says: mentionable 2 mine
