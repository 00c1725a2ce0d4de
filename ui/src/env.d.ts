/// <reference types="svelte" />
/// <reference types="vite/client" />

/** True in the build that holds its own keeper; false in the program. */
declare const __FAKE__: boolean;
