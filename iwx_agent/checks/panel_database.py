"""The panel's own database takes connections: its greeting tells so without any password.

Facts:
    panel: the panel is installed; panel_database: what its socket did; panel_unit: whether the panel is just
    starting; panel_database_log: the errors it wrote; boot: what time it is.

Limits:
    start_s: as long as the panel's start may take before a database that is down counts.

Codes:
    PANEL-040 down; PANEL-041 too many connections; PANEL-042 frozen: it accepts and says nothing;
    PANEL-043 this host is blocked; PANEL-044 another error, or an answer that no database gives.

Source:
    Support guide 7.1, "InterWorx will not start"; MySQL client/server protocol; MySQL error 1040 and 1129.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Boot,
    Check,
    Evidence,
    Finding,
    LogLine,
    Missing,
    PanelPresence,
    Scope,
    Severity,
    Unit,
    moment,
)
from iwx_agent.model.database import DatabaseAnswer, DatabaseTrouble, still_starting, trouble_since
from iwx_agent.model.panel import line_evidence, unit_evidence

_LINES_COUNT = 5
_AFFECTS = "NodeWorx and SiteWorx need this database, and so does the login of mail and FTP accounts."
_WORDS: dict[DatabaseTrouble, tuple[str, str]] = {
    "down": ("PANEL-040", "The panel's database is down"),
    "too_many": ("PANEL-041", "The panel's database refuses everybody: too many connections"),
    "frozen": ("PANEL-042", "The panel's database is frozen: it accepts connections and says nothing"),
    "blocked": ("PANEL-043", "The panel's database has blocked this host after too many connection errors"),
    "other": ("PANEL-044", "The panel's database does not take connections"),
}


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    start_s: float = 120.0


def judge(
    panel: PanelPresence,
    panel_database: DatabaseAnswer,
    panel_unit: Unit | Missing,
    panel_database_log: tuple[LogLine, ...] | Missing,
    boot: Boot,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge the first packet; a database that is down while its unit is just starting is no finding yet."""
    answer = panel_database
    if not answer.trouble:
        return
    unit = None if isinstance(panel_unit, Missing) else panel_unit
    if answer.trouble == "down" and still_starting(unit, boot, limits.start_s):
        return
    code, title = _WORDS[answer.trouble]
    log = () if isinstance(panel_database_log, Missing) else panel_database_log
    since_at, since_source = trouble_since(answer, unit, log)
    yield Finding(
        code=code,
        subject="panel database",
        severity=Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=title,
        detail=f"{answer.path}: {answer.told}. {_AFFECTS}",
        remedy=_remedy(answer, panel.home),
        evidence=(
            Evidence(source=answer.source, text=answer.told),
            *(() if unit is None else (unit_evidence(unit),)),
            *line_evidence(log, _LINES_COUNT),
        ),
        since_at=moment(since_at),
        since_source=since_source,
        touches=("panel", "database", "mail", "ftp"),
    )


def _remedy(answer: DatabaseAnswer, home: str) -> tuple[str, ...]:
    place = shlex.quote(answer.path)
    log = f"tail -n 50 {shlex.quote(home)}/mysql/data/*.err   # the database's own log, if it lies there"
    restart = "systemctl restart iworx.service   # restarts the panel only, not the customers' services"
    match answer.trouble:
        case "down":
            return ("systemctl status iworx.service --no-pager -l", f"df -h {place}", log, restart)
        case "too_many":
            return (f"ss -x src {place} | wc -l   # how many connections there are", log, restart)
        case "frozen":
            return ("ps -o pid,stat,wchan:20,lstart,args -C iworx-db", f"df -h {place}", log, restart)
        case _:
            return (log, restart)


CHECK = Check(
    id="panel.database",
    title="The panel's database takes connections",
    codes=("PANEL-040", "PANEL-041", "PANEL-042", "PANEL-043", "PANEL-044"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    emergency=True,
    guide=4,
)
