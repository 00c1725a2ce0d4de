// What jsdom lacks and the components use. Nothing here changes what is tested.
import { afterEach, vi } from "vitest";
import { cleanup, configure } from "@testing-library/svelte";

// A machine that does other work is slow; a test that fails waits in vain.
configure({ asyncUtilTimeout: 5000 });

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}

vi.stubGlobal("ResizeObserver", Observer);
vi.stubGlobal("IntersectionObserver", Observer);
vi.stubGlobal("matchMedia", (query: string) => ({
  matches: false,
  media: query,
  addEventListener() {},
  removeEventListener() {},
}));

// Only names that tests make up are escaped: letters, digits, hyphens.
globalThis.CSS ??= { escape: (name: string) => name.replace(/[^\w-]/g, "\\$&") } as never;

Element.prototype.scrollIntoView = () => {};
Element.prototype.scrollTo = (() => {}) as typeof Element.prototype.scrollTo;
Element.prototype.hasPointerCapture = () => false;
Element.prototype.setPointerCapture = () => {};
Element.prototype.releasePointerCapture = () => {};
Element.prototype.animate ??= (() => ({ finished: Promise.resolve(), cancel() {} })) as never;

afterEach(() => {
  cleanup();
  history.replaceState(null, "", "#");
});
