"""The network is not flooded: no SYN flood, and room in the connection tracking table.

Facts:
    flood: growth of the kernel's counters, how full the connection table is, what the kernel said lately.

Limits:
    cookies_per_s: so many half-open connections a second beyond the queue are a flood; table_pct: the table
    is full or about to be.

Codes:
    SYSTEM-090 SYN flood; SYSTEM-091 the connection tracking table is full.

Source:
    Support guide 7.1, "does not qualify": DDOS attacks. Kernel documentation ip-sysctl: tcp_syncookies,
    nf_conntrack_max. Observed: a flood lets SyncookiesSent grow and ListenOverflows not; a program that no
    longer takes its connections does the opposite, and that is no flood.
"""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, LogLine, Scope, Severity, moment
from iwx_agent.model.system import Flood

_QUOTED_LINES = 3
_TABLE_WORDS = "table full"


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    cookies_per_s: float = 50.0
    table_pct: float = 95.0


def judge(flood: Flood, limits: Limits) -> Iterator[Finding]:
    """Judge what happens now; what the kernel only said lately is a warning and explains nothing."""
    beyond_count = flood.cookies_growth_count + flood.requests_dropped_growth_count
    by_program = flood.listen_overflows_growth_count >= beyond_count
    lines = tuple(line for line in flood.lines if _TABLE_WORDS not in line.text)
    if flood.between_s > 0 and beyond_count / flood.between_s >= limits.cookies_per_s and not by_program:
        numbers = f"{beyond_count:,} half-open connections beyond the queue within {flood.between_s:g} s."
        yield _syn_flood(Severity.ERROR, numbers, lines)
    elif lines:
        yield _syn_flood(Severity.WARNING, "The kernel reported one in the last hour; it is over.", lines)
    yield from _judge_table(flood, limits)


def _judge_table(flood: Flood, limits: Limits) -> Iterator[Finding]:
    lines = tuple(line for line in flood.lines if _TABLE_WORDS in line.text)
    tracked, limit = flood.tracked_count, flood.tracked_limit_count
    if tracked is not None and limit and 100.0 * tracked / limit >= limits.table_pct:
        yield _table(Severity.ERROR, f"{tracked:,} of {limit:,} connections are tracked now.", lines)
    elif lines:
        now = f"Now {tracked:,} of {limit:,} are tracked." if tracked is not None and limit else ""
        yield _table(Severity.WARNING, f"It was full in the last hour. {now}".rstrip(), lines)


def _syn_flood(severity: Severity, numbers: str, lines: tuple[LogLine, ...]) -> Finding:
    now = severity == Severity.ERROR
    return Finding(
        code="SYSTEM-090",
        subject="SYN flood",
        severity=severity,
        scope=Scope.PROVIDER,
        title=f"The machine {'is' if now else 'was'} under a SYN flood",
        detail=f"{numbers} Somebody opens connections and does not finish them: services answer late or not.",
        remedy=(
            "ss -Htn state syn-recv | awk '{print $3}' | sort | uniq -c | sort -n | tail   # which ports",
            "sysctl net.ipv4.tcp_syncookies   # must be 1",
            "Ask the provider to filter it in front of the server: that is the only lasting cure.",
        ),
        evidence=(Evidence(source="/proc/net/netstat, two samples", text=numbers), *_quoted(lines)),
        since_at=_first(lines),
        since_source=lines[0].source if _first(lines) else "",
        touches=("web", "mail", "panel") if now else (),
    )


def _table(severity: Severity, numbers: str, lines: tuple[LogLine, ...]) -> Finding:
    full_now = severity == Severity.ERROR
    return Finding(
        code="SYSTEM-091",
        subject="connection table",
        severity=severity,
        scope=Scope.PROVIDER,
        title=f"The connection tracking table {'is' if full_now else 'was'} full",
        detail=f"{numbers} New connections are dropped while it is.",
        remedy=(
            "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max",
            "conntrack -L 2>/dev/null | grep -o 'src=[^ ]*' | sort | uniq -c | sort -n | tail",
            "Block who floods; if it is honest traffic, raise net.netfilter.nf_conntrack_max.",
        ),
        evidence=(Evidence(source="/proc/sys/net/netfilter", text=numbers), *_quoted(lines)),
        since_at=_first(lines),
        since_source=lines[0].source if _first(lines) else "",
        touches=("web", "mail", "panel", "dns", "ftp", "ssh", "packages") if full_now else (),
    )


def _quoted(lines: tuple[LogLine, ...]) -> tuple[Evidence, ...]:
    return tuple(
        Evidence(source=line.source, text=line.text, seen_at=moment(line.at))
        for line in lines[:_QUOTED_LINES]
    )


def _first(lines: tuple[LogLine, ...]) -> datetime | None:
    return moment(lines[0].at) if lines else None


CHECK = Check(
    id="system.flood",
    title="The network is not flooded",
    codes=("SYSTEM-090", "SYSTEM-091"),
    judge=judge,
    limits=Limits(),
)
