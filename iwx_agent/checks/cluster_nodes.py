"""The nodes of a cluster can be reached by their manager, on the panel's own port.

Facts:
    panel: the panel is installed; cluster_nodes: what the panel's port of each node did, asked twice where it
    did not answer; cluster_nodes_complete: that every node is known and was asked; command_queue: for which
    nodes commands wait, since these wait for a node that is down.

Codes:
    CLUSTER-010 a node cannot be reached; CLUSTER-011 a node accepts the connection and then fails.

Source:
    Vendor API specification nodeworx-cluster-nodes: manager and nodes talk over the panel's API, which is on
    port 2443; support guide 7.1 lists clustering among what it takes.
"""

from collections.abc import Iterator

from iwx_agent.model import Check, Finding, Missing, PanelPresence, Scope, Severity
from iwx_agent.model.cluster import ClusterNodes, CommandQueue, Complete, NodeAnswer, named

_SHOWN_COUNT = 10
_UNREACHABLE = ("refused", "silent", "unreachable")


def judge(
    panel: PanelPresence,
    cluster_nodes: ClusterNodes,
    cluster_nodes_complete: Complete | Missing,
    command_queue: CommandQueue | Missing,
) -> Iterator[Finding]:
    """Judge the nodes: all with the same trouble are in one finding, whose identity names none of them."""
    away = [one for one in cluster_nodes.answers if one.answer.outcome in _UNREACHABLE]
    odd = [one for one in cluster_nodes.answers if one.answer.outcome not in ("greeted", *_UNREACHABLE)]
    if away:
        refused = any(one.answer.outcome == "refused" for one in away)
        yield _finding(
            "CLUSTER-010",
            f"{_nodes(away)} cannot be reached",
            away,
            command_queue,
            scope=Scope.VENDOR if refused else Scope.UNKNOWN,
            remedy=(
                f"ping -c 3 {away[0].answer.address}   # does the machine answer at all?",
                *_by_hand(away),
                "systemctl status iworx.service --no-pager -l   # on the node, if it refuses",
                "On both sides: is the network up, and does a firewall let the manager in on that port?",
            ),
        )
    if odd:
        yield _finding(
            "CLUSTER-011",
            f"{_nodes(odd)} {'answer' if len(odd) > 1 else 'answers'} the manager with an error",
            odd,
            command_queue,
            scope=Scope.VENDOR,
            remedy=(*_by_hand(odd), "iwx-agent diagnose   # on the node itself"),
        )


def _nodes(answers: list[NodeAnswer]) -> str:
    words = named(one.node.label for one in answers)
    return words[:1].upper() + words[1:]


def _by_hand(answers: list[NodeAnswer]) -> tuple[str, ...]:
    urls = [(f"https://{_host(a.address)}:{a.port}/", a.outcome) for a in (one.answer for one in answers[:3])]
    return tuple(f"curl -skI --max-time 5 {url}   # {outcome}" for url, outcome in urls)


def _host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _finding(
    code: str,
    title: str,
    answers: list[NodeAnswer],
    queue: CommandQueue | Missing,
    *,
    scope: Scope,
    remedy: tuple[str, ...],
) -> Finding:
    told = [
        f"{one.node.label} ({_host(one.answer.address)}:{one.answer.port}): {one.told}."
        for one in answers[:_SHOWN_COUNT]
    ]
    if len(answers) > _SHOWN_COUNT:
        told.append(f"And {len(answers) - _SHOWN_COUNT} more.")
    return Finding(
        code=code,
        subject="cluster nodes",
        severity=Severity.ERROR,
        scope=scope,
        title=title,
        detail=" ".join(("Asked twice.", *told)),
        remedy=remedy,
        evidence=tuple(one.evidence for one in answers[:_SHOWN_COUNT]),
        touches=("cluster", "command_queue") if _wait_for(answers, queue) else ("cluster",),
    )


def _wait_for(answers: list[NodeAnswer], queue: CommandQueue | Missing) -> bool:
    """Whether commands wait for one of these nodes, or it is not told for which they wait."""
    if isinstance(queue, Missing):
        return False
    return any(not name or one.node.is_called(name) for name in queue.waiting_nodes for one in answers)


CHECK = Check(
    id="cluster.nodes",
    title="The cluster's nodes can be reached",
    codes=("CLUSTER-010", "CLUSTER-011"),
    judge=judge,
    optional=("panel", "cluster_nodes"),
    ok_needs=("cluster_nodes_complete",),
)
