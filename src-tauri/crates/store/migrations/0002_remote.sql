-- Remote spaces: who signs where, what the server confirmed, and what it has yet
-- to be told. `documents` holds what charms see: the server's state with the
-- waiting changes on top.

CREATE TABLE remote_spaces (
    did            TEXT PRIMARY KEY REFERENCES spaces (did),
    url            TEXT NOT NULL,
    identity       TEXT NOT NULL,
    -- Names this computer to the server. Together with local_seq it makes a
    -- commit happen once, so it never changes and no number is used twice.
    session_id     TEXT NOT NULL,
    next_local_seq INTEGER NOT NULL DEFAULT 1,
    enabled        INTEGER NOT NULL DEFAULT 1,
    refused        TEXT,
    merged         INTEGER NOT NULL DEFAULT 0,
    synced_at      INTEGER
) STRICT, WITHOUT ROWID;

-- A document as the server last confirmed it; NULL is a document that is not
-- there (anymore).
CREATE TABLE replica (
    space TEXT NOT NULL REFERENCES remote_spaces (did),
    id    TEXT NOT NULL,
    seq   INTEGER NOT NULL,
    json  TEXT,
    PRIMARY KEY (space, id)
) STRICT;

CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    space       TEXT NOT NULL REFERENCES remote_spaces (did),
    -- No reference: a change outlives its run's row.
    run         TEXT,
    charm       TEXT NOT NULL,
    made_at     INTEGER NOT NULL,
    entry       TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('queued', 'stuck')),
    merged      INTEGER NOT NULL DEFAULT 0,
    reason      TEXT,
    -- The exact commit once it may have been sent: sent again unchanged.
    local_seq   INTEGER,
    commit_text TEXT,
    CHECK ((local_seq IS NULL) = (commit_text IS NULL))
) STRICT;
CREATE INDEX outbox_by_space ON outbox (space, state, id);
CREATE INDEX outbox_by_run ON outbox (run) WHERE run IS NOT NULL;

CREATE TABLE outbox_documents (
    change   INTEGER NOT NULL REFERENCES outbox (id) ON DELETE CASCADE,
    space    TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (space, document, change)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_documents_by_change ON outbox_documents (change);
