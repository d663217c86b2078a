"""No file system has turned read-only.

Facts:
    file_systems: each file system, whether it is read-only itself, and what /etc/fstab wants of it;
    disk_faults: what the kernel said about its device, for the reason and the moment.

Limits:
    None: a state.

Codes:
    SYSTEM-020 a file system is read-only that was mounted, or is to be mounted, read-write.

Source:
    proc_pid_mountinfo(5): options of the mount and of the file system stand apart; ext4(5) errors=remount-ro.
"""

import shlex
from collections.abc import Iterator

from iwx_agent.model import Check, Evidence, Finding, Missing, Scope, Severity, moment
from iwx_agent.model.system import DiskFault, DiskFaults, FileSystem, FileSystems

_QUOTED_LINES = 5


def judge(file_systems: FileSystems, disk_faults: DiskFaults | Missing) -> Iterator[Finding]:
    """Judge each file system; images, snapshots, bind mounts, what fstab wants read-only are well."""
    faults = () if isinstance(disk_faults, Missing) else disk_faults.entries
    for file_system in file_systems.entries:
        mount = file_system.mount
        told = tuple(fault for fault in faults if mount.lies_on(fault.device))
        turned = tuple(fault for fault in told if fault.kind == "read_only")
        if mount.read_only and (mount.turned_read_only or file_system.wanted_read_write or turned):
            yield _finding(file_system, told, turned)


def _finding(file_system: FileSystem, told: tuple[DiskFault, ...], turned: tuple[DiskFault, ...]) -> Finding:
    mount = file_system.mount
    why = "the kernel made it so" if mount.turned_read_only or turned else "/etc/fstab wants it read-write"
    device = shlex.quote(mount.device)
    quoted = tuple(Evidence(source=f.line.source, text=f.line.text) for f in told[:_QUOTED_LINES])
    return Finding(
        code="SYSTEM-020",
        subject=mount.mount_point,
        severity=Severity.ERROR if file_system.writers else Severity.WARNING,
        scope=Scope.PROVIDER,
        title=f"The file system {mount.mount_point} has turned read-only",
        detail=(
            f"{mount.device} ({mount.type}) cannot be written to: {why}. "
            f"On it: {', '.join(place.path for place in file_system.writers) or 'nothing of the panel'}."
        ),
        remedy=(
            "journalctl -k -p err --no-pager | tail -n 50   # why: usually errors of the disk or file system",
            "Save what can be saved now: a failing disk gets worse.",
            f"Unmount {device} (from a rescue system if need be), then fsck or xfs_repair, then mount it.",
        ),
        evidence=(
            Evidence(source="/proc/self/mountinfo", text=f"{mount.device} on {mount.mount_point}: read-only"),
            *quoted,
        ),
        since_at=moment(turned[0].line.at) if turned else None,
        since_source=turned[0].line.source if turned else "",
        touches=file_system.touches,
    )


CHECK = Check(
    id="system.read_only",
    title="No file system has turned read-only",
    codes=("SYSTEM-020",),
    judge=judge,
)
