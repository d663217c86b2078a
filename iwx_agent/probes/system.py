"""Facts about the machine below the services: file systems, memory, load, clock, resolver, network."""

from functools import partial

from msgspec import structs

from iwx_agent.host import KIB, MIB, Datagram, Host, HostError
from iwx_agent.model import ParseError
from iwx_agent.model.system import (
    FileSystem,
    FileSystems,
    Flood,
    Load,
    Memory,
    Mount,
    NameServer,
    NameServerOutcome,
    Resolver,
    Role,
    ServicePath,
    TcpCounters,
    TimeSync,
)
from iwx_agent.parsers import (
    chrony,
    dns_message,
    kernel_log,
    loadavg,
    meminfo,
    mounts,
    netstat,
    pressure,
    resolv_conf,
    timedatectl,
)
from iwx_agent.probes.context import Context, Probe, together
from iwx_agent.probes.kernel import container_mark, last_hour, none_unless_over

# --- file systems ---

_MOST_FILE_SYSTEMS = 64
_STORAGE_TYPES = frozenset(
    (
        *(
            "ext2",
            "ext3",
            "ext4",
            "xfs",
            "btrfs",
            "zfs",
            "bcachefs",
            "f2fs",
            "jfs",
            "reiserfs",
            "overlay",
            "aufs",
        ),
        *(
            "simfs",
            "vfat",
            "tmpfs",
            "fuse",
            "fuseblk",
            "nfs",
            "nfs4",
            "cifs",
            "smb3",
            "ceph",
            "glusterfs",
            "ocfs2",
        ),
        *("gfs2", "lustre", "9p", "virtiofs"),
    )
)
_NO_STORAGE_TYPES = frozenset(("fuse.lxcfs", "fuse.gvfsd-fuse", "fuse.portal", "fuse.snapfuse"))
# What programs mount for themselves: views of what is looked at anyway, or images that are always full.
_OTHERS_PLACES = (
    *("/proc", "/sys", "/dev", "/run", "/etc", "/snap", "/var/snap"),
    *("/var/lib/docker", "/var/lib/containers", "/var/lib/kubelet", "/usr/share/cagefs-skeleton"),
)
_TMPFS_PLACES = ("/tmp", "/var", "/home")  # noqa: S108 - places to look at, not to write to
_PANEL_PLACES: tuple[tuple[str, Role], ...] = (
    ("path.mail_queue", "mail_queue"),
    ("path.mailboxes", "mailboxes"),
    ("path.mysql_data", "mysql"),
    ("path.dns_data", "dns"),
    ("path.sites", "sites"),
)
_STANDARD_PLACES: tuple[tuple[str, Role], ...] = (
    ("/var/log", "logs"),
    ("/tmp", "temporary"),  # noqa: S108
    ("/var/tmp", "temporary"),  # noqa: S108
    ("/var/lib/rpm", "packages"),
    ("/var/cache", "packages"),
    ("/", "root"),
)


# Whatever is mounted below these serves the same; below /home it may as well be a place for backups.
_ROLES_OF_WHOLE_TREES: frozenset[Role] = frozenset(("panel", "mail_queue", "mysql", "dns", "logs"))


def file_systems(context: Context) -> FileSystems:
    """The file systems that services could write to, each asked for its space; one that hangs is a value."""
    table = context.host.read("/proc/self/mountinfo", max_bytes=MIB)
    mounted = mounts.parse_mountinfo(table.text.rpartition("\n")[0] if table.truncated else table.text)
    fstab = mounts.parse_fstab(_text_if_there(context, "/etc/fstab"))
    known = _known_file_systems(mounted, _places(context), fstab)
    looked_at = known[:_MOST_FILE_SYSTEMS]
    asked = together([partial(_with_space, context.host, file_system) for file_system in looked_at])
    return FileSystems(
        entries=tuple(answer for answer in asked if answer is not None),
        left_out_count=len(known) - len(looked_at),
    )


def _places(context: Context) -> tuple[ServicePath, ...]:
    home: list[tuple[str, Role]] = [(_panel_home(context), "panel")]
    of_panel = [(path, role) for key, role in _PANEL_PLACES for path in context.layout.texts(key)]
    return tuple(ServicePath(path=path, role=role) for path, role in (*home, *of_panel, *_STANDARD_PLACES))


def _panel_home(context: Context) -> str:
    """Return the first of the known homes that is a directory itself: the other is a symlink to it."""
    known = context.layout.texts("path.home")
    for path in known:
        try:
            if context.host.stat(path, follow=False).kind == "directory":
                return path
        except HostError as error:
            none_unless_over(error)
    return known[0]


