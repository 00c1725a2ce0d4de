// The types of the keeper's API, made from the Rust types by
// src-tauri/crates/keeper/tests/bindings.rs. Not edited by hand: run that test
// with CHARMKEEPER_WRITE_BINDINGS=1 after a change of the API.

/**
 * One account. Holds no secret.
 */
export type AccountView = {
/**
 * Lasting id.
 */
account: string,
/**
 * Address, as Google gave it.
 */
email: string,
/**
 * Name, as Google gave it.
 */
name: string,
/**
 * `gmail`, `calendar`: what was granted.
 */
services: Array<string>,
/**
 * Granted scopes as full URLs.
 */
scopes: Array<string>,
/**
 * `ready`, `needs-sign-in`, `waiting`, `keychain`: one word.
 */
state: string,
/**
 * The state in one sentence.
 */
detail: string,
/**
 * When it was connected.
 */
connected_at: UnixMs, };

/**
 * An error at the boundary: a closed code, a sentence, a hint.
 */
export type ApiError = {
/**
 * The kind; clients branch on this, never on the text.
 */
kind: ErrorKind,
/**
 * One sentence.
 */
message: string,
/**
 * What to do, where something can be done.
 */
hint?: string,
/**
 * Which of several errors of one kind, where clients do different things.
 */
code?: ErrorCode, };

/**
 * Why a call failed.
 */
export type CallError = {
/**
 * The kind that decides what happens next.
 */
kind: ErrorKind,
/**
 * One sentence, free of secrets.
 */
message: string,
/**
 * Do not try before this moment, where the provider named one.
 */
retry_at?: UnixMs, };

/**
 * One line of a run's timeline: a request and how it ended. Holds no header,
 * no body and no query string, so that it can be shown and exported.
 */
export type CallRecord = {
/**
 * Upper-case method.
 */
method: string,
/**
 * Host the charm asked for.
 */
host: string,
/**
 * Path without the query.
 */
path: string,
/**
 * HTTP status, or nothing when no response came.
 */
status: number | null,
/**
 * When the broker took the request.
 */
started_at: UnixMs,
/**
 * From taking the request to the last byte, waits included.
 */
duration_ms: number,
/**
 * Bytes of the request's body.
 */
bytes_out: number,
/**
 * Bytes of the response's body.
 */
bytes_in: number,
/**
 * Account whose token was used.
 */
account: string | null,
/**
 * Set when the call did not succeed: no response, or a status of 400 and
 * more that is an error for this kind of request.
 */
error: CallError | null, };

/**
 * One changed place.
 */
export type CellChangeView = {
/**
 * Document id.
 */
id: string,
/**
 * JSON pointer in the document.
 */
path: string,
/**
 * `add`, `replace`, `remove` or `create`.
 */
op: string,
/**
 * Value before, cut when long.
 */
before: JsonValue | null,
/**
 * Value after, cut when long.
 */
after: JsonValue | null,
/**
 * True when a value was cut.
 */
truncated: boolean, };

/**
 * One charm.
 */
export type CharmView = {
/**
 * Short name used in commands.
 */
charm: string,
/**
 * Lasting id.
 */
id: string,
/**
 * What it calls itself.
 */
name: string,
/**
 * First sentence of its description.
 */
description: string | null,
/**
 * `did:key` of its space.
 */
space: string,
/**
 * Name of its space.
 */
space_name: string,
/**
 * Tags that `wish` finds it by.
 */
tags: Array<string>,
/**
 * Hosts it may call.
 */
hosts: Array<string>,
/**
 * Account it is bound to.
 */
account: string | null,
/**
 * Where it came from.
 */
source: string,
/**
 * Constructs in its source that will not work here.
 */
warnings: Array<WarningView>,
/**
 * `running`, `waiting`, `paused`, `off` and so on: one word.
 */
state: string,
/**
 * The state in one sentence.
 */
detail: string,
/**
 * Seconds between runs.
 */
interval_seconds: number,
/**
 * Whether its timer is on.
 */
enabled: boolean,
/**
 * When it runs next, where that is known.
 */
next_run_at: UnixMs | null,
/**
 * When it ran last.
 */
last_run_at: UnixMs | null,
/**
 * How that ended.
 */
last_outcome: Outcome | null,
/**
 * Failures in a row.
 */
failures: number, };

