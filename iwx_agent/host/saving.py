"""Write a file where a person asked for one: whole or not at all, in a worker that may be left behind."""

import contextlib
import os
from typing import Any

from iwx_agent.host.deadline import Deadline
from iwx_agent.host.local import ask_worker
from iwx_agent.host.workers import Workers

SAVE_TIMEOUT_S = 60.0
_LOOK_TIMEOUT_S = 5.0


def in_memory(data: bytes) -> int:
    """Return a descriptor of a file in memory that holds ``data``; it has no name, and goes when closed."""
    number = os.memfd_create("iwx-agent", os.MFD_CLOEXEC)
    left = memoryview(data)
    while left:
        left = left[os.write(number, left) :]
    os.lseek(number, 0, os.SEEK_SET)
    return number


def refuse_unsavable(path: str, *, replace: bool = False) -> None:
    """Do nothing when ``save`` could write at a path, as far as can be told without the data.

    A path that ends with a slash is a directory in which the name is not known yet.

    Raises:
        HostError: as ``save`` does.
    """
    _ask("savable", *_parts(path), replace, path=path, limit_s=_LOOK_TIMEOUT_S)


def save(path: str, data: bytes, *, replace: bool = False, mode: int = 0o600) -> None:
    """Write a new file of this mode; never in part, and over nothing but, with ``replace``, a regular file.

    Raises:
        HostError: ``refused`` when there is something already, ``permission`` in a directory that everybody
            can write to, ``not_regular`` in one that is a link, ``failed`` without room, and as reading does.
    """
    number = in_memory(data)
    try:
        request = ("save", *_parts(path), len(data), replace, mode)
        _ask(*request, path=path, limit_s=SAVE_TIMEOUT_S, handed=(number,))
    finally:
        os.close(number)


def _parts(path: str) -> tuple[str, str]:
    """Return directory and name; a worker is at home in ``/``."""
    directory, name = os.path.split(path)
    return os.path.abspath(directory or "."), name  # noqa: PTH100


def _ask(*request: object, path: str, limit_s: float, handed: tuple[int, ...] = ()) -> Any:
    stuck: list[str] = []  # the error says it, too
    with contextlib.closing(Workers()) as workers:
        return ask_worker(workers, request, Deadline(limit_s), path, stuck.append, handed=handed)
