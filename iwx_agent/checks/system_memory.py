"""Memory suffices: nothing was killed for lack of it, and the machine does not only swap.

Facts:
    oom_kills: processes the kernel killed for lack of memory; memory: memory, swap and the measured pressure.

Limits:
    recent_s: older kills are history. stalled_warning_pct and stalled_error_pct: share of the last minute in
    which everything waited for memory. available_pct with available_bytes and swap_free_pct: short of memory,
    where the kernel does not measure pressure.

Codes:
    SYSTEM-040 a process was killed for lack of memory; SYSTEM-041 memory is short.

Source:
    Kernel documentation: mm/oom, accounting/psi, filesystems/proc (MemAvailable); observed in the messages of
    kernels 3.10 to 6.18.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Scope, Severity, grade, moment
from iwx_agent.model.system import Memory, OomKill, OomKills

_QUOTED_LINES = 5
_MIB = 1024.0**2
_TOUCHED_BY_START: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("iworx-db",), ("database", "panel")),
    (("iworx",), ("panel",)),
    (("mysqld", "mariadbd"), ("mysql",)),
    (("php-fpm",), ("web", "panel")),
    (("httpd", "apache2", "nginx", "php", "lsphp", "suphp"), ("web",)),
    (
        ("qmail", "tcpserver", "spamd", "clamd", "dovecot", "imap", "pop3", "auth", "vchkpw", "simscan"),
        ("mail",),
    ),
    (("tinydns", "dnscache", "axfrdns"), ("dns",)),
    (("proftpd",), ("ftp",)),
    (("sshd",), ("ssh",)),
    (("dnf", "yum", "rpm"), ("packages",)),
)
_SITE_PROGRAMS = ("php", "lsphp")  # ended by a customer's own limit as a matter of course


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    recent_s: float = 86_400.0
    stalled_warning_pct: float = 20.0
    stalled_error_pct: float = 50.0
    available_pct: float = 3.0
    available_bytes: int = 1024**3
    swap_free_pct: float = 10.0


def judge(memory: Memory, oom_kills: OomKills, limits: Limits) -> Iterator[Finding]:
    """Give one finding for each program that was killed, and one when memory is short now."""
    by_victim: dict[str, list[OomKill]] = {}
    for kill in oom_kills.entries:
        if kill.line.at is None or oom_kills.read_at - kill.line.at <= limits.recent_s:
            by_victim.setdefault(kill.victim, []).append(kill)
    for victim, kills in by_victim.items():
        yield _killed(victim, kills)
    severity = _shortage(memory, limits)
    if severity is not None:
        yield _short(memory, severity)


def _killed(victim: str, kills: list[OomKill]) -> Finding:
    touches = next((names for starts, names in _TOUCHED_BY_START if victim.startswith(starts)), ())
    of_group = all(kill.in_group for kill in kills)
    by_own_limit = of_group and (not touches or victim.startswith(_SITE_PROGRAMS))
    first, last = kills[0].line, kills[-1].line
    whose = "its control group's limit" if of_group else "the machine's memory"
    return Finding(
        code="SYSTEM-040",
        subject=victim,
        severity=Severity.WARNING if by_own_limit else Severity.ERROR,
        scope=Scope.PROVIDER,
        title=f"{victim} was killed for lack of memory",
        detail=f"{len(kills)} time(s) in the last day, because of {whose}. The last: {last.text[:200]}",
        remedy=(
            "free -m; ps -eo pid,user,rss,comm --sort=-rss | head -n 15   # who takes the memory",
            f"journalctl -k --no-pager | grep -i -A 3 {shlex.quote(f'({victim})')}",
            "Lower what takes it (PHP children, MySQL buffers, spamd children) or add memory or swap.",
            "Restart what was killed if it did not come back by itself.",
        ),
        evidence=tuple(
            Evidence(source=k.line.source, text=k.line.text, seen_at=moment(k.line.at))
            for k in kills[-_QUOTED_LINES:]
        ),
        since_at=moment(first.at),
        since_source=first.source if first.at is not None else "",
        touches=() if by_own_limit else touches,
    )


def _shortage(memory: Memory, limits: Limits) -> Severity | None:
    if memory.full_avg60_pct is not None:
        return grade(
            memory.full_avg60_pct, warning=limits.stalled_warning_pct, error=limits.stalled_error_pct
        )
    available_pct = 100.0 * memory.available_bytes / memory.total_bytes
    swap_free_pct = (
        100.0 * memory.swap_free_bytes / memory.swap_total_bytes if memory.swap_total_bytes else 0.0
    )
    little = available_pct <= limits.available_pct and memory.available_bytes <= limits.available_bytes
    return Severity.WARNING if little and swap_free_pct <= limits.swap_free_pct else None


def _short(memory: Memory, severity: Severity) -> Finding:
    numbers = (
        f"{memory.available_bytes / _MIB:,.0f} MiB of {memory.total_bytes / _MIB:,.0f} MiB available, "
        f"{memory.swap_free_bytes / _MIB:,.0f} MiB of {memory.swap_total_bytes / _MIB:,.0f} MiB swap free."
    )
    stalled = memory.full_avg60_pct
    source = "/proc/meminfo" if stalled is None else "/proc/pressure/memory, /proc/meminfo"
    if stalled is not None:
        numbers = f"Everything waited for memory {stalled:.1f} % of the last minute. {numbers}"
    return Finding(
        code="SYSTEM-041",
        subject="memory",
        severity=severity,
        scope=Scope.PROVIDER,
        title="The machine is short of memory",
        detail=numbers,
        remedy=(
            "ps -eo pid,user,rss,comm --sort=-rss | head -n 15   # who takes the memory",
            "vmstat 1 5   # columns si and so: how much is swapped",
            "Lower what takes it (PHP children, MySQL buffers, spamd children) or add memory.",
        ),
        evidence=(Evidence(source=source, text=numbers),),
        touches=("panel", "web", "mail"),
    )


CHECK = Check(
    id="system.memory",
    title="Memory suffices",
    codes=("SYSTEM-040", "SYSTEM-041"),
    judge=judge,
    limits=Limits(),
)
