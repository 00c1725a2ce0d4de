// The program around the window, for the keeper in the page.
import type { Shell } from "../types";
import { fault, usage } from "./errors";
import { useClientText } from "./rest";
import * as seed from "./seed";
import type { World } from "./world";

export interface Traces {
  /** Texts that were copied. */
  copied: string[];
  /** Addresses and folders that were opened. */
  opened: string[];
}

/** The shell's methods, by their names in `Shell`. */
export function fakeShell(world: World, traces: Traces, sandbox: boolean): Shell {
  /** Answers, or fails when the test said so. */
  const guard = async <T>(name: keyof Shell, work: () => T): Promise<T> => {
    const failure = world.failures.get(name);
    if (failure) throw failure;
    return work();
  };
  return {
    autostartGet: () => guard("autostartGet", () => world.autostart),
    autostartSet: (on) =>
      guard("autostartSet", () => {
        if (!world.autostart.available) throw fault("local", world.autostart.reason ?? "It is not available.");
        world.autostart = { ...world.autostart, enabled: on };
        return world.autostart;
      }),
    openUrl: (url) =>
      guard("openUrl", () => {
        if (!url.startsWith("https://")) throw usage("This link cannot be opened: only https addresses are.");
        traces.opened.push(url);
        return null;
      }),
    pick: (what) => guard("pick", () => world.picks[what] ?? null),
    copyText: (text) =>
      guard("copyText", () => {
        traces.copied.push(text);
        return null;
      }),
    useClientText: (text) => guard("useClientText", () => useClientText(world, text)),
    spaceIdentity: (how, value) =>
      guard("spaceIdentity", () => {
        if (how === "words" && value.trim().split(/\s+/).length !== 24) throw usage("A key has 24 words.");
        if (how === "file" && !/\.(pem|key)$/.test(value)) throw usage("That file holds no key.");
        return { identity: seed.HOME };
      }),
    appInfo: () =>
      guard("appInfo", () => ({
        version: "0.1.0",
        platform: "linux",
        sandbox,
        home: "/home/kim/.local/share/charmkeeper",
        debug: false,
      })),
    trySandbox: () =>
      guard("trySandbox", () => {
        if (sandbox) throw usage("This is the sandbox already.");
        traces.opened.push("sandbox");
        return null;
      }),
    quit: () =>
      guard("quit", () => {
        traces.opened.push("quit");
        return null;
      }),
    reveal: (path) =>
      guard("reveal", () => {
        traces.opened.push(path);
        return null;
      }),
  };
}