/**
 * One line of the doctor's report.
 */
export type CheckView = {
/**
 * What was looked at.
 */
name: string,
/**
 * `ok`, `warning` or `problem`.
 */
state: string,
/**
 * What was found, in one sentence.
 */
detail: string,
/**
 * What to do, where something can be done.
 */
hint: string | null, };

/**
 * Which Google client signs in. Never its secret.
 */
export type ClientView = {
/**
 * `none`, `built-in` or `own`.
 */
source: string,
/**
 * The client id, where there is one.
 */
client_id: string | null, };

/**
 * The result of signing in.
 */
export type ConnectView = {
/**
 * The account.
 */
account: AccountView,
/**
 * Services that were granted.
 */
granted: Array<string>,
/**
 * Services that were asked for and not granted.
 */
missing: Array<string>,
/**
 * Handles of the charms that were added for it.
 */
charms: Array<string>, };

/**
 * The result of disconnecting.
 */
export type DisconnectView = {
/**
 * Account id.
 */
account: string,
/**
 * Address.
 */
email: string,
/**
 * True when Google confirmed; false when it will be tried again later.
 */
revoked: boolean,
/**
 * Handles of charms that can no longer run.
 */
stopped: Array<string>, };

/**
 * Errors of one kind that ask for different things of a person.
 */
export type ErrorCode = "new-space" | "key-refused";

/**
 * What went wrong, in the only terms the scheduler and the window act on.
 */
export type ErrorKind = "offline" | "quota" | "provider" | "sign-in" | "scope" | "charm" | "space" | "keychain" | "local" | "usage";

/**
 * What is sent while a request is being carried out, and to watchers.
 */
export type Event = { "event": "progress",
/**
 * Sentence case, no trailing dots.
 */
message: string, } | { "event": "open-url",
/**
 * To be opened in the system browser.
 */
url: string, } | { "event": "run-started",
/**
 * Run id.
 */
run: string,
/**
 * Handle of the charm.
 */
charm: string,
/**
 * What began it.
 */
trigger: Trigger, } | { "event": "run-progress",
/**
 * Run id.
 */
run: string,
/**
 * Requests that ended so far.
 */
calls: number,
/**
 * The last thing that happened, in a few words.
 */
message: string, } | { "event": "run-ended",
/**
 * The row that the history shows.
 */
run: RunView, } | { "event": "run-synced",
/**
 * The row that the history shows.
 */
run: RunView, } | { "event": "notice" } & NoticeView | { "event": "changed" };

/**
 * How runs are written to a file.
 */
export type ExportFormat = "json" | "csv";

/**
 * What was written.
 */
export type ExportView = {
/**
 * The file or folder.
 */
path: string,
/**
 * Number of runs in it.
 */
runs: number, };

/**
 * One choice of a filter.
 */
export type FacetView = {
/**
 * The value for the filter.
 */
value: string,
/**
 * What a person reads.
 */
label: string, };

/**
 * What the history can be filtered by.
 */
export type FacetsView = {
/**
 * Charms that have runs, removed ones included, by name.
 */
charms: Array<FacetView>,
/**
 * Accounts that runs used.
 */
accounts: Array<FacetView>,
/**
 * Number of runs kept.
 */
runs: number,
/**
 * When the oldest of them began.
 */
oldest: UnixMs | null, };

/**
 * Something the person starred in their home space.
 */
export type FavoriteView = {
/**
 * Stable id: space and piece.
 */
id: string,
/**
 * What the piece calls itself.
 */
name: string,
/**
 * Its tags.
 */
tags: Array<string>,
/**
 * DID of its space.
 */
space: string,
/**
 * Name of its space, where it is known.
 */
space_name: string | null,
/**
 * `fid1:...`
 */
piece: string,
/**
 * Whether it can work in the background.
 */
background: boolean,
/**
 * Whether it runs on this computer.
 */
on: boolean,
/**
 * Handle of the charm it became here.
 */
charm: string | null,
/**
 * Who runs it now: `here`, `server`, `other` (another computer), `nobody`.
 */
runner: string,
/**
 * Name of the other computer, where there is one.
 */
other: string | null,
/**
 * The state in one sentence.
 */
detail: string, };

