"""The head of a ticket's message: ten lines that tell the story, and the same in a few for a pager."""

import re

from iwx_agent.model import AssistanceReport, Incident, Report, Severity
from iwx_agent.model.changes import Impact
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket import tried
from iwx_agent.rendering.ticket.section import Section, section

LINES_COUNT = 10  # heading included
SHORT_CHARACTERS = 459  # three messages of a telephone that are put together
_LEAST_CHARACTERS = 860  # what a summary has of the shortest message: the rest is for the note that it is cut
_WIDTHS = (240, 200, 160, 120, 100, 84)
_SHORT_WIDTHS = (150, 120, 100, 88)


def lead_of(report: Report) -> Incident | None:
    """Return the incident that the ticket is about: the one that decided the priority, else the first."""
    decided = next((step.because for step in report.verdict.trace if step.about == "priority"), ())
    by_fingerprint = {incident.fingerprint: incident for incident in reversed(report.incidents)}
    named = (by_fingerprint[name] for name in decided if name in by_fingerprint)
    return next(named, report.incidents[0] if report.incidents else None)


def summary(report: Report, message_characters: int) -> Section:
    """Return the story in ten lines at most, as long as the message may be."""
    remark = f"by iwx-agent {words.one_line(report.agent_version, 20)}, {words.at(report.collected_at)}"
    lines = _story(report)[: LINES_COUNT - 1]
    room = max(_LEAST_CHARACTERS, message_characters // 2) - len(remark) - 12
    return section("SUMMARY", _fitted([f"- {line}" for line in lines], room, _WIDTHS), remark)


def _fitted(lines: list[str], room: int, widths: tuple[int, ...]) -> list[str]:
    """Return the lines at the greatest width at which all fit into the room; the last width always does."""
    fitting = (
        told
        for told in ([cut(line, width) for line in lines] for width in widths[:-1])
        if sum(len(line) + 1 for line in told) <= room
    )
    return next(fitting, [cut(line, widths[-1]) for line in lines])


def _story(report: Report) -> list[str]:
    lead = lead_of(report)
    if lead is None:
        said = "The agent found nothing wrong by itself; the description is the person's own"
        told = first_line(report.note)
        return [
            f"{said}: {told}" if told else f"{said}, and none was given",
            *_reasons(report, None),
            *scope_notes(report)[:1],
            tried.in_a_line(report),
            *_way_in(report.remote_assistance),
        ]
    others = [incident for incident in report.incidents if incident is not lead]
    lines = [
        f"{words.one_line(lead.lead.title)} [{words.marked(lead.lead)}]",
        words.since(lead, report.collected_at).replace("since", "Since", 1),
        f"Reaches {'; '.join(map(impact_line, report.impact))}" if report.impact else _reaches_nobody(report),
    ]
    if lead.others:
        titles = "; ".join(f"{words.one_line(f.title, 90)} [{f.code}]" for f in lead.others[:2])
        more = f" and {len(lead.others) - 2} more" if len(lead.others) > 2 else ""
        lines.append(f"It explains {words.counted(len(lead.others), 'further finding')}: {titles}{more}")
    if others:
        titles = "; ".join(f"{words.one_line(i.lead.title, 90)} [{i.lead.code}]" for i in others[:2])
        more = f" and {len(others) - 2} more" if len(others) > 2 else ""
        lines.append(f"Besides: {titles}{more}")
    lines += [*_reasons(report, lead), *(_without_titles(note, lead) for note in scope_notes(report)[:1])]
    lines.append(tried.in_a_line(report))
    if told := first_line(report.note):
        lines.append(f"A person notes: {told}")
    return [*lines, *_way_in(report.remote_assistance)]


def short_message(report: Report, key: str, limit: int) -> tuple[str, bool]:
    """Return what is down, since when, whom it reaches and the key, for a pager; it is always cut."""
    limit = min(limit, SHORT_CHARACTERS)
    lead = lead_of(report)
    name = words.one_line(report.host.fqdn or report.host.name, 80)
    priority = str(report.verdict.priority or "Medium").upper()
    title = words.one_line(lead.lead.title) if lead else first_line(report.note) or "question"
    lines = [f"{name} [{priority}] {title}"]
    if lead is not None:
        at = words.at(lead.since_at) if lead.since_at else "not known"
        lines.append(f"since {at}")
        lines += [impact_line(impact) for impact in report.impact[:2]] or [_reaches_nobody(report)]
    lines.append(key)
    return "\n".join(_fitted(lines, limit, _SHORT_WIDTHS)), True


def cut(text: str, limit: int) -> str:
    """Return text of at most ``limit`` characters, its end cut where it is longer."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def first_line(text: str) -> str:
    """Return the first line with something in it."""
    return next((words.one_line(line, 200) for line in text.splitlines() if line.strip()), "")


def impact_line(impact: Impact, names_count: int = 3) -> str:
    """Return whom one part of the trouble reaches, with some names, on one harmless line."""
    count = impact.affected_count
    number = "" if count is None else f"{count:,} "
    if count is not None and impact.total_count is not None:
        number = f"{count} of {impact.total_count} "
        number = f"all {count} " if count == impact.total_count and count > 1 else number
    shown = [words.one_line(name, 80) for name in impact.names[:names_count]]
    more_count = max(count or 0, len(impact.names)) - len(shown)
    more = f" and {more_count} more" if shown and more_count > 0 else ""
    names = f": {', '.join(shown)}{more}" if shown else ""
    note = f" ({words.one_line(impact.note, 200)})" if impact.note else ""
    return f"{words.one_line(impact.area, 40)}: {number}{words.one_line(impact.what)}{names}{note}"


def _reaches_nobody(report: Report) -> str:
    if report.changes is None:
        return "Whom it reaches: could not be determined"
    return "No site, mail service, node or database is seen to fail by it"


def _reasons(report: Report, lead: Incident | None) -> list[str]:
    """Return the priority and why, without the title that stands above; a person's own priority before it."""
    count = 1 if report.verdict.override is None else 2
    told = [words.one_line(reason, 600) for reason in report.verdict.reasons[:count]]
    return [_without_titles(reason, lead) for reason in told]


def _without_titles(text: str, lead: Incident | None) -> str:
    for finding in (lead.lead, *lead.others) if lead is not None else ():
        title = re.escape(words.one_line(finding.title))
        what = "an emergency" if finding.severity >= Severity.EMERGENCY else "this"
        named = rf"{title} \({finding.code}\)"
        text = re.sub(rf" \({title}, {finding.code}\)|: {named}(?=\.)| \({named}\)", "", text)
        text = re.sub(named, what, text)
    return text


def scope_notes(report: Report) -> list[str]:
    """Return whose it is by the guide, what else the vendor can be asked for, and what is only inferred."""
    trace = report.verdict.trace
    return [words.one_line(step.said, 400) for step in trace if step.about in ("scope", "inferred")]


def _way_in(assistance: AssistanceReport) -> list[str]:
    told = words.assistance(assistance)
    return (
        [] if assistance.state == "on" and assistance.ready is not False else [f"Remote Assistance: {told}"]
    )
