"""What part this server has in a cluster, and whether its nodes can be reached."""

from functools import partial

from iwx_agent.host import Host, HostError
from iwx_agent.model import PortAnswer
from iwx_agent.model.cluster import (
    ClusterNode,
    ClusterNodes,
    ClusterRole,
    Complete,
    NodeAnswer,
)
from iwx_agent.parsers.cluster_nodes import is_address, is_elsewhere, read_nodes
from iwx_agent.probes.cluster_mounts import export_of_home, wanted_home
from iwx_agent.probes.cluster_tables import node_words, nodes_in_database
from iwx_agent.probes.context import Context, Probe, ask_port, together
from iwx_agent.probes.panel_cli import panel_answer

_NODE_LIMIT_S = 3.0
_NODES_MOST = 64
_AGAIN_AFTER_S = 2.0
_NO_CLUSTER = "this server is in no cluster"


def cluster_role(context: Context) -> ClusterRole:
    """The part of this server: cheap signs first, then one question to the panel, more only in doubt."""
    home = wanted_home(context)
    nodes: tuple[ClusterNode, ...] = ()
    silent, hung, gap, source = False, False, "", "nodeworx"
    try:
        answer = panel_answer(context, "command.cluster_nodes")
        source, silent = answer.source, answer.silent
        nodes, unread_count = read_nodes(answer.rows, node_words(context))
        if unread_count:
            shown = answer.rows[0].text[:80]
            gap = f"{unread_count} rows of the panel's list of nodes were not understood: {shown}"
        if silent:
            gap = "asked for its nodes, the panel said nothing, with exit code 0"
    except HostError as error:
        hung, gap = error.kind == "timeout", f"the panel did not tell its nodes: {error.reason}"
    if nodes:
        return ClusterRole(part="manager", source=source, nodes=nodes, nodes_gap=gap)
    if not gap:
        return ClusterRole(part="node" if home else "single", source=home.source if home else source)
    line, exports = export_of_home(context)
    if line:
        return _manager_without_list(context, gap, exports)
    if home:
        return ClusterRole(part="node", source=home.source, nodes_gap=gap)
    if silent or not (hung or _clusterable(context)):
        return ClusterRole(part="single", source=source)
    found = _manager_without_list(context, gap, "the panel's database")
    if not found.nodes:
        raise HostError("failed", found.nodes_gap, source)
    return found


def _manager_without_list(context: Context, gap: str, source: str) -> ClusterRole:
    """Return the role of a manager whose panel does not tell its nodes: the database may."""
    try:
        nodes = nodes_in_database(context)
    except HostError as error:
        return ClusterRole(part="manager", source=source, nodes_gap=f"{gap}; the database: {error.reason}")
    if not nodes:  # the table was recognised by its name only: that it is empty proves nothing
        return ClusterRole(part="manager", source=source, nodes_gap=f"{gap}; the database lists none")
    return ClusterRole(part="manager", source=source, nodes=nodes)


def _clusterable(context: Context) -> bool:
    """Return whether this server can be in a cluster at all, by its licence; true when that is not told."""
    try:
        rows = panel_answer(context, "command.is_clusterable").rows
    except HostError:
        return True
    told = [value.strip().lower() for row in rows for _, value in row.columns]
    return not told or not all(value in ("0", "no", "false") for value in told)


# --- the nodes ---


def cluster_nodes(context: Context) -> ClusterNodes:
    """What the panel's port of each node does; those that do not answer are asked twice."""
    role = _manager(context)
    targets = _targets(context, role)[0]
    port = context.layout.port("port.nodeworx_https")
    answers = together([partial(_ask_node, context.host, port, node, address) for node, address in targets])
    missed = [i for i, answer in enumerate(answers) if answer.outcome != "greeted"]
    if missed:
        context.host.pause(_AGAIN_AFTER_S)
        again = together([partial(_ask_node, context.resample, port, *targets[i]) for i in missed])
        later = dict(zip(missed, again, strict=True))
        answers = tuple(later.get(i, answer) for i, answer in enumerate(answers))
    return ClusterNodes(
        answers=tuple(
            NodeAnswer(node=node, answer=answer) for (node, _), answer in zip(targets, answers, strict=True)
        ),
        source=role.source,
    )


def cluster_nodes_complete(context: Context) -> Complete:
    """Whether every node of the cluster is known and was asked."""
    role = _manager(context)
    left_out = _targets(context, role)[1]
    if role.nodes_gap:
        left_out = (role.nodes_gap, *left_out)
    if left_out:
        raise HostError("failed", "; ".join(left_out[:5])[:500], role.source)
    return Complete(source=role.source)


def _manager(context: Context) -> ClusterRole:
    role = cluster_role(context)
    if role.part == "single":
        raise HostError("not_found", _NO_CLUSTER, role.source)
    if role.part == "node":
        if role.nodes_gap:  # a manager may have its /home on a file server too
            raise HostError("failed", role.nodes_gap, role.source)
        raise HostError("not_found", "this server is a node of a cluster, and has none itself", role.source)
    if not role.nodes:
        raise HostError("failed", role.nodes_gap, role.source)
    return role


def _targets(
    context: Context, role: ClusterRole
) -> tuple[tuple[tuple[ClusterNode, str], ...], tuple[str, ...]]:
    """Return each node with the address to ask, and why others cannot be asked."""
    asked = role.nodes[:_NODES_MOST]
    found = together([partial(_address_of, context, node) for node in asked])
    left_out = [why for address, why in found if not address]
    if len(role.nodes) > len(asked):
        left_out.append(f"{len(role.nodes)} nodes are listed, only {len(asked)} were asked")
    targets = tuple((node, address) for node, (address, _) in zip(asked, found, strict=True) if address)
    return targets, tuple(left_out)


def _address_of(context: Context, node: ClusterNode) -> tuple[str, str]:
    """Return the numeric address of a node, or why it is not asked.

    A panel's answer may be hostile text: what is no address and no host name has not become a node.
    """
    address = node.address
    if not address:
        try:
            addresses = context.host.resolve(node.name, timeout_s=_NODE_LIMIT_S).addresses
        except HostError as error:
            return "", f"{node.name} was not asked: its name does not resolve ({error.reason})"
        address = next((told for told in addresses if is_address(told)), "")
        if not address:
            return "", f"{node.name} was not asked: its name has no address"
    if not is_elsewhere(address):
        return "", f"{node.label} was not asked: {address} is not another machine's"
    return address, ""


def _ask_node(host: Host, port: int, node: ClusterNode, address: str) -> PortAnswer:
    return ask_port(
        host,
        port,
        address=address,
        tls=True,
        server_name=node.name,
        expect_greeting=False,
        timeout_s=_NODE_LIMIT_S,
    )


PROBES = (Probe(ask=cluster_nodes), Probe(ask=cluster_nodes_complete))