/**
 * Which runs to list.
 */
export type HistoryFilter = {
/**
 * Handle, id or name of a charm.
 */
charm?: string | null,
/**
 * Only this outcome.
 */
outcome?: Outcome | null,
/**
 * Only runs begun at or after this moment.
 */
since?: UnixMs | null,
/**
 * Only runs that changed something.
 */
changed: boolean,
/**
 * Only runs of charms bound to this account, or that called with its token.
 */
account?: string | null,
/**
 * Words that the run's charm, error, log, hosts or changed cells hold, all
 * of them, in any order and case.
 */
text?: string | null,
/**
 * At most this many rows; 0 for the default of 100.
 */
limit: number,
/**
 * Only runs older than this one: the last row of the page before.
 */
before?: string | null, };

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

/**
 * What happened in one part of a lane.
 */
export type LaneBucket = {
/**
 * Number of the part, from 0.
 */
index: number,
/**
 * Runs that ended well and changed something.
 */
changed: number,
/**
 * Runs that ended well and changed nothing.
 */
quiet: number,
/**
 * Runs that were partial, skipped or missed.
 */
uneven: number,
/**
 * Runs that failed in any way.
 */
failed: number,
/**
 * The last run in it.
 */
run: string, };

/**
 * One charm's runs over time.
 */
export type LaneView = {
/**
 * Handle of the charm.
 */
charm: string,
/**
 * What it calls itself.
 */
name: string,
/**
 * Only buckets in which something ran, in order.
 */
buckets: Array<LaneBucket>, };

/**
 * One line of a run's log.
 */
export type LogView = {
/**
 * When it was written.
 */
at: UnixMs,
/**
 * `debug`, `info`, `warn` or `error`.
 */
level: string,
/**
 * The text; may hold anything the charm wrote.
 */
text: string, };

/**
 * A change of state, told once.
 */
export type NoticeView = {
/**
 * Kind of the state, for choosing an icon.
 */
kind: string,
/**
 * One sentence.
 */
message: string,
/**
 * What the state belongs to, as `account/ID` or `charm/HANDLE`: two notices
 * with the same cause are one.
 */
cause: string,
/**
 * The page of the window that shows it, as in `/accounts`.
 */
page: string,
/**
 * True for "working again".
 */
good: boolean, };

/**
 * How a run ended.
 */
export type Outcome = "ok" | "ok-unchanged" | "partial" | "failed" | "timed-out" | "out-of-memory" | "crashed" | "cancelled" | "interrupted" | "missed" | "skipped";

/**
 * A pause of all timers.
 */
export type Pause = {
/**
 * The end, or nothing for "until resumed".
 */
until: UnixMs | null, };

/**
 * A charm that is not added yet.
 */
export type PreviewView = {
/**
 * What it calls itself.
 */
name: string,
/**
 * First sentence of its description.
 */
description: string | null,
/**
 * Where it comes from.
 */
source: string,
/**
 * Its files.
 */
files: Array<string>,
/**
 * Tags that `wish` finds it by.
 */
tags: Array<string>,
/**
 * Hosts it would be allowed to call.
 */
hosts: Array<string>,
/**
 * What it looks for, `#googleAuth`.
 */
wishes: Array<string>,
/**
 * Services of Google that it would use, `gmail`, `calendar`.
 */
services: Array<string>,
/**
 * Whether it can work in the background.
 */
background: boolean,
/**
 * Constructs that will not work here.
 */
warnings: Array<WarningView>,
/**
 * Why it cannot be added, where it cannot.
 */
problem: ApiError | null, };

/**
 * What came of placing a charm in a remote space.
 */
export type PublishView = {
/**
 * The charm as it is now.
 */
charm: CharmView,
/**
 * Its piece in the space, `fid1:...`.
 */
piece: string,
/**
 * `placed`, `already` (nothing was changed) or `waiting` (for the server; it
 * goes on by itself).
 */
state: string,
/**
 * The state in one sentence.
 */
detail: string,
/**
 * What others will not see, a sentence each.
 */
warnings: Array<string>, };

/**
 * Something to do. The answer to each is named in its comment.
 */
