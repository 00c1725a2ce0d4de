// Keeps the keyboard where the work is when a part of a page is replaced by
// another: the new part takes the focus.

/** An attachment: takes the focus when the element appears. */
export function takeFocus(element: HTMLElement): void {
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
