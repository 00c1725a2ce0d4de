// The window inside the program. The only file that imports from Tauri.
//
// Owns: the names of commands and events, and turning every failure into an
// `ApiError`. Never looks into what it carries.
import { invoke } from "@tauri-apps/api/core";
import { listen, type UnlistenFn } from "@tauri-apps/api/event";
import type { Event } from "$lib/bindings";
import type { AnswerOf, Ask } from "./answers";
import { asApiError, type Client, type Shell } from "./types";

async function command<T>(name: string, args: object = {}): Promise<T> {
  try {
    return await invoke<T>(name, { args });
  } catch (thrown) {
    throw asApiError(thrown);
  }
}

/** Listening begins in the future; ending it must not wait for that. */
function hear<T>(name: string, listener: (payload: T) => void): () => void {
  let over = false;
  let end: UnlistenFn | undefined;
  void listen<T>(name, (event) => {
    if (!over) listener(event.payload);
  }).then((unlisten) => {
    if (over) unlisten();
    else end = unlisten;
  });
  return () => {
    over = true;
    end?.();
  };
}

const shell: Shell = {
  autostartGet: () => command("autostart_get"),
  autostartSet: (on) => command("autostart_set", { on }),
  openUrl: (url) => command("open_url", { url }),
  pick: (what) => command("pick", { what }),
  copyText: (text) => command("copy_text", { text }),
  useClientText: (text) => command("use_client_text", { text }),
  spaceIdentity: (how, value) => command("space_identity", { how, value }),
  appInfo: () => command("app_info"),
  trySandbox: () => command("try_sandbox"),
  quit: () => command("quit"),
  reveal: (path) => command("reveal", { path }),
};

/** The client of the program. */
export function tauriClient(): Client {
  return {
    call<R extends Ask>(request: R): Promise<AnswerOf<R["do"]>> {
      const { do: kind, ...args } = request;
      return command(kind.replaceAll("-", "_"), args);
    },
    events: (listener) => hear<Event>("keeper", listener),
    navigations: (listener) => hear<string>("navigate", listener),
    shell,
  };
}
