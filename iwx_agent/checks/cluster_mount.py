"""/home of the cluster answers: where a node mounts it, and where its manager serves it.

Facts:
    panel: the panel is installed; cluster_home: /home of another server as mounted here or wanted by fstab,
    and /home as exported to nodes by a manager, with what the port of NFS does.

Codes:
    CLUSTER-020 it is not mounted; CLUSTER-021 it does not answer; CLUSTER-022 its handle is stale;
    CLUSTER-023 this manager exports it, but its NFS service does not answer.

Source:
    Vendor documentation, clustering: nodes mount the manager's /home, or that of a file server, by NFS;
    nfs(5), exports(5); statvfs(3) for ESTALE.
"""

import shlex
from collections.abc import Iterator

from iwx_agent.model import Check, Evidence, Finding, PanelPresence, Scope, Severity
from iwx_agent.model.cluster import ClusterHome, NetworkHome, ServedHome, named

_ON_IT = "Sites, mailboxes and FTP accounts lie on it."


def judge(panel: PanelPresence, cluster_home: ClusterHome) -> Iterator[Finding]:
    """Judge both sides; a server is rarely on both."""
    if cluster_home.mounted is not None:
        yield from _mounted(cluster_home.mounted)
    if cluster_home.served is not None and cluster_home.served.answer.outcome != "greeted":
        yield _not_served(cluster_home.served)


def _mounted(home: NetworkHome) -> Iterator[Finding]:
    place, device = shlex.quote(home.path), home.device
    match home.state:
        case "not_mounted":
            yield _finding(
                "CLUSTER-020",
                home,
                f"{home.path} is not mounted from {device}",
                f"{home.source} wants {device} ({home.type}) there; what lies there now is not it.",
                Scope.VENDOR,
                (
                    f"mount {place}   # by its entry in /etc/fstab",
                    "journalctl -b -u '*.mount' -n 50 --no-pager",
                ),
            )
        case "stale":
            yield _finding(
                "CLUSTER-022",
                home,
                f"{home.path} from {device} is stale: its server no longer knows what is mounted here",
                f"{home.source}: {home.detail}. {_ON_IT} It was exported anew or moved on its server.",
                Scope.VENDOR,
                (
                    f"fuser -vm {place}   # who still uses it",
                    f"umount -l {place} && mount {place}   # anew; then restart services that still hold it",
                ),
            )
        case "silent" | "failed":
            yield _finding(
                "CLUSTER-021",
                home,
                f"{home.path} from {device} does not answer",
                f"{home.source}: {home.detail}. {_ON_IT} Every program that touches it waits or fails.",
                Scope.UNKNOWN,
                (
                    "systemctl status nfs-server --no-pager -l   # on the server that it comes from",
                    "ps -eo pid,stat,wchan:32,comm | awk '$2 ~ /D/'   # the programs here that wait for it",
                    "It goes on by itself when its server is back; nothing has to be mounted anew.",
                ),
            )


def _finding(
    code: str, home: NetworkHome, title: str, detail: str, scope: Scope, remedy: tuple[str, ...]
) -> Finding:
    answer = home.server_answer
    evidence = [Evidence(source=home.source, text=home.detail)]
    if answer is not None:
        served = answer.outcome == "greeted"
        detail += (
            " Its server takes connections for NFS."
            if served
            else " Its server does not take connections for NFS."
        )
        evidence.append(
            Evidence(
                source=answer.source,
                text="takes the connection" if served else answer.detail or answer.outcome,
            )
        )
    return Finding(
        code=code,
        subject=home.path,
        severity=Severity.ERROR,
        scope=scope,
        title=title,
        detail=detail,
        remedy=(f"grep {shlex.quote(f' {home.path} ')} /proc/self/mountinfo   # does not hang", *remedy),
        evidence=tuple(evidence),
        touches=("web", "mail", "ftp"),
    )


def _not_served(served: ServedHome) -> Finding:
    told = served.answer.detail or served.answer.outcome
    return Finding(
        code="CLUSTER-023",
        subject="NFS service",
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title=f"The NFS service does not answer: {served.path} is gone for {named(served.nodes)}",
        detail=f"{served.source} exports {served.path}, but {served.answer.source}: {told}.",
        remedy=(
            "systemctl status nfs-server rpcbind --no-pager -l",
            "systemctl restart nfs-server   # nodes that wait go on by themselves",
            "exportfs -v   # shows what is exported, changes nothing",
        ),
        evidence=(
            Evidence(source=served.source, text=served.line),
            Evidence(source=served.answer.source, text=told),
        ),
        touches=("cluster",),
    )


CHECK = Check(
    id="cluster.mount",
    title="The cluster's /home answers",
    codes=("CLUSTER-020", "CLUSTER-021", "CLUSTER-022", "CLUSTER-023"),
    judge=judge,
    optional=("panel", "cluster_home"),
)
