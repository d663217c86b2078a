"""One line for Nagios and its kin, with performance data; further lines name what is wrong.

Source: Monitoring Plugins Development Guidelines: status word, text, ``|``, ``'label'=value;warn;crit;min``;
exit codes 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN. They replace the agent's own in this format only.
"""

from iwx_agent.model import Report, Severity, Status, counts_as_emergency, worst
from iwx_agent.rendering import words

_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
_MORE_COUNT = 10


def exit_code(report: Report) -> int:
    """Return 2 for an emergency, 1 for another problem, 3 when checks could not tell, 0 when all is well.

    A problem that is known weighs more than one that could not be judged.
    """
    if report.verdict.emergency:
        return 2
    if any(worst(incident) >= Severity.WARNING for incident in report.incidents):
        return 1
    return 3 if words.blind(report) else 0


def render(report: Report) -> str:
    """Return the line with its performance data, and one more line for each incident and blind check."""
    emergencies_count = sum(counts_as_emergency(incident) for incident in report.incidents)
    problems_count = sum(worst(incident) >= Severity.WARNING for incident in report.incidents)
    unknown_count = len(words.blind(report))
    ok_count = sum(result.status is Status.OK for result in report.results)
    performance = (
        f"emergencies={emergencies_count};;0;0 problems={problems_count};0;;0 "
        f"unknown={unknown_count};;;0 ok={ok_count};;;0"
    )
    lines = [f"IWX {_WORDS[exit_code(report)]}: {_headline(report)} | {performance}"]
    for incident in report.incidents[:_MORE_COUNT]:
        lead = incident.lead
        since = words.since(incident, report.collected_at)
        lines.append(_safe(f"{words.grade_word(incident)}: {lead.title} ({words.marked(lead)}), {since}"))
    lines += [
        _safe(f"could not tell: {check}: {reason}") for check, _, reason in words.blind(report)[:_MORE_COUNT]
    ]
    return "\n".join(lines) + "\n"


def _headline(report: Report) -> str:
    if report.incidents:
        lead = report.incidents[0].lead
        rest_count = len(report.incidents) - 1
        more = f", and {words.counted(rest_count, 'other problem')}" if rest_count else ""
        return _safe(f"{lead.title} ({words.marked(lead)}){more}")
    blind = words.blind(report)
    if blind:
        return _safe(f"nothing found, but {words.counted(len(blind), 'check')} could not tell")
    return "nothing wrong"


def _safe(text: str) -> str:
    """Return one harmless line without the bar that starts performance data."""
    return words.one_line(text, 300).replace("|", "/")
