"""The sections of a ticket's message below its summary."""

import re
from collections.abc import Iterator

from iwx_agent.model import Evidence, Finding, Incident, Report
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket import steps, summary, tried
from iwx_agent.rendering.ticket.section import Line, Section, item, quoted, section

_FINDINGS_COUNT = 40
_SINCE_COUNT = 8
_NAMES_COUNT = 10
_EVIDENCE_COUNT = 8
_LINES_COUNT = 12  # quoted of a finding
_BLIND_COUNT = 10
_FACT = re.compile(r"([a-z]+(?:_[a-z0-9]+)+): (.*)", re.DOTALL)  # by the agent's own name of it


def sections_of(report: Report, key: str, message_characters: int) -> list[Section]:
    """Return the message in the order in which it is read; a section that has nothing to say is left out."""
    noted = tried.note(report)
    made = [summary.summary(report, message_characters)]
    if not report.incidents and noted is not None:
        made.append(noted)
    if report.incidents:
        made += [_impact(report), _since(report), _errors(report)]
    made.append(tried.tried(report))
    if report.incidents and noted is not None:
        made.append(noted)
    if report.incidents:
        made.append(_steps(report))
    made += _not_determined(report)
    made += [_environment(report), _scope_and_access(report, key)]
    return made


def _impact(report: Report) -> Section:
    if report.impact:
        return section(
            "IMPACT", (item(summary.impact_line(impact, _NAMES_COUNT), 1200) for impact in report.impact)
        )
    asked = report.changes is not None
    nobody = "no site, mail service, node or database is seen to fail by it"
    return section("IMPACT", [f"- {nobody}" if asked else "- could not be determined: it was not looked at"])


def _since(report: Report) -> Section:
    lines = []
    alone = len(report.incidents) == 1
    for incident in report.incidents[:_SINCE_COUNT]:
        at = words.since(incident, report.collected_at)
        if incident.since_at is None:
            at = "could not be determined: neither a log nor a state tells when it began"
        lines.append(
            item(at if alone else f"{incident.lead.code} {words.one_line(incident.lead.title, 80)}: {at}")
        )
    left_count = len(report.incidents) - len(lines)
    if left_count > 0:
        lines.append(f"- and {words.counted(left_count, 'more incident')}")
    return section("SINCE WHEN", lines)


def _errors(report: Report) -> Section:
    return section("ERRORS, AND WHERE THEY ARE SEEN", _incidents(report))


def _incidents(report: Report) -> Iterator[Line | str]:
    left_count = _FINDINGS_COUNT
    for number, incident in enumerate(report.incidents, start=1):
        if left_count <= 0:
            count = len(report.incidents) - number + 1
            yield f"... and {words.counted(count, 'more incident')} in the agent's report"
            return
        yield Line(text=_title(number, incident), finding=True)
        yield f"   scope: {incident.scope} ({words.one_line(incident.scope_source)})"
        shown: set[tuple[str, str]] = set()
        yield from _finding(incident.lead, shown)
        for finding in incident.others[: left_count - 1]:
            mark = f" ({words.INFERRED_WHY})" if finding.inferred else ""
            said = f"   - consequence: {words.one_line(finding.title)} [{finding.code}]{mark}"
            yield Line(text=said, finding=True)
            yield from _evidence(finding, "     ", 2, 4, shown)
        hidden_count = len(incident.others) - max(left_count - 1, 0)
        if hidden_count > 0:
            yield f"   - and {words.counted(hidden_count, 'more consequence')} in the agent's report"
        left_count -= 1 + len(incident.others)


def _title(number: int, incident: Incident) -> str:
    state = words.state_words(incident)
    known = f"{words.grade_word(incident)}, {state}" if state else words.grade_word(incident)
    known = f"{known}; {words.INFERRED_WHY}" if incident.lead.inferred else known
    return f"{number}. {words.one_line(incident.lead.title)} [{incident.lead.code}] ({known})"


def _finding(finding: Finding, shown: set[tuple[str, str]]) -> Iterator[str]:
    if finding.detail.strip():
        yield f"   {words.one_line(finding.detail, 600)}"
    yield from _evidence(finding, "   ", _EVIDENCE_COUNT, _LINES_COUNT, shown)


def _evidence(
    finding: Finding, indent: str, evidence_count: int, lines_count: int, shown: set[tuple[str, str]]
) -> Iterator[str]:
    """Quote the evidence, what comes from one place together.

    Words that the detail has are not repeated, nor what the incident has quoted already: ``shown``.
    """
    places: dict[str, list[Evidence]] = {}
    for quote in finding.evidence:
        places.setdefault(quote.source, []).append(quote)
    for source, quotes in list(places.items())[:evidence_count]:
        text = "\n".join(quote.text.strip("\n") for quote in quotes)
        again = " (as above)" if text.strip() and (source, text) in shown else ""
        shown.add((source, text))
        yield f"{indent}seen in: {words.one_line(source, 200)}{_when(quotes)}{again}"
        if not again and " ".join(text.split()) not in " ".join(finding.detail.split()):
            yield from quoted(text, f"{indent}  ", lines_count)
    left_count = len(places) - evidence_count
    if left_count > 0:
        yield f"{indent}seen in {words.counted(left_count, 'more place')}: in the agent's report"


def _when(quotes: list[Evidence]) -> str:
    times = sorted(quote.seen_at for quote in quotes if quote.seen_at is not None)
    if not times:
        return ""
    first, last = words.at(times[0]), words.at(times[-1])
    return f", {first}" if first == last else f", {first} to {last}"


def _steps(report: Report) -> Section:
    lines = [
        line
        for number, shown in enumerate(steps.steps_of(report.incidents), start=1)
        for line in steps.lines_of(number, shown)
    ]
    if not lines:
        none = "- could not be determined: no command that only looks shows it again; see where it is seen"
        return section("STEPS TO REPRODUCE", [none])
    return section("STEPS TO REPRODUCE", lines, "as root on this server; these commands only look")


def _not_determined(report: Report) -> list[Section]:
    blind = words.blind(report)
    lines = [item(_untold(check, reason), 300) for check, _, reason in blind[:_BLIND_COUNT]]
    if len(blind) > _BLIND_COUNT:
        lines.append(f"- and {len(blind) - _BLIND_COUNT} more checks")
    lines += tried.gaps(report.changes)
    lines += [item(gap, 300) for gap in (report.environment.gaps if report.environment is not None else ())]
    return [section("COULD NOT BE DETERMINED", lines)] if lines else []


def _untold(check: str, reason: str) -> str:
    """Return what a check could not tell; what it needs in words, unless the check has that name itself."""
    found = _FACT.fullmatch(reason)
    if found is None:
        return f"{check}: {reason}"
    name, why = found.groups()
    same = name in (check.partition(".")[2], check.replace(".", "_"))
    return f"{check}: {why}" if same else f"{check}: {name.replace('_', ' ')}: {why}"


def _environment(report: Report) -> Section:
    return section("ENVIRONMENT", (f"- {label}: {value}" for label, value in words.environment(report)))


def _scope_and_access(report: Report, key: str) -> Section:
    notes = summary.scope_notes(report) or ["scope could not be determined: nothing was found"]
    return section(
        "SCOPE AND ACCESS",
        [
            *(item(note) for note in notes),
            item(f"Remote Assistance: {words.assistance(report.remote_assistance)}", 500),
            f"- Ticket key: {key} (in the subject, too: please keep it there)",
        ],
    )
