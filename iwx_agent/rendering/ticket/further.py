"""The further texts of a ticket: an update while it is open, and the recovery; each once, each short.

They do not repeat the ticket. Each ends with its own name, by which it is known again on the other side.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model import Incident, Report
from iwx_agent.model.changes import Changes
from iwx_agent.rendering import words
from iwx_agent.rendering.ticket import tried
from iwx_agent.rendering.ticket.body import errors, impact, not_determined, since
from iwx_agent.rendering.ticket.section import Section, item, message_of, section

_TITLES_COUNT = 12
_CHANGES_COUNT = 20
_LOOK = timedelta(seconds=60)  # what a run has looked at may have been mended before the run came to its end


class Further(Struct, frozen=True, kw_only=True):
    """Which text of which ticket it is; ``said`` is the sentence of the decision."""

    key: str
    name: str  # of this text
    said: str


class Outage(Struct, frozen=True, kw_only=True):
    """How long something lasted: from ``began_at``, as far as known, to between these two runs."""

    began_at: datetime
    last_bad_at: datetime
    first_good_at: datetime
    lasted: str  # in words
    titles: tuple[str, ...]


def update(
    report: Report,
    text: Further,
    limit: int,
    *,
    fresh: Sequence[Incident],
    still: Sequence[str],
    gone: Sequence[str],
) -> str:
    """Return the message of an update: the ``fresh`` incidents as a ticket tells them, the others by name."""
    told = replace(report, incidents=tuple(fresh))
    parts = [_head("UPDATE", report, text)]
    if (noted := tried.note(report)) is not None:
        parts.append(noted)
    if fresh:
        parts += [errors(told), since(told)]
    if report.incidents:
        parts.append(impact(report))
    parts += [
        _titles("TOLD BEFORE, AND STILL SO", still),
        _titles("TOLD BEFORE, AND NOT SEEN ANY MORE", gone),
        tried.tried(report),
        *not_determined(report),
        _end(report, text),
    ]
    return message_of([part for part in parts if part.lines], limit)[0]


def recovery(report: Report, text: Further, limit: int, outage: Outage) -> str:
    """Return the message that says that it is over: how long it lasted, and what changed when it ended."""
    first, last, good = (words.at(at) for at in (outage.began_at, outage.last_bad_at, outage.first_good_at))
    lasted = section(
        "HOW LONG IT LASTED",
        [
            item(f"{outage.lasted}: from {first} to {last}, when it was seen last"),
            item(f"first run without it, in which every check could tell: {good}"),
        ],
    )
    parts = [
        _head("OVER", report, text),
        lasted,
        _titles("WHAT THE TICKET TOLD, AND IS OVER", outage.titles),
        _changed(report.changes, outage),
        _end(report, text),
    ]
    return message_of([part for part in parts if part.lines], limit)[0]


def _head(word: str, report: Report, text: Further) -> Section:
    remark = f"by iwx-agent {words.one_line(report.agent_version, 20)}, {words.at(report.collected_at)}"
    return section(word, [item(text.said)], remark)


def _titles(heading: str, titles: Sequence[str]) -> Section:
    lines = [item(title) for title in titles[:_TITLES_COUNT]]
    if len(titles) > _TITLES_COUNT:
        lines.append(f"- and {len(titles) - _TITLES_COUNT} more")
    return section(heading, lines)


def _changed(changes: Changes | None, outage: Outage) -> Section:
    heading = "WHAT CHANGED BETWEEN THE LAST RUN WITH IT AND THE FIRST WITHOUT"
    if changes is None:
        return section(heading, ["- could not be determined: it was not looked at"])
    return section(heading, _between(changes, outage))


def _between(changes: Changes, outage: Outage) -> Iterator[str]:
    found = [c for c in changes.entries if outage.last_bad_at - _LOOK <= c.at <= outage.first_good_at]
    if len(found) > _CHANGES_COUNT:  # what came last has more likely ended it
        yield f"- {words.counted(len(found) - _CHANGES_COUNT, 'earlier change')}: in the agent's report"
    for change in found[-_CHANGES_COUNT:]:
        yield item(tried.change_line(change), 500)
    yield from tried.gaps(changes)
    if not found:
        unsure = " among what could be determined" if changes.gaps or changes.left_out_count else ""
        yield f"- no service, package, reboot or file of the configuration{unsure}"


def _end(report: Report, text: Further) -> Section:
    return section(
        "ACCESS",
        [
            item(f"Remote Assistance: {words.assistance(report.remote_assistance)}", 500),
            item(f"Ticket key: {text.key}; this text: {text.name}"),
        ],
    )
