"""The clock is kept, and right.

Facts:
    time_sync: the clock, whether a time daemon keeps it, and by how much it is off.

Limits:
    settle_s: a time daemon needs this after boot. wrong_s: so far off that certificates and log-ins suffer.
    not_before_at: the clock cannot be right before the day this program was written.

Codes:
    SYSTEM-070 the clock is not synchronized; SYSTEM-071 the clock is wrong.

Source:
    chronyc(1) tracking: "System time" is the offset as chronyd reckons it; timedatectl(1).
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Check, Evidence, Finding, Scope, Severity
from iwx_agent.model.system import TimeSync

_REMEDY = (
    "timedatectl status; chronyc -n sources",
    "systemctl status chronyd.service --no-pager -l",
    "systemctl enable --now chronyd.service   # UDP port 123 to the outside must be open",
)


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    settle_s: float = 1800.0
    wrong_s: float = 60.0
    not_before_at: float = 1_767_225_600.0  # 2026-01-01


def judge(time_sync: TimeSync, limits: Limits) -> Iterator[Finding]:
    """Judge what is proven; a clock that is wrong is not told again as not synchronized."""
    offset_s = time_sync.offset_s
    if offset_s is not None and abs(offset_s) >= limits.wrong_s:
        direction = "fast" if offset_s > 0 else "slow"
        yield _wrong(time_sync, f"The clock is {abs(offset_s):.0f} s {direction}, as chronyd reckons it.")
    elif time_sync.now_at < limits.not_before_at:
        yield _wrong(time_sync, "The clock shows a time before this program was written.")
    elif time_sync.synchronized is False and _settled(time_sync, limits):
        yield _not_synchronized(time_sync)


def _settled(time_sync: TimeSync, limits: Limits) -> bool:
    return time_sync.now_at - time_sync.booted_at >= limits.settle_s


def _wrong(time_sync: TimeSync, numbers: str) -> Finding:
    return Finding(
        code="SYSTEM-071",
        subject="clock",
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title="The clock of the machine is wrong",
        detail=f"{numbers} Certificates, log-ins, mail and all times in this report suffer from it.",
        remedy=(*_REMEDY, "chronyc makestep   # sets the clock at once"),
        evidence=(Evidence(source=time_sync.source or "clock", text=time_sync.text or numbers),),
        touches=("packages", "panel", "web"),
    )


def _not_synchronized(time_sync: TimeSync) -> Finding:
    daemon = {True: "A time daemon is on.", False: "No time daemon is on.", None: ""}[
        time_sync.daemon_enabled
    ]
    return Finding(
        code="SYSTEM-070",
        subject="clock",
        severity=Severity.WARNING,
        scope=Scope.PROVIDER,
        title="The clock of the machine is not synchronized",
        detail=f"Nothing keeps it right; it may be right now, and will drift. {daemon}".rstrip(),
        remedy=_REMEDY,
        evidence=(Evidence(source=time_sync.source, text=time_sync.text),),
    )


CHECK = Check(
    id="system.clock",
    title="The clock is kept and right",
    codes=("SYSTEM-070", "SYSTEM-071"),
    judge=judge,
    limits=Limits(),
)