def _known_file_systems(
    mounted: tuple[Mount, ...], places: tuple[ServicePath, ...], fstab: dict[str, bool]
) -> list[FileSystem]:
    """Return each file system once, those that services write to first.

    Of its mount points the shortest stands for it; one that shows that it turned read-only comes before that.
    """
    views: dict[str, list[Mount]] = {}
    for mount in filter(_holds_storage, mounted):
        views.setdefault(mount.device_number, []).append(mount)
    writers = _writers(mounted, places)
    known = [
        FileSystem(
            mount=min(same, key=lambda m: (not m.turned_read_only, len(m.mount_point), m.mount_point)),
            writers=tuple(writers.get(number, ())),
            wanted_read_write=_wanted([fstab[m.mount_point] for m in same if m.mount_point in fstab]),
        )
        for number, same in views.items()
    ]
    return sorted(known, key=lambda file_system: (not file_system.writers, file_system.mount.mount_point))


def _writers(mounted: tuple[Mount, ...], places: tuple[ServicePath, ...]) -> dict[str, list[ServicePath]]:
    """Return by device number which places lie on each file system."""
    writers: dict[str, list[ServicePath]] = {}
    for place in places:
        holder = max(
            (mount for mount in mounted if _lies_below(place.path, mount.mount_point)),
            key=lambda mount: len(mount.mount_point),
            default=None,
        )
        if holder is not None:
            writers.setdefault(holder.device_number, []).append(place)
        if place.role in _ROLES_OF_WHOLE_TREES:
            for mount in mounted:
                if mount.mount_point != place.path and _lies_below(mount.mount_point, place.path):
                    below = ServicePath(path=mount.mount_point, role=place.role)
                    writers.setdefault(mount.device_number, []).append(below)
    return writers


def _wanted(told: list[bool]) -> bool | None:
    return any(told) if told else None


def _holds_storage(mount: Mount) -> bool:
    if mount.type == "tmpfs" and mount.mount_point != "/":
        return any(_lies_below(mount.mount_point, place) for place in _TMPFS_PLACES)
    if any(_lies_below(mount.mount_point, place) for place in _OTHERS_PLACES):
        return False
    return mount.type in _STORAGE_TYPES or (
        mount.type.startswith("fuse.") and mount.type not in _NO_STORAGE_TYPES
    )


def _lies_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory.rstrip("/") + "/")


def _with_space(host: Host, file_system: FileSystem) -> FileSystem | None:
    """Return the file system with its numbers; None for one that nobody uses and this process may not see."""
    limit_s = 3.0
    try:
        status = host.statvfs(file_system.mount.mount_point, timeout_s=limit_s)
    except HostError as error:
        if error.kind in ("not_found", "permission") and not file_system.writers:
            return None
        if error.kind not in ("timeout", "failed"):
            raise
        return structs.replace(file_system, answered=False, detail=error.reason, limit_s=limit_s)
    return structs.replace(
        file_system,
        total_bytes=status.total_bytes,
        free_bytes=status.free_bytes,
        available_bytes=status.available_bytes,
        inodes_count=status.inodes_count,
        inodes_free_count=status.inodes_free_count,
    )


# --- memory, load, clock ---

_QUOTED_CHARACTERS = 1000


def memory(context: Context) -> Memory:
    """Memory, swap and, where the kernel measures it, the pressure."""
    waited_pct = None
    try:
        waited_pct = pressure.full_avg60_pct(
            context.host.read("/proc/pressure/memory", max_bytes=4 * KIB).text
        )
    except HostError as error:
        none_unless_over(error)
    text = context.host.read("/proc/meminfo", max_bytes=64 * KIB).text
    return meminfo.parse_meminfo(text, full_avg60_pct=waited_pct)


def load(context: Context) -> Load:
    """Load averages and the number of processors."""
    averages = context.host.read("/proc/loadavg", max_bytes=4 * KIB).text
    return loadavg.parse_load(averages, context.host.read("/proc/stat", max_bytes=256 * KIB).text)


def time_sync(context: Context) -> TimeSync:
    """Whether the clock is kept, and how far it is off; a container's clock is its host's to keep."""
    clock = context.host.clock()
    unknown = TimeSync(now_at=clock.now_at, booted_at=clock.booted_at)
    told = _told_by_chronyd(context, unknown)
    if told is None:
        return unknown if container_mark(context) else _told_by_timedatectl(context, unknown)
    return told


def _told_by_chronyd(context: Context, unknown: TimeSync) -> TimeSync | None:
    """Return what chronyd says, or None where it is not installed or does not run."""
    try:
        answer = context.host.run(("chronyc", "-n", "tracking"), timeout_s=4.0)
    except HostError as error:
        none_unless_over(error)
        return None
    if answer.exit_code != 0:
        return None
    synchronized, offset_s = chrony.parse_tracking(answer.text)
    return structs.replace(
        unknown,
        synchronized=synchronized,
        daemon_enabled=True,
        offset_s=offset_s,
        source=answer.source,
        text=answer.text.strip()[:_QUOTED_CHARACTERS],
    )


