"""/home over the network, by this server's own tables: mounted from another server, or exported to others."""

import re
from fnmatch import fnmatchcase

from msgspec import Struct

from iwx_agent.host import KIB, MIB, HostError
from iwx_agent.model.system import FstabEntry, Mount
from iwx_agent.parsers import mounts
from iwx_agent.parsers.cluster_nodes import is_address, is_host_name
from iwx_agent.parsers.exports import export_of
from iwx_agent.probes.context import Context

_DEVICE = re.compile(r"(?:\[(?P<bracketed>[0-9A-Fa-f:.]+)\]|(?P<plain>[A-Za-z0-9._-]+)):/")


class WantedHome(Struct, frozen=True, kw_only=True):
    """/home as it is mounted over the network, or as /etc/fstab wants it; ``source`` says which."""

    path: str
    device: str
    type: str
    mounted: bool
    source: str


def wanted_home(context: Context) -> WantedHome | None:
    """Return /home of another server, as mounted or else as wanted; None when /home is this server's own."""
    patterns = context.layout.texts("mount.cluster_home")
    for path in context.layout.texts("path.cluster_home"):
        here = _mounted_at(context, path)
        if here is not None and _over_network(here, patterns):
            return WantedHome(
                path=path, device=here.device, type=here.type, mounted=True, source="/proc/self/mountinfo"
            )
        entry = next((e for e in _fstab(context) if e.mount_point == path), None)
        if entry is not None and _over_network(entry, patterns) and "noauto" not in entry.options:
            on_demand = here is not None and here.type == "autofs"  # mounted when somebody looks
            return WantedHome(
                path=path, device=entry.device, type=entry.type, mounted=on_demand, source="/etc/fstab"
            )
    return None


def _mounted_at(context: Context, path: str) -> Mount | None:
    """Return what is mounted at a path; of a table of thousands of mounts only its lines are taken apart."""
    table = context.host.read("/proc/self/mountinfo", max_bytes=MIB)
    text = table.text.rpartition("\n")[0] if table.truncated else table.text
    lines = [line for line in text.split("\n") if f" {path} " in line]
    mounted = mounts.parse_mountinfo("\n".join(lines)) if lines else ()
    return next((mount for mount in mounted if mount.mount_point == path), None)


def server_of(device: str) -> str:
    """Return the server in ``SERVER:/path``; empty for any other device."""
    found = _DEVICE.match(device)
    name = (found["bracketed"] or found["plain"] or "") if found else ""
    return name if is_address(name) or is_host_name(name) else ""


def _over_network(mount: Mount | FstabEntry, patterns: tuple[str, ...]) -> bool:
    return bool(server_of(mount.device)) and any(fnmatchcase(mount.type, pattern) for pattern in patterns)


def _fstab(context: Context) -> tuple[FstabEntry, ...]:
    try:
        return mounts.parse_fstab_entries(context.host.read("/etc/fstab", max_bytes=64 * KIB).text)
    except HostError as error:
        if error.kind != "not_found":
            raise
        return ()


def export_of_home(context: Context) -> tuple[str, str]:
    """Return the line that exports the cluster's /home, and the file; both empty when there is none."""
    path = context.layout.text("path.exports")
    try:
        text = context.host.read(path, max_bytes=64 * KIB).text
    except HostError as error:
        if error.kind != "not_found":
            raise
        return "", ""
    for home in context.layout.texts("path.cluster_home"):
        line = export_of(home, text)
        if line:
            return line, path
    return "", ""
