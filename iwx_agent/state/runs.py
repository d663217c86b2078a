"""Saved runs: what each of the last diagnoses came to, whole and in short, the oldest going first."""

import os
import zlib
from typing import TYPE_CHECKING

import msgspec

from iwx_agent.model.history import SavedRun
from iwx_agent.state.door import Door, StateError, Step
from iwx_agent.state.reading import UNREADABLE

if TYPE_CHECKING:
    from iwx_agent.model import Report

_ALL_COUNT = 100_000  # more runs than settings allow
_REPORT_BYTES = 64 * 1024 * 1024  # a report that unpacks to more is none
_LEVEL = 6
_ATTEMPTS_COUNT = 5  # for a name that is not taken: one of 65,536 in each second
_INSERT = "INSERT OR IGNORE INTO runs (id, size_bytes, summary, report) VALUES (?, ?, ?, ?)"
_CLEAR = """
DELETE FROM runs WHERE number IN (
    SELECT number FROM (
        SELECT number,
            row_number() OVER (ORDER BY number DESC) AS place,
            sum(size_bytes) OVER (ORDER BY number DESC) AS total_bytes
        FROM runs
    ) WHERE place > ? OR total_bytes > ?
)
"""
_LIST = "SELECT id, summary FROM runs ORDER BY number DESC LIMIT ?"
_LIST_UNTIL = """
SELECT id, summary FROM runs WHERE number <= (SELECT number FROM runs WHERE id = ?)
ORDER BY number DESC LIMIT ?
"""
_LAST = "SELECT id, report FROM runs ORDER BY number DESC LIMIT ?"
_NAMED = """
SELECT id, report FROM runs WHERE id = ? OR substr(id, 1, length(?)) = ?
ORDER BY id = ? DESC, number DESC LIMIT 2
"""


class Runs:
    """The saved runs behind a door."""

    def __init__(self, door: Door | None = None) -> None:
        self._door = door or Door()

    def save(self, summary: SavedRun, report: bytes, *, runs_count: int, size_bytes: int) -> SavedRun:
        """Keep a run's report (JSON) and make room for it; return its summary with the name that it got.

        Afterwards there are at most ``runs_count`` runs of together at most ``size_bytes``, the newest.

        Raises:
            StateError: it was not kept.
        """
        packed = zlib.compress(report, _LEVEL)
        begins = summary.point.at.strftime("%Y%m%dT%H%M%SZ")  # a name sorts by time: 20261125T101500Z-ab12
        for _ in range(_ATTEMPTS_COUNT):
            named = msgspec.structs.replace(summary, id=f"{begins}-{os.urandom(2).hex()}")
            told = msgspec.json.encode(named)
            size = len(told) + len(packed)
            if size > size_bytes:
                raise StateError(f"a run of {size} bytes is more than the {size_bytes} that are kept in all")
            whole = (len(told), size)
            insert: Step = (_INSERT, (named.id, size, (0, len(told)), whole), 1)
            try:
                self._door.write(insert, (_CLEAR, (runs_count, size_bytes), None), handed=told + packed)
            except StateError as error:
                if error.kind != "conflict":
                    raise
            else:
                return named
        raise StateError(f"no free name for a run of {begins}", "conflict")

    def listed(self, count: int = _ALL_COUNT, *, until: str = "") -> tuple[SavedRun, ...]:
        """Return the newest runs in short, the newest first; with ``until`` that run and those before it.

        Raises:
            StateError: ``absent`` when none has been kept yet.
        """
        step: Step = (_LIST_UNTIL, (until, count), None) if until else (_LIST, (count,), None)
        rows, _ = self._door.read(step)[0]
        try:
            return tuple(msgspec.json.decode(summary, type=SavedRun) for _, summary in rows)
        except UNREADABLE as error:
            raise StateError(f"a saved run is damaged: {error}", "damaged") from None

    def report(self, run: str = "") -> tuple[str, "Report"]:
        """Return name and report of one run, by its name or a beginning that no other has; empty: the last.

        Raises:
            StateError: ``absent`` when there is no such run, ``damaged`` when it cannot be read.
        """
        if not run:
            return self.last(1)[0]
        rows, _ = self._door.read((_NAMED, (run, run, run, run), None))[0]
        exact = [row for row in rows if row[0] == run]
        if len(rows) > 1 and not exact:
            raise StateError(f"several saved runs begin with {run}", "refused")
        return _read(*(exact or _some(rows, f"there is no saved run {run}"))[0])

    def last(self, count: int) -> list[tuple[str, "Report"]]:
        """Return names and reports of the last runs, the newest first; fewer when there are no more.

        Raises:
            StateError: as ``report`` does.
        """
        rows, _ = self._door.read((_LAST, (count,), None))[0]
        return [_read(*row) for row in _some(rows, "no run has been saved yet")]


def _some(rows: list[tuple[str, bytes]], otherwise: str) -> list[tuple[str, bytes]]:
    if not rows:
        raise StateError(otherwise, "absent")
    return rows


def _read(run: str, packed: bytes) -> tuple[str, "Report"]:
    from iwx_agent.model import Report

    unpacking = zlib.decompressobj()
    try:
        data = unpacking.decompress(packed, _REPORT_BYTES)
        if not unpacking.eof:
            raise StateError(f"the saved run {run} is cut", "damaged")
        return run, msgspec.json.decode(data, type=Report)
    except (zlib.error, *UNREADABLE) as error:
        raise StateError(f"the saved run {run} is damaged: {error}", "damaged") from None
