"""No file system is full, and each one answers.

Facts:
    file_systems: each file system that services could write to, with its space.

Limits:
    full_pct and full_bytes: full is both nothing much left in share and in bytes; nearly_full_pct and
    nearly_full_bytes likewise. Two per cent of a large disk are far from full.

Codes:
    SYSTEM-001 a file system that services write to is full; SYSTEM-002 one is nearly full; SYSTEM-003 another
    file system is full; SYSTEM-004 a file system does not answer.

Source:
    Support guide 7.1: system administration is outside of support; statvfs(3), df(1) for the reckoning.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Scope, Severity
from iwx_agent.model.system import FileSystem, FileSystems

_MIB = 1024.0**2


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check; each pair must be met together."""

    full_pct: float = 98.0
    full_bytes: int = 200 * 1024**2
    nearly_full_pct: float = 95.0
    nearly_full_bytes: int = 5 * 1024**3


def judge(file_systems: FileSystems, limits: Limits) -> Iterator[Finding]:
    """Judge each file system; one that is read-only cannot become fuller and is left to its own check."""
    for file_system in file_systems.entries:
        if not file_system.answered:
            yield _silent(file_system)
        elif file_system.total_bytes <= 0 or file_system.mount.read_only:
            continue
        elif _within(file_system, limits.full_pct, limits.full_bytes):
            yield _full(file_system)
        elif _within(file_system, limits.nearly_full_pct, limits.nearly_full_bytes):
            yield _nearly_full(file_system)


def _within(file_system: FileSystem, used_pct: float, available_bytes: int) -> bool:
    return file_system.used_pct >= used_pct and file_system.available_bytes <= available_bytes


def _full(file_system: FileSystem) -> Finding:
    written = bool(file_system.writers)
    place = file_system.mount.mount_point
    return Finding(
        code="SYSTEM-001" if written else "SYSTEM-003",
        subject=place,
        severity=Severity.ERROR if written else Severity.WARNING,
        scope=Scope.PROVIDER,
        title=f"The file system {place} is full",
        detail=f"{_numbers(file_system)} {_used_by(file_system)}",
        remedy=_make_room(place),
        evidence=(Evidence(source=file_system.source, text=_numbers(file_system)),),
        touches=file_system.touches,
    )


def _nearly_full(file_system: FileSystem) -> Finding:
    place = file_system.mount.mount_point
    return Finding(
        code="SYSTEM-002",
        subject=place,
        severity=Severity.WARNING,
        scope=Scope.PROVIDER,
        title=f"The file system {place} is nearly full",
        detail=f"{_numbers(file_system)} {_used_by(file_system)}",
        remedy=_make_room(place),
        evidence=(Evidence(source=file_system.source, text=_numbers(file_system)),),
        touches=file_system.touches,
    )


def _silent(file_system: FileSystem) -> Finding:
    mount = file_system.mount
    return Finding(
        code="SYSTEM-004",
        subject=mount.mount_point,
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title=f"The file system {mount.mount_point} does not answer",
        detail=(
            f"{mount.device} ({mount.type}) gave no answer within {file_system.limit_s:g} s: "
            f"{file_system.detail}. "
            f"Every program that touches it waits. {_used_by(file_system)}"
        ),
        remedy=(
            "ps -eo pid,stat,wchan:32,comm | awk '$2 ~ /D/'   # the programs that wait for it",
            f"findmnt --target {shlex.quote(mount.mount_point)}",
            "Bring the file server or device back; a network file system goes on by itself then.",
            f"umount -f -l {shlex.quote(mount.mount_point)}   # gives it up: only when it will not come back",
        ),
        evidence=(Evidence(source=file_system.source, text=file_system.detail),),
        touches=file_system.touches,
    )


def _numbers(file_system: FileSystem) -> str:
    return (
        f"{file_system.used_pct:.1f} % used, {file_system.available_bytes / _MIB:,.0f} MiB of "
        f"{file_system.total_bytes / _MIB:,.0f} MiB left for services."
    )


def _used_by(file_system: FileSystem) -> str:
    if not file_system.writers:
        return "No service of the panel writes there."
    return f"On it: {', '.join(place.path for place in file_system.writers)}."


def _make_room(place: str) -> tuple[str, ...]:
    quoted = shlex.quote(place)
    return (
        f"du -xh --max-depth=2 {quoted} 2>/dev/null | sort -h | tail -n 20",
        f"lsof +L1 {quoted}   # deleted but still open: restart the program",
        "journalctl --vacuum-size=200M   # if the journal is what fills it; deletes its oldest entries",
        "Delete or move what is not needed, or enlarge the file system; then restart services that stopped.",
    )


CHECK = Check(
    id="system.disk_space",
    title="No file system is full",
    codes=("SYSTEM-001", "SYSTEM-002", "SYSTEM-003", "SYSTEM-004"),
    judge=judge,
    limits=Limits(),
)
