// The modules that a charm can import, by name.
//
// Owns the list of exports: both dialects have the same. The compiler accepts
// imports of these names only.

import * as builders from "ext:ck/builders.js";
import * as effects from "ext:ck/effects.js";
import * as idioms from "ext:ck/idioms.js";
import * as jsx from "ext:ck/jsx.js";
import * as reactive from "ext:ck/reactive.js";
import { Cell, firstValue, makeCell, methods, unwrap } from "ext:ck/cells.js";
import { sameJson } from "ext:ck/diff.js";
import { Stream } from "ext:ck/streams.js";
import { targetOf } from "ext:ck/targets.js";
import { wish } from "ext:ck/wish.js";

/** The id of the document that a cell is in, in the reference's form. */
function getEntityId(value) {
  const found = targetOf(value)?.locate("read");
  return found === undefined || "computed" in found
    ? undefined
    : { "/": found.entry.id.replace(/^of:/, "") };
}

function cell(initial) {
  return makeCell(firstValue(initial));
}

const { SELF, pattern, handler, action, computed, derive, lift, ifElse, when, unless, str } =
  builders;
const { navigateTo, patternTool, uiVariant, getPatternEnvironment, cfData, schema, toSchema } =
  effects;
const { toCompactDebugString, toIndentedDebugString, pendingFunctions } = effects;

const commonfabric = {
  NAME: "$NAME",
  UI: "$UI",
  TILE_UI: "$TILE_UI",
  CHIP_UI: "$CHIP_UI",
  TYPE: "$TYPE",
  FS: "$FS",
  TESTS: "$TESTS",
  ID: "$ID",
  ID_FIELD: "$ID_FIELD",
  SELF,
  pattern,
  recipe: pattern,
  handler,
  action,
  cell,
  Cell,
  Writable: Cell,
  OpaqueCell: Cell,
  ReadonlyCell: Cell,
  WriteonlyCell: Cell,
  ComparableCell: Cell,
  Stream,
  computed,
  derive,
  lift,
  ifElse,
  when,
  unless,
  str,
  wish,
  // A type in charms; here so that an import that was kept finds something.
  Default: undefined,
  equals: (a, b) => methods.equals.call(a, b),
  valueEqual: (a, b) => sameJson(unwrap(a), unwrap(b)),
  getEntityId,
  entityRefToString: (ref) => String(ref["/"]),
  navigateTo,
  patternTool,
  uiVariant,
  getPatternEnvironment,
  getRecipeEnvironment: getPatternEnvironment,
  __cf_data: cfData,
  toIndentedDebugString,
  toCompactDebugString,
  schema,
  toSchema,
  h: jsx.h,
  UiAction: (props) => jsx.jsx("cf-action", props),
  UiPromptSlot: (props) => jsx.jsx("cf-prompt-slot", props),
  UiDisclosure: (props) => jsx.jsx("cf-disclosure", props),
  ...pendingFunctions,
};

const jsxRuntime = {
  Fragment: jsx.Fragment,
  h: jsx.h,
  jsx: jsx.jsx,
  jsxs: jsx.jsxs,
  jsxDEV: jsx.jsxDEV,
};

export const modules = {};
for (const dialect of ["commonfabric", "commontools"]) {
  modules[dialect] = commonfabric;
  modules[`${dialect}/schema`] = { ...commonfabric };
  modules[`${dialect}/jsx-runtime`] = jsxRuntime;
  modules[`${dialect}/jsx-dev-runtime`] = jsxRuntime;
}
// Written by the compiler only: it refuses the name in a charm.
modules["charmkeeper/reactive"] = { ...reactive, ...idioms };
