"""The record of what the agent changed: one line before, one line after, in its own file and in the journal.

The file is a list of JSON objects, one a line, that only grows; root's alone. The journal gets the same
line, so that a full or read-only disk does not stand in the way of letting support in, and yet leaves a
trace.
"""

import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct

from iwx_agent.model.assistance import AUDIT_LOG

DIRECTORY, FILE_NAME = Path(AUDIT_LOG).parent, Path(AUDIT_LOG).name
JOURNAL = "/dev/log"
_JOURNAL_TIMEOUT_S = 1.0
_PRIORITY = 10 * 8 + 5  # authpriv.notice


class AuditEntry(Struct, frozen=True, kw_only=True):
    """One line. ``at`` is RFC 3339 in UTC; ``login_uid`` who logged in, before su or sudo (None: unknown)."""

    at: str
    action: str
    phase: str  # intent or outcome
    way: str
    outcome: str
    uid: int
    login_uid: int | None
    pid: int


class Audit:
    """Writes entries to the file and to the journal; what could not be written is told, never raised."""

    def __init__(
        self, directory: Path | None = None, to_journal: Callable[[bytes], None] | None = None
    ) -> None:
        self._directory = DIRECTORY if directory is None else directory
        self._to_journal = to_journal or _send_to_journal

    def write(self, entry: AuditEntry) -> tuple[str, ...]:
        """Write one entry; return why, for each place that did not take it: two reasons mean no trace."""
        line = msgspec.json.encode(entry)
        failures = []
        path = self._directory / FILE_NAME
        for place, write in ((str(path), self._append), ("the journal", self._to_journal)):
            try:
                write(line)
            except OSError as error:
                failures.append(f"{place}: {error.strerror or error}")
        return tuple(failures)

    def _append(self, line: bytes) -> None:
        with_directory = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            directory = os.open(self._directory, with_directory)
        except FileNotFoundError:
            self._directory.mkdir(mode=0o700)
            directory = os.open(self._directory, with_directory)
        try:
            _refuse_others(os.fstat(directory), "the directory")
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            number = os.open(FILE_NAME, flags, 0o600, dir_fd=directory)
        finally:
            os.close(directory)
        try:
            _append_line(number, line)
        finally:
            os.close(number)


def _append_line(number: int, line: bytes) -> None:
    """Append in one write; begin a new line after one that an earlier full disk has cut."""
    status = os.fstat(number)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is not a regular file")
    _refuse_others(status, "the file")
    cut = status.st_size > 0 and os.pread(number, 1, status.st_size - 1) != b"\n"
    data = (b"\n" if cut else b"") + line + b"\n"
    if os.write(number, data) < len(data):
        raise OSError("there was no room for the whole line")


def _refuse_others(status: os.stat_result, what: str) -> None:
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise OSError(f"others may write to {what}")


def _send_to_journal(line: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.settimeout(_JOURNAL_TIMEOUT_S)
        peer.connect(JOURNAL)
        peer.send(b"<%d>iwx-agent[%d]: %s" % (_PRIORITY, os.getpid(), line))
