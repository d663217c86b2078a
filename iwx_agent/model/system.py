"""Facts about the machine below the services: file systems, kernel log, memory, clock, resolver, network."""

from typing import Literal

from msgspec import Struct

from iwx_agent.model.machine import LogLine

Role = Literal[
    "panel", "mail_queue", "mailboxes", "mysql", "dns", "logs", "temporary", "sites", "packages", "root"
]

# What stops when nothing can be written where a role lives.
_TOUCHES: dict[Role, tuple[str, ...]] = {
    "panel": ("panel", "database"),
    "mail_queue": ("mail",),
    "mailboxes": ("mail",),
    "mysql": ("mysql",),
    "dns": ("dns",),
    "logs": ("mail", "web", "dns", "packages"),  # multilog waits for ever, and qmail and tinydns with it
    "temporary": ("panel", "database", "mysql", "web", "mail"),
    "sites": ("web", "ftp"),
    "packages": ("packages",),
    "root": ("packages",),
}


class Mount(Struct, frozen=True, kw_only=True):
    """One mounted file system. ``read_only`` is the file system itself, not one view of it (a bind mount).

    ``turned_read_only``: the kernel made it read-only by itself while the mount still says read-write.
    """

    mount_point: str
    device: str
    type: str
    device_number: str  # major:minor: equal for all mounts of one file system
    read_only: bool = False
    turned_read_only: bool = False

    def lies_on(self, device: str) -> bool:
        """Return whether the file system is on that device, in the kernel's words: sda3, sda, dm-0."""
        name = self.device.rpartition("/")[2]
        minor = self.device_number.rpartition(":")[2]
        mapped = self.device.startswith("/dev/mapper/") and device == f"dm-{minor}"
        partition = name.removeprefix(device)
        return mapped or name == device or (name != partition and partition.lstrip("np").isdigit())


class FstabEntry(Struct, frozen=True, kw_only=True):
    """What /etc/fstab wants to have mounted."""

    device: str
    mount_point: str
    type: str
    options: tuple[str, ...]


class ServicePath(Struct, frozen=True, kw_only=True):
    """A place that services write to, and what for."""

    path: str
    role: Role


class FileSystem(Struct, frozen=True, kw_only=True):
    """One file system and what ``statvfs`` said; with ``answered`` false the numbers mean nothing.

    ``writers`` are the places on it that services write to. ``wanted_read_write`` is what /etc/fstab says
    of it, None when fstab does not name it.
    """

    mount: Mount
    writers: tuple[ServicePath, ...] = ()
    wanted_read_write: bool | None = None
    answered: bool = True
    detail: str = ""
    limit_s: float = 0.0
    total_bytes: int = 0
    free_bytes: int = 0
    available_bytes: int = 0
    inodes_count: int = 0
    inodes_free_count: int = 0

    @property
    def used_pct(self) -> float:
        """Return the used share of what services may use, as ``df`` reckons it; 0 when there is none."""
        used_bytes = self.total_bytes - self.free_bytes
        usable_bytes = used_bytes + self.available_bytes
        return 100.0 * used_bytes / usable_bytes if usable_bytes > 0 else 0.0

    @property
    def inodes_used_pct(self) -> float:
        """Return the share of inodes that is used; 0 for a file system that does not count inodes."""
        if self.inodes_count <= 0:
            return 0.0
        return 100.0 * (self.inodes_count - self.inodes_free_count) / self.inodes_count

    @property
    def touches(self) -> tuple[str, ...]:
        """Return what stops when nothing can be written here, each once, in order."""
        return tuple(dict.fromkeys(name for place in self.writers for name in _TOUCHES[place.role]))

    @property
    def source(self) -> str:
        """Return what was asked, as evidence quotes it."""
        return f"statvfs {self.mount.mount_point} ({self.mount.device}, {self.mount.type})"


class FileSystems(Struct, frozen=True, kw_only=True):
    """The file systems that services could write to; ``left_out_count`` more were not looked at."""

    entries: tuple[FileSystem, ...]
    left_out_count: int = 0


DiskFaultKind = Literal["device", "file_system", "read_only"]


class DiskFault(Struct, frozen=True, kw_only=True):
    """One kernel message about a device or file system: an error of it, or that it was made read-only."""

    device: str
    kind: DiskFaultKind
    line: LogLine


class DiskFaults(Struct, frozen=True, kw_only=True):
    """Kernel messages about failing disks, oldest first, as far back as the kernel log was read."""

    entries: tuple[DiskFault, ...]
    read_at: float


class OomKill(Struct, frozen=True, kw_only=True):
    """One process killed for lack of memory; ``in_group``: its control group's memory, not the machine's."""

    victim: str
    in_group: bool
    line: LogLine


class OomKills(Struct, frozen=True, kw_only=True):
    """Kills for lack of memory, oldest first; ``kept_elsewhere`` says why there is no kernel log here."""

    entries: tuple[OomKill, ...]
    read_at: float
    kept_elsewhere: str = ""


class Memory(Struct, frozen=True, kw_only=True):
    """Memory and swap; ``full_avg60_pct`` is the share of the last minute in which all waited for memory.

    It is None where the kernel does not measure pressure (Enterprise Linux: not unless booted with psi=1).
    """

    total_bytes: int
    available_bytes: int
    swap_total_bytes: int
    swap_free_bytes: int
    full_avg60_pct: float | None = None


class Load(Struct, frozen=True, kw_only=True):
    """Load averages over 1, 5 and 15 minutes, and the number of processors."""

    one: float
    five: float
    fifteen: float
    cpus_count: int


class TimeSync(Struct, frozen=True, kw_only=True):
    """What is known of the clock: None where it could not be told or is not this machine's to keep.

    ``offset_s`` is the clock minus the true time (positive: fast), as the time daemon reckons it.
    """

    now_at: float
    booted_at: float
    synchronized: bool | None = None
    daemon_enabled: bool | None = None
    offset_s: float | None = None
    source: str = ""
    text: str = ""


NameServerOutcome = Literal["answered", "silent", "refused", "failed"]


class NameServer(Struct, frozen=True, kw_only=True):
    """What one configured name server did when it was asked for the root's name servers."""

    address: str
    outcome: NameServerOutcome
    response_code: int = 0
    duration_s: float = 0.0
    limit_s: float = 0.0
    detail: str = ""


class Resolver(Struct, frozen=True, kw_only=True):
    """The name servers that this machine asks, in order; ``configured`` false: none, so 127.0.0.1 it is."""

    servers: tuple[NameServer, ...]
    configured: bool = True
    source: str = "/etc/resolv.conf"


class TcpCounters(Struct, frozen=True, kw_only=True):
    """Totals since boot from /proc/net/netstat."""

    cookies_sent_count: int
    requests_dropped_count: int  # the queue of half-open connections was full and cookies are off
    listen_overflows_count: int  # a program did not take its finished connections: that is no flood


class Flood(Struct, frozen=True, kw_only=True):
    """Signs of a flood: growth between two samples of the TCP counters, the connection table, the kernel.

    The growths are 0 when the first sample shows that nothing of the kind happened since boot; the table's
    numbers are None when connections are not tracked here. ``lines`` are the kernel's words of the last
    hour.
    """

    cookies_growth_count: int = 0
    requests_dropped_growth_count: int = 0
    listen_overflows_growth_count: int = 0
    between_s: float = 0.0
    tracked_count: int | None = None
    tracked_limit_count: int | None = None
    lines: tuple[LogLine, ...] = ()
    read_at: float = 0.0
