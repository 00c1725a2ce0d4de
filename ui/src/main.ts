// Where the window begins: chooses the backend, shows the app.
import "./styles/index.css";
import { mount } from "svelte";
import App from "./App.svelte";
import { App as AppState } from "$lib/app.svelte";
import type { Client } from "$lib/client";
import { beginTheme } from "$lib/theme";

async function backend(): Promise<Client> {
  if (__FAKE__) {
    const { fakeClient } = await import("$lib/client/fake");
    return fakeClient({ params: new URLSearchParams(location.search) });
  }
  const { tauriClient } = await import("$lib/client/tauri");
  return tauriClient();
}

async function begin(): Promise<void> {
  beginTheme();
  const client = await backend();
  const target = document.getElementById("app");
  if (target) mount(App, { target, props: { app: new AppState(client) } });
}

void begin();
