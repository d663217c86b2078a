"""What was done on the server within the last day, as a ticket tells it; what a person adds comes last."""

from collections.abc import Iterable

from iwx_agent.model import Report
from iwx_agent.model.changes import CHANGE_KINDS, Change, ChangeKind, Changes
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket.section import Section, item, quoted, section

_SHOWN_COUNT = 6  # of each kind
_NOTE_LINES_COUNT = 40
_KINDS: dict[ChangeKind, tuple[str, str]] = {
    "service": ("services", "none seen to be started, stopped or restarted"),
    "package": ("packages", "none seen to be installed, updated or removed"),
    "reboot": ("reboots", "none seen"),
    "config": ("configuration", "no file of it seen to change"),
}


def tried(report: Report) -> Section:
    """Return what was tried already, kind by kind: entries, none seen, or not determined."""
    lines, since = [], ""
    if (changes := report.changes) is None:
        lines.append("- services, packages, reboots, configuration: could not be determined (not looked at)")
    else:
        since = f"from {words.at(changes.since_at)} on"
        for kind in CHANGE_KINDS:
            lines.extend(_of_kind(kind, changes, report))
        if changes.left_out_count:
            left = words.counted(changes.left_out_count, "earlier change")
            lines.append(f"- and {left} in the agent's report")
    noted = "see A PERSON'S NOTE" if report.note.strip() else "nothing was noted"
    lines.append(f"- by a person: {noted}")
    return section("ALREADY TRIED, AND OTHER CHANGES OF THE LAST 24 HOURS", lines, since)


def note(report: Report) -> Section | None:
    """Return what a person has to say; None without."""
    if not report.note.strip():
        return None
    return section("A PERSON'S NOTE", quoted(report.note, "  ", _NOTE_LINES_COUNT))


def in_a_line(report: Report) -> str:
    """Return what was done of late in one line for the summary; first of all when that is not everything."""
    changes = report.changes
    if changes is None:
        return "Done in the last 24 hours: could not be determined"
    parts = []
    concerned = _concerned(report)
    for kind in CHANGE_KINDS:
        found = _ordered((c for c in changes.entries if c.kind == kind), concerned)
        if found:
            parts.append(_short(found, concerned))
    told = "; ".join(parts) or "nothing seen"
    known = " (not all could be determined)" if changes.gaps else ""
    return f"Done in the last 24 hours{known}: {told}"


def gaps(changes: Changes | None) -> list[str]:
    """Return what of the changes could not be told, for the list of what could not be determined."""
    return [
        item(f"changes of {_KINDS[gap.kind][0]}: {gap.reason}", 300)
        for gap in (changes.gaps if changes is not None else ())
    ]


def _of_kind(kind: ChangeKind, changes: Changes, report: Report) -> list[str]:
    label, none_seen = _KINDS[kind]
    found = [change for change in changes.entries if change.kind == kind]
    unsure = any(gap.kind == kind for gap in changes.gaps)
    doubt = "; could not be determined wholly, see below" if unsure else ""
    if not found:
        return [f"- {label}: {'could not be determined, see below' if unsure else none_seen}"]
    shown = _ordered(found, _concerned(report))[:_SHOWN_COUNT]
    shown.sort(key=lambda change: change.at)
    left_count = len(found) - len(shown)
    more = f"; {left_count} more in the agent's report" if left_count else ""
    return [f"- {label}{doubt}{more}:", *(f"  {_told(change)}" for change in shown)]


def _told(change: Change) -> str:
    source = words.one_line(change.source, 80)
    said = words.one_line(change.said, 240)
    what = "" if change.kind == "package" else f"{words.one_line(change.subject, 120)}: "
    return f"{words.at(change.at)}  {what}{said} ({source})"


def _short(found: list[Change], concerned: str) -> str:
    """Return the changes of one kind in a few words: the one that matters most, and how many there are."""
    change = found[0]
    at = change.at.strftime("%H:%M UTC")
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    match change.kind:
        case "reboot":
            return f"the server {words.one_line(change.said, 60)} {at}{more}"
        case "package":
            return f"{words.counted(len(found), 'run')} of yum or dnf, the last {at}"
    if change.subject not in concerned:
        label = "configuration" if change.kind == "config" else change.kind
        return f"{words.counted(len(found), f'{label} change')}, none of what is named above"
    return f"{words.one_line(change.subject, 60)} {words.one_line(change.said, 60)} {at}{more}"


def _ordered(changes: Iterable[Change], concerned: str) -> list[Change]:
    """Return those first whose unit or file a finding names, deeds before failures, the newest first."""
    return sorted(
        changes,
        key=lambda c: (c.subject in concerned, not c.said.startswith("failed"), c.at),
        reverse=True,
    )


def _concerned(report: Report) -> str:
    """Return all words of findings that can name a unit or a file."""
    found = (f for incident in report.incidents for f in (incident.lead, *incident.others))
    return "\n".join(
        text for f in found for text in (f.subject, f.title, f.detail, *(e.source for e in f.evidence))
    )
