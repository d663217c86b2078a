"""Names can be resolved: the configured name servers answer.

Facts:
    resolver: what each name server of /etc/resolv.conf did when it was asked for the root's name servers.

Limits:
    slow_s: from here on every program that looks up names feels slow.

Codes:
    SYSTEM-080 no name server answers; SYSTEM-081 name resolution is slow: the first server does not answer,
    is slow, or all of them answer only that they failed.

Source:
    resolv.conf(5): servers are asked in order, the next one only after 5 s of silence.
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Scope, Severity
from iwx_agent.model.system import NameServer, Resolver

_SERVER_FAILURE = 2
_TOUCHES = ("packages", "mail")
_LOOK = (
    "cat /etc/resolv.conf",
    "dig @ADDRESS . NS +time=3 +tries=1   # with each address in place of ADDRESS",
)


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    slow_s: float = 2.0


def judge(resolver: Resolver, limits: Limits) -> Iterator[Finding]:
    """Judge all servers first: one that answers anything but "I failed" is a working one."""
    alive = [server for server in resolver.servers if server.outcome == "answered"]
    if not alive:
        yield _finding(
            resolver, "SYSTEM-080", Severity.ERROR, "No name server answers: names cannot be resolved"
        )
        return
    if all(server.response_code == _SERVER_FAILURE for server in alive):
        yield _finding(
            resolver, "SYSTEM-081", Severity.WARNING, "The name servers answer only that they failed"
        )
        return
    first = resolver.servers[0]
    if first.outcome != "answered":
        yield _finding(resolver, "SYSTEM-081", Severity.WARNING, "The first name server does not answer")
    elif first.duration_s >= limits.slow_s:
        yield _finding(resolver, "SYSTEM-081", Severity.WARNING, "The first name server answers slowly")


def _finding(resolver: Resolver, code: str, severity: Severity, title: str) -> Finding:
    told = "; ".join(_told(server) for server in resolver.servers)
    where = resolver.source if resolver.configured else f"none in {resolver.source}, so 127.0.0.1 is asked"
    return Finding(
        code=code,
        subject="name resolution",
        severity=severity,
        scope=Scope.PROVIDER,
        title=title,
        detail=f"Name servers ({where}): {told}. Package updates and outgoing mail need names.",
        remedy=(
            *_LOOK,
            "Ask the provider whether its name servers work, and whether a firewall drops UDP port 53.",
            "Put a name server that answers first in /etc/resolv.conf.",
        ),
        evidence=tuple(
            Evidence(source=f"udp {server.address}:53 NS .", text=_told(server))
            for server in resolver.servers
        ),
        touches=_TOUCHES,
    )


def _told(server: NameServer) -> str:
    if server.outcome == "answered":
        failed = ", SERVFAIL" if server.response_code == _SERVER_FAILURE else ""
        return f"{server.address} answered after {server.duration_s:.1f} s{failed}"
    if server.outcome == "silent":
        return f"{server.address} did not answer within {server.limit_s:g} s"
    return f"{server.address}: {server.detail or server.outcome}"


CHECK = Check(
    id="system.resolver",
    title="Names can be resolved",
    codes=("SYSTEM-080", "SYSTEM-081"),
    judge=judge,
    limits=Limits(),
)
