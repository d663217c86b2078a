"""InterWorx has started: its unit, its web server and its database.

Facts:
    panel: the panel is installed; panel_unit: systemd's word; panel_processes: what runs of it;
    nodeworx_https, panel_database: what really answers; panel_start_log: what was said at the start; boot.

Limits:
    start_s: as long as a start or stop may take before it counts as one that does not end.

Codes:
    PANEL-020 its unit failed and the panel does not work; PANEL-021 the unit is active, but the web server or
    the database is missing; PANEL-022 it was stopped, or does not come up, and nothing of the panel answers;
    PANEL-023 its unit failed, but the panel works.

Source:
    Support guide 7.1, "InterWorx will not start"; unit and process names from data/interworx.toml.
"""

from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import (
    Boot,
    Check,
    Evidence,
    Finding,
    LogLine,
    Missing,
    PageAnswer,
    PanelPresence,
    Scope,
    Severity,
    Unit,
    moment,
)
from iwx_agent.model.database import DatabaseAnswer
from iwx_agent.model.panel import PanelProcesses, line_evidence, page_works, unit_evidence

_LINES_COUNT = 12


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    start_s: float = 300.0


def judge(
    panel: PanelPresence,
    panel_unit: Unit,
    panel_processes: PanelProcesses,
    nodeworx_https: PageAnswer,
    panel_database: DatabaseAnswer | Missing,
    panel_start_log: tuple[LogLine, ...] | Missing,
    boot: Boot,
    limits: Limits,
) -> Iterator[Finding]:
    """Judge by what answers; the unit's state says what kind of trouble it is, and since when."""
    unit, page = panel_unit, nodeworx_https
    dead_database = not isinstance(panel_database, Missing) and panel_database.trouble == "down"
    said = _Said(
        unit=unit, evidence=_evidence(unit, page, panel_database, panel_start_log), mail=dead_database
    )
    if unit.failed or (unit.sub_state == "auto-restart" and unit.result not in ("", "success")):
        if page_works(page) and not dead_database:
            yield _finding("PANEL-023", said, f"systemd calls {unit.name} failed, but the panel works")
        else:
            yield _finding("PANEL-020", said, f"InterWorx does not start: {unit.name} failed ({unit.result})")
        return
    if unit.running:
        missing = _missing_parts(panel_processes, page, dead_database=dead_database)
        if missing:
            parts = f"{' and '.join(missing)} {'do' if len(missing) > 1 else 'does'} not run"
            yield _finding("PANEL-021", said, f"InterWorx is only half started: {parts}")
        return
    unknown_database = isinstance(panel_database, Missing) and not panel_processes.database
    if page.outcome != "answered" and not panel_processes.web and (dead_database or unknown_database):
        yield from _stopped(said, boot, limits)


class _Said(Struct, frozen=True, kw_only=True):
    """What all findings of one look share; ``mail``: the database that mail needs is down too."""

    unit: Unit
    evidence: tuple[Evidence, ...]
    mail: bool


def _evidence(
    unit: Unit,
    page: PageAnswer,
    database: DatabaseAnswer | Missing,
    log: tuple[LogLine, ...] | Missing,
) -> tuple[Evidence, ...]:
    told = [unit_evidence(unit), Evidence(source=page.source, text=page.detail or f"HTTP {page.status}")]
    if not isinstance(database, Missing):
        told.append(Evidence(source=database.source, text=database.told))
    return (*told, *(() if isinstance(log, Missing) else line_evidence(log, _LINES_COUNT)))


def _missing_parts(processes: PanelProcesses, page: PageAnswer, *, dead_database: bool) -> tuple[str, ...]:
    """Name the parts whose process is missing and which do not answer either: a name alone proves nothing."""
    parts = []
    if not processes.web and page.outcome != "answered":
        parts.append(processes.web_name)
    if not processes.database and dead_database:
        parts.append(processes.database_name)
    return tuple(parts)


def _stopped(said: _Said, boot: Boot, limits: Limits) -> Iterator[Finding]:
    unit = said.unit
    if unit.active_state == "inactive":
        never = unit.state_change_at is None
        words = "was not started since the machine came up" if never else "is stopped"
        yield _finding("PANEL-022", said, f"InterWorx is not running: {unit.name} {words}", boot=boot)
        return
    changed_at = boot.booted_at if unit.state_change_at is None else unit.state_change_at
    if boot.read_at - changed_at >= limits.start_s:
        yield _finding(
            "PANEL-022", said, f"InterWorx does not come up: {unit.name} is still {unit.active_state}"
        )


def _finding(code: str, said: _Said, title: str, boot: Boot | None = None) -> Finding:
    unit = said.unit
    since_at, since_source = (
        moment(unit.state_change_at),
        f"systemctl show {unit.name}: its last change of state",
    )
    if code == "PANEL-021":  # the unit's state did not change when a part of the panel was lost
        since_at = None
    elif since_at is None and boot is not None:
        since_at, since_source = moment(boot.booted_at), "boot"
    return Finding(
        code=code,
        subject=unit.name,
        severity=Severity.NOTE if code == "PANEL-023" else Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=title,
        detail="; ".join(f"{piece.source}: {piece.text}" for piece in said.evidence[:3]),
        remedy=(
            f"systemctl status {unit.name} --no-pager -l",
            f"journalctl -u {unit.name} -n 50 --no-pager",
            "tail -n 50 /usr/local/interworx/var/log/iworx-init.log",
            "df -h / /usr/local/interworx /var   # a full disk keeps the panel's database from starting",
            f"systemctl reset-failed {unit.name}; systemctl restart {unit.name}   # the panel only",
        ),
        evidence=said.evidence,
        since_at=since_at,
        since_source=since_source if since_at else "",
        touches=("panel", "database", "mail", "ftp") if said.mail else ("panel",),
    )


CHECK = Check(
    id="panel.start",
    title="InterWorx has started",
    codes=("PANEL-020", "PANEL-021", "PANEL-022", "PANEL-023"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
    emergency=True,
    guide=4,
)