export type Request = { "do": "status" } | { "do": "charms" } | { "do": "add",
/**
 * A file, a folder, or an https URL.
 */
source: string,
/**
 * Name of a local space; made when it does not exist.
 */
space?: string | null,
/**
 * Inputs of the charm; merged over the defaults of its types.
 */
argument?: JsonValue | null,
/**
 * Hosts the charm may call besides those its source names.
 */
hosts: Array<string>, } | { "do": "remove",
/**
 * Handle, id or name.
 */
charm: string, } | { "do": "pause",
/**
 * Handle, id or name.
 */
charm: string, } | { "do": "resume",
/**
 * Handle, id or name.
 */
charm: string, } | { "do": "set-interval",
/**
 * Handle, id or name.
 */
charm: string,
/**
 * 30 to 86,400 seconds.
 */
seconds: number, } | { "do": "run",
/**
 * Handle, id, name, or a path to a charm's source.
 */
charm: string,
/**
 * Inputs to set before the run.
 */
argument?: JsonValue | null, } | { "do": "cancel",
/**
 * Run id.
 */
run: string, } | { "do": "cells",
/**
 * Handle, id or name.
 */
charm: string,
/**
 * `emails/0/subject`; empty for all outputs.
 */
path: Array<string>, } | { "do": "preview",
/**
 * A file, a folder, or an https URL.
 */
source: string, } | { "do": "restore",
/**
 * Lasting id.
 */
charm: string, } | { "do": "set-account",
/**
 * Handle, id or name.
 */
charm: string,
/**
 * Account id; nothing for "whichever fits".
 */
account?: string | null, } | { "do": "set-hosts",
/**
 * Handle, id or name.
 */
charm: string,
/**
 * Host names without a port; replaces the list.
 */
hosts: Array<string>, } | { "do": "wishes",
/**
 * Handle, id or name.
 */
charm: string, } | { "do": "choose-wish",
/**
 * Handle, id or name.
 */
charm: string,
/**
 * `#googleAuth`
 */
tag: string,
/**
 * Handle, id or name of a charm that answers, or an account id or
 * address; nothing to let it choose by itself again.
 */
choice?: string | null, } | { "do": "history" } & HistoryFilter | { "do": "facets" } | { "do": "lanes",
/**
 * The first moment shown.
 */
since: UnixMs,
/**
 * The end of the last bucket.
 */
until: UnixMs,
/**
 * Number of equal parts, 1 to 1,440.
 */
buckets: number, } | { "do": "run-report",
/**
 * Run id.
 */
run: string, } | { "do": "export-history",
/**
 * Which runs; its `limit` 0 means all of them.
 */
filter: HistoryFilter,
/**
 * How they are written.
 */
format: ExportFormat,
/**
 * The file to write; replaced when it exists.
 */
path: string, } | { "do": "export-all",
/**
 * An existing folder.
 */
folder: string, } | { "do": "reset" } | { "do": "settings" } | { "do": "change-settings" } & SettingsChange | { "do": "use-client",
/**
 * A downloaded `client_secret_*.json`.
 */
path: string, } | { "do": "forget-client" } | { "do": "run-all" } | { "do": "cancel-connect" } | { "do": "spaces" } | { "do": "connect-space",
/**
 * `https://` address of the server.
 */
url: string,
/**
 * DID of an identity whose key is in the keychain.
 */
identity: string,
/**
 * A named space; nothing for the home space.
 */
space?: string | null,
/**
 * Whether to write the access list of a space that has none yet.
 */
claim: boolean, } | { "do": "disconnect-space",
/**
 * DID or name.
 */
space: string, } | { "do": "retry-change",
/**
 * Id of the change.
 */
change: number, } | { "do": "drop-change",
/**
 * Id of the change.
 */
change: number, } | { "do": "favorites" } | { "do": "set-favorite",
/**
 * `FavoriteView::id`.
 */
id: string,
/**
 * Whether it runs on this computer.
 */
on: boolean, } | { "do": "take-over",
/**
 * `FavoriteView::id`, or the charm that it became here.
 */
id: string, } | { "do": "publish",
/**
 * Handle, id or name.
 */
charm: string,
/**
 * DID or name of a connected remote space.
 */
space: string,
/**
 * Whether it becomes a favorite of the person.
 */
favorite: boolean, } | { "do": "register",
/**
 * DID of its space.
 */
space: string,
/**
 * `fid1:...`
 */
piece: string,
/**
 * Label for the log, `gmail`; nothing depends on it here.
 */
integration: string, } | { "do": "run-details",
/**
 * Run id.
 */
run: string, } | { "do": "accounts" } | { "do": "connect",
/**
 * `gmail`, `calendar`; empty for both.
 */
services: Array<string>,
/**
 * A downloaded `client_secret_*.json`.
 */
client?: string | null,
/**
 * Only send the address as an event; do not open a browser.
 */
print_url: boolean,
/**
 * The account to sign in again, or to ask for more; nothing for a new
 * one.
 */
account?: string | null, } | { "do": "disconnect",
/**
 * Account id or email address.
 */
account: string, } | { "do": "dismiss-warning" } | { "do": "pause-all",
/**
 * Until this moment, or until resumed.
 */
until?: UnixMs | null, } | { "do": "resume-all" } | { "do": "doctor" } | { "do": "watch" };

