"""The tables, by version. A version that was released is never changed: a new one is added after it.

For SQLite 3.26, which Enterprise Linux 8 has: no STRICT tables (types are checked by hand), no RETURNING.
"""

APPLICATION = 0x69777841  # "iwxA"

_RUNS = """
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CHECK (typeof(id) = 'text'),
    size_bytes INTEGER NOT NULL CHECK (typeof(size_bytes) = 'integer'),
    summary BLOB NOT NULL CHECK (typeof(summary) = 'blob'),
    report BLOB NOT NULL CHECK (typeof(report) = 'blob')
)
"""

# What can be changed has a version, counted up with each change: who changes it says which one was read.
# ``ended`` is 1 for what nobody waits for any more. The letter is there in the outbox only.
_VERSIONED = """
CREATE TABLE {name} (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE CHECK (typeof(key) = 'text'),
    version INTEGER NOT NULL CHECK (typeof(version) = 'integer' AND version > 0),
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    body BLOB NOT NULL CHECK (typeof(body) = 'blob'),
    letter BLOB NOT NULL CHECK (typeof(letter) = 'blob')
)
"""

_EVENTS = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE CHECK (typeof(id) = 'text'),
    at INTEGER NOT NULL CHECK (typeof(at) = 'integer'),
    kind TEXT NOT NULL CHECK (typeof(kind) = 'text'),
    key TEXT NOT NULL CHECK (typeof(key) = 'text'),
    said TEXT NOT NULL CHECK (typeof(said) = 'text')
)
"""

EPISODES, OUTBOX, IGNORED = "episodes", "outbox", "ignored"
VERSIONED = (EPISODES, OUTBOX, IGNORED)

VERSIONS: tuple[tuple[str, ...], ...] = (
    (
        _RUNS,
        *(_VERSIONED.format(name=name) for name in VERSIONED),
        _EVENTS,
        "CREATE INDEX events_by_kind ON events (kind, at)",
    ),
)
# Noted in a new file when a damaged one was set aside: what had been kept is not known any more.
_LOST = """
INSERT INTO events (id, at, kind, key, said)
VALUES (lower(hex(randomblob(16))), CAST(strftime('%s', 'now') AS INTEGER), 'lost', '', ?)
"""
SCHEMA = (APPLICATION, VERSIONS, _LOST)
