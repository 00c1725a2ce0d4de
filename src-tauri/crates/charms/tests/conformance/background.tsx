// What a background run does not do: it stays pending, is noted once, and never
// fails. What describes and shows: inert.
import {
  __cf_data, Cell, cellFromUrl, ComparableCell, compileAndRun, computed, entityRefToString, fetchBinary, fetchData, fetchJson,
  fetchJsonUnchecked, fetchProgram, fetchText, FS, generateObject, generateText, getPatternEnvironment,
  getRecipeEnvironment, h, handler, ID, ID_FIELD, llm, llmDialog, NAME, navigateTo, OpaqueCell, pattern, patternTool,
  ReadonlyCell, schema, sqliteQuery, streamData, TESTS, toCompactDebugString, toIndentedDebugString, TYPE, UI, UiDisclosure, UiPromptSlot, uiVariant, valueEqual,
  WriteonlyCell,
} from "commonfabric";

const env = getRecipeEnvironment();
const data = __cf_data({ a: [1] });
const Tool = pattern<{ q: string }>(({ q }) => ({ q }));

const update = handler<unknown, { text: any; object: any; json: any; idle: any; pending: boolean }>((_event, { text, object, json, idle, pending }) => {
  console.log("pending", text.pending, text.result, object.pending, json.pending, json.error, pending, idle.pending);
  navigateTo(Tool({ q: "x" }));
  console.log("environment", env.apiUrl.href === getPatternEnvironment().apiUrl.href, env.apiUrl instanceof URL);
  console.log("data", JSON.stringify(data), toCompactDebugString(data).length > 0);
  console.log(toIndentedDebugString({ a: 1 }));
  console.log("equal", valueEqual({ a: [1] }, { a: [1] }), valueEqual(1, 2), entityRefToString({ "/": "id" }));
  console.log("names", [FS, ID, ID_FIELD, TESTS, TYPE].join());
  console.log("cells", [ComparableCell, OpaqueCell, ReadonlyCell, WriteonlyCell].every((kind: unknown) => kind === Cell));
  console.log("schema", JSON.stringify(schema({ type: "string" })));
});

export default pattern(() => {
  const text = generateText({ prompt: "hello" });
  const object = generateObject<{ a: number }>({ prompt: "hello", schema: { type: "object" } });
  const json = fetchJson<{ a: number }>({ url: "https://example.com/" });
  const idle = generateText({ prompt: computed(() => (env ? "" : "later")) });
  const others = [
    fetchBinary, fetchData, fetchJsonUnchecked, fetchProgram, fetchText, streamData, llm, llmDialog, compileAndRun, cellFromUrl, sqliteQuery,
  ].map((make: any) => make({ prompt: "x", url: "https://example.com/" }));
  const tool = patternTool(Tool, { q: "x" });
  return {
    [NAME]: "Background",
    [UI]: h("div", null, <UiDisclosure>{uiVariant(Tool({ q: "y" }), "tile")}</UiDisclosure>, <UiPromptSlot />),
    tool,
    count: others.length,
    bgUpdater: update({ text, object, json, idle, pending: computed(() => others.every((other: any) => other.pending)) }),
  };
});
// says: generateText does not run in the background: its result stays pending
// says: generateObject does not run in the background: its result stays pending
// says: fetchJson does not run in the background: its result stays pending
// says: fetchBinary does not run in the background: its result stays pending
// says: fetchData does not run in the background: its result stays pending
// says: fetchJsonUnchecked does not run in the background: its result stays pending
// says: fetchProgram does not run in the background: its result stays pending
// says: fetchText does not run in the background: its result stays pending
// says: streamData does not run in the background: its result stays pending
// says: llm does not run in the background: its result stays pending
// says: llmDialog does not run in the background: its result stays pending
// says: compileAndRun does not run in the background: its result stays pending
// says: cellFromUrl does not run in the background: its result stays pending
// says: sqliteQuery does not run in the background: its result stays pending
// says: pending true undefined true true undefined true false
// says: navigateTo was called and is not followed: a background run has no screen
// says: environment true true
// says: data {"a":[1]} true
// says: {
//   "a": 1
// }
// says: equal true false id
// says: names $FS,$ID,$ID_FIELD,$TESTS,$TYPE
// says: cells true
// says: schema {"type":"string"}
