"""Every rendering there is, by a name for tests: what is held against one is held against all."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from building import AT, report

from iwx_agent.model import (
    IncidentState,
    Missing,
    OpenIncident,
    Report,
    RunPoint,
    SavedRun,
    verdict_to_keep,
)
from iwx_agent.rendering import assistance, terminal
from iwx_agent.report import (
    assistance_to_json,
    comparison_json,
    comparison_text,
    explanation_json,
    explanation_text,
    render,
    render_ticket,
    runs_json,
    runs_text,
    ticket_text,
    to_html,
    to_json,
)
from iwx_agent.triage.comparison import compare


def saved(told: Report) -> tuple[SavedRun, ...]:
    title = told.incidents[0].lead.title if told.incidents else ""
    seen = (OpenIncident(fingerprint="a", title=title, state=IncidentState.CONFIRMED),)
    unknown = Missing(reason=title)
    point = RunPoint(at=AT, complete=True, incidents=seen, disk_used_pct=unknown, queue_count=unknown)
    earlier = msgspec.structs.replace(point, at=AT - timedelta(hours=1))
    return tuple(
        SavedRun(
            id=told.host.name,
            agent_version="0.1.0",
            schema_version=1,
            host=told.host.fqdn,
            exit_code=3,
            headline=title,
            point=one,
        )
        for one in (point, earlier)
    )


def page_with_past(told: Report) -> str:
    return to_html(told, points=[run.point for run in saved(told)]).decode()


OUTPUTS: dict[str, Callable[[Report], str]] = {
    "text": lambda told: terminal.as_text(told, width=80),
    "text, verbose": lambda told: terminal.as_text(told, width=100, verbose=True),
    "json": lambda told: to_json(told).decode(),
    "html": lambda told: to_html(told).decode(),
    "html with the past": page_with_past,
    "markdown": lambda told: render(told, "markdown"),
    "nagios": lambda told: render(told, "nagios"),
    "nagios, verbose": lambda told: render(told, "nagios", verbose=True),
    "openmetrics": lambda told: render(told, "openmetrics"),
    "ticket as text": ticket_text,
    "ticket, short": lambda told: render_ticket(told, "text", length="short"),
    "ticket as json": lambda told: render_ticket(told, "json"),
    "ticket as markdown": lambda told: render_ticket(told, "markdown"),
    "why": lambda told: explanation_text(verdict_to_keep(told)),
    "why as json": lambda told: explanation_json(verdict_to_keep(told)).decode(),
    "remote assistance as json": lambda told: assistance_to_json(told.remote_assistance).decode(),
    "remote assistance": lambda told: assistance.status_text(told.remote_assistance),
    "runs": lambda told: runs_text(saved(told)),
    "runs as json": lambda told: runs_json(saved(told)).decode(),
    "diff": lambda told: comparison_text(compare(report(), told)),
    "diff as json": lambda told: comparison_json(compare(report(), told)).decode(),
}
