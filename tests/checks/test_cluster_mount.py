"""cluster.mount: a home that is not there, does not answer or is stale, and one that is not served."""

from typing import Any

import pytest

from iwx_agent.app.judging import judge as engine
from iwx_agent.checks.cluster_mount import CHECK, judge
from iwx_agent.model import Finding, Missing, PanelPresence, PortAnswer, Scope, Severity, Status
from iwx_agent.model.cluster import ClusterHome, NetworkHome, ServedHome

PANEL = PanelPresence(home="/usr/local/interworx")


def port(outcome: str, address: str = "10.99.0.10", detail: str = "") -> PortAnswer:
    return PortAnswer(address=address, port=2049, tls=False, outcome=outcome, detail=detail)  # type: ignore[arg-type]


def home(state: str, **more: Any) -> NetworkHome:
    told: dict[str, Any] = {
        "path": "/home",
        "device": "10.99.0.10:/home",
        "type": "nfs4",
        "state": state,
        "source": "statvfs /home (10.99.0.10:/home, nfs4)",
        "detail": "no answer within 3.0 s",
    }
    return NetworkHome(**(told | more))


def found(mounted: NetworkHome | None = None, served: PortAnswer | None = None, *nodes: str) -> list[Finding]:
    line = "/home 10.99.0.20(rw)"
    side = (
        ServedHome(nodes=nodes, path="/home", line=line, source="/etc/exports", answer=served)
        if served
        else None
    )
    return list(judge(PANEL, ClusterHome(mounted=mounted, served=side)))


@pytest.mark.parametrize(
    ("state", "code", "scope", "title"),
    [
        ("not_mounted", "CLUSTER-020", Scope.VENDOR, "/home is not mounted from 10.99.0.10:/home"),
        ("silent", "CLUSTER-021", Scope.UNKNOWN, "/home from 10.99.0.10:/home does not answer"),
        ("failed", "CLUSTER-021", Scope.UNKNOWN, "/home from 10.99.0.10:/home does not answer"),
        (
            "stale",
            "CLUSTER-022",
            Scope.VENDOR,
            "/home from 10.99.0.10:/home is stale: its server no longer knows what is mounted here",
        ),
    ],
)
def test_what_the_mount_does_decides(state: str, code: str, scope: Scope, title: str) -> None:
    (finding,) = found(home(state))
    assert (finding.code, finding.subject, finding.scope, finding.title) == (code, "/home", scope, title)
    assert finding.severity == Severity.ERROR
    assert finding.touches == ("web", "mail", "ftp")
    assert "no answer within 3.0 s" in finding.detail or state == "not_mounted"
    assert finding.evidence[0].text == "no answer within 3.0 s"
    assert finding.remedy[0] == "grep ' /home ' /proc/self/mountinfo   # does not hang"


def test_a_mount_that_answers_is_well() -> None:
    assert found(home("answers")) == []


@pytest.mark.parametrize(
    ("answer", "told", "quoted"),
    [
        (port("greeted"), "Its server takes connections for NFS.", "takes the connection"),
        (
            port("refused", detail="connection refused (ECONNREFUSED)"),
            "Its server does not take connections for NFS.",
            "connection refused (ECONNREFUSED)",
        ),
        (port("silent"), "Its server does not take connections for NFS.", "silent"),
    ],
)
def test_the_file_server_tells_more(answer: PortAnswer, told: str, quoted: str) -> None:
    (finding,) = found(home("silent", server_answer=answer))
    assert finding.detail.endswith(told)
    assert (finding.evidence[1].source, finding.evidence[1].text) == (answer.source, quoted)


def test_without_its_word_nothing_is_said_of_the_server() -> None:
    (finding,) = found(home("silent"))
    assert "NFS" not in finding.detail
    assert len(finding.evidence) == 1


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (
            port("refused", "127.0.0.1", "connection refused (ECONNREFUSED)"),
            "connection refused (ECONNREFUSED)",
        ),
        (port("silent", "127.0.0.1"), "silent"),
        (port("closed", "127.0.0.1"), "closed"),
    ],
)
def test_a_manager_whose_nfs_does_not_answer(answer: PortAnswer, told: str) -> None:
    (finding,) = found(served=answer)
    assert (finding.code, finding.subject, finding.severity) == ("CLUSTER-023", "NFS service", Severity.ERROR)
    assert finding.detail == f"/etc/exports exports /home, but {answer.source}: {told}."
    assert [evidence.text for evidence in finding.evidence] == ["/home 10.99.0.20(rw)", told]


@pytest.mark.parametrize(
    ("nodes", "title"),
    [
        ((), "The NFS service does not answer: /home is gone for the cluster"),
        (("n2",), "The NFS service does not answer: /home is gone for cluster node n2"),
        (("n2", "n3"), "The NFS service does not answer: /home is gone for 2 cluster nodes (n2, n3)"),
    ],
)
def test_it_names_all_nodes_that_are_concerned(nodes: tuple[str, ...], title: str) -> None:
    (finding,) = found(None, port("refused", "127.0.0.1"), *nodes)
    assert (finding.title, finding.subject) == (title, "NFS service")


def test_a_manager_whose_nfs_answers_is_well() -> None:
    assert found(served=port("greeted", "127.0.0.1")) == []


def test_both_sides_are_judged() -> None:
    told = found(home("stale"), port("refused", "127.0.0.1"))
    assert [finding.code for finding in told] == ["CLUSTER-022", "CLUSTER-023"]


def test_a_path_with_a_space_is_quoted() -> None:
    (finding,) = found(home("stale", path="/home x"))
    assert "umount -l '/home x' && mount '/home x'" in finding.remedy[-1]


@pytest.mark.parametrize(
    ("fact", "status"),
    [
        (ClusterHome(mounted=home("answers")), Status.OK),
        (ClusterHome(mounted=home("stale")), Status.PROBLEM),
        (Missing(reason="x"), Status.UNKNOWN),
        (Missing(reason="x", absent=True), Status.NOT_APPLICABLE),
    ],
)
def test_the_result_of_the_check(fact: Any, status: Status) -> None:
    assert engine(CHECK, {"panel": PANEL, "cluster_home": fact}).status == status
