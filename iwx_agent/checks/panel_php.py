"""The panel's own PHP runs: without it NodeWorx and SiteWorx answer with errors only.

Facts:
    panel: the panel is installed; panel_php: the unit of its PHP; panel_php_sockets: what its sockets did;
    panel_processes: what runs; panel_php_journal: what systemd said; nodeworx_https: what the page answered.

Limits:
    none: what NodeWorx answers decides how bad a state is.

Codes:
    While NodeWorx does not work: PANEL-050 its unit failed; PANEL-051 it does not run; PANEL-052 a pool's
    socket takes no connection. PANEL-053 its unit failed, but NodeWorx works.

Source:
    nexcess/ansible-role-interworx AGENTS.md: the unit fails at first boot and stays so; support guide 7.1.
"""

import shlex
from collections.abc import Iterator

from iwx_agent.model import (
    Check,
    Evidence,
    Finding,
    LogLine,
    Missing,
    PageAnswer,
    PanelPresence,
    PortAnswer,
    Scope,
    Severity,
    Unit,
    moment,
)
from iwx_agent.model.panel import (
    PanelPhp,
    PanelProcesses,
    PoolSockets,
    line_evidence,
    page_works,
    unit_evidence,
)

_LINES_COUNT = 8


def judge(
    panel: PanelPresence,
    panel_php: PanelPhp,
    panel_php_sockets: PoolSockets | Missing,
    panel_processes: PanelProcesses,
    panel_php_journal: tuple[LogLine, ...] | Missing,
    nodeworx_https: PageAnswer,
) -> Iterator[Finding]:
    """Judge the unit; of the sockets only when the unit runs and the page still does not work."""
    unit = panel_php.unit
    page = nodeworx_https
    log = () if isinstance(panel_php_journal, Missing) else panel_php_journal
    evidence = (
        unit_evidence(unit),
        Evidence(source=page.source, text=page.detail or f"HTTP {page.status}"),
        *line_evidence(log, _LINES_COUNT),
    )
    failing = unit.failed or (unit.sub_state == "auto-restart" and unit.result not in ("", "success"))
    if failing and page_works(page):
        title = f"systemd calls the panel's PHP ({unit.name}) failed, but NodeWorx works"
        yield _finding("PANEL-053", unit, title, evidence)
    elif page_works(page):
        return
    elif failing:
        title = f"The panel's PHP ({unit.name}) failed ({unit.result}): NodeWorx cannot work"
        yield _finding("PANEL-050", unit, title, evidence)
    elif unit.active_state == "inactive" and not panel_processes.php:
        title = f"The panel's PHP ({unit.name}) is not running: NodeWorx cannot work"
        yield _finding("PANEL-051", unit, title, evidence)
    elif unit.running and not isinstance(panel_php_sockets, Missing):
        for answer in panel_php_sockets.answers:
            if answer.outcome != "greeted":
                yield _socket(unit, answer, evidence)


def _finding(code: str, unit: Unit, title: str, evidence: tuple[Evidence, ...]) -> Finding:
    since_at = moment(unit.state_change_at)
    name = shlex.quote(unit.name)
    return Finding(
        code=code,
        subject=unit.name,
        severity=Severity.NOTE if code == "PANEL-053" else Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=title,
        detail="; ".join(f"{piece.source}: {piece.text}" for piece in evidence[:2]),
        remedy=(
            f"systemctl status {name} --no-pager -l",
            f"journalctl -u {name} -n 50 --no-pager",
            f"systemctl reset-failed {name}; systemctl restart {name}   # it stays failed otherwise",
        ),
        evidence=evidence,
        since_at=since_at,
        since_source=f"systemctl show {unit.name}: its last change of state" if since_at else "",
        touches=("panel",),
    )


def _socket(unit: Unit, answer: PortAnswer, evidence: tuple[Evidence, ...]) -> Finding:
    told = answer.detail or answer.outcome
    name = shlex.quote(unit.name)
    return Finding(
        code="PANEL-052",
        subject=answer.address,
        severity=Severity.EMERGENCY,
        scope=Scope.VENDOR,
        title=f"A pool of the panel's PHP takes no connection although {unit.name} is active",
        detail=f"{answer.source}: {told}; {evidence[1].source}: {evidence[1].text}",
        remedy=(
            f"ls -l {shlex.quote(answer.address)}",
            f"journalctl -u {name} -n 50 --no-pager",
            f"systemctl restart {name}",
        ),
        evidence=(Evidence(source=answer.source, text=told), *evidence),
        touches=("panel",),
    )


CHECK = Check(
    id="panel.php",
    title="The panel's PHP runs",
    codes=("PANEL-050", "PANEL-051", "PANEL-052", "PANEL-053"),
    judge=judge,
    optional=("panel",),
    emergency=True,
    guide=3,
)
