"""What the agent keeps between runs: for now the last verdict, so that ``why`` can explain it.

It is written and read in a worker: the file system that it lies on may be the one that hangs.
"""

import contextlib
import os
from pathlib import Path
from typing import Any

from iwx_agent.host import HostError

DIRECTORY = Path("/var/lib/iwx-agent")
_NAME = "last-verdict.json"
_MAX_BYTES = 128 * 1024  # what a worker can be handed at once
_LIMIT_S = 2.0


class StateError(Exception):
    """What was to be kept or looked up could not be; ``absent`` when nothing has been kept yet."""

    def __init__(self, why: str, *, absent: bool = False) -> None:
        self.path = str(DIRECTORY / _NAME)
        self.why = why
        self.absent = absent
        super().__init__(f"{self.path}: {why}")


def keep_verdict(data: bytes) -> None:
    """Keep a verdict instead of the one before.

    Raises:
        StateError: when it cannot be written; what was kept before is still there then.
    """
    if len(data) > _MAX_BYTES:
        raise StateError(f"a verdict of {len(data)} bytes is more than the {_MAX_BYTES} that are kept")
    try:
        _ask("keep", str(DIRECTORY), _NAME, data)
    except HostError as error:
        raise StateError(error.reason) from None


def last_verdict() -> bytes:
    """Return the verdict that was kept last.

    Raises:
        StateError: when there is none, or not for who asks, or what lies there is not the agent's.
    """
    if not _is_root():
        raise StateError("kept for root only, and this is not root")
    try:
        data: bytes = _ask("kept", str(DIRECTORY), _NAME, _MAX_BYTES)
    except HostError as error:
        raise StateError(error.reason, absent=error.kind == "not_found") from None
    return data


def _is_root() -> bool:
    return os.geteuid() == 0


def _ask(*request: object) -> Any:
    from iwx_agent.host.deadline import Deadline
    from iwx_agent.host.local import ask_worker
    from iwx_agent.host.workers import Workers

    stuck: list[str] = []  # the error says it, too
    with contextlib.closing(Workers()) as workers:
        return ask_worker(workers, request, Deadline(_LIMIT_S), str(DIRECTORY / _NAME), stuck.append)
