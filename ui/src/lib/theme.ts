// Light or dark, as chosen or as the system has it. The tokens depend on one
// attribute, so that a page can be drawn in either for a screenshot. The choice
// is remembered by the page as well, for the moment before the keeper answers.

const KEY = "theme";

const system = matchMedia("(prefers-color-scheme: dark)");
/** Nothing before anybody chose, which looks like `system`. */
let chosen: string | undefined;

function show(): void {
  const dark = chosen === "dark" || (chosen !== "light" && system.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

system.addEventListener("change", show);

/** Shows `system`, `light` or `dark`. */
export function applyTheme(theme: string): void {
  // The keeper's settings are read often, and hardly ever say anything new.
  if (theme === chosen) return;
  chosen = theme;
  show();
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // A page without storage begins with the system's theme.
  }
}

/** Shows what was chosen last. */
export function beginTheme(): void {
  try {
    chosen = localStorage.getItem(KEY) ?? undefined;
  } catch {
    // A page without storage begins with the system's theme.
  }
  show();
}
