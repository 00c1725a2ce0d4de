// Whether a value fits a JSON schema that a handler was given.
//
// Owns the parts of JSON Schema that charms use for events and state: types,
// required members, lists, enumerations, alternatives. What it does not know
// fits. Never changes or copies a value.

import { isHandle } from "ext:ck/targets.js";

function typeOf(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value;
}

function isOfType(value, type) {
  const found = typeOf(value);
  if (type === "integer") return found === "number" && Number.isInteger(value);
  return found === type || (type === "undefined" && value === undefined);
}

/** Cells and streams are what they are; only their presence is looked at. */
function isHeld(schema) {
  return Boolean(schema.asCell || schema.asStream || schema.asOpaque);
}

const at = (path) => (path === "" ? "" : ` at ${path}`);

function ofObject(value, schema, path) {
  for (const key of schema.required ?? []) {
    const { default: preset } = schema.properties?.[key] ?? {};
    if (value[key] === undefined && preset === undefined)
      return `"${key}" is missing${at(path)}`;
  }
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    if (value[key] === undefined) continue;
    const found = misfit(value[key], inner, path === "" ? key : `${path}.${key}`);
    if (found !== null) return found;
  }
  return null;
}

/** Why a value does not fit, in words; null when it does. */
export function misfit(value, schema, path = "") {
  // A cell in the place of a value is not looked into.
  if (schema === null || typeof schema !== "object" || isHeld(schema) || isHandle(value))
    return null;
  const choices = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(choices)) {
    const tried = choices.map((choice) => misfit(value, choice, path));
    return tried.includes(null) || tried.length === 0 ? null : tried[0];
  }
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.length > 0 && !types.some((type) => isOfType(value, type)))
    return `${types.join(" or ")} is wanted${at(path)}, not ${typeOf(value)}`;
  if (Array.isArray(schema.enum) && !schema.enum.includes(value))
    return `one of ${JSON.stringify(schema.enum)} is wanted${at(path)}`;
  if (typeOf(value) === "object") return ofObject(value, schema, path);
  if (Array.isArray(value) && typeof schema.items === "object") {
    for (let i = 0; i < value.length; i++) {
      const found = misfit(value[i], schema.items, `${path}[${i}]`);
      if (found !== null) return found;
    }
  }
  return null;
}

/** Throws when `value`, the handler's event or state, does not fit. */
export function checkFit(value, schema, what) {
  const found = misfit(value, schema);
  if (found !== null) throw new TypeError(`The ${what} does not fit the handler: ${found}`);
}
