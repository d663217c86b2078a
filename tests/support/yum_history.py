"""A history database as yum 3 writes it: the tables are those that its own ``history.py`` creates."""

import sqlite3
from collections.abc import Sequence

_TABLES = """
CREATE TABLE trans_beg (tid INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, rpmdb_version TEXT NOT NULL,
     loginuid INTEGER);
CREATE TABLE trans_end (tid INTEGER PRIMARY KEY REFERENCES trans_beg, timestamp INTEGER NOT NULL,
     rpmdb_version TEXT NOT NULL, return_code INTEGER NOT NULL);
CREATE TABLE trans_with_pkgs (tid INTEGER NOT NULL REFERENCES trans_beg,
     pkgtupid INTEGER NOT NULL REFERENCES pkgtups);
CREATE TABLE trans_error (mid INTEGER PRIMARY KEY, tid INTEGER NOT NULL REFERENCES trans_beg,
     msg TEXT NOT NULL);
CREATE TABLE trans_script_stdout (lid INTEGER PRIMARY KEY, tid INTEGER NOT NULL REFERENCES trans_beg,
     line TEXT NOT NULL);
CREATE TABLE trans_data_pkgs (tid INTEGER NOT NULL REFERENCES trans_beg,
     pkgtupid INTEGER NOT NULL REFERENCES pkgtups, done BOOL NOT NULL DEFAULT FALSE, state TEXT NOT NULL);
CREATE TABLE pkgtups (pkgtupid INTEGER PRIMARY KEY, name TEXT NOT NULL, arch TEXT NOT NULL,
     epoch TEXT NOT NULL, version TEXT NOT NULL, release TEXT NOT NULL, checksum TEXT);
CREATE INDEX i_pkgtup_naevr ON pkgtups (name, arch, epoch, version, release);
CREATE TABLE trans_skip_pkgs (tid INTEGER NOT NULL REFERENCES trans_beg,
     pkgtupid INTEGER NOT NULL REFERENCES pkgtups);
CREATE TABLE trans_cmdline (tid INTEGER NOT NULL REFERENCES trans_beg, cmdline TEXT NOT NULL);
"""


class YumHistory:
    """Makes the database, transaction by transaction."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect(":memory:")
        self._connection.executescript(_TABLES)
        self._count = 0

    def add(
        self,
        command: str,
        began_at: float,
        packages: Sequence[tuple[str, str, str, str, bool]] = (),
        *,
        code: int | None = 0,
        errors: Sequence[str] = (),
        output: Sequence[str] = (),
    ) -> None:
        """Add one transaction: packages are (name, version, release, state, done); code None: no end."""
        self._count += 1
        number, execute = self._count, self._connection.execute
        execute("INSERT INTO trans_beg VALUES (?, ?, '417:aa', 0)", (number, int(began_at)))
        execute("INSERT INTO trans_cmdline VALUES (?, ?)", (number, command))
        for name, version, release, state, done in packages:
            cursor = execute(
                "INSERT INTO pkgtups (name, arch, epoch, version, release) VALUES (?, 'noarch', '0', ?, ?)",
                (name, version, release),
            )
            row = (number, cursor.lastrowid, "TRUE" if done else "FALSE", state)
            execute("INSERT INTO trans_data_pkgs VALUES (?, ?, ?, ?)", row)
        for line in errors:
            execute("INSERT INTO trans_error (tid, msg) VALUES (?, ?)", (number, line))
        for line in output:
            execute("INSERT INTO trans_script_stdout (tid, line) VALUES (?, ?)", (number, line))
        if code is not None:
            execute("INSERT INTO trans_end VALUES (?, ?, '418:bb', ?)", (number, int(began_at) + 20, code))

    @property
    def data(self) -> bytes:
        """Return the file."""
        self._connection.commit()
        return bytes(self._connection.serialize())
