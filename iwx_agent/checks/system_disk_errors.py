"""The kernel reports no errors of disks or file systems.

Facts:
    disk_faults: kernel messages about failing devices and file systems; file_systems: what lies on them.

Limits:
    recent_s: older messages are history, unless a file system is still read-only (its own check).

Codes:
    SYSTEM-030 a disk or file system reports errors.

Source:
    Support guide 7.1, "does not qualify": hard drive crashes. Kernel sources: blk_print_req_error,
    ext4_error, xfs_buf_ioerror_alert. Refused trims, floppies, CDs, loop devices are left out by the parser.
"""

import re
import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Missing, Scope, Severity, moment
from iwx_agent.model.system import DiskFault, DiskFaults, FileSystem, FileSystems

_QUOTED_LINES = 5
# sda3 is on sda, nvme0n1p2 on nvme0n1; dm-0, md127 and loop0 are whole.
_PARTITION = re.compile(r"((?:sd|vd|xvd|hd)[a-z]{1,3})\d{1,3}|((?:nvme\d{1,3}n|mmcblk)\d{1,3})p\d{1,3}")
_LAYERED = ("/dev/mapper/", "/dev/md", "/dev/dm-")


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    recent_s: float = 86_400.0


def judge(disk_faults: DiskFaults, file_systems: FileSystems | Missing, limits: Limits) -> Iterator[Finding]:
    """Give one finding for each disk with errors in the last day; what has no time counts as recent."""
    by_device: dict[str, list[DiskFault]] = {}
    for fault in disk_faults.entries:
        at = fault.line.at
        if at is None or disk_faults.read_at - at <= limits.recent_s:
            by_device.setdefault(_disk(fault.device), []).append(fault)
    known = () if isinstance(file_systems, Missing) else file_systems.entries
    for device, faults in by_device.items():
        yield _finding(device, faults, known)


def _finding(device: str, faults: list[DiskFault], known: tuple[FileSystem, ...]) -> Finding:
    first, last = faults[0].line, faults[-1].line
    carried = tuple(dict.fromkeys(f for fault in faults for f in _carried_by(fault.device, known)))
    places = ", ".join(file_system.mount.mount_point for file_system in carried)
    path = shlex.quote(f"/dev/{device}")
    quoted = faults[: _QUOTED_LINES - 1] + faults[-1:] if len(faults) >= _QUOTED_LINES else faults
    return Finding(
        code="SYSTEM-030",
        subject=device,
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title=f"The kernel reports errors of the disk or file system {device}",
        detail=(
            f"{len(faults)} message(s) in the last day; the last: {last.text[:200]}. "
            f"It carries {places or 'no file system that is known to carry a service'}."
        ),
        remedy=(
            "Make a backup now, before anything else.",
            f"smartctl -a {path}   # reallocated and pending sectors, error log",
            "journalctl -k -p err --no-pager | tail -n 50",
            "cat /proc/mdstat   # is a RAID degraded?",
            "Have the disk or the storage behind it replaced; check its file systems afterwards.",
        ),
        evidence=tuple(
            Evidence(source=f.line.source, text=f.line.text, seen_at=moment(f.line.at)) for f in quoted
        ),
        since_at=moment(first.at),
        since_source=first.source if first.at is not None else "",
        touches=tuple(dict.fromkeys(name for file_system in carried for name in file_system.touches)),
    )


def _disk(device: str) -> str:
    found = _PARTITION.fullmatch(device)
    return device if found is None else found.group(1) or found.group(2)


def _carried_by(device: str, known: tuple[FileSystem, ...]) -> tuple[FileSystem, ...]:
    """Return what lies on the device; a disk that nothing names lies under the layered ones (LVM, RAID)."""
    named = tuple(file_system for file_system in known if file_system.mount.lies_on(device))
    return named or tuple(f for f in known if f.mount.device.startswith(_LAYERED))


CHECK = Check(
    id="system.disk_errors",
    title="The kernel reports no disk errors",
    codes=("SYSTEM-030",),
    judge=judge,
    limits=Limits(),
    optional=("disk_faults",),
)
