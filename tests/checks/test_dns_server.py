"""dns.server: silence, refusal, errors, and TCP beside UDP."""

import pytest

from iwx_agent.checks.dns_server import judge
from iwx_agent.model import Finding, Severity
from iwx_agent.model.network import DnsAnswer, DnsOutcome, NameServer


def answer(
    outcome: DnsOutcome = "answered", rcode: int = 0, *, protocol: str = "udp", detail: str = ""
) -> DnsAnswer:
    return DnsAnswer(
        protocol="tcp" if protocol == "tcp" else "udp",
        zone="example.com",
        address="192.0.2.7",
        port=53,
        outcome=outcome,
        rcode=rcode,
        answers_count=1 if outcome == "answered" and rcode == 0 else 0,
        detail=detail,
        limit_s=3.0,
    )


def found(
    *udp: DnsAnswer,
    tcp: DnsOutcome = "answered",
    listening: bool | None = True,
    configured: bool = True,
    programs: tuple[str, ...] = ("tinydns",),
) -> list[Finding]:
    server = NameServer(
        address="192.0.2.7",
        zones_source="data",
        udp=udp,
        tcp=answer(tcp, protocol="tcp"),
        tcp_configured=configured,
        listening_udp=listening,
        programs=programs,
    )
    return list(judge(server))


def test_answers_over_both_are_well_and_one_zone_may_be_too_new() -> None:
    assert found(answer()) == []
    assert found(answer("silent"), answer()) == []


@pytest.mark.parametrize("outcome", ["silent", "closed", "failed", "garbled"])
def test_no_answer_at_all_is_an_emergency(outcome: DnsOutcome) -> None:
    (finding,) = found(answer(outcome), answer("silent"), tcp="silent")
    assert (finding.code, finding.subject, finding.severity) == (
        "DNS-001",
        "name service",
        Severity.EMERGENCY,
    )
    assert len(finding.evidence) == 3


def test_udp_dead_beside_living_tcp_is_an_emergency_all_the_same() -> None:
    (finding,) = found(answer("silent"))
    assert (finding.code, finding.severity) == ("DNS-001", Severity.EMERGENCY)
    assert "silent (limit 3 s)" in finding.detail


@pytest.mark.parametrize(
    ("outcome", "listening"), [("refused", True), ("refused", None), ("unreachable", None), ("silent", False)]
)
def test_nothing_listens(outcome: DnsOutcome, listening: bool | None) -> None:
    (finding,) = found(answer(outcome, detail="as told"), tcp="refused", listening=listening)
    assert (finding.code, finding.severity) == ("DNS-004", Severity.EMERGENCY)
    assert "as told" in finding.detail
    assert "held by" not in finding.detail


def test_another_program_on_the_port_is_named() -> None:
    (finding,) = found(answer("silent"), tcp="refused", programs=("dnscache", "systemd-resolve", "tinydns"))
    assert "Port 53 is held by: systemd-resolve." in finding.detail


@pytest.mark.parametrize(
    ("rcode", "name"), [(2, "SERVFAIL"), (3, "NXDOMAIN"), (5, "REFUSED"), (11, "an error")]
)
def test_an_error_for_an_own_zone(rcode: int, name: str) -> None:
    (finding,) = found(answer(rcode=rcode), answer())
    assert (finding.code, finding.severity) == ("DNS-003", Severity.ERROR)
    assert name in finding.detail
    assert "example.com" in finding.detail


@pytest.mark.parametrize(
    ("outcome", "codes"),
    [
        ("silent", ["DNS-002"]),
        ("refused", ["DNS-002"]),
        ("garbled", ["DNS-002"]),
        ("closed", []),
        ("answered", []),
    ],
)
def test_tcp_beside_healthy_udp_is_an_error_unless_it_was_closed(
    outcome: DnsOutcome, codes: list[str]
) -> None:
    findings = found(answer(), tcp=outcome)
    assert [f.code for f in findings] == codes
    assert all(f.severity is Severity.ERROR for f in findings)
    assert found(answer(), tcp=outcome, configured=False) == []


def test_evidence_tells_answers_too() -> None:
    (finding,) = found(answer("silent"))
    assert finding.evidence[1].text == "rcode 0 (NOERROR), 1 answers"
    assert finding.evidence[1].source == "SOA example.com at tcp 192.0.2.7:53 (rcode 0)"
