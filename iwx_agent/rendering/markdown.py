"""The report as Markdown for a tracker or chat: words escaped, quoted text in fences that it cannot close.

Source: CommonMark 0.31: a backslash before ASCII punctuation takes its meaning away; a fence is closed only
by one that is as long.
"""

import re

from iwx_agent.model import Evidence, Finding, Incident, Report
from iwx_agent.rendering import words

_PUNCTUATION = re.compile(r"([\\`*_{}\[\]<>#|~&!$^])")
_LINKS = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)", re.IGNORECASE)
_LIST_MARK = re.compile(r"^(\d{0,9})([-+=.)])")
_TICKS = re.compile("`+")
_MENTION = re.compile(r"(\S*@\S*)")  # trackers look for these after escapes are gone, but not in code
_EVIDENCE_COUNT = 6


def render(report: Report) -> str:
    """Return verdict, incidents with evidence and next steps, what could not be told, environment."""
    blocks = [_verdict(report)]
    blocks += [_incident(number, i, report) for number, i in enumerate(report.incidents, start=1)]
    blocks += [_circumstances(report), _blind(report), _environment(report)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _verdict(report: Report) -> str:
    name = _text(report.host.fqdn or report.host.name, 100)
    told = "EMERGENCY" if report.verdict.emergency else _mild(report)
    blocks = [f"# {name}: {told}", f"iwx-agent {report.agent_version}, {words.at(report.collected_at)}"]
    if report.verdict.priority:
        whose = "Suggested priority" if report.verdict.override is None else "Priority, set by a person"
        blocks.append(f"**{whose}: {report.verdict.priority}**")
    return "\n\n".join([*blocks, *(_line(reason, 400) for reason in report.verdict.reasons)])


def _mild(report: Report) -> str:
    if report.incidents:
        return words.counted(len(report.incidents), "problem") + ", no emergency"
    return "not everything could be seen" if words.blind(report) else "nothing wrong"


def _incident(number: int, incident: Incident, report: Report) -> str:
    lead = incident.lead
    state = words.state_words(incident)
    since = words.since(incident, report.collected_at)
    known = f"{words.grade_word(incident)}, {state}" if state else words.grade_word(incident)
    lines = [f"## {number}. {_text(lead.title)} ({words.marked(lead)})", "", f"{known}; {_text(since, 300)}"]
    lines += ["", f"Scope: {incident.scope} ({_text(incident.scope_source)})"]
    lines += ["", _line(lead.detail, 600)]
    lines += [block for evidence in lead.evidence[:_EVIDENCE_COUNT] for block in ("", _evidence(evidence))]
    if incident.others:
        lines += ["", "This explains:", ""]
        lines += [f"- {_line(finding.title)} ({words.marked(finding)})" for finding in incident.others]
    lines += _steps(lead)
    return "\n".join(lines)


def _evidence(evidence: Evidence) -> str:
    text = words.harmless(evidence.text.strip("\n"), 2000)
    fence = "`" * max(3, 1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    return f"{code(words.one_line(evidence.source, 200))}\n\n{fence}text\n{text}\n{fence}"


def _steps(finding: Finding) -> list[str]:
    if not finding.remedy:
        return []
    steps = [f"{n}. {code(words.one_line(step, 300))}" for n, step in enumerate(finding.remedy, start=1)]
    return ["", "Do next:", "", *steps]


def _circumstances(report: Report) -> str:
    from iwx_agent.rendering import circumstances  # it needs this module

    rows = [f"- {label}: {_text(told, 600)}" for label, told in circumstances.lines(report)]
    return "\n".join(["## Around it", "", *rows]) if rows else ""


def _blind(report: Report) -> str:
    rows = [f"- {check} ({status}): {_text(reason, 200)}" for check, status, reason in words.blind(report)]
    return "\n".join(["## Could not be determined", "", *rows]) if rows else ""


def _environment(report: Report) -> str:
    rows = [f"- {label}: {_text(value, 600)}" for label, value in words.environment(report)]
    return "\n".join(["## Environment", "", *rows])


def code(text: str) -> str:
    """Return text as a code span that it cannot leave."""
    ticks = "`" * (1 + max((len(run) for run in _TICKS.findall(text)), default=0))
    padded = f" {text} " if text.startswith("`") or text.endswith("`") else text
    return f"{ticks}{padded}{ticks}" if text else ""


def _text(text: str, limit: int = 200) -> str:
    """Return one harmless line in which nothing is markup, becomes a link or calls somebody."""
    plain_and_mentions = _MENTION.split(words.one_line(text, limit))
    return "".join(
        code(part) if "@" in part else _LINKS.sub("\\\\", _PUNCTUATION.sub(r"\\\1", part))
        for part in plain_and_mentions
    )


def _line(text: str, limit: int = 200) -> str:
    """Return the same for the start of a line, where a dash or a number would begin a list."""
    return _LIST_MARK.sub(r"\1\\\2", _text(text, limit))
