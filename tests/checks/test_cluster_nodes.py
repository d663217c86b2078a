"""cluster.nodes: unreachable and failing are told apart; one finding names all; its identity names none."""

from typing import Any

import pytest

from iwx_agent.app.judging import judge as engine
from iwx_agent.checks.cluster_nodes import CHECK, judge
from iwx_agent.model import Finding, Missing, PanelPresence, PortAnswer, Scope, Severity, Status
from iwx_agent.model.cluster import (
    ClusterNode,
    ClusterNodes,
    CommandQueue,
    Complete,
    NodeAnswer,
    NodeQueue,
)

PANEL = PanelPresence(home="/usr/local/interworx")
WHOLE = Complete(source="cli")
UNKNOWN = Missing(reason="could not tell")


def answer(
    name: str = "iwx2.lab.invalid", outcome: str = "silent", address: str = "10.99.0.20"
) -> NodeAnswer:
    details = {"silent": "connect took longer than 3.0 s", "refused": "connection refused (ECONNREFUSED)"}
    port = PortAnswer(
        address=address,
        port=2443,
        tls=True,
        outcome=outcome,  # type: ignore[arg-type]
        detail=details.get(outcome, ""),
        limit_s=3.0,
    )
    return NodeAnswer(node=ClusterNode(name=name, address=address, node_id="2"), answer=port)


def queue(*nodes: NodeQueue) -> CommandQueue:
    return CommandQueue(part="manager", nodes=nodes, source="cli", read_at=0.0)


def found(*answers: NodeAnswer, commands: CommandQueue | Missing = UNKNOWN) -> list[Finding]:
    return list(judge(PANEL, ClusterNodes(answers=answers, source="cli"), WHOLE, commands))


@pytest.mark.parametrize(
    ("outcome", "code", "scope"),
    [
        ("greeted", "", None),
        ("silent", "CLUSTER-010", Scope.UNKNOWN),
        ("unreachable", "CLUSTER-010", Scope.UNKNOWN),
        ("refused", "CLUSTER-010", Scope.VENDOR),
        ("tls_failed", "CLUSTER-011", Scope.VENDOR),
        ("closed", "CLUSTER-011", Scope.VENDOR),
        ("failed", "CLUSTER-011", Scope.VENDOR),
    ],
)
def test_what_a_node_does_decides(outcome: str, code: str, scope: Scope | None) -> None:
    findings = found(answer(outcome=outcome))
    assert [(f.code, f.scope, f.severity) for f in findings] == (
        [(code, scope, Severity.ERROR)] if code else []
    )


def test_one_finding_names_all_nodes_and_its_identity_none() -> None:
    (alone,) = found(answer(), answer("iwx3.lab.invalid", "greeted"))
    (together,) = found(answer(), answer("iwx3.lab.invalid", "refused", "2001:db8::30"))
    assert (
        (alone.code, alone.subject) == (together.code, together.subject) == ("CLUSTER-010", "cluster nodes")
    )
    assert alone.title == "Cluster node iwx2.lab.invalid cannot be reached"
    assert together.title == ("2 cluster nodes (iwx2.lab.invalid, iwx3.lab.invalid) cannot be reached")
    assert together.detail == (
        "Asked twice. iwx2.lab.invalid (10.99.0.20:2443): connect took longer than 3.0 s. "
        "iwx3.lab.invalid ([2001:db8::30]:2443): connection refused (ECONNREFUSED)."
    )
    assert together.scope == Scope.VENDOR
    assert [(e.source, e.text) for e in together.evidence] == [
        ("tls 10.99.0.20:2443 (silent)", "iwx2.lab.invalid: connect took longer than 3.0 s"),
        ("tls 2001:db8::30:2443 (refused)", "iwx3.lab.invalid: connection refused (ECONNREFUSED)"),
    ]
    assert together.remedy[0] == "ping -c 3 10.99.0.20   # does the machine answer at all?"
    assert "curl -skI --max-time 5 https://[2001:db8::30]:2443/   # refused" in together.remedy


def test_two_kinds_of_trouble_are_two_findings() -> None:
    away, odd = found(answer(), answer("n3", "closed"))
    assert (away.code, odd.code) == ("CLUSTER-010", "CLUSTER-011")
    assert odd.title == "Cluster node n3 answers the manager with an error"
    assert "n3 (10.99.0.20:2443): closed." in odd.detail
    (both,) = found(answer("n3", "closed"), answer("n4", "tls_failed"))
    assert both.title == "2 cluster nodes (n3, n4) answer the manager with an error"


def test_many_nodes_are_counted() -> None:
    (finding,) = found(*(answer(f"n{number:02}") for number in range(12)))
    assert finding.title.startswith("12 cluster nodes (n00, n01, n02 and 9 more) cannot")
    assert finding.detail.endswith("And 2 more.")
    assert len(finding.evidence) == 10
    assert len([step for step in finding.remedy if step.startswith("curl")]) == 3


@pytest.mark.parametrize(
    ("commands", "waits"),
    [
        (UNKNOWN, False),
        (queue(), False),
        (queue(NodeQueue(node="iwx2.lab.invalid")), False),
        (queue(NodeQueue(node="iwx3.lab.invalid", waiting_count=1)), False),
        (queue(NodeQueue(node="iwx2.lab.invalid", waiting_count=1)), True),
        (queue(NodeQueue(node="10.99.0.20", failed_count=1)), True),
        (queue(NodeQueue(node="", waiting_count=1)), True),
    ],
)
def test_it_explains_what_waits_for_it_and_nothing_else(commands: Any, waits: bool) -> None:
    (finding,) = found(answer(), commands=commands)
    assert finding.touches == (("cluster", "command_queue") if waits else ("cluster",))


@pytest.mark.parametrize(
    ("nodes", "complete", "status"),
    [
        (ClusterNodes(answers=(answer(outcome="greeted"),), source="cli"), WHOLE, Status.OK),
        (ClusterNodes(answers=(answer(outcome="greeted"),), source="cli"), UNKNOWN, Status.UNKNOWN),
        (ClusterNodes(answers=(answer(),), source="cli"), UNKNOWN, Status.PROBLEM),
        (UNKNOWN, UNKNOWN, Status.UNKNOWN),
        (Missing(reason="x", absent=True), Missing(reason="x", absent=True), Status.NOT_APPLICABLE),
    ],
)
def test_the_result_of_the_check(nodes: Any, complete: Any, status: Status) -> None:
    facts = {
        "panel": PANEL,
        "cluster_nodes": nodes,
        "cluster_nodes_complete": complete,
        "command_queue": UNKNOWN,
    }
    assert engine(CHECK, facts).status == status
