"""Every rendering there is, by a name for tests: what is held against one is held against all."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
from building import AT, report

from iwx_agent.model import (
    IncidentState,
    Missing,
    OpenIncident,
    Priority,
    Report,
    RunPoint,
    SavedRun,
    Scope,
    Severity,
    verdict_to_keep,
)
from iwx_agent.model.episode import Action, Episode, Ignored, Told
from iwx_agent.model.steering import (
    AttachedFile,
    OutboxAttempt,
    OutboxLetter,
    OutboxLine,
    OutboxList,
    OutboxText,
    Sent,
    Silenced,
    ToldDecision,
    Watch,
    WatchedIncident,
)
from iwx_agent.model.watcher import Ailment, AilmentState, Health
from iwx_agent.rendering import assistance, outbox_text, terminal, watch, watcher
from iwx_agent.rendering.sent import sent_text
from iwx_agent.rendering.ticket import further
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
    steering_json,
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


def _rule(told: Report) -> Ignored:
    return Ignored(fingerprint=_title(told), until=AT, reason=_title(told), unless_worse=True)


def _title(told: Report) -> str:
    return told.incidents[0].lead.title if told.incidents else told.host.name


def _watch(told: Report) -> Watch:
    title = _title(told)
    seen = Told(fingerprint=title, title=title, severity=Severity.EMERGENCY)
    episode = Episode(
        key=title,
        opened_at=AT,
        began_at=AT,
        told=(seen,),
        told_at=AT,
        priority=Priority.URGENT,
        last_bad_at=AT,
    )
    incident = WatchedIncident(
        fingerprint=title,
        code=title,
        subject=title,
        title=title,
        severity=Severity.EMERGENCY,
        state=IncidentState.CONFIRMED,
        scope=Scope.VENDOR,
        since_at=AT,
        rule=_rule(told),
    )
    return Watch(at=AT, episode=episode, run=title, run_at=AT, incidents=(incident,), rules=(_rule(told),))


def _line(told: Report, state: str) -> OutboxLine:
    title = _title(told)
    return OutboxLine(
        key=title,
        state=state,
        ended=False,
        created_at=AT,
        due_at=AT,
        transport=title,
        attempts_count=1,
        said=title,
        said_at=AT,
        reference=title,
        url=title,
        copy=title,
    )


def _outbox_text(told: Report) -> OutboxText:
    title = _title(told)
    letter = OutboxLetter(
        category=title,
        ip_address_or_hostname=title,
        assistance=title,
        subject=title,
        priority=title,
        message=title[:15_000],  # as long as a ticket may be
        sender_name=title,
        sender_mail=title,
        reference=title,
        attachments=(AttachedFile(name=title, media_type=title, size_bytes=1, sha256="0" * 64),),
    )
    attempt = OutboxAttempt(at=AT, transport=title, ending=title, said=title)
    return OutboxText(at=AT, line=_line(told, "queued"), chain=(title,), attempts=(attempt,), letter=letter)


def _sent(told: Report) -> str:
    states = ("sent", "queued", "uncertain", "failed", "dropped")
    texts = tuple(_line(told, state) for state in states)
    return sent_text(
        Sent(at=AT, action=Action.FILE, row="", said=_title(told), key=_title(told), texts=texts)
    )


def _outbox(told: Report) -> str:
    text = _outbox_text(told)
    listed = outbox_text.listed(OutboxList(at=AT, texts=(text.line,), hidden_count=1))
    return "\n".join((listed, outbox_text.shown(text), outbox_text.retried(text), outbox_text.dropped(text)))


def _steering(told: Report) -> str:
    silenced = Silenced(rule=_rule(told), title=_title(told), code=_title(told), subject=_title(told))
    decision = ToldDecision(at=AT, key=_title(told), action=_title(told), row=_title(told), said=_title(told))
    return "\n".join(
        (
            watch.watched(_watch(told)),
            watch.rules((_rule(told),), AT),
            watch.silenced(silenced),
            watch.heeded(silenced),
            watch.decided((decision,)),
        )
    )


def _further(told: Report) -> further.Further:
    return further.Further(key=_title(told), name=_title(told), said=_title(told))


def _update(told: Report) -> str:
    titles = (_title(told),)
    return further.update(told, _further(told), 15_000, fresh=told.incidents, still=titles, gone=titles)


def _recovery(told: Report) -> str:
    outage = further.Outage(
        began_at=AT - timedelta(days=1),
        last_bad_at=AT - timedelta(days=1),
        first_good_at=AT + timedelta(days=1),
        lasted=_title(told),
        titles=(_title(told),),
    )
    return further.recovery(told, _further(told), 15_000, outage)


def _health(told: Report) -> str:
    title = _title(told)
    states: tuple[AilmentState, ...] = ("ok", "fault", "unknown", "skipped")
    ailments = tuple(Ailment(subject=title, state=state, said=title, fix=title) for state in states)
    return watcher.told(Health(at=AT, ailments=ailments))


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
    "what was sent": _sent,
    "outbox": _outbox,
    "outbox as json": lambda told: steering_json(_outbox_text(told)).decode(),
    "incidents, ignored and decided": _steering,
    "doctor": _health,
    "update of a ticket": _update,
    "recovery of a ticket": _recovery,
    "diff as json": lambda told: comparison_json(compare(report(), told)).decode(),
}