/**
 * One run in full.
 */
export type RunDetails = {
/**
 * Run id.
 */
run: string,
/**
 * Handle of the charm.
 */
charm: string,
/**
 * What the charm calls itself.
 */
charm_name: string,
/**
 * Account id that its calls used, where they used one.
 */
account: string | null,
/**
 * `did:key` of the space.
 */
space: string,
/**
 * What began it.
 */
trigger: Trigger,
/**
 * How it ended; nothing while it is running.
 */
outcome: Outcome | null,
/**
 * How far its changes got.
 */
sync: SyncState,
/**
 * When it began.
 */
started_at: UnixMs,
/**
 * Wall-clock milliseconds.
 */
duration_ms: number | null,
/**
 * Number of changed cells.
 */
changed: number,
/**
 * Every request, in order.
 */
calls: Array<CallRecord>,
/**
 * What went wrong, if anything did.
 */
error: RunError | null,
/**
 * What the charm wrote to its console.
 */
log: Array<LogView>,
/**
 * Every changed cell, before and after.
 */
cells_changed: Array<CellChangeView>, };

/**
 * What went wrong in a run.
 */
export type RunError = {
/**
 * The kind that decided what happened next.
 */
kind: ErrorKind,
/**
 * One sentence.
 */
message: string,
/**
 * Stack in the charm's own lines.
 */
stack?: string, };

/**
 * One row of the history: the shape of design contract "a run in JSON".
 */
export type RunView = {
/**
 * Run id.
 */
run: string,
/**
 * Handle of the charm.
 */
charm: string,
/**
 * What the charm calls itself.
 */
charm_name: string,
/**
 * Account id that its calls used, where they used one.
 */
account: string | null,
/**
 * `did:key` of the space.
 */
space: string,
/**
 * What began it.
 */
trigger: Trigger,
/**
 * How it ended; nothing while it is running.
 */
outcome: Outcome | null,
/**
 * How far its changes got.
 */
sync: SyncState,
/**
 * When it began.
 */
started_at: UnixMs,
/**
 * Wall-clock milliseconds; nothing while it is running.
 */
duration_ms: number | null,
/**
 * Number of changed cells.
 */
changed: number,
/**
 * Number of requests.
 */
calls: number,
/**
 * What went wrong, if anything did.
 */
error: RunError | null, };

/**
 * Settings to change; what is missing stays.
 */
export type SettingsChange = {
/**
 * Whether notifications are shown.
 */
notifications?: boolean | null,
/**
 * `system`, `light` or `dark`.
 */
theme?: string | null,
/**
 * Whether charms wait on a metered connection.
 */
pause_on_metered?: boolean | null,
/**
 * Whether charms wait on battery.
 */
pause_on_battery?: boolean | null,
/**
 * Whether the first-run page was finished or left.
 */
introduced?: boolean | null,
/**
 * Days that runs are kept, 1 to 3,650.
 */
keep_days?: number | null, };

/**
 * What the person chose.
 */
