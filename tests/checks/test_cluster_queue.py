"""cluster.queue: stuck is old, without progress and without movement; slow and failed are told apart."""

from typing import Any

import pytest

from iwx_agent.app.judging import judge as engine
from iwx_agent.checks.cluster_queue import CHECK, Limits, judge
from iwx_agent.model import Finding, Missing, PanelPresence, Severity, Status, moment
from iwx_agent.model.cluster import CommandQueue, Complete, NodeQueue, named

NOW_AT = 1_795_450_000.0
PANEL = PanelPresence(home="/usr/local/interworx")
WHOLE = Complete(source="cli")


def node(name: str = "iwx2.lab.invalid", *, age_s: float | None = None, **more: Any) -> NodeQueue:
    told: dict[str, Any] = {"source": "nodeworx (exit 0)", "oldest_words": f"entry 1, for {name}, pending"}
    if age_s is not None:
        told |= {"waiting_count": 5, "oldest_at": NOW_AT - age_s, "left_count": 0, "came_count": 0}
    return NodeQueue(node=name, **(told | more))


def queue(*nodes: NodeQueue, part: str = "manager", **more: Any) -> CommandQueue:
    told: dict[str, Any] = {"source": "cli", "read_at": NOW_AT, "between_s": 3.0, "look": "nodeworx -a list"}
    return CommandQueue(part=part, nodes=nodes, **(told | more))  # type: ignore[arg-type]


def found(*nodes: NodeQueue, **more: Any) -> list[Finding]:
    return list(judge(PANEL, queue(*nodes, **more), WHOLE, Limits()))


def codes(*nodes: NodeQueue) -> list[tuple[str, Severity]]:
    return [(finding.code, finding.severity) for finding in found(*nodes)]


STUCK = ("CLUSTER-001", Severity.EMERGENCY)
SLOW = ("CLUSTER-003", Severity.WARNING)


@pytest.mark.parametrize(
    ("age_s", "expected"),
    [
        (-60.0, []),
        (0.0, []),
        (599.0, []),
        (600.0, [SLOW]),
        (601.0, [SLOW]),
        (1799.0, [SLOW]),
        (1800.0, [STUCK]),
        (1801.0, [STUCK]),
    ],
)
def test_the_age_of_the_oldest_command_decides(age_s: float, expected: list[tuple[str, Severity]]) -> None:
    assert codes(node(age_s=age_s)) == expected


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (99, []),
        (100, [SLOW]),
        (101, [SLOW]),
        (999, [SLOW]),
        (1000, [("CLUSTER-003", Severity.ERROR)]),
        (1001, [("CLUSTER-003", Severity.ERROR)]),
    ],
)
def test_the_length_of_a_young_queue_decides(count: int, expected: list[tuple[str, Severity]]) -> None:
    assert codes(node(age_s=10, waiting_count=count)) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"left_count": 1}, [SLOW]),  # it moves
        (
            {"left_count": None, "came_count": None},
            [("CLUSTER-001", Severity.ERROR)],
        ),  # not known if it moves
        ({"progress_at": NOW_AT - 1799}, [SLOW]),
        ({"progress_at": NOW_AT - 1800}, [STUCK]),
        ({"oldest_at": None}, []),
        ({"from_database": True}, [STUCK]),
        ({"contradicted_by": "the panel's database says: 0 wait, 0 failed"}, [STUCK]),
        ({"from_database": True, "contradicted_by": "x"}, [("CLUSTER-001", Severity.ERROR)]),
        ({"waiting_count": 0}, [SLOW]),
    ],
)
def test_stuck_means_that_nothing_moves_as_far_as_is_known(more: dict[str, Any], expected: object) -> None:
    if more == {"waiting_count": 0}:
        more, expected = {"waiting_count": 0, "oldest_at": None}, []
    assert codes(node(age_s=7200, **more)) == expected


@pytest.mark.parametrize(
    ("age_s", "severity"),
    [
        (0.0, Severity.ERROR),
        (86_399.0, Severity.ERROR),
        (86_400.0, Severity.ERROR),
        (86_401.0, Severity.WARNING),
        (None, Severity.WARNING),
    ],
)
def test_what_failed_lately_is_an_error_and_what_failed_long_ago_a_warning(
    age_s: float | None, severity: Severity
) -> None:
    failed_at = None if age_s is None else NOW_AT - age_s
    assert codes(node(failed_count=2, failed_newest_at=failed_at)) == [("CLUSTER-002", severity)]


def test_a_queue_in_which_nothing_is_wrong() -> None:
    assert found() == []
    assert found(node(), node("iwx3.lab.invalid", age_s=5)) == []


# One incident names all nodes; its identity names none


