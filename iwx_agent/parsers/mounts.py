r"""``/proc/self/mountinfo`` and ``/etc/fstab``: what is mounted where, and what should be.

mountinfo keeps apart what ``/proc/mounts`` mixes: options of one view (a bind mount, a sandbox) stand before
the dash, options of the file system itself behind it. Only the latter say that nothing can be written.

>>> line = "260 25 8:3 / /srv/my\\040data rw,relatime - ext4 /dev/sda3 ro,errors=remount-ro\n"
>>> mount, = parse_mountinfo(line)
>>> mount.mount_point, mount.device, mount.read_only, mount.turned_read_only
('/srv/my data', '/dev/sda3', True, True)
>>> parse_fstab("/dev/sda3 /srv ext4 defaults 0 2\n/dev/sr0 /media iso9660 ro,noauto 0 0\n")
{'/srv': True, '/media': False}
"""

import re

from iwx_agent.model import ParseError
from iwx_agent.model.system import FstabEntry, Mount

_OCTAL = re.compile(r"\\([0-3][0-7]{2})")
_DEVICE_NUMBER = re.compile(r"\d{1,10}:\d{1,10}")
_STOPPED = frozenset(("emergency_ro", "shutdown"))  # ext4 says so in its options instead of turning to ro


def parse_mountinfo(text: str) -> tuple[Mount, ...]:
    """Return the mounts in order; of several on one mount point only the last, which hides the others.

    Raises:
        ParseError: for a line that is not mountinfo, and when there is no mount at all.
    """
    mounts = [_mount(line) for line in text.split("\n") if line.strip()]
    if not mounts:
        raise ParseError("lines of mountinfo")
    return tuple({mount.mount_point: mount for mount in mounts}.values())


def _mount(line: str) -> Mount:
    before, dash, after = line.partition(" - ")
    view, of_file_system = before.split(" "), after.split(" ")
    if not dash or len(view) < 6 or len(of_file_system) < 3 or not _DEVICE_NUMBER.fullmatch(view[2]):
        raise ParseError("a line of mountinfo", line)
    view_options, options = view[5].split(","), frozenset(of_file_system[2].split(","))
    stopped = bool(options & _STOPPED)
    read_only = "ro" in options or stopped
    return Mount(
        mount_point=unescape(view[4]),
        device=unescape(of_file_system[1]),
        type=of_file_system[0],
        device_number=view[2],
        read_only=read_only,
        turned_read_only=stopped or (read_only and "rw" in view_options),
    )


def parse_fstab(text: str) -> dict[str, bool]:
    """Return for each mount point whether fstab wants it read-write; what is no entry is passed over."""
    return {entry.mount_point: "ro" not in entry.options for entry in parse_fstab_entries(text)}


def parse_fstab_entries(text: str) -> tuple[FstabEntry, ...]:
    """Return the entries of fstab that have a mount point, in order; what is no entry is passed over."""
    entries = []
    for line in text.split("\n"):
        columns = line.split()
        if len(columns) < 3 or columns[0].startswith("#") or not columns[1].startswith("/"):
            continue
        entries.append(
            FstabEntry(
                device=unescape(columns[0]),
                mount_point=unescape(columns[1]),
                type=columns[2],
                options=tuple(columns[3].split(",")) if len(columns) > 3 else (),
            )
        )
    return tuple(entries)


def unescape(text: str) -> str:
    r"""Return the text with the kernel's octal escapes (\040 for a space) resolved, as UTF-8."""
    if "\\" not in text:
        return text
    raw = _OCTAL.sub(lambda found: chr(int(found.group(1), 8)), text)
    try:
        return raw.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:  # characters beyond one byte were there unescaped
        return raw
