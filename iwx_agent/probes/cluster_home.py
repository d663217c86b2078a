"""Whether the cluster's /home answers: where it is mounted, and where it is served."""

from iwx_agent.host import HostError
from iwx_agent.model import PortAnswer
from iwx_agent.model.cluster import ClusterHome, MountState, NetworkHome, ServedHome
from iwx_agent.parsers.cluster_nodes import is_address, is_elsewhere
from iwx_agent.probes.cluster import cluster_role
from iwx_agent.probes.cluster_mounts import WantedHome, export_of_home, server_of, wanted_home
from iwx_agent.probes.context import Context, Probe, ask_port

_LIMIT_S = 3.0  # as for every file system: both probes ask the same question, and it is asked once


def cluster_home(context: Context) -> ClusterHome:
    """/home of the cluster, from the sides that this server is on; not_found when it is on neither."""
    wanted = wanted_home(context)
    line, exports = export_of_home(context)
    served: ServedHome | None = None
    role = cluster_role(context) if line else None
    if role is not None and role.part == "manager":
        port = context.layout.port("port.nfs")
        answer = ask_port(context.host, port, expect_greeting=False, timeout_s=_LIMIT_S)
        served = ServedHome(
            nodes=tuple(node.label for node in role.nodes),
            path=line.split()[0].strip('"'),
            line=line,
            source=exports,
            answer=answer,
        )
    if wanted is None and served is None:
        reason = "/home is neither another server's nor exported to nodes"
        raise HostError("not_found", reason, "mountinfo, fstab and exports")
    return ClusterHome(mounted=None if wanted is None else _looked_at(context, wanted), served=served)


def _looked_at(context: Context, wanted: WantedHome) -> NetworkHome:
    state, detail = _state(context, wanted)
    return NetworkHome(
        path=wanted.path,
        device=wanted.device,
        type=wanted.type,
        state=state,
        source=f"statvfs {wanted.path} ({wanted.device}, {wanted.type})" if wanted.mounted else wanted.source,
        detail=detail,
        limit_s=_LIMIT_S,
        server_answer=None if state in ("answers", "stale") else _server(context, wanted.device),
    )


def _state(context: Context, wanted: WantedHome) -> tuple[MountState, str]:
    if not wanted.mounted:
        return "not_mounted", "it is in /etc/fstab, but not mounted"
    try:
        context.host.statvfs(wanted.path, timeout_s=_LIMIT_S)
    except HostError as error:
        if error.kind == "timeout":
            return "silent", error.reason
        if error.kind not in ("failed", "not_found", "permission"):
            raise
        return ("stale" if "(ESTALE)" in error.reason else "failed"), error.reason
    return "answers", ""


def _server(context: Context, device: str) -> PortAnswer | None:
    """Return what the port of NFS on the file server does; None when it cannot be asked."""
    address = server_of(device)
    try:
        if not is_address(address):
            address = context.host.resolve(address, timeout_s=_LIMIT_S).addresses[0]
        if not is_elsewhere(address):
            return None
        port = context.layout.port("port.nfs")
        return ask_port(context.host, port, address=address, expect_greeting=False, timeout_s=_LIMIT_S)
    except (HostError, IndexError, ValueError):
        return None  # it only tells more about a trouble that is certain


PROBES = (Probe(ask=cluster_home),)
