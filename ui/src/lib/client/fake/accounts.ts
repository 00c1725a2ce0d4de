// Accounts of the keeper in the page, and the conversation of signing in.
import type { ConnectView } from "$lib/bindings";
import type { AskOf } from "../answers";
import { fault, usage } from "./errors";
import { run } from "./charms";
import * as seed from "./seed";
import type { Handlers, World } from "./world";

const THINKING_MS = 4000;
const FINISHING_MS = 900;
const URL =
  "https://accounts.google.com/o/oauth2/v2/auth?client_id=1047-sample.apps.googleusercontent.com&redirect_uri=http%3A%2F%2F127.0.0.1%3A41711&response_type=code";

type Connect = AskOf<"connect">;

function connect(world: World, request: Connect): Promise<ConnectView> {
  if (world.settings.client.source === "none" && !request.client) {
    throw usage("No Google client id is set up.", "Create an OAuth client of the type “Desktop app” in Google Cloud console and download its file.");
  }
  world.cancelConnect?.();
  return new Promise((done, fail) => {
    const finish = () => {
      world.emit({ event: "progress", message: "Signing in" });
      world.cancelConnect = null;
      world.time.after(FINISHING_MS, () => done(connected(world, request)));
    };
    const answer = () => {
      if (world.browser === "refuses") {
        world.cancelConnect = null;
        fail(fault("sign-in", "Access was refused in the browser.", "Nothing was changed. Begin again when you want to allow it."));
      } else finish();
    };
    let stop = () => {};
    world.cancelConnect = () => {
      stop();
      world.cancelConnect = null;
      fail(fault("sign-in", "The sign-in was cancelled."));
    };
    world.emit({ event: "open-url", url: URL });
    if (world.browser !== "waits") stop = world.time.after(THINKING_MS, answer);
  });
}

function connected(world: World, request: Connect): ConnectView {
  const asked = request.services.length > 0 ? request.services : ["gmail", "calendar"];
  // Who unticks one box leaves the last one empty.
  const granted = world.browser === "grants-some" ? asked.slice(0, -1) : asked;
  const known = request.account ? world.account(request.account) : undefined;
  const services = [...new Set([...(known?.services ?? []), ...granted])];
  const fresh = seed.account(world.time, known?.account ?? world.id("account"), known?.email ?? "robin@example.com", services);
  const account = { ...fresh, connected_at: known?.connected_at ?? world.time.iso() };
  world.accounts = [...world.accounts.filter((a) => a.account !== account.account), account];
  const charms = granted
    .filter((s) => !world.charms.some((c) => c.account === account.account && c.source.includes(s)))
    .map((s) => importer(world, s, account.account));
  for (const charm of world.charms.filter((c) => c.account === account.account && c.state === "sign-in")) {
    world.change(charm.id, { state: "waiting", detail: "Waits for its next run.", next_run_at: world.next(charm) });
  }
  world.changed();
  for (const charm of charms) void run(world, charm, "added");
  return { account, granted, missing: asked.filter((s) => !granted.includes(s)), charms };
}

/** Adds the charm that imports a service; its handle. */
function importer(world: World, service: string, account: string): string {
  const base = service === "gmail" ? "gmail-importer" : "google-calendar-importer";
  const taken = world.charms.filter((c) => c.charm.startsWith(base)).length;
  const charm = seed.charm(world.time, {
    charm: taken === 0 ? base : `${base}-${taken + 1}`,
    name: service === "gmail" ? "Gmail importer" : "Google Calendar importer",
    hosts: [service === "gmail" ? "gmail.googleapis.com" : "www.googleapis.com"],
    account,
    source: `builtin:${base}`,
    last_run_at: null,
    last_outcome: null,
  });
  world.charms = [...world.charms, charm];
  return charm.charm;
}

/** The answers about accounts. */
export function accountAnswers(world: World): Pick<Handlers, "accounts" | "connect" | "cancel-connect" | "disconnect"> {
  return {
    accounts: () => world.accounts,
    connect: (r) => connect(world, r),
    "cancel-connect"() {
      if (!world.cancelConnect) throw usage("No sign-in is waiting for the browser.");
      world.cancelConnect();
      return null;
    },
    disconnect(r) {
      const gone = world.account(r.account);
      world.accounts = world.accounts.filter((a) => a !== gone);
      const stopped = world.charms.filter((c) => c.account === gone.account);
      for (const charm of stopped) {
        world.change(charm.id, { account: null, state: "sign-in", detail: "No account is connected for it.", next_run_at: null });
      }
      world.changed();
      return { account: gone.account, email: gone.email, revoked: true, stopped: stopped.map((c) => c.charm) };
    },
  };
}
