// What the window needs from its surroundings, as one interface with two
// backends: the program (`tauri.ts`) and a keeper in the page (`fake/`).
// Nothing else in the window knows which one it speaks to.
import type { ApiError, Event, SettingsView } from "$lib/bindings";
import type { AnswerOf, Ask } from "./answers";

/** The keeper and the shell around the window. */
export interface Client {
  /** Asks the keeper. Rejects with an `ApiError`, never with anything else. */
  call<R extends Ask>(request: R): Promise<AnswerOf<R["do"]>>;
  /** Hears what the keeper tells; the answer ends the listening. */
  events(listener: (event: Event) => void): () => void;
  /** Hears which page tray, notification or a second start asks for. */
  navigations(listener: (page: string) => void): () => void;
  /** What the program around the window can do. */
  shell: Shell;
}

/** What a native dialog is asked for. */
export type PickWhat =
  | "charm-file"
  | "charm-folder"
  | "client-file"
  | "key-file"
  | "folder"
  | "save-csv"
  | "save-json";

/** Starting at login. */
export interface Autostart {
  enabled: boolean;
  available: boolean;
  /** Why it is not available. */
  reason?: string;
}

/** What the program is. */
export interface AppInfo {
  version: string;
  platform: string;
  /** True in the try-out profile. */
  sandbox: boolean;
  /** Data folder. */
  home: string;
  /** True for a development build. */
  debug: boolean;
}

/** The program around the window. Every method rejects with an `ApiError`. */
export interface Shell {
  autostartGet(): Promise<Autostart>;
  autostartSet(on: boolean): Promise<Autostart>;
  /** Opens an https address, or the pending sign-in address, in the browser. */
  openUrl(url: string): Promise<null>;
  /** A native dialog; `null` when it was closed without a choice. */
  pick(what: PickWhat): Promise<string | null>;
  copyText(text: string): Promise<null>;
  /** A pasted client: JSON, or a client id with the secret on a second line. */
  useClientText(text: string): Promise<SettingsView>;
  /** Puts a key into the keychain; answers its public identity. */
  spaceIdentity(how: "file" | "words" | "passphrase", value: string): Promise<{ identity: string }>;
  appInfo(): Promise<AppInfo>;
  /** Opens the try-out profile, in a window of its own. */
  trySandbox(): Promise<null>;
  quit(): Promise<null>;
  /** Opens the folder of a path in the system's file manager. */
  reveal(path: string): Promise<null>;
}

/** Makes an `ApiError` of whatever was thrown. */
export function asApiError(thrown: unknown): ApiError {
  if (typeof thrown === "object" && thrown !== null && "kind" in thrown && "message" in thrown) {
    return thrown as ApiError;
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { kind: "local", message };
}
