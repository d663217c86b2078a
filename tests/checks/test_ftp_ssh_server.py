"""ftp.server and ssh.server: each outcome of the port."""

import pytest

from iwx_agent.checks import ftp_server, ssh_server
from iwx_agent.model import Finding, Missing, PortAnswer, PortOutcome, Scope, Severity, Unit, Units
from iwx_agent.model.network import FtpPort, SshPort

GAP = Missing(reason="not told", source="test")
UNITS = {"FTP": "proftpd.service", "SSH": "sshd.service"}
each_protocol = pytest.mark.parametrize("protocol", ["FTP", "SSH"])


def found(
    protocol: str,
    outcome: PortOutcome,
    greeting: str = "",
    *,
    units: Units | Missing = GAP,
    detail: str = "",
) -> list[Finding]:
    answer = PortAnswer(
        address="127.0.0.1",
        port=21 if protocol == "FTP" else 22,
        tls=False,
        outcome=outcome,
        greeting=greeting,
        detail=detail,
    )
    if protocol == "FTP":
        return list(ftp_server.judge(FtpPort(answer=answer, unit=UNITS[protocol]), units))
    return list(ssh_server.judge(SshPort(answer=answer, unit=UNITS[protocol], port_source="default"), units))


@pytest.mark.parametrize(
    ("protocol", "greeting"),
    [
        ("FTP", "220 ProFTPD Server ready."),
        ("FTP", "220-Welcome"),
        ("FTP", "220"),
        ("SSH", "SSH-2.0-OpenSSH_8.7"),
        ("SSH", "SSH-1.99-OpenSSH_3.9p1"),
    ],
)
def test_its_own_greeting_is_well(protocol: str, greeting: str) -> None:
    assert found(protocol, "greeted", greeting) == []


@pytest.mark.parametrize(
    ("protocol", "outcome", "greeting", "code"),
    [
        ("FTP", "refused", "", "FTP-001"),
        ("FTP", "unreachable", "", "FTP-001"),
        ("FTP", "silent", "", "FTP-002"),
        ("FTP", "closed", "", "FTP-003"),
        ("FTP", "failed", "", "FTP-003"),
        ("FTP", "greeted", "421 too many connections", "FTP-003"),
        ("FTP", "greeted", "SSH-2.0-x", "FTP-003"),
        ("FTP", "greeted", "", "FTP-003"),
        ("SSH", "refused", "", "SSH-001"),
        ("SSH", "unreachable", "", "SSH-001"),
        ("SSH", "silent", "", "SSH-002"),
        ("SSH", "closed", "", "SSH-003"),
        ("SSH", "failed", "", "SSH-003"),
        ("SSH", "greeted", "Exceeded MaxStartups", "SSH-003"),
        ("SSH", "greeted", "220 ProFTPD", "SSH-003"),
        ("SSH", "greeted", "", "SSH-003"),
    ],
)
def test_anything_else_is_an_error(protocol: str, outcome: PortOutcome, greeting: str, code: str) -> None:
    (finding,) = found(protocol, outcome, greeting)
    assert (finding.code, finding.subject, finding.severity) == (code, UNITS[protocol], Severity.ERROR)
    assert finding.scope == (Scope.VENDOR if protocol == "FTP" else Scope.PROVIDER)
    assert finding.title.startswith(f"The {protocol} server ({UNITS[protocol]}) ")
    assert finding.title.endswith(f" as an {protocol} server does") is code.endswith("3")
    assert finding.evidence[0].text == (repr(greeting) if outcome == "greeted" else outcome)
    assert finding.since_at is None


def test_only_without_ssh_support_cannot_log_in() -> None:
    (ftp,), (ssh,) = found("FTP", "silent"), found("SSH", "silent")
    assert ftp.detail == "tcp 127.0.0.1:21 (silent): silent."
    assert ssh.detail == "tcp 127.0.0.1:22 (silent), port from default: silent. Support cannot log in."


@each_protocol
@pytest.mark.parametrize(("active", "since_at"), [("failed", 1000.0), ("active", None)])
def test_the_unit_tells_since_when(protocol: str, active: str, since_at: float | None) -> None:
    name = UNITS[protocol]
    unit = Unit(name=name, load_state="loaded", active_state=active, sub_state="x", inactive_enter_at=1000.0)
    (finding,) = found(protocol, "refused", units=Units(by_name={name: unit}), detail="connection refused")
    assert (finding.since_at.timestamp() if finding.since_at else None) == since_at
    assert f"{name} is {active} (x)" in finding.detail
    assert finding.evidence[0].text == "connection refused"