export type SettingsView = {
/**
 * Whether notifications are shown.
 */
notifications: boolean,
/**
 * `system`, `light` or `dark`.
 */
theme: string,
/**
 * Whether charms wait on a metered connection.
 */
pause_on_metered: boolean,
/**
 * Whether charms wait on battery.
 */
pause_on_battery: boolean,
/**
 * Whether the first-run page was finished or left.
 */
introduced: boolean,
/**
 * Days that runs are kept.
 */
keep_days: number,
/**
 * Which Google client signs in.
 */
client: ClientView, };

/**
 * One space.
 */
export type SpaceView = {
/**
 * `did:key`.
 */
space: string,
/**
 * Its name, or "Home".
 */
name: string,
/**
 * `local`, `home` or `remote`.
 */
kind: string,
/**
 * Address of its server.
 */
url: string | null,
/**
 * DID that signs for the person.
 */
identity: string | null,
/**
 * `local`, `synced`, `syncing`, `offline`, `stuck`, `refused`, `off`: one
 * word.
 */
state: string,
/**
 * The state in one sentence.
 */
detail: string,
/**
 * Changes that wait for the server.
 */
queued: number,
/**
 * Changes that were merged after a conflict.
 */
merged: number,
/**
 * Changes that the server refused.
 */
stuck: Array<StuckView>,
/**
 * When the server last confirmed something.
 */
synced_at: UnixMs | null, };

/**
 * The state of everything, in short.
 */
export type StatusView = {
/**
 * One sentence, as the tray shows it.
 */
summary: string,
/**
 * When the last charm ran, where the sentence says how long ago that is:
 * who shows it for longer says it anew ([`all_synced`]).
 */
synced_at: UnixMs | null,
/**
 * `ok`, `running`, `attention` or `paused`: the tray's four icons.
 */
icon: string,
/**
 * True when a keeper with timers is running on this home.
 */
serving: boolean,
/**
 * Process id of that keeper.
 */
pid: number,
/**
 * Version of the program.
 */
version: string,
/**
 * Data folder.
 */
home: string,
/**
 * Whether the network is there, as far as is known.
 */
online: boolean,
/**
 * Something the person must know of the data folder: a database that was
 * damaged and set aside, say.
 */
warning: string | null,
/**
 * All timers stopped until then.
 */
paused: Pause | null,
/**
 * Runs going on now.
 */
running: Array<RunView>,
/**
 * Every charm.
 */
charms: Array<CharmView>,
/**
 * Every account.
 */
accounts: Array<AccountView>, };

/**
 * A change that the server refused.
 */
export type StuckView = {
/**
 * Id of the change.
 */
change: number,
/**
 * Run that made it.
 */
run: string | null,
/**
 * Name of the charm that made it.
 */
charm: string,
/**
 * Number of documents in it.
 */
documents: number,
/**
 * Why the server refused it, in one sentence.
 */
reason: string,
/**
 * When it was made.
 */
at: UnixMs, };

/**
 * How far a run's changes got on their way to the remote space.
 */
export type SyncState = "local" | "queued" | "synced" | "conflict-merged" | "stuck";

/**
 * What began a run.
 */
export type Trigger = "timer" | "manual" | "wake" | "network" | "added" | "probe" | "event";

/**
 * A moment in milliseconds since 1970-01-01T00:00:00Z. In JSON it is an
 * RFC 3339 string in UTC.
 */
export type UnixMs = string;

/**
 * A construct that will not work here.
 */
export type WarningView = {
/**
 * File within the charm.
 */
file: string,
/**
 * From 1.
 */
line: number,
/**
 * From 1.
 */
column: number,
/**
 * One sentence.
 */
message: string, };

/**
 * One charm that answers to a wish.
 */
export type WishMatch = {
/**
 * Lasting id.
 */
id: string,
/**
 * Short name used in commands.
 */
charm: string,
/**
 * What it calls itself.
 */
name: string,
/**
 * Account whose sign-in it keeps, where it is such a charm.
 */
account: string | null,
/**
 * Address of that account.
 */
email: string | null, };

/**
 * Something that a charm looks for, and which of several it gets.
 */
export type WishView = {
/**
 * As in its source, `#googleAuth`.
 */
tag: string,
/**
 * What answers to it, the one first that is taken by itself.
 */
matches: Array<WishMatch>,
/**
 * Id of the charm that the person chose; it may be gone.
 */
chosen: string | null,
/**
 * Id of the charm that the next run gets.
 */
taken: string | null, };
