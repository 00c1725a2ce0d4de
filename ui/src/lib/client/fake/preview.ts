// What the keeper in the page says of a charm that is not added yet: by words
// in its source. "broken" does not compile, "missing" is not there, "mail" asks
// for an account, "poster" has no work for the background.
import type { PreviewView } from "$lib/bindings";
import { fault, usage } from "./errors";

function nameOf(source: string): string {
  const last = source.replace(/\/+$/, "").split("/").at(-1) ?? source;
  const bare = last.replace(/\.[jt]sx?$/, "").replaceAll(/[-_]+/g, " ").trim();
  return bare ? bare.charAt(0).toUpperCase() + bare.slice(1) : "Charm";
}

/** Looks at a source. */
export function preview(source: string): PreviewView {
  const view: PreviewView = {
    name: nameOf(source),
    description: null,
    source,
    files: [],
    tags: [],
    hosts: [],
    wishes: [],
    services: [],
    background: false,
    warnings: [],
    problem: null,
  };
  if (/^[a-z]+:\/\//.test(source) && !source.startsWith("https://")) {
    return { ...view, problem: usage("Charms are read from https addresses only.") };
  }
  if (source.includes("missing")) return { ...view, problem: usage(`${source} cannot be read: there is no such file.`) };
  const files = ["main.tsx", "util/format.ts"];
  if (source.includes("broken")) {
    const where = "main.tsx:14:9: Expected ';', got 'of'\n\n  14 |   const of the days\n     |         ^^";
    return { ...view, files, problem: fault("charm", where, "Mend the source and look at it again.") };
  }
  if (source.includes("poster")) return { ...view, files: ["poster.tsx"], description: "A poster for the fair." };
  if (source.includes("mail")) {
    return {
      ...view,
      files,
      description: "Sorts newsletters into a list of their own.",
      tags: ["#newsletters"],
      hosts: ["gmail.googleapis.com"],
      wishes: ["#googleAuth"],
      services: ["gmail"],
      background: true,
    };
  }
  return {
    ...view,
    files,
    description: "Keeps the weather of the next days.",
    tags: ["#weather"],
    hosts: ["api.weather.example"],
    background: true,
    warnings: [
      { file: "main.tsx", line: 31, column: 5, message: "“navigateTo” opens a page; in the background it does nothing." },
    ],
  };
}
