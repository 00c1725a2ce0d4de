// JSX without a screen: elements are plain objects that nobody renders.
//
// Owns their form. Never calls a component or a child: a background run has
// nothing to show, and what it would show is never stored.

export const Fragment = "cf-fragment";

function element(name, props, children) {
  return { type: "vnode", name, props: props ?? {}, children };
}

export function h(name, props, ...children) {
  return element(name, props, children);
}
h.fragment = ({ children } = {}) => element(Fragment, {}, children ?? []);

export function jsx(name, props) {
  const { children, ...rest } = props ?? {};
  return element(name, rest, children === undefined ? [] : [children].flat());
}

export { jsx as jsxDEV, jsx as jsxs };