def _told_by_timedatectl(context: Context, unknown: TimeSync) -> TimeSync:
    try:
        answer = context.host.run(("timedatectl", "status"), timeout_s=6.0)
    except HostError as error:
        none_unless_over(error)
        raise HostError("failed", "neither chronyc nor timedatectl can be run", error.source) from error
    if answer.exit_code != 0:
        raise HostError("failed", answer.error_text.strip()[:200] or "no answer", answer.source)
    synchronized, enabled = timedatectl.parse_status(answer.text)
    return structs.replace(
        unknown,
        synchronized=synchronized,
        daemon_enabled=enabled,
        source=answer.source,
        text=answer.text.strip()[:_QUOTED_CHARACTERS],
    )


# --- resolver, network ---

_NAME_SERVER_LIMIT_S = 3.0
_NAME_SERVER_OUTCOMES: dict[str, NameServerOutcome] = {
    "timeout": "silent",
    "refused": "refused",
    "unreachable": "failed",
    "closed": "failed",
    "failed": "failed",
}


def resolver(context: Context) -> Resolver:
    """What each configured name server does when it is asked for the root's name servers."""
    addresses = resolv_conf.name_servers(_text_if_there(context, "/etc/resolv.conf"))
    asks = [partial(_ask_name_server, context.host, address) for address in addresses or ("127.0.0.1",)]
    return Resolver(servers=together(asks), configured=bool(addresses))


def _ask_name_server(host: Host, address: str) -> NameServer:
    query = dns_message.build_query(".", kind=dns_message.NS, recursive=True)
    question = Datagram(
        payload=query, port=53, address=address, timeout_s=_NAME_SERVER_LIMIT_S, attempts=2, label="NS ."
    )
    try:
        answer = host.datagram(question)
        reply = dns_message.parse_reply(answer.data, query)
    except HostError as error:
        if error.kind not in _NAME_SERVER_OUTCOMES:
            raise
        outcome = _NAME_SERVER_OUTCOMES[error.kind]
        return NameServer(address=address, outcome=outcome, limit_s=_NAME_SERVER_LIMIT_S, detail=error.reason)
    except ParseError as error:
        return NameServer(address=address, outcome="failed", limit_s=_NAME_SERVER_LIMIT_S, detail=str(error))
    return NameServer(
        address=address,
        outcome="answered",
        response_code=reply.rcode,
        duration_s=answer.duration_s,
        limit_s=_NAME_SERVER_LIMIT_S,
    )


_NETSTAT = "/proc/net/netstat"
_BETWEEN_SAMPLES_S = 1.0


def flood(context: Context) -> Flood:
    """Signs of a flood; a second sample of the counters only where one was counted since boot."""
    first = _tcp_counters(context.host)
    second, between_s = first, 0.0
    if first.cookies_sent_count or first.requests_dropped_count:
        context.host.pause(_BETWEEN_SAMPLES_S)
        second, between_s = _tcp_counters(context.resample), _BETWEEN_SAMPLES_S
    return Flood(
        cookies_growth_count=second.cookies_sent_count - first.cookies_sent_count,
        requests_dropped_growth_count=second.requests_dropped_count - first.requests_dropped_count,
        listen_overflows_growth_count=second.listen_overflows_count - first.listen_overflows_count,
        between_s=between_s,
        tracked_count=_number_if_there(context, "/proc/sys/net/netfilter/nf_conntrack_count"),
        tracked_limit_count=_number_if_there(context, "/proc/sys/net/netfilter/nf_conntrack_max"),
        lines=kernel_log.flood_lines(last_hour(context)),
        read_at=context.host.clock().now_at,
    )


def _tcp_counters(host: Host) -> TcpCounters:
    return netstat.parse_tcp_counters(host.read(_NETSTAT, max_bytes=64 * KIB).text)


def _number_if_there(context: Context, path: str) -> int | None:
    text = _text_if_there(context, path).strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 20):
        raise ParseError(f"a number in {path}", text)
    return int(text) if text else None


def _text_if_there(context: Context, path: str) -> str:
    """Return a small file's text; empty when there certainly is no such file."""
    try:
        return context.host.read(path, max_bytes=64 * KIB).text
    except HostError as error:
        if error.kind != "not_found":
            raise
        return ""


PROBES = (
    Probe(ask=file_systems),
    Probe(ask=resolver),
    Probe(ask=memory),
    Probe(ask=load),
    Probe(ask=flood),
    Probe(ask=time_sync),
)
