"""The result as metrics for node_exporter's textfile collector: gauges only, few labels, HELP and TYPE.

Sources: the Prometheus text format 0.0.4 and OpenMetrics 1.0; what is written here is valid as both. Labels
hold codes, states and fingerprints, never free text from the machine: a label that changes is a new series.
The names are for ever; ``docs/reference/metrics.md`` lists them.
"""

import re
from collections.abc import Iterable, Iterator

from iwx_agent.model import AssistanceReport, Incident, Priority, Report, Status, worst
from iwx_agent.rendering import words

_INCIDENTS_COUNT = 50
_CHECKS_COUNT = 200
_PROBES_COUNT = 200
_GRADES = ("note", "warning", "error", "emergency", "passing", "in_progress")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+~:_-]{0,39}")
Labels = dict[str, str]
Sample = tuple[Labels, float]
Family = tuple[str, str, Iterable[Sample]]


def render(report: Report) -> str:
    """Return all metrics of one result, each family with HELP and TYPE, in a fixed order.

    What is not known has no sample.
    """
    families = [*_run(report), *_verdict(report), *_incidents(report), *_checks(report)]
    families += [*_assistance(report.remote_assistance), *_measured(report)]
    return (
        "".join(_family(f"iwx_agent_{name}", told, samples) for name, told, samples in families) + "# EOF\n"
    )


def _run(report: Report) -> Iterator[Family]:
    yield "info", "The agent that looked.", [({"version": report.agent_version}, 1)]
    version = report.host.panel_version
    if version:
        shown = version if _VERSION.fullmatch(version) else "odd"
        yield "panel_info", "The panel that was found.", [({"version": shown}, 1)]
    told = "When the server was looked at, in seconds since 1970."
    yield "run_timestamp_seconds", told, [({}, report.collected_at.timestamp())]
    told = (
        "Exit code of the run: 0 nothing wrong, 1 problems, 3 an emergency, 4 not everything could be told."
    )
    yield "exit_code", told, [({}, report.exit_code)]
    told = "Whether the agent ran as root; without, much cannot be told."
    yield "run_as_root", told, [({}, report.host.as_root)]
    durations = sorted(report.timings.items())[:_PROBES_COUNT]
    told = "How long each question took."
    yield "probe_duration_seconds", told, [({"probe": probe}, seconds) for probe, seconds in durations]


def _verdict(report: Report) -> Iterator[Family]:
    verdict = report.verdict
    yield (
        "emergency",
        "Whether there is an emergency of the vendor's support guide.",
        [({}, verdict.emergency)],
    )
    told = "One for the suggested priority of a ticket, 0 for the others; all 0 when nothing was found."
    yield "priority", told, [({"priority": p.lower()}, p is verdict.priority) for p in Priority]
    if verdict.in_scope is not None:
        yield "in_scope", "Whether the vendor's direct support takes the verdict.", [({}, verdict.in_scope)]


def _incidents(report: Report) -> Iterator[Family]:
    grades = [words.grade_word(incident).lower().replace(" ", "_") for incident in report.incidents]
    told = "Incidents by how bad they are now; their consequences are not counted."
    yield "incidents", told, [({"grade": grade}, grades.count(grade)) for grade in _GRADES]
    shown = report.incidents[:_INCIDENTS_COUNT]
    checks = {(f.code, f.subject): result.check_id for result in report.results for f in result.findings}
    told = "One for each incident that is there now."
    yield "incident", told, [(_labels(incident, checks), 1) for incident in shown]
    told = "Since when an incident is there, where that is known, in seconds since 1970."
    since = [({"fingerprint": i.fingerprint}, i.since_at.timestamp()) for i in shown if i.since_at]
    yield "incident_since_timestamp_seconds", told, since


def _labels(incident: Incident, checks: dict[tuple[str, str], str]) -> Labels:
    lead = incident.lead
    return {
        "check": checks.get((lead.code, lead.subject), "unknown"),
        "code": lead.code,
        "fingerprint": incident.fingerprint,
        "scope": incident.scope.value,
        "severity": worst(incident).name.lower(),
        "state": incident.state.value,
    }


def _checks(report: Report) -> Iterator[Family]:
    found = [result.status for result in report.results]
    yield "checks", "Checks by what they came to.", [({"status": s.value}, found.count(s)) for s in Status]
    shown = [({"check": r.check_id, "status": r.status.value}, 1) for r in report.results[:_CHECKS_COUNT]]
    yield "check_status", "What each check came to.", shown


def _assistance(report: AssistanceReport) -> Iterator[Family]:
    told = "One for the state of Remote Assistance, 0 for the others."
    states = ("on", "off", "unknown")
    yield "remote_assistance", told, [({"state": state}, state == report.state) for state in states]
    if report.ends_at:
        told = "When Remote Assistance ends, in seconds since 1970."
        yield "remote_assistance_end_timestamp_seconds", told, [({}, report.ends_at.timestamp())]
    if report.ready is not None:
        yield "remote_assistance_ready", "Whether support could get in over SSH.", [({}, report.ready)]


def _measured(report: Report) -> Iterator[Family]:
    used_pct, queue_count = words.measured(report)
    if used_pct is not None:
        yield "disk_used_ratio", "Used part of the fullest file system, from 0 to 1.", [({}, used_pct / 100)]
    if queue_count is not None:
        yield "mail_queue_messages", "Messages in the mail queue.", [({}, queue_count)]


def _family(name: str, told: str, samples: Iterable[Sample]) -> str:
    """Return a family's lines; of samples with the same labels the first counts: no reader takes two."""
    lines: dict[str, float] = {}
    for labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.setdefault(f"{name}{{{inside}}}" if inside else name, value)
    head = f"# HELP {name} {told}\n# TYPE {name} gauge\n"
    body = "".join(f"{series} {float(value):.15g}\n" for series, value in lines.items())
    return head + body if body else ""


def _escaped(text: str) -> str:
    return words.one_line(text, 200).replace("\\", "\\\\").replace('"', '\\"')
