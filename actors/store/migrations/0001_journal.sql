-- The earlier program's only table; where it exists it keeps its keys.
CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL);

CREATE TABLE cursor (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- AUTOINCREMENT: a row's id is never used again, also when the newest rows were pruned.
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    surface TEXT NOT NULL,
    event_id TEXT NOT NULL,
    room TEXT NOT NULL,
    sender TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    text TEXT NOT NULL,
    sent_at REAL NOT NULL,
    received_at REAL NOT NULL,
    trace TEXT NOT NULL,
    is_backlog INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'received',
    slot TEXT,
    run_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    shown_id TEXT,
    reason TEXT NOT NULL DEFAULT '',
    finished_at REAL,
    UNIQUE (surface, event_id)
) STRICT;
CREATE INDEX inbox_state ON inbox (state);
CREATE INDEX inbox_room ON inbox (room);
CREATE INDEX inbox_waiting ON inbox (room) WHERE state IN ('queued', 'running');
CREATE INDEX inbox_retryable ON inbox (room, sender)
    WHERE state IN ('failed', 'stopped', 'set_aside');
CREATE INDEX inbox_finished ON inbox (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL,
    room TEXT NOT NULL,
    row INTEGER,
    voice TEXT NOT NULL,
    text TEXT NOT NULL,
    is_final INTEGER NOT NULL,
    created_at REAL NOT NULL,
    state TEXT NOT NULL DEFAULT 'pending',
    remote_id TEXT,
    reason TEXT NOT NULL DEFAULT '',
    settled_at REAL
) STRICT;
CREATE INDEX outbox_state ON outbox (state);
CREATE INDEX outbox_pending ON outbox (room) WHERE state = 'pending';
CREATE INDEX outbox_row ON outbox (row) WHERE row IS NOT NULL;
CREATE INDEX outbox_settled ON outbox (settled_at) WHERE settled_at IS NOT NULL;

CREATE TABLE dead_letter (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    source TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    body TEXT NOT NULL
) STRICT;

-- Events whose rows were pruned: what is needed to recognise them when a surface repeats them.
CREATE TABLE seen (
    surface TEXT NOT NULL,
    event_id TEXT NOT NULL,
    PRIMARY KEY (surface, event_id)
) STRICT, WITHOUT ROWID;
