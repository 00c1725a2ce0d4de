// JSX without a screen: elements are plain objects that nobody renders.
//
// Owns their form, and the calling of components where the pattern is built, as
// in the reference system: what a component makes there may be there to write.
// Elsewhere an element is not looked into. What a component shows is of no use
// here, so one that throws is told and changes nothing else.

import { noteOnce } from "ext:ck/run_state.js";
import { describeThrown } from "ext:ck/inspect.js";
import { factoryOf } from "ext:ck/builders.js";
import { inComponentFrame } from "ext:ck/causes.js";
import { isBuilding } from "ext:ck/writes.js";

export const Fragment = "cf-fragment";

// A component that shows itself without end is stopped here.
const MAX_DEPTH = 50;

let depth = 0;
// Those that threw: they are not called again.
const failed = new WeakSet();

function nameOf(component) {
  return factoryOf(component)?.meta.name ?? (component.name || "without a name");
}

/** Calls a component; gives what it gives, or undefined when it threw. */
function show(component, props) {
  depth++;
  try {
    if (depth > MAX_DEPTH) throw new RangeError(`it is shown inside itself ${MAX_DEPTH} times`);
    return inComponentFrame(() => component(props));
  } catch (error) {
    failed.add(component);
    const { message } = describeThrown(error);
    noteOnce(`The component ${nameOf(component)} threw, so what it does is missing: ${message}`);
    return undefined;
  } finally {
    depth--;
  }
}

function element(name, props, children) {
  if (typeof name === "function" && isBuilding() && !failed.has(name)) {
    const made = show(name, { ...props, children });
    if (made !== undefined) return made;
  }
  return { type: "vnode", name, props: props ?? {}, children };
}

export function h(name, props, ...children) {
  return element(name, props, children.flat());
}
h.fragment = ({ children } = {}) => element(Fragment, {}, children ?? []);

export function jsx(name, props) {
  const { children, ...rest } = props ?? {};
  return element(name, rest, children === undefined ? [] : [children].flat());
}

export { jsx as jsxDEV, jsx as jsxs };
