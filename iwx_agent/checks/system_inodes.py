"""No file system has run out of inodes: new files can be made.

Facts:
    file_systems: each file system that services could write to, with its inodes.

Limits:
    used_up_pct and used_up_count: no inodes left means both; nearly_pct and nearly_count likewise.
    dynamic_available_pct: XFS makes inodes out of free space: with less space than this, space is short.

Codes:
    SYSTEM-010 no inodes left; SYSTEM-011 nearly none left.

Source:
    statvfs(3); mkfs.ext4(8): the number of inodes is fixed when the file system is made.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Scope, Severity
from iwx_agent.model.system import FileSystem, FileSystems

_DYNAMIC_TYPES = ("xfs",)


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check; each pair of share and number must be met together."""

    used_up_pct: float = 99.0
    used_up_count: int = 200
    nearly_pct: float = 95.0
    nearly_count: int = 50_000
    dynamic_available_pct: float = 5.0


def judge(file_systems: FileSystems, limits: Limits) -> Iterator[Finding]:
    """Judge each file system that counts inodes; some (btrfs, vfat, network ones) do not and report 0."""
    for file_system in file_systems.entries:
        if _cannot_tell(file_system, limits):
            continue
        if _within(file_system, limits.used_up_pct, limits.used_up_count):
            yield _finding(file_system, "SYSTEM-010", "has no inodes left: no new file can be made")
        elif _within(file_system, limits.nearly_pct, limits.nearly_count):
            yield _finding(file_system, "SYSTEM-011", "has nearly no inodes left")


def _cannot_tell(file_system: FileSystem, limits: Limits) -> bool:
    short_of_space = (
        file_system.mount.type in _DYNAMIC_TYPES
        and 100.0 - file_system.used_pct < limits.dynamic_available_pct
    )
    counted = file_system.answered and file_system.inodes_count > 0
    return not counted or file_system.mount.read_only or short_of_space


def _within(file_system: FileSystem, used_pct: float, free_count: int) -> bool:
    return file_system.inodes_used_pct >= used_pct and file_system.inodes_free_count <= free_count


def _finding(file_system: FileSystem, code: str, words: str) -> Finding:
    place = file_system.mount.mount_point
    numbers = (
        f"{file_system.inodes_used_pct:.1f} % of {file_system.inodes_count:,} inodes used, "
        f"{file_system.inodes_free_count:,} left."
    )
    used_up = code == "SYSTEM-010" and bool(file_system.writers)
    on_it = ", ".join(place.path for place in file_system.writers) or "nothing of the panel"
    return Finding(
        code=code,
        subject=place,
        severity=Severity.ERROR if used_up else Severity.WARNING,
        scope=Scope.PROVIDER,
        title=f"The file system {place} {words}",
        detail=f"{numbers} On it: {on_it}.",
        remedy=(
            f"df -i {shlex.quote(place)}",
            f"du -x --inodes --max-depth=3 {shlex.quote(place)} 2>/dev/null | sort -n | tail -n 20",
            "Usual places: /var/qmail/queue (spam), PHP sessions, /tmp, cache directories of web sites.",
        ),
        evidence=(Evidence(source=file_system.source, text=numbers),),
        touches=file_system.touches,
    )


CHECK = Check(
    id="system.inodes",
    title="File systems have inodes left",
    codes=("SYSTEM-010", "SYSTEM-011"),
    judge=judge,
    limits=Limits(),
)
