"""Words that all renderings share: hostile text made harmless, times, durations, counts."""

import math
import re
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from iwx_agent.model import (
    AssistanceReport,
    Finding,
    Incident,
    IncidentState,
    Licence,
    Missing,
    Report,
    Severity,
    Status,
    counts_as_emergency,
    worst,
)
from iwx_agent.model.changes import Environment

# Control characters (C0 but newline, and tab, which becomes spaces; DEL, C1), bidirectional overrides, what
# Unicode calls ignorable by default (zero-width marks, fillers, variation selectors, tags), line and
# paragraph separators, halves of surrogate pairs: what can hide, reorder or command rather than say, or
# cannot be written at all.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_READ_FOR_EACH_SHOWN = 20  # characters looked at where white space is folded: a line of 10 MB costs no more

SEVERITY_WORDS = {
    Severity.NOTE: "note",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.EMERGENCY: "EMERGENCY",
}

STATE_WORDS = {
    IncidentState.OPEN: "",
    IncidentState.CONFIRMED: "seen twice",
    IncidentState.UNCONFIRMED: "seen once",
    IncidentState.PASSING: "was over at the second look",
    IncidentState.IN_PROGRESS: "in progress",
}

LICENCE_WORDS = {
    Licence.DIRECT: "bought from InterWorx (as configured)",
    Licence.RESELLER: "bought from a reseller (as configured)",
    Licence.NOT_SET: "not stated; a person has to say before this is sent: from InterWorx or from a reseller",
}

ROLE_WORDS = {
    "": "not determined",
    "single": "single server, in no cluster",
    "manager": "cluster manager",
    "node": "cluster node",
}


def harmless(text: str, limit: int = 500) -> str:
    """Return the text, bounded, with all that could act on a terminal or reader shown as ``\\xNN``.

    Of control characters only newlines are left; at most ten characters stand for one.
    """
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return _HOSTILE.sub(lambda found: _escaped(found.group()), cut.expandtabs())


def in_json(data: bytes) -> bytes:
    """Return the same JSON with what would act on a terminal that shows it as ``\\uNNNN``."""
    if data.isascii() and b"\x7f" not in data:  # the encoder has taken care of C0
        return data
    return _HOSTILE.sub(lambda found: _json_escaped(found.group()), data.decode()).encode()


