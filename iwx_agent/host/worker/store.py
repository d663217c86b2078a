"""The agent's database: one request is one transaction, done whole and on the disk, or not at all.

The statements come from ``iwx_agent.state``; here is how they are run safely. Whoever works holds a lock on
the directory, so that two agents take turns and none sees the other setting a damaged file aside. A file
of somebody else, of another program or of a later agent is left alone.
"""

import contextlib
import errno
import fcntl
import os
import sqlite3
import time

from .operations import NoAnswer, read_up_to, reason_of_error
from .own_files import _own_directory, _refuse_foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Step = tuple[str, tuple[Any, ...], "int | None"]  # statement, parameters, rows that it has to touch
    # application id, statements for each version, and the one that notes the name of what was set aside
    Schema = tuple[int, tuple[tuple[str, ...], ...], str]

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_TURN_S = 3.0
_SQLITE_WAIT_S = 1.0
_ASIDE_COUNT = 2
_ANSWER_BYTES = 64 * 1024 * 1024
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_JOURNAL = "-journal"
_SHORT_READ = sqlite3.SQLITE_IOERR_SHORT_READ
_TROUBLES = {  # what is wrong with the machine or with what was asked, but not with the file
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_NOMEM: "failed",
    sqlite3.SQLITE_READONLY: "unwritable",
    sqlite3.SQLITE_IOERR: "failed",
    sqlite3.SQLITE_FULL: "unwritable",
    sqlite3.SQLITE_CANTOPEN: "failed",
    sqlite3.SQLITE_CONSTRAINT: "failed",
}
_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = TRUNCATE",
    "PRAGMA synchronous = FULL",
    "PRAGMA cell_size_check = ON",
    "PRAGMA trusted_schema = OFF",
)


class _Trouble(Exception):  # noqa: N818 (an outcome, not a defect)
    """Why nothing was done: ``kind`` is StateError's."""

    def __init__(self, kind: str, reason: str) -> None:
        self.kind = kind
        self.reason = reason
        super().__init__(reason)


class _ConflictError(Exception):
    """A statement has not touched the rows that it had to."""


def transact(
    directory: str, name: str, schema: "Schema", steps: "tuple[Step, ...]", create: bool, number: int = -1
) -> "tuple[str, str, Any]":
    """Run the steps as one transaction; return what came of it, what was set aside, and the answers.

    ``("done", aside, answers)`` with the rows and the touched rows' count of each step, ``("conflict", aside,
    step)`` when a step has not touched as many rows as it had to, ``(kind, aside, reason)`` when it cannot be
    done: in both nothing has been changed. A parameter ``(start, end)`` stands for these bytes of what is
    handed over with ``number``, which is closed. Without ``create`` nothing is made, and nothing changed but
    by an older schema; what is set aside leaves a new file in any case, in which that is noted.
    """
    aside = ""
    try:
        handed = read_up_to(number, os.fstat(number).st_size) if number >= 0 else b""
        place = _place(directory, create)
        try:
            _take_turn(place)
            try:
                return ("done", "", _run(place, directory, name, schema, steps, create, handed))
            except _DamagedError as damage:
                try:
                    aside = _set_aside(place, name)
                except OSError as error:
                    why = f"it is damaged ({damage}) and cannot be set aside: {reason_of_error(error)}"
                    raise _Trouble("unwritable", why) from None
                lost = ((schema[2], (aside,), 1),)
                if not create:
                    with contextlib.suppress(OSError, _Trouble, _DamagedError):
                        _run(place, directory, name, schema, lost, create=True, handed=b"")
                    raise _Trouble("damaged", f"it was damaged ({damage}), and is now {aside}") from None
                _run(place, directory, name, schema, lost, create, handed)
            return ("done", aside, _run(place, directory, name, schema, steps, create, handed))
        finally:
            os.close(place)  # the end of the turn, too
    except _ConflictError as conflict:
        return ("conflict", aside, conflict.args[0])
    except _DamagedError as damage:
        return ("failed", aside, f"it is damaged ({damage}), and so is a new one")
    except _Trouble as trouble:
        return (trouble.kind, aside, trouble.reason)
    except NoAnswer as refused:
        return ("refused", aside, refused.reason)
    except OSError as error:
        kind = "unwritable" if error.errno in _UNWRITABLE else "failed"
        return (kind, aside, reason_of_error(error))
    finally:
        if number >= 0:
            os.close(number)


