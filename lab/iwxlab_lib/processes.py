"""Processes told apart for certain: a number alone may be somebody else's by now."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .commands import LabError


@dataclass(frozen=True)
class Process:
    """A process by number and start time (field 22 of /proc/PID/stat, in clock ticks since boot)."""

    pid: int
    started_ticks: int

    @classmethod
    def of(cls, pid: int) -> Process | None:
        """The process of that number as it is now, None when there is none (a zombie counts as none)."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in "ZX" else cls(pid, int(fields[19]))

    def alive(self) -> bool:
        return Process.of(self.pid) == self

    def end(self, timeout_s: float = 10.0) -> bool:
        """Kill it and wait until it is gone; False when it would not go."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        deadline = time.monotonic() + timeout_s
        while self.alive() and time.monotonic() < deadline:
            reap(self.pid)
            time.sleep(0.02)
        reap(self.pid)
        return not self.alive()


def reap(pid: int) -> None:
    """Collect a child of ours that has ended; nothing happens for anybody else's."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def spawn(argv: Sequence[str | Path], log: Path) -> Process:
    """Start a program that goes on by itself; what it says goes to the log."""
    with log.open("ab") as output:
        child = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            cwd="/",
        )
    child.returncode = 0  # from here on it is known by number and reaped there; this object is dropped
    found = Process.of(child.pid)
    if found is None:
        raise LabError(f"{argv[0]} ended at once; see {log}")
    return found
