"""The result as metrics for node_exporter's textfile collector: gauges only, few labels, HELP and TYPE.

Source: Prometheus exposition formats; ``promtool check metrics`` accepts it. Labels hold codes, states and
fingerprints, never text from the machine: a label that changes makes a new series.
"""

from collections.abc import Iterable

from iwx_agent.model import Report, Severity, Status, counts_as_emergency, worst
from iwx_agent.rendering import words

_INCIDENTS_COUNT = 50
Sample = tuple[dict[str, str], float]


def render(report: Report) -> str:
    """Return all metrics of one result, each family with HELP and TYPE, in a fixed order."""
    incidents = report.incidents[:_INCIDENTS_COUNT]
    families: list[tuple[str, str, list[Sample]]] = [
        ("info", "The agent that looked.", [({"version": report.agent_version}, 1)]),
        (
            "run_timestamp_seconds",
            "When the server was looked at, in seconds since 1970.",
            [({}, report.collected_at.timestamp())],
        ),
        (
            "emergency",
            "Whether there is an emergency of the vendor's support guide.",
            [({}, report.verdict.emergency)],
        ),
        (
            "incidents",
            "Incidents by how bad they are; their consequences are not counted.",
            list(_by_severity(report)),
        ),
        (
            "incident",
            "One for each incident that is there now.",
            [
                (
                    {
                        "code": i.lead.code,
                        "fingerprint": i.fingerprint,
                        "scope": i.lead.scope.value,
                        "severity": worst(i).name.lower(),
                        "state": i.state.value,
                    },
                    1,
                )
                for i in incidents
            ],
        ),
        (
            "incident_since_timestamp_seconds",
            "Since when an incident is there, where that is known, in seconds since 1970.",
            [({"fingerprint": i.fingerprint}, i.since_at.timestamp()) for i in incidents if i.since_at],
        ),
        (
            "checks",
            "Checks by what they came to.",
            [({"status": status.value}, count) for status, count in _by_status(report)],
        ),
        (
            "check_unknown",
            "One for each check that could not tell or broke.",
            [({"check": check}, 1) for check, _, _ in words.blind(report)],
        ),
        (
            "probe_duration_seconds",
            "How long each question took.",
            [({"probe": probe}, seconds) for probe, seconds in sorted(report.timings.items())],
        ),
    ]
    return "".join(_family(f"iwx_agent_{name}", told, samples) for name, told, samples in families if samples)


def _by_severity(report: Report) -> Iterable[Sample]:
    for severity in Severity:
        found = [i for i in report.incidents if worst(i) is severity]
        if severity is Severity.EMERGENCY:
            found = [i for i in found if counts_as_emergency(i)]
        yield {"severity": severity.name.lower()}, len(found)


def _by_status(report: Report) -> Iterable[tuple[Status, int]]:
    for status in Status:
        yield status, sum(result.status is status for result in report.results)


def _family(name: str, told: str, samples: Iterable[Sample]) -> str:
    lines = [f"# HELP {name} {told}", f"# TYPE {name} gauge"]
    for labels, value in samples:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{{{inside}}} {float(value):.15g}" if inside else f"{name} {float(value):.15g}")
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return words.one_line(text, 200).replace("\\", "\\\\").replace('"', '\\"')
