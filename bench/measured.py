"""Run a command and say what it cost: wall time, CPU time and peak memory, its children included."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Medians over the repetitions; memory is the peak of the largest process."""

    wall_s: float
    cpu_s: float
    peak_mib: float
    exit_code: int


def cost(argv: Sequence[str], *, times: int = 5, warm_up: bool = True) -> Cost:
    """Run a command some times, after one run that does not count, and return the medians."""
    if warm_up:
        _once(argv)
    runs = [_once(argv) for _ in range(times)]
    return Cost(
        wall_s=statistics.median(run.wall_s for run in runs),
        cpu_s=statistics.median(run.cpu_s for run in runs),
        peak_mib=max(run.peak_mib for run in runs),
        exit_code=runs[-1].exit_code,
    )


# A process begins with the memory of the one that started it, so the launcher is as small as Python gets.
LAUNCHER = """
import os, sys, time
nothing = os.open(os.devnull, os.O_RDWR)
actions = [(os.POSIX_SPAWN_DUP2, nothing, number) for number in (0, 1, 2)]
began = time.monotonic()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
wall = time.monotonic() - began
print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


def _once(argv: Sequence[str]) -> Cost:
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *argv], capture_output=True, text=True, check=True
    )
    wall_s, cpu_s, peak_kib, exit_code = done.stdout.split()
    return Cost(
        wall_s=float(wall_s), cpu_s=float(cpu_s), peak_mib=int(peak_kib) / 1024, exit_code=int(exit_code)
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