def one_line(text: str, limit: int = 200) -> str:
    """Return harmless text on a single line, its white space folded."""
    read = text[: limit * _READ_FOR_EACH_SHOWN]
    folded = " ".join(read.split())
    return harmless(folded if len(read) == len(text) else f"{folded}…", limit)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 256:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def _json_escaped(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def at(moment: datetime | None) -> str:
    """Return a time as people read it, in UTC to the minute."""
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "unknown"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a time was, in its largest unit."""
    seconds = int((now - moment).total_seconds())
    return f"{span(seconds)} ago" if seconds >= 0 else "in the future"


def span(seconds: float) -> str:
    """Return a time that is not negative, in whole units of the largest kind.

    >>> span(7199)
    '1 h'
    """
    whole = int(seconds)
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if whole >= size:
            return f"{whole // size} {name}"
    return f"{whole} s"


def since(incident: Incident, now: datetime) -> str:
    """Return since when, and how that is known."""
    if incident.since_at is None:
        return "since when: not known"
    source = f" ({one_line(incident.since_source, 120)})" if incident.since_source else ""
    return f"since {at(incident.since_at)}, {ago(incident.since_at, now)}{source}"


def state_words(incident: Incident) -> str:
    """Return what to add to an incident's title about how sure it is, or an empty string."""
    return STATE_WORDS[incident.state]


def grade_word(incident: Incident) -> str:
    """Return the word for how bad an incident is now."""
    return graded(worst(incident), incident.state)


def graded(severity: Severity, state: IncidentState | None = None) -> str:
    """Return the word for how bad something is, in an incident of this state."""
    if state is IncidentState.PASSING:
        return "passing"
    if state is IncidentState.IN_PROGRESS:
        return "in progress"
    return SEVERITY_WORDS[severity]


MOST_MESSAGES = 1e9  # a larger number is no queue, and would leave a picture's scale without room

INFERRED = "inferred"  # the mark; every output has it
INFERRED_WHY = "inferred: it rests on what is not proven of the panel"


def marked(finding: Finding) -> str:
    """Return a finding's code with the mark of what is only inferred."""
    return f"{finding.code}, {INFERRED}" if finding.inferred else finding.code


def counted(number: int, one: str, many: str = "") -> str:
    """Return the number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def quantity(value: float | Missing | None, highest: float) -> float | None:
    """Return a number that can be drawn, at most ``highest``; None for what is unknown or no quantity."""
    if value is None or isinstance(value, Missing) or not 0 <= value < math.inf:  # NaN fails both
        return None
    return float(min(value, highest))


def measured(report: Report) -> tuple[float | None, float | None]:
    """Return (percent used of the fullest file system, messages in the mail queue); None where not known."""
    told = report.measures
    return quantity(told.disk_used_pct, 100.0), quantity(told.queue_count, MOST_MESSAGES)


def address(report: Report) -> str:
    """Return the address to put in a ticket, or an empty string when none is known."""
    return report.host.addresses[0].ip if report.host.addresses else ""


def blind(report: Report) -> list[tuple[str, str, str]]:
    """Return (check, status, reason) of the checks that could not tell."""
    return [
        (result.check_id, result.status.value, result.reason)
        for result in report.results
        if result.status in (Status.UNKNOWN, Status.CRASHED)
    ]


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with their columns below one another, two spaces apart; the last one is as long as it is.

    >>> columns([("text", "state"), ("iwx-1", "queued")])
    ['text   state', 'iwx-1  queued']
    """
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def headline(report: Report) -> tuple[str, str]:
    """Return the sum of a report in two parts: what matters most, and what else there is (or nothing)."""
    emergencies = sum(counts_as_emergency(incident) for incident in report.incidents)
    others = len(report.incidents) - emergencies
    if emergencies:
        more = counted(others, "other problem") if others else ""
        return counted(emergencies, "EMERGENCY", "EMERGENCIES"), more
    if others:
        return counted(others, "problem"), "no emergency"
    if blind(report):
        return "Nothing found, but not everything could be seen", ""
    return "Nothing wrong", ""


def caveats(report: Report) -> list[str]:
    """Return what makes the whole report worth less than it seems."""
    said = []
    if not report.host.panel_home:
        skipped = sum(result.status is Status.NOT_APPLICABLE for result in report.results)
        said.append(f"No InterWorx panel found here: {counted(skipped, 'check')} not applicable.")
    if not report.host.as_root:
        said.append("Not run as root: what only root may see is unknown here.")
    return said


def environment(report: Report) -> list[tuple[str, str]]:
    """Return (label, value) of what is known of the server, each value harmless and on one line."""
    host = report.host
    addresses = ", ".join(
        f"{one_line(a.ip)} ({'private, ' if a.private else ''}{one_line(a.source)})"
        for a in host.addresses[:4]
    )
    resolves = {True: "resolves", False: "does not resolve", None: "not known whether it resolves"}
    known = f"{one_line(host.fqdn_source)}; {resolves[host.fqdn_resolves]}"
    said = [
        ("Host name", f"{one_line(host.fqdn, 100)} ({known})"),
        ("Addresses", addresses or "none found"),
        ("InterWorx", one_line(host.panel_version, 40) or "version not determined"),
        *_system(report.environment),
        ("Licence", LICENCE_WORDS[report.verdict.licence]),
        ("Up since", at(host.booted_at)),
    ]
    if host.address_note:
        said.append(("Note", one_line(host.address_note)))
    return said


def _system(environment: Environment | None) -> list[tuple[str, str]]:
    """Return what system it is and its part in a cluster; nothing where that was not asked for."""
    if environment is None:
        return []
    role = ROLE_WORDS[environment.role]
    if environment.nodes_count:
        role = f"{role}, {counted(environment.nodes_count, 'node')}"
    return [
        ("System", one_line(environment.system, 120) or "not determined"),
        ("Kernel", one_line(environment.kernel, 120) or "not determined"),
        ("Role", role),
    ]


class Step(Struct, frozen=True, kw_only=True):
    """One next step: a command with a remark, or a sentence.

    ``whole`` is false when harmless text of bounded length is not what was meant, so that it must not be run.
    """

    text: str
    remark: str
    command: bool
    whole: bool


def step(remedy: str, limit: int = 300) -> Step:
    """Return a line of a remedy in its parts; the agent's sentences begin with a capital, its commands never.

    >>> step("systemctl restart iworx.service   # the panel only")
    Step(text='systemctl restart iworx.service', remark='the panel only', command=True, whole=True)
    """
    text, _, remark = remedy.partition(" # ")
    shown = one_line(text, limit)
    return Step(
        text=shown,
        remark=one_line(remark, limit),
        command=not shown[:1].isupper(),
        whole=shown == text.strip(),
    )


def assistance(report: AssistanceReport) -> str:
    """Return what to write behind "Remote Assistance Enabled?": yes, no, or that a person must confirm it."""
    if report.state == "off":
        return "No. Support requires it for every ticket; to turn it on: iwx-agent remote-assistance enable"
    if report.state == "on":
        until = f"until {at(report.ends_at)}" if report.ends_at else "when it ends is not told"
        barred = "; ".join(one_line(obstacle, 120) for obstacle in report.obstacles)
        but = f"; but support cannot get in: {barred}" if barred else ""
        how = one_line(report.reason, 200) or "as the panel's command line says"
        return f"Yes, {until} ({how}){but}"
    if not report.reason:
        return "not determined: look in NodeWorx > Remote Assistance before sending"
    why = one_line(report.reason, 400)
    return f"not determined ({why}): confirm it in NodeWorx > Remote Assistance before sending"
