"""support.remote_assistance: off or soon over is a note; on with nobody able to get in is a warning."""

from typing import Any

import pytest

from iwx_agent.app.judging import judge as judge_facts
from iwx_agent.checks.support_remote_assistance import CHECK, Limits, judge
from iwx_agent.model import (
    Finding,
    ListeningSocket,
    ListeningSockets,
    Missing,
    PanelPresence,
    PortAnswer,
    PortOutcome,
    Scope,
    Severity,
    Status,
)
from iwx_agent.model.assistance import LoginRules, RemoteAssistance
from iwx_agent.model.network import SshPort
from iwx_agent.model.packet_filter import FilterVerdict
from iwx_agent.model.system import FileSystems

NOW_AT = 1_795_463_562.0  # 2026-11-23 19:52:42 UTC
HOUR_S = 3600.0
GAP = Missing(reason="not told", source="test")
ALL_IN = FilterVerdict(outcome="open")


def facts(
    *, on: bool = True, left_s: float | None = None, outcome: PortOutcome = "greeted", **more: Any
) -> dict[str, Any]:
    assistance = RemoteAssistance(
        on=on,
        ends_at=None if left_s is None else NOW_AT + left_s,
        end="",
        duration="",
        source="nodeworx ... querySsh (exit 0)",
        text="mode=1",
        read_at=NOW_AT,
    )
    answer = PortAnswer(address="127.0.0.1", port=22, tls=False, outcome=outcome, greeting="SSH-2.0-x")
    values: dict[str, Any] = {
        "panel": PanelPresence(home="/usr/local/interworx"),
        "remote_assistance": assistance,
        "ssh_port": SshPort(answer=answer, unit="sshd.service", port_source="default"),
        "login_rules": LoginRules(port=22, packet_filter=ALL_IN),
        "listening_sockets": ListeningSockets(
            entries=(ListeningSocket(protocol="tcp", address="0.0.0.0", port=22),)
        ),
        "file_systems": FileSystems(entries=()),
    }
    return values | more


def found(**more: Any) -> list[Finding]:
    return list(judge(**facts(**more), limits=Limits()))


def test_on_and_open_is_well() -> None:
    assert found() == []
    assert found(left_s=72 * HOUR_S) == []


def test_off_is_a_note_that_says_it_is_required() -> None:
    (finding,) = found(on=False)
    assert (finding.code, finding.subject) == ("SUPPORT-001", "Remote Assistance")
    assert (finding.severity, finding.scope) == (Severity.NOTE, Scope.PROVIDER)
    assert finding.title == "Remote Assistance is off"
    assert finding.detail.startswith("Support requires it for every ticket.")
    assert finding.remedy[0].startswith("iwx-agent remote-assistance enable ")
    (seen,) = finding.evidence
    assert (seen.source, seen.text) == ("nodeworx ... querySsh (exit 0)", "mode=1")


def test_while_it_is_off_nobody_has_to_get_in() -> None:
    assert [finding.code for finding in found(on=False, outcome="refused", left_s=60.0)] == ["SUPPORT-001"]


@pytest.mark.parametrize(
    ("left_s", "title"),
    [
        (9 * HOUR_S + 1, None),
        (9 * HOUR_S, "Remote Assistance ends soon"),
        (1.0, "Remote Assistance ends soon"),
        (0.0, "The time of Remote Assistance is over"),
        (-HOUR_S, "The time of Remote Assistance is over"),
    ],
)
def test_too_little_time_for_support_is_a_note(left_s: float, title: str | None) -> None:
    told = found(left_s=left_s)
    assert [(f.code, f.severity, f.title) for f in told] == (
        [] if title is None else [("SUPPORT-002", Severity.NOTE, title)]
    )


def test_the_end_is_told_in_words() -> None:
    (finding,) = found(left_s=2 * HOUR_S)
    assert "It ends at 2026-11-23 21:52 UTC. Support requires it" in finding.detail
    assert finding.remedy[0].startswith("iwx-agent remote-assistance enable --renew ")


def test_on_while_sshd_refuses_is_a_warning_with_what_was_seen() -> None:
    (finding,) = found(outcome="refused")
    assert (finding.code, finding.severity, finding.scope) == (
        "SUPPORT-003",
        Severity.WARNING,
        Scope.PROVIDER,
    )
    assert finding.detail == "It is on, but sshd does not answer on port 22."
    assert finding.evidence[0].source == "tcp 127.0.0.1:22 (refused)"


def test_every_obstacle_is_told_with_its_evidence() -> None:
    blocked = FilterVerdict(outcome="blocked", text="inet t in, rule 7: drop", source="nft")
    (finding,) = found(outcome="refused", login_rules=LoginRules(port=22, packet_filter=blocked))
    assert finding.detail == (
        "It is on, but sshd does not answer on port 22; the server's own firewall lets nobody in on port 22."
    )
    assert [seen.text for seen in finding.evidence] == ["refused", "inet t in, rule 7: drop"]


def test_soon_over_and_no_way_in_are_both_said() -> None:
    assert [finding.code for finding in found(left_s=60.0, outcome="silent")] == [
        "SUPPORT-002",
        "SUPPORT-003",
    ]


@pytest.mark.parametrize("name", ["ssh_port", "login_rules", "listening_sockets", "file_systems"])
def test_what_may_keep_support_out_is_no_finding(name: str) -> None:
    known = facts() | {name: GAP}
    assert list(judge(**known, limits=Limits())) == []
    assert judge_facts(CHECK, known).status is Status.OK


def test_a_state_that_could_not_be_told_is_unknown_never_ok() -> None:
    for gap in (GAP, Missing(reason="no such program", source="nodeworx", absent=True)):
        result = judge_facts(CHECK, facts(remote_assistance=gap))
        assert result.status is Status.UNKNOWN
        assert gap.reason in result.reason


def test_without_a_panel_there_is_nothing_to_judge() -> None:
    gone = Missing(reason="no InterWorx panel on this machine", source="/usr/local/interworx", absent=True)
    missing = Missing(reason="no such program", source="nodeworx", absent=True)
    result = judge_facts(CHECK, facts(panel=gone, remote_assistance=missing))
    assert result.status is Status.NOT_APPLICABLE
