"""The way to what is kept: one transaction at a time, in a worker, because its file system may hang."""

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from iwx_agent.host import HostError
from iwx_agent.state.schema import SCHEMA

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

DIRECTORY = Path("/var/lib/iwx-agent")
NAME = "state.db"
LIMIT_S = 5.0
Kind = Literal[
    "absent",  # nothing has been kept yet, or not this
    "refused",  # not for who asks, or not the agent's own: somebody else's, a later agent's
    "unwritable",  # a full or read-only disk
    "busy",
    "damaged",  # and set aside, or one entry alone
    "conflict",  # somebody else was faster
    "failed",
]
Step = tuple[str, tuple[object, ...], int | None]  # statement, parameters, rows that it has to touch
Answer = tuple[list[tuple[Any, ...]], int]  # rows, and how many were touched


class StateError(Exception):
    """What was to be kept or looked up could not be; ``kind`` for code, ``why`` for people."""

    def __init__(self, why: str, kind: Kind = "failed", path: str = "") -> None:
        self.path = path or str(DIRECTORY / NAME)
        self.why = why
        self.kind: Kind = kind
        super().__init__(f"{self.path}: {why}")

    @property
    def next_step(self) -> str:
        """Return what a person can do about it."""
        if self.kind == "absent":
            return "A run of root is saved: iwx-agent diagnose. What is there: iwx-agent report --list"
        if self.kind == "refused":
            return "Run it as root; move away what was left alone. A capture: iwx-agent diagnose --from DIR"
        return "A new run needs none of it: iwx-agent diagnose"


class Door:
    """One database, with the workers of an open run or workers of its own.

    ``set_aside`` names a file that was found to be damaged and has been set aside, until somebody says so.
    """

    def __init__(
        self,
        directory: Path | None = None,
        workers: "Workers | None" = None,
        *,
        limit_s: float = LIMIT_S,
    ) -> None:
        self.directory = DIRECTORY if directory is None else directory
        self.set_aside = ""
        self._workers = workers
        self._limit_s = limit_s

    def write(self, *steps: Step, handed: bytes = b"") -> list[Answer]:
        """Do all the steps, or none, and return when they are on the disk.

        A parameter ``(start, end)`` stands for these bytes of ``handed``.

        Raises:
            StateError: nothing was done; for ``failed`` that may not be known.
        """
        return self._transact(steps, create=True, handed=handed)

    def read(self, *steps: Step) -> list[Answer]:
        """Return the answers to questions; makes nothing.

        Raises:
            StateError: there are none.
        """
        if not is_root():
            raise StateError("kept for root only, and this is not root", "refused", self.path)
        return self._transact(steps, create=False, handed=b"")

    @property
    def path(self) -> str:
        """Return where the database is, as errors name it."""
        return str(self.directory / NAME)

    def _transact(self, steps: tuple[Step, ...], *, create: bool, handed: bytes) -> list[Answer]:
        request = ("transact", str(self.directory), NAME, SCHEMA, steps, create)
        try:
            outcome, aside, told = _ask(*request, handed=handed, workers=self._workers, limit_s=self._limit_s)
        except HostError as error:
            raise StateError(error.reason, "failed", self.path) from None
        if aside:
            self.set_aside = f"{self.directory}/{aside}"
        if outcome == "conflict":
            raise StateError("another iwx-agent was faster", "conflict", self.path)
        if outcome != "done":
            raise StateError(told, outcome, self.path)
        answers: list[Answer] = told
        return answers


def is_root() -> bool:
    """Return whether what is kept may be looked at."""
    return os.geteuid() == 0


def _ask(*request: object, handed: bytes, workers: "Workers | None", limit_s: float) -> Any:
    from iwx_agent.host.deadline import Deadline
    from iwx_agent.host.local import ask_worker
    from iwx_agent.host.saving import in_memory
    from iwx_agent.host.workers import Workers

    stuck: list[str] = []  # the error says it, too
    number = in_memory(handed) if handed else -1
    numbers = (number,) if handed else ()
    try:
        with contextlib.nullcontext(workers) if workers else contextlib.closing(Workers()) as used:
            deadline = Deadline(limit_s)
            return ask_worker(used, request, deadline, str(request[1]), stuck.append, handed=numbers)
    finally:
        if handed:
            os.close(number)
