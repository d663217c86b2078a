"""Runs that are saved: each diagnosis of this machine by root is one, to be looked at and compared later."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from iwx_agent.checks import ALL
from iwx_agent.config import Settings
from iwx_agent.model import Measures, Missing, OpenIncident, Report, RunPoint, SavedRun, Status
from iwx_agent.model.mail import MailQueue
from iwx_agent.model.system import FileSystems, Load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from iwx_agent.host.workers import Workers
    from iwx_agent.model import Comparison, FactValue
    from iwx_agent.state import Door

_INCIDENTS_COUNT = 50
_TITLE_CHARACTERS = 200
_POINTS_COUNT = 2000
_SAVE_LIMIT_S = 3.0  # a person waits for it
_BLIND = (Status.UNKNOWN, Status.CRASHED)


def measures_of(facts: "Mapping[str, FactValue]") -> Measures:
    """Return a run's numbers; None for what was not asked for or could not be told."""
    queue, load = facts.get("mail_queue"), facts.get("load")
    return Measures(
        disk_used_pct=_fullest_pct(facts.get("file_systems")),
        queue_count=queue.messages_count if isinstance(queue, MailQueue) else None,
        load=load.five if isinstance(load, Load) else None,
    )


def _fullest_pct(found: "FactValue") -> float | None:
    if not isinstance(found, FileSystems):
        return None
    used = [
        entry.used_pct
        for entry in found.entries
        if entry.answered and entry.total_bytes > 0 and not entry.mount.read_only
    ]
    return round(max(used), 1) if used else None


def summary_of(report: Report) -> SavedRun:
    """Return a run in short, without a name yet."""
    lead = report.incidents[0].lead.title if report.incidents else ""
    return SavedRun(
        id="",
        agent_version=report.agent_version,
        schema_version=report.schema_version,
        host=(report.host.fqdn or report.host.name)[:_TITLE_CHARACTERS],
        exit_code=report.exit_code,
        headline=lead[:_TITLE_CHARACTERS],
        point=point_of(report),
    )


def point_of(report: Report) -> RunPoint:
    """Return a run as a point on a line over time; complete is only one whose every check could tell."""
    judged = {result.check_id for result in report.results if result.status not in _BLIND}
    measures, unknown = report.measures, Missing(reason="not told in this run")
    return RunPoint(
        at=report.collected_at,
        complete=judged >= {check.id for check in ALL} and len(report.incidents) <= _INCIDENTS_COUNT,
        incidents=tuple(
            OpenIncident(
                fingerprint=incident.fingerprint,
                title=incident.lead.title[:_TITLE_CHARACTERS],
                state=incident.state,
            )
            for incident in report.incidents[:_INCIDENTS_COUNT]
        ),
        disk_used_pct=unknown if measures.disk_used_pct is None else measures.disk_used_pct,
        queue_count=unknown if measures.queue_count is None else measures.queue_count,
    )


def save_run(report: Report, settings: Settings, workers: "Workers | None" = None) -> str:
    """Save a run of root; return what to say about it, mostly nothing. Whatever happens, the run goes on."""
    if not report.host.as_root:
        return ""
    from iwx_agent.report import to_json
    from iwx_agent.state import Door, Runs, StateError

    door = Door(workers=workers, limit_s=_SAVE_LIMIT_S)
    kept = settings.state
    try:
        Runs(door).save(
            summary_of(report), to_json(report), runs_count=kept.runs_count, size_bytes=kept.size_bytes
        )
    except StateError as error:
        return _said(door, f"this run was not saved: {error}")
    return _said(door)


def dated(report: Report, workers: "Workers | None" = None) -> tuple[Report, str]:
    """Return a new report with what saved runs tell of since when; and why they were not asked, or nothing.

    Only what has no time yet is looked for, so a healthy server does not pay for it.
    """
    if not report.host.as_root or all(incident.since_at is not None for incident in report.incidents):
        return report, ""
    from iwx_agent.state import Door, Runs, StateError
    from iwx_agent.triage.last_good import with_last_good

    try:
        runs = Runs(Door(workers=workers, limit_s=_SAVE_LIMIT_S)).listed(_POINTS_COUNT)
    except StateError as error:
        return report, str(error) if error.kind == "failed" else ""  # saving will say all else
    points = [run.point for run in reversed(runs)]
    incidents = with_last_good(report.incidents, points, report.collected_at)
    return replace(report, incidents=incidents), ""


def points_until(report: Report, run: str = "") -> tuple[RunPoint, ...]:
    """Return the runs up to a saved one, or up to a new report, as points on a line over time.

    None when they cannot be read: the page is made all the same, and saving has said why.
    """
    from iwx_agent.state import Runs, StateError

    try:
        points = tuple(saved.point for saved in reversed(Runs().listed(_POINTS_COUNT, until=run)))
    except StateError:
        return ()
    present = point_of(report)
    return points if run or points[-1:] == (present,) else (*points, present)


def _said(door: "Door", why: str = "") -> str:
    aside = f"what was kept was damaged, and is now {door.set_aside}" if door.set_aside else ""
    return "; ".join(part for part in (aside, why) if part)


def saved_report(run: str = "") -> tuple[str, Report]:
    """Return name and report of a saved run; of the last one without a name.

    Raises:
        StateError: there is none.
    """
    from iwx_agent.state import Runs

    return Runs().report(run)


def saved_runs(count: int | None = None) -> tuple[SavedRun, ...]:
    """Return the newest saved runs in short, the newest first; without ``count`` all of them.

    Raises:
        StateError: none has been kept yet.
    """
    from iwx_agent.state import Runs

    return Runs().listed() if count is None else Runs().listed(count)


def compare_saved(before: str = "", after: str = "") -> "Comparison":
    """Return what changed between two saved runs: the last two, one and the last, or any two.

    Raises:
        StateError: one of them is not there.
    """
    from iwx_agent.state import Runs, StateError
    from iwx_agent.triage.comparison import compare

    runs = Runs()
    if before:
        older, newer = runs.report(before), runs.report(after)
    else:
        found = runs.last(2)
        if len(found) < 2:
            raise StateError("only one run has been saved yet, and two are needed", "absent")
        newer, older = found
    return compare(older[1], newer[1], before_id=older[0], after_id=newer[0])
