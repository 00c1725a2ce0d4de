// How the window is built and tested.
//
// Two builds of one source: the program's, which speaks to Tauri, and `--mode
// fake`, which holds a keeper that lives in the page (development, screenshots).
// The page's policy forbids inline scripts and style attributes, so nothing is
// inlined here, and the fake build carries the same policy to prove it.
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What src-tauri/tauri.conf.json sets, less the address of its own calls. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; " +
  "connect-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'";

function policy(): Plugin {
  return {
    name: "page-policy",
    apply: "build",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: POLICY },
        injectTo: "head-prepend",
      },
    ],
  };
}

export default defineConfig(({ mode }) => {
  const fake = mode === "fake" || mode === "test";
  return {
    base: "./",
    plugins: [svelte(), ...(mode === "fake" ? [policy()] : [])],
    define: { __FAKE__: JSON.stringify(fake) },
    resolve: {
      alias: { $lib: here("./src/lib"), $locale: here("./src/locale") },
      // Tests run the browser's half of Svelte.
      ...(mode === "test" ? { conditions: ["browser"] } : {}),
    },
    build: {
      outDir: "dist",
      emptyOutDir: true,
      target: ["es2022", "safari16.4"],
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      reportCompressedSize: false,
    },
    test: {
      environment: "jsdom",
      include: ["tests/**/*.test.ts", "src/**/*.test.ts"],
      setupFiles: ["tests/setup.ts"],
      env: { TZ: "UTC", DEBUG_PRINT_LIMIT: "0" },
      // Libraries that ask whether they run in a browser have to be told so.
      server: { deps: { inline: [/bits-ui/, /svelte-toolbelt/, /runed/, /esm-env/] } },
      css: false,
      // A machine that does other work is slow; axe on a long list is the slowest.
      testTimeout: 120_000,
    },
  };
});
