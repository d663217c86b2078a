"""Nodes in the panel's answers: by their columns' names or by what the values look like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model.cluster import ClusterNode
from iwx_agent.model.panel_cli import PanelRow
from iwx_agent.parsers.cluster_nodes import (
    NodeWords,
    is_address,
    is_elsewhere,
    is_host_name,
    merged,
    read_nodes,
)

WORDS = NodeWords(node_id=("id", "node_id"), name=("hostname", "name"), address=("ipaddr", "ip"))
NODE = ClusterNode(name="iwx2.lab.invalid", address="10.99.0.20", node_id="2")


def row(**columns: str) -> PanelRow:
    return PanelRow(columns=tuple(columns.items()))


def cells(*values: str) -> PanelRow:
    return PanelRow(columns=tuple((str(number), value) for number, value in enumerate(values, start=1)))


@pytest.mark.parametrize(
    ("told", "node"),
    [
        (row(id="2", hostname="iwx2.lab.invalid", ipaddr="10.99.0.20"), NODE),
        (row(NODE_ID="2", Name="iwx2.lab.invalid", IP="10.99.0.20", comment="x"), NODE),
        (
            row(a="iwx2.lab.invalid", b="10.99.0.20"),
            ClusterNode(name="iwx2.lab.invalid", address="10.99.0.20"),
        ),
        (cells("2", "iwx2.lab.invalid", "10.99.0.20"), ClusterNode(name=NODE.name, address=NODE.address)),
        (row(id="3", hostname="node3", ipaddr=""), ClusterNode(name="node3", node_id="3")),
        (row(id="3", hostname="10.99.0.30"), ClusterNode(address="10.99.0.30", node_id="3")),
        (row(hostname="2001:db8::20", ipaddr="x"), ClusterNode(address="2001:db8::20")),
        (row(hostname="$(reboot)", ipaddr="10.99.0.20"), ClusterNode(address="10.99.0.20")),
    ],
)
def test_a_node_is_read_from_a_row(told: PanelRow, node: ClusterNode) -> None:
    assert read_nodes((told,), WORDS) == ((node,), 0)


@pytest.mark.parametrize(
    "told",
    [
        row(),
        row(error="x", text="Please log in"),
        row(hostname="a b", ipaddr="300.1.2.3"),
        row(nodes="[]"),
        row(hostname="-x"),
        cells("node3"),
        row(hostname="a;id.example.com"),
        row(hostname="a.b.\nc"),
    ],
)
def test_a_row_that_names_no_node_is_counted(told: PanelRow) -> None:
    assert read_nodes((told,), WORDS) == ((), 1)


def test_a_node_that_is_listed_twice_is_one() -> None:
    nodes, unread_count = read_nodes(
        (row(hostname="Node2.example.com"), row(hostname="node2.example.com")), WORDS
    )
    assert ([node.name for node in nodes], unread_count) == (["Node2.example.com"], 0)


def test_nothing_listed_is_no_node() -> None:
    assert read_nodes((), WORDS) == ((), 0)


@pytest.mark.parametrize(
    ("text", "address", "name"),
    [
        ("10.99.0.20", True, False),
        ("2001:db8::1", True, False),
        ("fe80::1%eth0", False, False),
        ("010.1.1.1", False, False),
        ("1.2.3", False, False),
        ("node2", False, True),
        ("node_2.example.com.", False, True),
        ("a" * 64, False, False),
        (".".join(["a" * 60] * 5), False, False),
        ("a..b", False, False),
        ("", False, False),
        ("a\n", False, False),
        ("--help", False, False),
        ("127.0.0.1 ", False, False),
    ],
)
def test_what_may_be_asked(text: str, address: bool, name: bool) -> None:
    assert (is_address(text), is_host_name(text)) == (address, name)


@pytest.mark.parametrize(
    ("address", "elsewhere"),
    [
        ("10.99.0.20", True),
        ("203.0.113.9", True),
        ("2001:db8::1", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
    ],
)
def test_what_is_never_another_machine(address: str, elsewhere: bool) -> None:
    assert is_elsewhere(address) == elsewhere


def test_two_lists_of_the_same_nodes_become_one() -> None:
    told = (ClusterNode(name="iwx2.lab.invalid"), ClusterNode(address="10.99.0.30"), ClusterNode(name="x"))
    stored = (
        NODE,
        ClusterNode(name="iwx3.lab.invalid", address="10.99.0.30", node_id="3"),
        ClusterNode(name="y"),
    )
    assert merged(told, stored) == (
        NODE,
        ClusterNode(name="iwx3.lab.invalid", address="10.99.0.30", node_id="3"),
        ClusterNode(name="x"),
        ClusterNode(name="y"),
    )


def test_a_node_is_called_by_its_name_address_or_number() -> None:
    assert [NODE.is_called(told) for told in ("IWX2.lab.invalid", "10.99.0.20", "2", "", "3")] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert not ClusterNode().is_called("")
    assert [node.label for node in (NODE, ClusterNode(address="::1"), ClusterNode(node_id="7"))] == [
        "iwx2.lab.invalid",
        "::1",
        "node 7",
    ]


@given(st.lists(st.tuples(st.text(max_size=10), st.text(max_size=60)), max_size=5))
def test_any_row_gives_a_node_that_may_be_asked_or_none(columns: list[tuple[str, str]]) -> None:
    for node in read_nodes((PanelRow(columns=tuple(columns)),), WORDS)[0]:
        assert not node.address or is_address(node.address)
        assert not node.name or is_host_name(node.name)
