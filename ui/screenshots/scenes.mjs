// What is photographed: an address of the page with the keeper in it
// (src/lib/client/fake), and what a person does there first.
//
// A step is `click:NAME` (what a screen reader calls a control), `tab:N`,
// `key:NAME`, `type:TEXT` into what has the focus, `end` (to the end of the
// page) or `wait:TEXT` (until the page holds it).

/** The moment it is in every picture. */
const NOW = "2026-11-21T14:05:00Z";

const run = (n) => `00000000-0000-7000-8000-${String(n).padStart(12, "0")}`;

/** `forced`: in the colours of a system with high contrast.
    `tall`: the picture is as high as the page is long; `height`: as high as this. */
const scene = (name, query, hash, steps = [], more = {}) => ({
  name,
  address: `?now=${NOW}&${query}#${hash}`,
  steps,
  tall: true,
  ...more,
});

const still = { tall: false };

export const scenes = [
  scene("welcome", "scene=first", "/"),
  scene("welcome-sandbox", "scene=first&sandbox", "/"),
  scene("welcome-sandbox-open", "scene=first", "/", ["click:Try the sandbox", "wait:is open in a window"]),
  scene("welcome-focus", "scene=first", "/", ["tab:2"]),

  scene("history", "scene=usual&total=200000", "/history", [], still),
  scene("history-run", "scene=usual", `/history?run=${run(2)}`, [], still),
  scene("history-run-failed", "scene=trouble", "/history?outcome=failed", ["key:j", "key:Enter"], { height: 1100 }),
  scene("history-forced-colors", "scene=usual", `/history?run=${run(2)}&changed=1`, [], { ...still, forced: true }),
  scene("history-filtered", "scene=usual", "/history?changed=1&text=importer", [], still),
  scene("history-no-match", "scene=usual", "/history?text=nowhere", [], still),
  scene("history-empty", "scene=empty", "/history", [], still),
  scene("history-live", "scene=busy", "/history", ["wait:messages"], still),
  scene("history-keys", "scene=usual", "/history", ["key:j", "key:j", "key:j"], still),
  scene("history-many", "scene=many&total=1000000", "/history", ["click:Charm", "wait:Feed reader 12"], still),
  scene("history-odd", "scene=odd", "/history", [], still),
  scene("history-odd-run", "scene=odd", `/history?charm=markup&changed=1`, ["key:j", "key:j", "key:Enter"], { height: 2600 }),
  scene("history-trouble", "scene=trouble&warning", "/history", [], still),
  scene("history-fails", "scene=usual&fail=history,facets,lanes", "/history", [], still),

  scene("charms", "scene=usual", "/charms"),
  scene("charms-trouble", "scene=trouble", "/charms"),
  scene("charms-busy", "scene=busy", "/charms", ["wait:messages"]),
  scene("charms-paused", "scene=usual&paused", "/charms"),
  scene("charms-empty", "scene=empty", "/charms"),
  scene("charms-many", "scene=many", "/charms", [], still),
  scene("charms-odd", "scene=odd", "/charms"),
  scene("charms-menu", "scene=usual", "/charms", ["click:More for Attendance sheet"], still),
  scene("charms-fails", "scene=usual&fail=status", "/charms"),

  scene("charm", "scene=usual", "/charms/gmail-importer"),
  scene("charm-cells", "scene=usual", "/charms/gmail-importer", ["click:Show", "wait:emailCount"]),
  scene("charm-wishes", "scene=usual", "/charms/attendance-sheet", [
    "eval:fake.call({ do: 'set-account', charm: 'attendance-sheet', account: null })",
    "wait:#googleAuth",
  ]),
  scene("charms-sandbox", "scene=usual&sandbox", "/charms"),
  scene("charm-warnings", "scene=trouble", "/charms/attendance-sheet"),
  scene("charm-right-to-left", "scene=usual", "/charms/garden"),
  scene("charm-odd", "scene=odd", "/charms/markup", ["click:Show", "wait:letter"]),
  scene("charm-forced-colors", "scene=trouble", "/charms/attendance-sheet", ["tab:10"], { forced: true }),
  scene("charm-gone", "scene=usual", "/charms/nobody"),

  scene("add", "scene=usual", "/add"),
  scene("add-preview", "scene=usual", "/add?source=https://example.com/weather.tsx"),
  scene("add-problem", "scene=usual", "/add?source=/home/kim/charms/broken.tsx"),

  scene("accounts", "scene=usual", "/accounts"),
  scene("accounts-trouble", "scene=trouble", "/accounts"),
  scene("accounts-empty", "scene=empty", "/accounts"),
  scene("accounts-odd", "scene=odd", "/accounts"),
  scene("accounts-disconnect", "scene=usual", "/accounts", ["click:Disconnect kim@example.com"], still),

  scene("connect", "scene=usual", "/connect"),
  scene("connect-own-client", "scene=empty", "/connect"),
  scene("connect-waiting", "scene=usual&browser=waits", "/connect", ["click:Continue in the browser"]),
  scene("connect-result", "scene=empty&browser=grants-some&client", "/connect", [
    "eval:fake.call({ do: 'use-client', path: '/home/kim/client.json' })",
    "click:Continue in the browser",
    "wait:is connected",
  ]),

  scene("spaces", "scene=usual", "/spaces"),
  scene("spaces-trouble", "scene=trouble", "/spaces"),
  scene("spaces-empty", "scene=empty", "/spaces"),
  scene("spaces-connect", "scene=usual", "/spaces", ["click:Connect a space"]),
  scene("spaces-new", "scene=usual", "/spaces?connect=1", [
    "click:Server",
    "type:https://toolshed.example.net",
    "key:Tab",
    "type:brand new",
    "click:Connect",
    "wait:This space is new",
  ]),

  scene("settings", "scene=usual", "/settings"),
  scene("settings-doctor", "scene=trouble", "/doctor", ["wait:Keychain"]),
  scene("settings-select", "scene=usual", "/settings", ["click:Keep runs for"], still),
  scene("settings-reset", "scene=usual", "/settings", ["click:Reset…"], still),
];
