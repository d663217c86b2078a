"""The nodes of a cluster in rows of an answer, whatever its columns are called.

>>> from iwx_agent.model.panel_cli import PanelRow
>>> row = PanelRow(columns=(("id", "2"), ("hostname", "iwx2.lab.invalid"), ("ipaddr", "10.99.0.20")))
>>> words = NodeWords(node_id=("id",), name=("hostname",), address=("ipaddr",))
>>> nodes, unread_count = read_nodes((row,), words)
>>> nodes[0].label, nodes[0].address, nodes[0].node_id, unread_count
('iwx2.lab.invalid', '10.99.0.20', '2', 0)
"""

import ipaddress
import re

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model.cluster import ClusterNode, Words
from iwx_agent.model.panel_cli import PanelRow

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)\Z")
_NAME_CHARACTERS = 253
_ID_CHARACTERS = 40


class NodeWords(Struct, frozen=True, kw_only=True):
    """By which names the columns of a node are recognised; small letters."""

    node_id: Words
    name: Words
    address: Words


def read_nodes(rows: tuple[PanelRow, ...], words: NodeWords) -> tuple[tuple[ClusterNode, ...], int]:
    """Return the nodes, each once, and how many rows name none that could be read."""
    found: dict[str, ClusterNode] = {}
    unread_count = 0
    for row in rows:
        node = _node(row, words)
        if node is None:
            unread_count += 1
        else:
            found.setdefault(node.label.lower(), node)
    return tuple(found.values()), unread_count


def _node(row: PanelRow, words: NodeWords) -> ClusterNode | None:
    """Read a row by the names of its columns, else by what its values look like."""
    values = [value.strip() for _, value in row.columns]
    name, address = row.get(*words.name).strip(), row.get(*words.address).strip()
    if is_address(name):
        name, address = "", address or name
    if not is_address(address):
        address = next((value for value in values if is_address(value)), "")
    if not is_host_name(name):
        name = next((value for value in values if "." in value and is_host_name(value)), "")
    if not name and not address:
        return None
    return ClusterNode(name=name, address=address, node_id=row.get(*words.node_id).strip()[:_ID_CHARACTERS])


def is_address(text: str) -> bool:
    """Return whether a text is an address of IPv4 or IPv6 and nothing else."""
    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def is_elsewhere(address: str) -> bool:
    """Return whether an address can be another machine's: not loopback, unspecified or multicast."""
    found = ipaddress.ip_address(address)
    return not (found.is_loopback or found.is_unspecified or found.is_multicast)


def is_host_name(text: str) -> bool:
    """Return whether a text is a host name by RFC 1123 (an underscore is let pass), and no address."""
    labels = text.removesuffix(".").split(".")
    return (
        len(text) <= _NAME_CHARACTERS
        and all(_LABEL.match(label) for label in labels)
        and not labels[-1].isdigit()
    )


def merged(nodes: tuple[ClusterNode, ...], others: tuple[ClusterNode, ...]) -> tuple[ClusterNode, ...]:
    """Return the nodes with what another source tells of the same ones, and after them the other's own."""
    left = list(others)
    joined: list[ClusterNode] = []
    for node in nodes:
        twin = next((o for o in left if node.is_called(o.name) or node.is_called(o.address)), None)
        if twin is None:
            joined.append(node)
            continue
        left.remove(twin)
        joined.append(
            replace(
                node,
                name=node.name or twin.name,
                address=node.address or twin.address,
                node_id=node.node_id or twin.node_id,
            )
        )
    return (*joined, *left)
