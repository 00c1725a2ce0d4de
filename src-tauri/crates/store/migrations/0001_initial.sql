-- The first schema. Numbered migrations are never edited: a change is a new file.
--
-- Times are milliseconds since 1970 (UTC). JSON is text. A NULL outcome is a run
-- that has not ended.

CREATE TABLE spaces (
    did        TEXT PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL CHECK (kind IN ('local', 'remote')),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The source files of charms, by the hash of their content: kept, so that a
-- charm runs when its file is gone, and kept once for all charms that share it.
CREATE TABLE programs (
    hash TEXT PRIMARY KEY,
    json TEXT NOT NULL
) STRICT;

CREATE TABLE charms (
    id            TEXT PRIMARY KEY,
    handle        TEXT NOT NULL,
    name          TEXT NOT NULL,
    space         TEXT NOT NULL REFERENCES spaces (did),
    piece         TEXT NOT NULL,
    argument      TEXT NOT NULL,
    source        TEXT NOT NULL,
    program_hash  TEXT NOT NULL REFERENCES programs (hash),
    facts         TEXT NOT NULL,
    tags          TEXT NOT NULL,
    hosts         TEXT NOT NULL,
    -- No reference: the binding outlives a disconnected account, so that
    -- connecting it again brings its charms back.
    account       TEXT,
    enabled       INTEGER NOT NULL,
    paused_reason TEXT,
    interval_ms   INTEGER NOT NULL CHECK (interval_ms > 0),
    created_at    INTEGER NOT NULL,
    position      INTEGER NOT NULL,
    next_due_at   INTEGER,
    failures      INTEGER NOT NULL DEFAULT 0,
    last_outcome  TEXT,
    last_run_at   INTEGER,
    last_ok_at    INTEGER,
    memory        TEXT NOT NULL DEFAULT 'null',
    -- Set while a removed charm can still be brought back.
    removed_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX charms_by_handle ON charms (handle) WHERE removed_at IS NULL;
CREATE INDEX charms_by_program ON charms (program_hash);
CREATE INDEX charms_by_space ON charms (space);

CREATE TABLE documents (
    space   TEXT NOT NULL REFERENCES spaces (did),
    id      TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version > 0),
    owner   TEXT REFERENCES charms (id),
    json    TEXT NOT NULL,
    -- Made in a run and linked from the start, as a list's elements are: goes
    -- when nothing links it any more.
    element INTEGER NOT NULL DEFAULT 0,
    UNIQUE (space, id)
) STRICT;
CREATE INDEX documents_of_elements ON documents (space) WHERE element = 1;
CREATE INDEX documents_by_owner ON documents (owner) WHERE owner IS NOT NULL;

CREATE TABLE accounts (
    id           TEXT PRIMARY KEY,
    provider     TEXT NOT NULL,
    email        TEXT NOT NULL,
    name         TEXT,
    picture      TEXT,
    scopes       TEXT NOT NULL,
    state        TEXT NOT NULL,
    connected_at INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER
) STRICT;

CREATE TABLE pauses (
    account TEXT PRIMARY KEY,
    until   INTEGER NOT NULL,
    reason  TEXT NOT NULL
) STRICT;

-- Whose runs the history holds. Outlives the charm; one row per charm, so that
-- a run row stays small and an index on it sorts by time.
CREATE TABLE run_charms (
    seq        INTEGER PRIMARY KEY,
    charm      TEXT NOT NULL UNIQUE,
    name       TEXT NOT NULL,
    handle     TEXT NOT NULL,
    space      TEXT NOT NULL,
    space_name TEXT NOT NULL
) STRICT;

-- Hosts that runs of a charm called.
CREATE TABLE run_hosts (
    charm INTEGER NOT NULL REFERENCES run_charms (seq) ON DELETE CASCADE,
    host  TEXT NOT NULL,
    PRIMARY KEY (charm, host)
) STRICT, WITHOUT ROWID;

-- Accounts that runs used. Outlives the account.
CREATE TABLE run_accounts (
    seq     INTEGER PRIMARY KEY,
    account TEXT NOT NULL UNIQUE,
    email   TEXT NOT NULL
) STRICT;

CREATE TABLE runs (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    charm         INTEGER NOT NULL REFERENCES run_charms (seq),
    account       INTEGER REFERENCES run_accounts (seq),
    trigger       TEXT NOT NULL,
    outcome       TEXT,
    sync          TEXT NOT NULL,
    started_at    INTEGER NOT NULL,
    duration_ms   INTEGER,
    changed       INTEGER NOT NULL DEFAULT 0,
    calls         INTEGER NOT NULL DEFAULT 0,
    calls_failed  INTEGER NOT NULL DEFAULT 0,
    log_lines     INTEGER NOT NULL DEFAULT 0,
    note          TEXT,
    error_kind    TEXT,
    error_message TEXT,
    error_stack   TEXT
) STRICT;
-- Every index ends in the rowid, so each gives newest first by (started_at, seq).
CREATE INDEX runs_by_time ON runs (started_at);
CREATE INDEX runs_by_charm ON runs (charm, started_at);
CREATE INDEX runs_by_outcome ON runs (outcome, started_at);
CREATE INDEX runs_by_charm_outcome ON runs (charm, outcome, started_at);
CREATE INDEX runs_changed ON runs (started_at) WHERE changed > 0;
CREATE INDEX runs_changed_by_charm ON runs (charm, started_at) WHERE changed > 0;
CREATE INDEX runs_changed_by_outcome ON runs (outcome, started_at) WHERE changed > 0;
CREATE INDEX runs_changed_by_charm_outcome ON runs (charm, outcome, started_at) WHERE changed > 0;
CREATE INDEX runs_by_account ON runs (account, started_at) WHERE account IS NOT NULL;
CREATE INDEX runs_by_account_outcome ON runs (account, outcome, started_at)
    WHERE account IS NOT NULL;
CREATE INDEX runs_changed_by_account ON runs (account, started_at)
    WHERE account IS NOT NULL AND changed > 0;
CREATE INDEX runs_changed_by_account_outcome ON runs (account, outcome, started_at)
    WHERE account IS NOT NULL AND changed > 0;
CREATE INDEX runs_going ON runs (seq) WHERE outcome IS NULL;

-- Ended runs by charm and five minutes, for drawing long times at once.
CREATE TABLE run_lanes (
    slot    INTEGER NOT NULL,
    charm   INTEGER NOT NULL REFERENCES run_charms (seq) ON DELETE CASCADE,
    changed INTEGER NOT NULL,
    quiet   INTEGER NOT NULL,
    uneven  INTEGER NOT NULL,
    failed  INTEGER NOT NULL,
    last    INTEGER NOT NULL,
    PRIMARY KEY (slot, charm)
) STRICT, WITHOUT ROWID;

-- What the search finds runs by, contents elsewhere. The rowid is made of the
-- start and the seq of the run, so that it sorts like the history; facets hold a
-- word for each filter, so that a search with filters stays one lookup. What all
-- runs of a charm have in common is in charm_text, with the seq of run_charms.
CREATE VIRTUAL TABLE run_text USING fts5 (
    facets, body, content = '', contentless_delete = 1, prefix = '1 2 3 4 5 6 7 8'
);
CREATE VIRTUAL TABLE charm_text USING fts5 (
    body, content = '', contentless_delete = 1, prefix = '1 2 3'
);

CREATE TABLE calls (
    run           INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    n             INTEGER NOT NULL,
    method        TEXT NOT NULL,
    host          TEXT NOT NULL,
    path          TEXT NOT NULL,
    status        INTEGER,
    started_at    INTEGER NOT NULL,
    duration_ms   INTEGER NOT NULL,
    bytes_out     INTEGER NOT NULL,
    bytes_in      INTEGER NOT NULL,
    account       TEXT,
    error_kind    TEXT,
    error_message TEXT,
    retry_at      INTEGER,
    PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_lines (
    run   INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    n     INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    level TEXT NOT NULL,
    text  TEXT NOT NULL,
    PRIMARY KEY (run, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE changed_cells (
    run        INTEGER NOT NULL REFERENCES runs (seq) ON DELETE CASCADE,
    n          INTEGER NOT NULL,
    space      TEXT NOT NULL,
    document   TEXT NOT NULL,
    path       TEXT NOT NULL,
    op         TEXT NOT NULL,
    before     TEXT,
    before_cut INTEGER NOT NULL,
    after      TEXT,
    after_cut  INTEGER NOT NULL,
    PRIMARY KEY (run, n)
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE events (
    seq     INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    message TEXT NOT NULL,
    detail  TEXT NOT NULL
) STRICT;
