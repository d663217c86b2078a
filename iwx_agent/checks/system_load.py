"""The machine is not overloaded beyond use.

Facts:
    load: load averages and processors; processes: who runs and who waits for a disk, for the report only.

Limits:
    warning_per_cpu and error_per_cpu: the average over 1 and over 5 minutes, both, per processor.

Codes:
    SYSTEM-060 the load is very high.

Source:
    proc_loadavg(5): the load counts programs that run and programs that wait for a disk (state D).
"""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Missing, Processes, Scope, Severity, grade
from iwx_agent.model.system import Load

_NAMES_COUNT = 5


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    warning_per_cpu: float = 8.0
    error_per_cpu: float = 20.0


def judge(load: Load, processes: Processes | Missing, limits: Limits) -> Iterator[Finding]:
    """Judge the lower of the two short averages: a peak that is over, or has just begun, is none."""
    per_cpu = min(load.one, load.five) / load.cpus_count
    severity = grade(per_cpu, warning=limits.warning_per_cpu, error=limits.error_per_cpu)
    if severity is None:
        return
    numbers = (
        f"Load {load.one:.1f}, {load.five:.1f}, {load.fifteen:.1f} over 1, 5, 15 minutes "
        f"on {load.cpus_count} processor(s)."
    )
    yield Finding(
        code="SYSTEM-060",
        subject="load",
        severity=severity,
        scope=Scope.PROVIDER,
        title="The load of the machine is very high",
        detail=f"{numbers} {_who(processes)}".rstrip(),
        remedy=(
            "top -b -n 1 | head -n 25   # what runs",
            "ps -eo pid,user,stat,wchan:32,comm | awk '$3 ~ /^D/'   # what waits for a disk or file server",
            "iostat -x 1 3   # is a disk busy all the time?",
            "Stop or limit what causes it; a runaway site or a backup at the wrong hour is usual.",
        ),
        evidence=(Evidence(source="/proc/loadavg", text=numbers),),
        touches=("panel", "web", "mail") if severity >= Severity.ERROR else (),
    )


def _who(processes: Processes | Missing) -> str:
    if isinstance(processes, Missing):
        return ""
    running = Counter(process.name for process in processes.entries if process.state == "R")
    waiting = Counter(process.name for process in processes.entries if process.state == "D")
    return f"Running: {_told(running)}. Waiting for a disk or file server: {_told(waiting)}."


def _told(names: Counter[str]) -> str:
    ordered = sorted(names.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{name} ({count})" for name, count in ordered[:_NAMES_COUNT]) or "none"


CHECK = Check(
    id="system.load",
    title="The load is bearable",
    codes=("SYSTEM-060",),
    judge=judge,
    limits=Limits(),
)
