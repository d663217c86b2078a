"""The record of what the agent changed: one line before, one line after, in its own file and in the journal.

The file is a list of JSON objects, one a line, that only grows; root's alone. The journal gets the same
line, so that a full or read-only disk does not stand in the way of letting support in, and yet leaves a
trace.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from iwx_agent.host.worker import own_files
from iwx_agent.model.assistance import AUDIT_LOG

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

DIRECTORY, FILE_NAME = Path(AUDIT_LOG).parent, Path(AUDIT_LOG).name
JOURNAL = "/dev/log"
_JOURNAL_TIMEOUT_S = 1.0
_FILE_TIMEOUT_S = 2.0
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
    """Writes entries to the file and to the journal; what could not be written is told, never raised.

    With the ``workers`` of a run no disk is waited for without end.
    """

    def __init__(
        self,
        directory: Path | None = None,
        to_journal: Callable[[bytes], None] | None = None,
        workers: "Workers | None" = None,
    ) -> None:
        self._directory = DIRECTORY if directory is None else directory
        self._to_journal = to_journal or _send_to_journal
        self._workers = workers

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
        if self._workers is None:
            own_files.append(str(self._directory), FILE_NAME, line)
            return
        from iwx_agent.host import HostError
        from iwx_agent.host.deadline import Deadline
        from iwx_agent.host.local import ask_worker

        path, stuck = str(self._directory), []  # type: ignore[var-annotated] # the error says it, too
        request = ("append", path, FILE_NAME, line)
        try:
            ask_worker(self._workers, request, Deadline(_FILE_TIMEOUT_S), path, stuck.append)
        except HostError as error:
            raise OSError(error.reason) from None


def _send_to_journal(line: bytes) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as peer:
        peer.settimeout(_JOURNAL_TIMEOUT_S)
        peer.connect(JOURNAL)
        peer.send(b"<%d>iwx-agent[%d]: %s" % (_PRIORITY, os.getpid(), line))
