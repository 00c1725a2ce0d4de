// Keeps the keyboard where the work is when a part of a page is replaced by
// another, or when what had the focus is gone.

/** An attachment: takes the focus when the element appears. */
export function takeFocus(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}

const REACHED = ':is(a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), summary, [tabindex="0"])';

/** What is new counts as the successor when it stands so near to where the focus was. */
const NEAR = 3;

/** What can be reached by keyboard inside `root`, in order. */
function reached(root: ParentNode): HTMLElement[] {
  return [...root.querySelectorAll<HTMLElement>(REACHED)].filter((e) => e.tabIndex >= 0);
}

const seen = (element: HTMLElement) => element.isConnected && (element.checkVisibility?.() ?? true);

/** Marks what stands beside the page and goes away by itself, as messages do. */
const ASIDE = "[data-aside]";

/**
 * An attachment: when the element that has the focus is taken away (a button
 * that is done with), what took its place gets it, or else its neighbour;
 * from what stands aside it goes back to where it came from. It would go to
 * the top of the window otherwise.
 */
export function keepFocus(root: HTMLElement): () => void {
  let last: { element: HTMLElement; parents: HTMLElement[]; order: HTMLElement[] } | undefined;
  /** What had the focus before something aside got it. */
  let before: HTMLElement | undefined;

  function remember({ target, relatedTarget }: FocusEvent) {
    if (!(target instanceof HTMLElement)) return;
    const aside = target.closest(ASIDE);
    if (!aside) before = undefined;
    else if (relatedTarget instanceof HTMLElement && !aside.contains(relatedTarget)) before = relatedTarget;
    const parents: HTMLElement[] = [];
    for (let up = target.parentElement; up && up !== root.parentElement; up = up.parentElement) parents.push(up);
    last = { element: target, parents, order: reached(root) };
  }

  function mend() {
    if (!last || last.element.isConnected) return;
    if (document.activeElement && document.activeElement !== document.body) return;
    const { element, parents, order } = last;
    last = undefined;
    const aside = parents.find((p) => p.matches(ASIDE));
    if (aside) {
      const back = before?.isConnected ? before : root.querySelector<HTMLElement>("h1");
      (reached(aside)[0] ?? back)?.focus({ preventScroll: true });
      return;
    }
    const place = parents.slice(0, NEAR).find((p) => p.isConnected);
    const fresh = place && reached(place).find((e) => !order.includes(e) && seen(e));
    const at = order.indexOf(element);
    const near = order.slice(at + 1).find(seen) ?? order.slice(0, Math.max(at, 0)).findLast(seen);
    (fresh ?? near)?.focus({ preventScroll: true });
  }

  const observer = new MutationObserver(mend);
  // A dialog is beside the root, and its end is when the focus may be gone.
  observer.observe(document.body, { childList: true, subtree: true });
  root.addEventListener("focusin", remember);
  return () => {
    observer.disconnect();
    root.removeEventListener("focusin", remember);
  };
}
