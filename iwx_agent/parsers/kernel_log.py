"""Messages of the Linux kernel: processes killed for lack of memory, failing disks, floods.

>>> from iwx_agent.model import LogLine
>>> said = "Out of memory: Killed process 219 (mysqld) total-vm:320968kB, anon-rss:65092kB"
>>> kill, = oom_kills((LogLine(text=said, source="kernel"),))
>>> kill.victim, kill.in_group
('mysqld', False)
>>> fault, = disk_faults((LogLine(text="I/O error, dev sda, sector 8000 op 0x0:(READ)", source="kernel"),))
>>> fault.device, fault.kind
('sda', 'device')
>>> flood_lines((LogLine(text="nf_conntrack: table full, dropping packet", source="kernel"),))[0].text
'nf_conntrack: table full, dropping packet'
"""

import re
from collections.abc import Iterable

from iwx_agent.model import LogLine
from iwx_agent.model.system import DiskFault, DiskFaultKind, OomKill

# Release 7 announces "Kill process N (parent)" first, perhaps of another process; only "Killed" has happened.
_KILLED = re.compile(
    r"Killed process \d{1,10}(?:,? UID \d{1,10},?)? \((.{1,40}?)\)(?=,? total-vm|,? UID|,? score|,|$)"
)
_GROUP_WORDS = "Memory cgroup out of memory"
_MACHINE_WORDS = "Out of memory"

_NAME = r"([\w!./-]{1,64}?)"
_FAULTS: tuple[tuple[re.Pattern[str], DiskFaultKind], ...] = (
    (re.compile(rf"EXT[234]-fs \({_NAME}\): Remounting filesystem read-only"), "read_only"),
    (
        re.compile(rf"BTRFS [a-z]{{4,10}} \(device {_NAME}(?:: state \w{{1,10}})?\): forced readonly"),
        "read_only",
    ),
    (re.compile(rf"\berror, dev {_NAME}, sector \d"), "device"),
    (re.compile(rf"Buffer I/O error on (?:dev|device) {_NAME},"), "device"),
    (re.compile(rf"\bmd/\w{{1,20}}:\w{{1,20}}: Disk failure on {_NAME},"), "device"),
    (
        re.compile(rf"nvme {_NAME}: (?:controller is down|Device not ready|Removing after probe failure)"),
        "device",
    ),
    (re.compile(rf"EXT[234]-fs error \(device {_NAME}\)"), "file_system"),
    (re.compile(rf"Aborting journal on device {_NAME}-\d{{1,10}}\."), "file_system"),
    (re.compile(rf"JBD2: .{{0,80}}(?:for|on) {_NAME}-\d{{1,10}}\b"), "file_system"),
    (
        re.compile(rf"XFS \({_NAME}\): .{{0,200}}(?:I/O [Ee]rror|[Cc]orruption|shut down|Shutting down)"),
        "file_system",
    ),
    (re.compile(rf"BTRFS critical \(device {_NAME}(?:: state \w{{1,10}})?\)"), "file_system"),
    (
        re.compile(
            rf"BTRFS error \(device {_NAME}(?:: state \w{{1,10}})?\): .{{0,200}}(?:errs: wr|IO failure)"
        ),
        "device",
    ),
)
# A drive without a disk in it, a loop whose file is gone: only a file system on it can be damaged.
_HARMLESS_DEVICE = re.compile(r"(?:fd|sr|loop|ram|zram)\d")
# Devices that do not know these commands refuse them at every trim: nothing was lost.
_HARMLESS_WORDS = ("(DISCARD)", "(WRITE_ZEROES)", "(WRITE_SAME)", "critical target error")
_FLOOD = re.compile(
    r"possible SYN flooding on port|nf_conntrack: (?:\w{1,40}: )?table full, dropping packet",
    re.IGNORECASE,
)


def oom_kills(lines: Iterable[LogLine]) -> tuple[OomKill, ...]:
    """Return the processes that were killed for lack of memory, in the order of the lines."""
    kills: list[OomKill] = []
    in_group = False
    for line in lines:
        if _GROUP_WORDS in line.text:
            in_group = True
        elif _MACHINE_WORDS in line.text:
            in_group = False
        found = _KILLED.search(line.text)
        if found:
            kills.append(OomKill(victim=found.group(1), in_group=in_group, line=line))
            in_group = False
    return tuple(kills)


def disk_faults(lines: Iterable[LogLine]) -> tuple[DiskFault, ...]:
    """Return the messages about failing disks and file systems; floppies, CDs, loops, trims are left out."""
    return tuple(fault for line in lines if (fault := _fault(line)) is not None)


def _fault(line: LogLine) -> DiskFault | None:
    if any(words in line.text for words in _HARMLESS_WORDS):
        return None
    for pattern, kind in _FAULTS:
        found = pattern.search(line.text)
        if found:
            device = found.group(1)
            harmless = kind == "device" and _HARMLESS_DEVICE.match(device)
            return None if harmless else DiskFault(device=device, kind=kind, line=line)
    return None


def flood_lines(lines: Iterable[LogLine]) -> tuple[LogLine, ...]:
    """Return the lines in which the kernel speaks of a SYN flood or of a full connection table."""
    return tuple(line for line in lines if _FLOOD.search(line.text))
