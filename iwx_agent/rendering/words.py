"""Words that all renderings share: hostile text made harmless, times, durations, counts."""

import re
from datetime import datetime

from iwx_agent.model import AssistanceReport, Incident, IncidentState, Report, Severity, Status, worst

# Control characters (C0 but tab and newline, DEL, C1), bidirectional overrides, zero-width marks,
# line and paragraph separators, tags, halves of surrogate pairs: what can hide, reorder or command rather
# than say, or cannot be written at all.
_HOSTILE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ud800-\udfff"
    "\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

SEVERITY_WORDS = {
    Severity.NOTE: "note",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    Severity.EMERGENCY: "EMERGENCY",
}


def harmless(text: str, limit: int = 500) -> str:
    """Return the text, bounded, with all that could act on a terminal or reader shown as ``\\xNN``."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return _HOSTILE.sub(lambda found: _escaped(found.group()), cut)


def one_line(text: str, limit: int = 200) -> str:
    """Return harmless text on a single line."""
    return harmless(" ".join(text.split()), limit)


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 256:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"


def at(moment: datetime | None) -> str:
    """Return a time as people read it, in UTC to the minute."""
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "unknown"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a time was, in its two largest units at most."""
    seconds = int((now - moment).total_seconds())
    if seconds < 0:
        return "in the future"
    for size, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {name} ago"
    return f"{seconds} s ago"


def since(incident: Incident, now: datetime) -> str:
    """Return since when, and how that is known."""
    if incident.since_at is None:
        return "since when: not known"
    source = f" ({one_line(incident.since_source, 120)})" if incident.since_source else ""
    return f"since {at(incident.since_at)}, {ago(incident.since_at, now)}{source}"


def state_words(incident: Incident) -> str:
    """Return what to add to an incident's title about how sure it is, or an empty string."""
    return {
        IncidentState.OPEN: "",
        IncidentState.CONFIRMED: "seen twice",
        IncidentState.UNCONFIRMED: "seen once",
        IncidentState.PASSING: "was over at the second look",
        IncidentState.IN_PROGRESS: "in progress",
    }[incident.state]


def grade_word(incident: Incident) -> str:
    """Return the word for how bad an incident is now."""
    if incident.state is IncidentState.PASSING:
        return "passing"
    if incident.state is IncidentState.IN_PROGRESS:
        return "in progress"
    return SEVERITY_WORDS[worst(incident)]


def counted(number: int, one: str, many: str = "") -> str:
    """Return the number with its noun."""
    return f"{number} {one if number == 1 else many or one + 's'}"


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


def assistance(report: AssistanceReport) -> str:
    """Return what to write behind "Remote Assistance Enabled?": yes, no, or that a person must confirm it."""
    if report.state == "off":
        return "No. Support requires it for every ticket; to turn it on: iwx-agent remote-assistance enable"
    if report.state == "on":
        until = f"until {at(report.ends_at)}" if report.ends_at else "when it ends is not told"
        barred = "; ".join(one_line(obstacle, 120) for obstacle in report.obstacles)
        but = f"; but support cannot get in: {barred}" if barred else ""
        return f"Yes, {until} (as the panel's command line says){but}"
    if not report.reason:
        return "not determined: look in NodeWorx > Remote Assistance before sending"
    why = one_line(report.reason, 400)
    return f"not determined ({why}): confirm it in NodeWorx > Remote Assistance before sending"
