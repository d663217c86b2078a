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

VERSIONS: tuple[tuple[str, ...], ...] = ((_RUNS,),)
SCHEMA = (APPLICATION, VERSIONS)
