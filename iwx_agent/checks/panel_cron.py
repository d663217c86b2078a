"""The panel's jobs run: the cron daemon is there, and the five-minute job was seen not long ago.

Facts:
    panel: the panel is installed; cron_daemon: the daemon's unit and processes; panel_cron: the newest run of
    the five-minute job in the journal or the cron log; boot: the time, and how long the machine is up.

Limits:
    silent_s: three runs of the five-minute job that did not come.

Codes:
    PANEL-060 the cron daemon is not running; PANEL-061 the panel's five-minute job was not seen for too long.

Source:
    Vendor documentation, NodeWorx cron page (crontab of user iworx); the journal's CROND lines.
"""

import shlex
from collections.abc import Iterator

from msgspec import Struct

from iwx_agent.model import Boot, Check, Evidence, Finding, PanelPresence, Scope, Severity, moment
from iwx_agent.model.panel import CronDaemon, PanelCron, unit_evidence

_AFFECTS = "Statistics, quotas, backups, licence checks and the panel's own watching of services stand still."


class Limits(Struct, frozen=True, kw_only=True):
    """Inclusive limits of this check."""

    silent_s: float = 900.0


def judge(
    panel: PanelPresence, cron_daemon: CronDaemon, panel_cron: PanelCron, boot: Boot, limits: Limits
) -> Iterator[Finding]:
    """Judge the daemon first: without it no job can run, and that is the one thing to say."""
    unit = cron_daemon.unit
    if not cron_daemon.processes and unit.active_state in ("failed", "inactive"):
        yield _not_running(cron_daemon, boot)
        return
    seen_at = panel_cron.seen.at if panel_cron.seen else None
    last_at = max(panel_cron.covered_from_at if seen_at is None else seen_at, boot.booted_at)
    if boot.read_at - last_at >= limits.silent_s:
        yield _silent(panel_cron, unit.name, boot.read_at - last_at, limits)


def _not_running(daemon: CronDaemon, boot: Boot) -> Finding:
    unit = daemon.unit
    name = shlex.quote(unit.name)
    stopped_at = moment(unit.state_change_at)
    return Finding(
        code="PANEL-060",
        subject=unit.name,
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title=f"The cron daemon ({unit.name}) is not running, so the panel's jobs do not run",
        detail=f"{unit_evidence(unit).text}, and there is no such process. {_AFFECTS}",
        remedy=(f"systemctl status {name} --no-pager -l", f"systemctl enable --now {name}"),
        evidence=(unit_evidence(unit),),
        since_at=stopped_at or moment(boot.booted_at),
        since_source=f"systemctl show {unit.name}: its last change of state" if stopped_at else "boot",
        touches=("panel",),
    )


def _silent(cron: PanelCron, unit_name: str, silent_s: float, limits: Limits) -> Finding:
    seen = cron.seen
    told = f"last line: {seen.text}" if seen else "no line of it"
    return Finding(
        code="PANEL-061",
        subject="iworx.pex --fively",
        severity=Severity.ERROR,
        scope=Scope.VENDOR,
        title="The panel's five-minute job has not run for too long",
        detail=(
            f"{cron.source}: not seen for {silent_s / 60:.0f} minutes "
            f"(limit {limits.silent_s / 60:.0f}), although {unit_name} runs. {_AFFECTS}"
        ),
        remedy=(
            "crontab -u iworx -l   # the line with --fively must be there",
            "journalctl -t CROND -t crond -n 50 --no-pager",
            f"systemctl restart {shlex.quote(unit_name)}",
        ),
        evidence=(Evidence(source=seen.source if seen else cron.source, text=told),),
        since_at=moment(seen.at) if seen else None,
        since_source=f"its last run in {cron.source}" if seen and seen.at else "",
        touches=("panel",),
    )


CHECK = Check(
    id="panel.cron",
    title="The panel's jobs run",
    codes=("PANEL-060", "PANEL-061"),
    judge=judge,
    limits=Limits(),
    optional=("panel",),
)
