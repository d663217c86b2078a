"""Facts about the services that are neither mail nor web: name service, FTP, SSH.

``judge_access`` stands beside its facts: FTP and SSH are judged alike, and no check may import another.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from iwx_agent.model.core import Evidence, Finding, Missing, Scope, Severity, moment
from iwx_agent.model.machine import PortAnswer, Units

OUTSIDE = "192.0.2.1"  # nobody's (RFC 5737): asked about to learn the way to the network, never sent to

DnsOutcome = Literal["answered", "refused", "silent", "closed", "unreachable", "failed", "garbled"]


class DnsAnswer(Struct, frozen=True, kw_only=True):
    """What one question for a zone's SOA brought; ``garbled`` is a reply that is no answer to it.

    ``rcode`` is the response code of RFC 1035 and 6895 (0 no error, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED).
    """

    protocol: Literal["udp", "tcp"]
    zone: str
    address: str
    port: int
    outcome: DnsOutcome
    rcode: int = 0
    answers_count: int = 0
    detail: str = ""
    duration_s: float = 0.0
    limit_s: float = 0.0

    @property
    def source(self) -> str:
        """Return what was asked and what it came to, as evidence quotes it."""
        came = f"rcode {self.rcode}" if self.outcome == "answered" else self.outcome
        return f"SOA {self.zone} at {self.protocol} {self.address}:{self.port} ({came})"


class NameServer(Struct, frozen=True, kw_only=True):
    """The answers of this server's own name service for zones that it surely serves.

    ``listening_udp`` and ``listening_tcp`` tell whether anything is bound to the port at that address (None:
    could not tell). ``tcp_configured`` tells whether the program that answers over TCP is set up at all.
    """

    address: str
    zones_source: str
    udp: tuple[DnsAnswer, ...]
    tcp: DnsAnswer
    tcp_configured: bool
    listening_udp: bool | None = None
    listening_tcp: bool | None = None
    programs: tuple[str, ...] = ()  # what is bound to the port


class FtpPort(Struct, frozen=True, kw_only=True):
    """What the FTP port did when it was asked for its greeting; ``unit`` is the service's name."""

    answer: PortAnswer
    unit: str


class SshPort(Struct, frozen=True, kw_only=True):
    """What the SSH port did when it was asked for its greeting; ``port_source`` says whence the port is."""

    answer: PortAnswer
    unit: str
    port_source: str


class AccessProtocol(Struct, frozen=True, kw_only=True):
    """What the checks of FTP and SSH differ in; ``greetings`` are how a good one begins."""

    name: Literal["FTP", "SSH"]
    greetings: tuple[str, ...]
    refused_code: str
    silent_code: str
    greeting_code: str  # greets as something else does, or closes at once
    scope: Scope
    touches: tuple[str, ...]

    def trouble(self, answer: PortAnswer) -> tuple[str, str]:
        """Return the code of what is wrong and the end of its title; both empty if all is well."""
        match answer.outcome:
            case "greeted" if answer.greeting.startswith(self.greetings):
                return "", ""
            case "refused" | "unreachable":
                return self.refused_code, "is not running: nothing listens on its port"
            case "silent":
                return self.silent_code, "accepts the connection but does not greet"
        return self.greeting_code, f"does not greet as an {self.name} server does"


def judge_access(
    protocol: AccessProtocol,
    port: FtpPort | SshPort,
    units: Units | Missing,
    *,
    remedy: tuple[str, ...],
    origin: str = "",
    effect: str = "",
) -> Iterator[Finding]:
    """Judge the greeting; the unit only tells since when.

    ``origin`` follows the port in the detail, ``effect`` what it said; each brings its own space or comma.
    """
    answer, name = port.answer, port.unit
    code, what = protocol.trouble(answer)
    if not code:
        return
    told = repr(answer.greeting[:200]) if answer.outcome == "greeted" else answer.detail or answer.outcome
    unit = None if isinstance(units, Missing) else units.by_name.get(name)
    stopped_at = unit.inactive_enter_at if unit is not None and not unit.running else None
    state = f" {name} is {unit.active_state} ({unit.sub_state})." if unit is not None else ""
    yield Finding(
        code=code,
        subject=name,
        severity=Severity.ERROR,
        scope=protocol.scope,
        title=f"The {protocol.name} server ({name}) {what}",
        detail=f"{answer.source}{origin}: {told}.{effect}{state}",
        remedy=remedy,
        evidence=(Evidence(source=answer.source, text=told),),
        since_at=moment(stopped_at),
        since_source=f"systemctl show {name}" if stopped_at is not None else "",
        touches=protocol.touches,
    )