class _DamagedError(Exception):
    """The file is not what was written."""


def _place(directory: str, create: bool) -> int:
    if create:
        with contextlib.suppress(FileExistsError):
            os.mkdir(directory, 0o700)  # noqa: PTH102
    try:
        return _own_directory(directory)
    except FileNotFoundError:
        raise _Trouble("absent", "nothing has been kept yet") from None


def _take_turn(place: int) -> None:
    """Wait for the directory's lock; it goes with the descriptor, however this process ends."""
    give_up = time.monotonic() + _TURN_S
    while True:
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > give_up:
                raise _Trouble("busy", f"another iwx-agent has held it for {_TURN_S:g} s") from None
            time.sleep(0.005)
        except OSError:
            return  # a file system without such locks: SQLite's own are left
        else:
            return


def _run(
    place: int,
    directory: str,
    name: str,
    schema: "Schema",
    steps: "tuple[Step, ...]",
    create: bool,
    handed: bytes,
) -> "list[tuple[list[Any], int]]":
    if not _prepare(place, directory, name, create):
        raise _Trouble("absent", "nothing has been kept yet")
    path = f"{directory}/{name}"
    try:
        with contextlib.closing(_connect(path)) as connection:
            try:
                return _transaction(connection, schema, steps, create, handed)
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.rollback()
                raise
    except (sqlite3.Error, _OddError) as error:
        code = getattr(error, "sqlite_errorcode", 0)
        if code & 0xFF not in _TROUBLES or code == _SHORT_READ:
            _refuse_damaged(path, schema, error)
        if code & 0xFF == sqlite3.SQLITE_READONLY:
            _refuse_unknown_format(path)
        if isinstance(error, _OddError):
            raise _Trouble("refused", str(error)) from None
        raise _Trouble(_TROUBLES.get(code & 0xFF, "failed"), _words(error)) from None


def _words(error: Exception) -> str:
    name = getattr(error, "sqlite_errorname", "")
    return f"{error} ({name})" if name else str(error)


def _prepare(place: int, directory: str, name: str, create: bool) -> bool:
    """Refuse what is not the agent's, and make the file where it is missing; return whether it is there."""
    with contextlib.suppress(FileNotFoundError):
        _refuse_foreign(
            os.stat(name + _JOURNAL, dir_fd=place, follow_symlinks=False), f"{directory}/{name}{_JOURNAL}"
        )
    try:
        status = os.stat(name, dir_fd=place, follow_symlinks=False)
    except FileNotFoundError:
        if create:
            os.close(os.open(name, _NEW, 0o600, dir_fd=place))
        return create
    _refuse_foreign(status, f"{directory}/{name}")
    if status.st_mode & 0o077:
        number = os.open(name, _OPEN, dir_fd=place)
        with contextlib.suppress(OSError):  # a read-only disk: it can be read all the same
            os.fchmod(number, 0o600)
        os.close(number)
    return create or status.st_size > 0


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_SQLITE_WAIT_S, isolation_level=None)
    connection.text_factory = _text  # one flipped bit must not make all rows of a table unreadable
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


class _OddError(Exception):
    """A sound database, perhaps, but not one that this agent may write to."""


def _transaction(
    connection: sqlite3.Connection,
    schema: "Schema",
    steps: "tuple[Step, ...]",
    create: bool,
    handed: bytes,
) -> "list[tuple[list[Any], int]]":
    missing = _missing(connection, schema)  # before anything of a file that is not ours is changed
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    connection.execute("BEGIN IMMEDIATE" if create or missing else "BEGIN")
    if missing:
        _migrate(connection, schema, missing)
    answers = [_step(connection, number, step, handed) for number, step in enumerate(steps)]
    connection.execute("COMMIT")
    return answers


