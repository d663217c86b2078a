"""Remote Assistance as the panel told it last: what is broken is often what would have told it now."""

from datetime import datetime

from msgspec.structs import replace

from iwx_agent.model import Report
from iwx_agent.rendering import words
from iwx_agent.state.contract import Event, Note

_ON = "on until "


def remembered(report: Report, last: Event | None, now: datetime) -> Report:
    """Return the report, Remote Assistance in it as it was told last when it cannot be told now.

    Only what was on, and for how long, counts, and only until then: so the emergency in which the panel does
    not answer is filed as well.
    """
    if report.remote_assistance.state != "unknown" or last is None or last.at > now:
        return report
    ends_at = _ends_at(last.said)
    if ends_at is None or ends_at <= now:
        return report
    reason = f"as the panel said at {words.at(last.at)}; now it cannot be asked"
    told = replace(report.remote_assistance, state="on", ends_at=ends_at, reason=reason)
    return replace(report, remote_assistance=told)


def noted(report: Report, last: Event | None) -> tuple[Note, ...]:
    """Return what is remembered of a run: how Remote Assistance stood, when that has changed."""
    told = report.remote_assistance
    if told.state == "unknown" or told.reason:
        return ()
    said = f"{_ON}{told.ends_at.isoformat()}" if told.state == "on" and told.ends_at else told.state
    if last is not None and last.said == said:
        return ()
    return (Note(event=Event(at=report.collected_at, kind="assistance", said=said)),)


def _ends_at(said: str) -> datetime | None:
    if not said.startswith(_ON):
        return None
    try:
        found = datetime.fromisoformat(said.removeprefix(_ON))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None
