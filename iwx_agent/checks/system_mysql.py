"""The customers' MySQL takes connections: its greeting on the unix socket tells so without any password.

Facts:
    mysql_database: what its socket did; mysql_unit: systemd's word; mysql_log: the errors it wrote; boot.

Limits:
    start_s: as long as a start may take before a server that is down counts.

Codes:
    SYSTEM-050 down; SYSTEM-051 too many connections; SYSTEM-052 frozen: it accepts and says nothing;
    SYSTEM-053 this host is blocked; SYSTEM-054 another error, or an answer that no database gives.

Source:
    Support guide 7.1, "System-level MySQL crashes" do not qualify; MySQL client/server protocol.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Boot, Check, Evidence, Finding, LogLine, Missing, Scope, Severity, Unit, moment
from iwx_agent.model.database import DatabaseAnswer, DatabaseTrouble, still_starting, trouble_since
from iwx_agent.model.panel import line_evidence, unit_evidence

_LINES_COUNT = 8
_WORDS: dict[DatabaseTrouble, tuple[str, str]] = {
    "down": ("SYSTEM-050", "is down"),
    "too_many": ("SYSTEM-051", "refuses everybody: too many connections"),
    "frozen": ("SYSTEM-052", "is frozen: it accepts connections and says nothing"),
    "blocked": ("SYSTEM-053", "has blocked this host after too many connection errors"),
    "other": ("SYSTEM-054", "does not take connections"),
}


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    start_s: float = 120.0


def judge(
    mysql_database: DatabaseAnswer,
    mysql_unit: Unit | Missing,
    mysql_log: tuple[LogLine, ...] | Missing,
    boot: Boot,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge the first packet; a server that is down while its unit is just starting is no finding yet."""
    answer = mysql_database
    if not answer.trouble:
        return
    unit = None if isinstance(mysql_unit, Missing) else mysql_unit
    if answer.trouble == "down" and still_starting(unit, boot, limits.start_s):
        return
    log = () if isinstance(mysql_log, Missing) else mysql_log
    code, words = _WORDS[answer.trouble]
    since_at, since_source = trouble_since(answer, unit, log)
    yield Finding(
        code=code,
        subject="MySQL",
        severity=Severity.ERROR,
        scope=Scope.PROVIDER,
        title=f"The customers' MySQL {f'({unit.name}) ' if unit else ''}{words}",
        detail=f"{answer.path}: {answer.told}. Websites that use a database fail; the panel has its own.",
        remedy=_remedy(answer, unit, log),
        evidence=(
            Evidence(source=answer.source, text=answer.told),
            *(() if unit is None else (unit_evidence(unit),)),
            *line_evidence(log, _LINES_COUNT),
        ),
        since_at=moment(since_at),
        since_source=since_source,
        touches=("mysql", "web"),
    )


def _remedy(answer: DatabaseAnswer, unit: Unit | None, log: tuple[LogLine, ...]) -> tuple[str, ...]:
    name = shlex.quote(unit.name) if unit else "mariadb.service"
    look = (
        f"systemctl status {name} --no-pager -l",
        f"tail -n 50 {shlex.quote(log[-1].source)}" if log else f"journalctl -u {name} -n 50 --no-pager",
        f"df -h {shlex.quote(answer.path.rsplit('/', 1)[0])}   # a full disk stops it",
    )
    match answer.trouble:
        case "down":
            return (*look, f"systemctl start {name}")
        case "too_many":
            return (
                "mysqladmin processlist   # one connection is kept free; log in as rootdsn in iworx.ini says",
                f"ss -x src {shlex.quote(answer.path)} | wc -l   # how many connections there are",
                "Find the site that holds them, or raise max_connections in the server's configuration.",
            )
        case "blocked":
            return ("mysqladmin flush-hosts   # log in as rootdsn in iworx.ini says", *look[:2])
        case _:
            return (*look, f"systemctl restart {name}")


CHECK = Check(
    id="system.mysql",
    title="The customers' MySQL takes connections",
    codes=("SYSTEM-050", "SYSTEM-051", "SYSTEM-052", "SYSTEM-053", "SYSTEM-054"),
    judge=judge,
    limits=Limits(),
    optional=("mysql_database",),
)