def test_all_nodes_with_the_same_trouble_are_in_one_finding() -> None:
    one, two = node(age_s=7260), node("iwx3.lab.invalid", age_s=3600, progress_at=NOW_AT - 7200)
    (alone,), (together,) = found(one), found(one, two)
    assert (
        (alone.code, alone.subject) == (together.code, together.subject) == ("CLUSTER-001", "command queue")
    )
    assert alone.title == "The command queue of cluster node iwx2.lab.invalid is stuck"
    assert together.title == (
        "The command queues of 2 cluster nodes (iwx2.lab.invalid, iwx3.lab.invalid) are stuck"
    )
    assert together.detail.startswith(
        "iwx2.lab.invalid: 5 waiting, the oldest for 121 min, 0 left and 0 came within 3 s. "
        "iwx3.lab.invalid: 5 waiting, the oldest for 60 min, 0 left and 0 came within 3 s, "
        "the last command known to have ended did so 120 min ago. "
    )
    assert "not documented" in together.detail
    assert [evidence.text for evidence in together.evidence] == [
        "entry 1, for iwx2.lab.invalid, pending",
        "entry 1, for iwx3.lab.invalid, pending",
    ]
    assert together.since_at == moment(NOW_AT - 7260)
    assert together.touches == ("cluster",)
    assert together.remedy[0] == "nodeworx -a list   # shows the queue, changes nothing"


def test_one_sure_node_makes_it_an_emergency() -> None:
    unsure = node(age_s=7200, left_count=None, came_count=None)
    (finding,) = found(unsure, node("iwx3.lab.invalid", age_s=7200))
    assert finding.severity == Severity.EMERGENCY


def test_each_trouble_is_a_finding_of_its_own() -> None:
    told = found(
        node("a", age_s=7200, failed_count=1, failed_newest_at=NOW_AT),
        node("b", age_s=700),
        node("c", failed_count=1, failed_words="entry 9, failed"),
    )
    assert [finding.code for finding in told] == ["CLUSTER-001", "CLUSTER-002", "CLUSTER-003"]
    assert told[1].title == "Commands for 2 cluster nodes (a, c) failed"
    assert "1 failed" in told[1].detail
    assert [evidence.text for evidence in told[1].evidence] == ["entry 9, failed"]
    assert told[2].title == "The command queue of cluster node b is behind"


def test_many_nodes_are_counted_and_the_first_ones_named() -> None:
    (finding,) = found(*(node(f"n{number:02}", age_s=7200) for number in range(12)))
    assert "12 cluster nodes (n00, n01, n02 and 9 more)" in finding.title
    assert "n09:" in finding.detail
    assert "n10:" not in finding.detail
    assert "And 2 more nodes." in finding.detail
    assert len(finding.evidence) == 10


def test_what_the_other_source_says_stands_beside_it() -> None:
    said = "the panel's command line says: 0 wait, 0 failed"
    (finding,) = found(node(age_s=7200, from_database=True, contradicted_by=said))
    assert f"within 3 s. But {said}. " in finding.detail


@pytest.mark.parametrize(
    ("age_s", "words"),
    [(600, "10 min"), (10_799, "180 min"), (10_800, "3 h"), (259_199, "72 h"), (259_200, "3 days")],
)
def test_an_age_is_told_as_a_person_would(age_s: float, words: str) -> None:
    (finding,) = found(node(age_s=age_s))
    assert f"the oldest for {words}, " in finding.detail


def test_a_long_queue_whose_age_is_not_known() -> None:
    (finding,) = found(node(waiting_count=150))
    assert finding.detail.startswith("iwx2.lab.invalid: 150 waiting. ")
    assert (finding.code, finding.since_at) == ("CLUSTER-003", None)


def test_a_list_that_was_cut_says_at_least() -> None:
    (finding,) = found(node(age_s=10, waiting_count=2000), at_least=True)
    assert "at least 2000 waiting" in finding.detail


def test_a_node_says_that_it_is_this_one() -> None:
    told = found(node("", age_s=7200, failed_count=1), part="node")
    assert [finding.title for finding in told] == [
        "The command queue of this cluster node is stuck",
        "Commands for this cluster node failed",
    ]
    assert told[0].detail.startswith("5 waiting, the oldest for 120 min")


def test_a_queue_that_names_no_node() -> None:
    (finding,) = found(node("", age_s=7200))
    assert finding.title == "The command queue of the cluster is stuck"


def test_nodes_in_a_title() -> None:
    assert named([]) == "the cluster"
    assert named(["a", "a", ""]) == "cluster node a"
    assert named(["a", "b", "c"]) == "3 cluster nodes (a, b, c)"
    assert named(["a", "b", "c", "d"]) == "4 cluster nodes (a, b, c and 1 more)"


# What could not be told is never ok

GAP = Missing(reason="command line: said nothing; database: not installed", source="queue")


@pytest.mark.parametrize(
    ("queue_fact", "complete", "status"),
    [
        (queue(), WHOLE, Status.OK),
        (queue(), GAP, Status.UNKNOWN),
        (queue(node(age_s=7200)), GAP, Status.PROBLEM),
        (GAP, GAP, Status.UNKNOWN),
        (
            Missing(reason="in no cluster", absent=True),
            Missing(reason="x", absent=True),
            Status.NOT_APPLICABLE,
        ),
    ],
)
def test_the_result_of_the_check(queue_fact: object, complete: object, status: Status) -> None:
    facts = {"panel": PANEL, "command_queue": queue_fact, "command_queue_complete": complete}
    result = engine(CHECK, facts)
    assert result.status == status
    if status is Status.UNKNOWN:
        assert "said nothing" in result.reason
