"""The name service answers: tinydns over UDP, axfrdns over TCP, for zones that this server surely serves.

Facts:
    name_server: the answers to one SOA question per sampled zone over UDP, and one over TCP.

Limits:
    None of its own: each question has a limit of 3 s, which the answers carry.

Codes:
    DNS-001 no answer over UDP; DNS-002 no answer over TCP while UDP is well; DNS-003 an error for a zone of
    its own; DNS-004 nothing listens at the address of the name service.

Source:
    RFC 1035, RFC 7766; tinydns stays silent for zones that it does not serve. Support guide 7.1 lists DNS
    among its topics; "Urgent: Emergency situation/Services are down".
"""

from collections.abc import Iterator

from iwx_agent.model import Check, Evidence, Finding, Scope, Severity
from iwx_agent.model.network import DnsAnswer, NameServer

_SUBJECT = "name service"
_RCODES = {1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 9: "NOTAUTH"}
_LOOK = (
    "svstat /service/tinydns /service/axfrdns",
    "tail -n 20 /var/log/tinydns/current | tai64nlocal",
    "ss -lunp 'sport = :53'",
)
_EFFECT = "The world cannot look up the domains of this server; sites and mail become unreachable with that."


def judge(name_server: NameServer) -> Iterator[Finding]:
    """Judge UDP first: one answered zone is enough, since a single zone may be too new to be served."""
    answered = [answer for answer in name_server.udp if answer.outcome == "answered"]
    if not answered:
        yield _no_udp(name_server)
        return
    errors = [answer for answer in answered if answer.rcode != 0]
    if errors:
        yield _error(errors)
    if _tcp_broken(name_server):
        yield _no_tcp(name_server)


def _no_udp(server: NameServer) -> Finding:
    """No zone is answered: an emergency also beside living TCP, which the world only asks after UDP."""
    first = server.udp[0]
    nothing_listens = server.listening_udp is False or first.outcome in ("refused", "unreachable")
    holders = [name for name in server.programs if name not in ("tinydns", "dnscache")]
    beside = f" Port 53 is held by: {', '.join(holders)}." if holders else ""
    return Finding(
        code="DNS-004" if nothing_listens else "DNS-001",
        subject=_SUBJECT,
        severity=Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=f"The name service (tinydns) {'is not running' if nothing_listens else 'does not answer'}"
        f" at {server.address}",
        detail=f"{first.source}: {_told(first)}. {_EFFECT}{beside}",
        remedy=(*_LOOK, "svc -u /service/tinydns   # start it", "svc -t /service/tinydns   # restart it"),
        evidence=_evidence((*server.udp, server.tcp)),
        touches=("dns",),
    )


def _error(errors: list[DnsAnswer]) -> Finding:
    zones = ", ".join(answer.zone for answer in errors)
    return Finding(
        code="DNS-003",
        subject=_SUBJECT,
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title="The name service answers with an error for zones of its own",
        detail=f"{_told(errors[0])} for {zones}.",
        remedy=(
            *_LOOK,
            "cd /var/djbdns/tinydns/root && ls -l data data.cdb   # data.cdb must be the newer one",
            "make -C /var/djbdns/tinydns/root   # builds data.cdb again",
        ),
        evidence=_evidence(tuple(errors)),
        touches=("dns",),
    )


def _tcp_broken(server: NameServer) -> bool:
    """Tell whether TCP should work and does not; axfrdns closes on whom its rules keep out: no fault."""
    return server.tcp_configured and server.tcp.outcome not in ("answered", "closed")


def _no_tcp(server: NameServer) -> Finding:
    return Finding(
        code="DNS-002",
        subject=_SUBJECT,
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title="The name service answers over UDP, but not over TCP (axfrdns)",
        detail=f"{server.tcp.source}: {_told(server.tcp)}. Large answers and zone transfers fail.",
        remedy=(
            "svstat /service/axfrdns",
            "ss -ltnp 'sport = :53'",
            "svc -t /service/axfrdns   # restart it",
        ),
        evidence=_evidence((server.tcp,)),
        touches=("dns",),
    )


def _evidence(answers: tuple[DnsAnswer, ...]) -> tuple[Evidence, ...]:
    return tuple(Evidence(source=answer.source, text=_told(answer)) for answer in answers)


def _told(answer: DnsAnswer) -> str:
    if answer.outcome == "answered":
        name = _RCODES.get(answer.rcode, "NOERROR" if answer.rcode == 0 else "an error")
        return f"rcode {answer.rcode} ({name}), {answer.answers_count} answers"
    return answer.detail or f"{answer.outcome} (limit {answer.limit_s:g} s)"


CHECK = Check(
    id="dns.server",
    title="The name service answers over UDP and TCP",
    codes=("DNS-001", "DNS-002", "DNS-003", "DNS-004"),
    judge=judge,
    optional=("name_server",),
    emergency=True,
)
