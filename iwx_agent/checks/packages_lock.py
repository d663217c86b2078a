"""Nothing keeps yum and dnf waiting.

Facts:
    package_locks: the lock files of yum and dnf, who holds them, and the programs at work on packages.

Limits:
    long_s: a package tool that runs this long hangs; until then it counts as work in progress.

Codes:
    PACKAGES-020 a package tool is stopped and keeps the others waiting; PACKAGES-021 one runs far too long;
    PACKAGES-022 a lock file is left of a process that is gone; PACKAGES-023 a lock file names a process that
    is no package tool, or nothing that can be read, so that yum and dnf do not start.

Source:
    dnf's lock.py: it waits while a process of that number exists, takes the lock of a dead one, and refuses a
    file without a number; yum 3 does alike. Recorded: dnf waits for ever, for a stopped process too.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Process, Scope, Severity, moment
from iwx_agent.model.package_state import PackageLock, PackageLocks, is_package_tool

# What may well hold the lock of dnf's library in a process of another name.
_LIBRARY_USERS = (
    "python",
    "platform-python",
    "packagekitd",
    "dnf-automatic",
    "ansible",
    "subscription",
    "PackageKit",
)


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    long_s: float = 7200.0


def judge(package_locks: PackageLocks, limits: Limits) -> Iterator[Finding]:
    """Judge the programs at work first: what they hold is their doing."""
    held = [(lock, lock.holder) for lock in package_locks.locks if lock.holder is not None]
    holders = {holder.pid: holder for lock, holder in held if _may_hold(lock, holder)}
    for process in {**{tool.pid: tool for tool in package_locks.tools}, **holders}.values():
        age_s = package_locks.read_at - process.started_at
        if process.state in "Tt":
            yield _at_work("PACKAGES-020", process, package_locks, "is stopped and holds up all others")
        elif age_s >= limits.long_s:
            yield _at_work(
                "PACKAGES-021", process, package_locks, f"has been running for {age_s / 3600:.0f} hours"
            )
    for lock in package_locks.locks:
        if lock.pid is None and lock.text:
            yield _blocked(lock, "it holds no process number")
        elif lock.holder is not None and not _may_hold(lock, lock.holder):
            yield _blocked(lock, f"it names process {lock.pid}, which is {lock.holder.name}")
        elif lock.pid is not None and lock.holder is None:
            yield _stale(lock)


def _may_hold(lock: PackageLock, holder: Process) -> bool:
    """Return whether that process can have written the file: numbers are given out again."""
    own = is_package_tool(holder.name, holder.title) or holder.name.startswith(_LIBRARY_USERS)
    return own and holder.started_at <= lock.changed_at + 1.0


def _at_work(code: str, process: Process, locks: PackageLocks, words: str) -> Finding:
    shown = process.title or process.name
    held = tuple(lock.path for lock in locks.locks if lock.pid == process.pid)
    stopped = code == "PACKAGES-020"
    since_at = None if stopped else moment(process.started_at)
    return Finding(
        code=code,
        subject=process.name,
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title=f"{shown} {words}",
        detail=(
            f"Process {process.pid} ({shown}, state {process.state}). "
            f"{'It holds ' + ', '.join(held) + '. ' if held else ''}"
            "As long as it is there, every other yum or dnf waits, and rpm refuses to install."
        ),
        remedy=(
            f"ps -o pid,ppid,etimes,stat,wchan:24,args -p {process.pid}; pstree -alp {process.pid}",
            "tail -n 20 /var/log/dnf.log /var/log/dnf.rpm.log   # what it did last",
            (
                f"kill -CONT {process.pid}   # lets it go on; often it was stopped with Ctrl-Z in a terminal"
                if stopped
                else f"kill -TERM {process.pid}   # only if it hangs: what it is doing stays half done"
            ),
            "Never kill -9: a writer that is killed leaves rpm's database broken.",
        ),
        evidence=(
            Evidence(source="process list", text=f"{process.pid} {process.state} {shown}"),
            *(Evidence(source=path, text=str(process.pid)) for path in held),
        ),
        since_at=since_at,
        since_source="start of the process" if since_at else "",
    )


def _blocked(lock: PackageLock, words: str) -> Finding:
    path = shlex.quote(lock.path)
    return Finding(
        code="PACKAGES-023",
        subject=lock.path,
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title=f"yum and dnf cannot start: the lock file {lock.path} is wrong",
        detail=f"The lock file {lock.path} is not of a package tool: {words}. dnf waits for it all the same.",
        remedy=(
            "pgrep -a 'dnf|yum|rpm|packagekit'   # if none of them runs, nobody holds this lock",
            f"rm {path}   # only then",
        ),
        evidence=(Evidence(source=lock.path, text=lock.text, seen_at=moment(lock.changed_at)),),
        since_at=moment(lock.changed_at),
        since_source=lock.path,
    )


def _stale(lock: PackageLock) -> Finding:
    return Finding(
        code="PACKAGES-022",
        subject=lock.path,
        severity=Severity.NOTE,
        scope=Scope.PROVIDER,
        title=f"A lock file is left of a package tool that is gone: {lock.path}",
        detail=f"Process {lock.pid} does not exist any more. The next yum or dnf takes the lock.",
        remedy=("Nothing has to be done. If a transaction was ended half-way, that is told beside this.",),
        evidence=(Evidence(source=lock.path, text=lock.text, seen_at=moment(lock.changed_at)),),
        since_at=moment(lock.changed_at),
        since_source=lock.path,
    )


CHECK = Check(
    id="packages.lock",
    title="Nothing keeps yum and dnf waiting",
    codes=("PACKAGES-020", "PACKAGES-021", "PACKAGES-022", "PACKAGES-023"),
    judge=judge,
    limits=Limits(),
)