def _missing(connection: sqlite3.Connection, schema: "Schema") -> "tuple[tuple[str, ...], ...]":
    """Return the statements of the versions that this file does not have yet."""
    application, versions, _ = schema
    found = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    if found != application and (
        version or found or _number(connection, "SELECT count(*) FROM sqlite_master")
    ):
        raise _OddError("it is the database of another program; left alone")
    if version > len(versions):
        raise _OddError(
            f"it was written by a later iwx-agent (version {version} of the state, this one knows up to "
            f"{len(versions)}); left alone"
        )
    return versions[max(version, 0) :]


def _number(connection: sqlite3.Connection, statement: str) -> int:
    return int(connection.execute(statement).fetchone()[0])


def _migrate(
    connection: sqlite3.Connection, schema: "Schema", missing: "tuple[tuple[str, ...], ...]"
) -> None:
    for statements in missing:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA application_id = {schema[0]:d}")
    connection.execute(f"PRAGMA user_version = {len(schema[1]):d}")


def _step(
    connection: sqlite3.Connection, number: int, step: "Step", handed: bytes
) -> "tuple[list[Any], int]":
    statement, parameters, touched = step
    given = [handed[p[0] : p[1]] if isinstance(p, tuple) else p for p in parameters]
    cursor = connection.execute(statement, given)
    rows = []
    size = 0
    for row in cursor:
        size += sum(len(value) if isinstance(value, (bytes, str)) else 8 for value in row)
        if size > _ANSWER_BYTES:
            raise _Trouble("failed", f"the answer is larger than {_ANSWER_BYTES} bytes")
        rows.append(row)
    if touched is not None and cursor.rowcount != touched:
        raise _ConflictError(number)
    return rows, cursor.rowcount


def _refuse_damaged(path: str, schema: "Schema", error: Exception) -> None:
    """Raise when the file is really damaged; an error alone is not enough to set a file aside."""
    try:
        with contextlib.closing(_connect(path)) as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            if found == "ok" and not isinstance(error, _OddError) and not _has_its_tables(connection, schema):
                found = "its tables are not those of its version"
    except sqlite3.Error as worse:
        code = getattr(worse, "sqlite_errorcode", 0)
        if code & 0xFF in _TROUBLES and code != _SHORT_READ:
            return
        found = _words(worse)
    if found != "ok":
        raise _DamagedError(found) from None


def _refuse_unknown_format(path: str) -> None:
    """Raise when it cannot be written to because of one damaged byte; sqlite.org/fileformat.html, 1.3.3."""
    number = os.open(path, _OPEN)
    try:
        write_version = os.pread(number, 1, 18)
    finally:
        os.close(number)
    if write_version not in (b"\1", b"\2"):
        raise _DamagedError("its format is none that there is")


def _has_its_tables(connection: sqlite3.Connection, schema: "Schema") -> bool:
    """Compare with a database in memory that was brought to the same version."""
    version = _number(connection, "PRAGMA user_version")
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as wanted:
        _migrate(wanted, schema, schema[1][:version])
        return _tables(connection) == _tables(wanted)


def _tables(connection: sqlite3.Connection) -> "list[Any]":
    return connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY type, name").fetchall()


def _set_aside(place: int, name: str) -> str:
    """Give a damaged file, and what belongs to it, another name; return that. Older ones go."""
    beginning = f"{name}.damaged-"
    aside = f"{beginning}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    old = sorted(other for other in os.listdir(place) if other.startswith(beginning))
    old = [other for other in old if not other.endswith(_JOURNAL)]
    if old and old[-1].startswith(aside):
        aside = old[-1] + "x"  # in the same second
    with contextlib.suppress(FileNotFoundError):  # it first: a journal alone would be played into a new file
        os.rename(name + _JOURNAL, aside + _JOURNAL, src_dir_fd=place, dst_dir_fd=place)
    os.rename(name, aside, src_dir_fd=place, dst_dir_fd=place)
    for other in old[: max(0, len(old) + 1 - _ASIDE_COUNT)]:
        for part in (other, other + _JOURNAL):
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=place)
    return aside
