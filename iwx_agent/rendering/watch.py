"""What ``auto`` has before it and what it decided, in words: open ticket, incidents, what is ignored."""

import textwrap
from collections.abc import Iterator, Sequence
from datetime import datetime

from iwx_agent.model import Severity
from iwx_agent.model.episode import Episode, Ignored
from iwx_agent.model.steering import Silenced, ToldDecision, Watch, WatchedIncident
from iwx_agent.rendering import words

ONLY_AUTO = "Only auto is silent about it: diagnose, ticket and reports go on showing it."
_WIDTH = 80
_TOLD_COUNT = 20
_TITLE_CHARACTERS = 160


def watched(watch: Watch) -> str:
    """Return the open ticket, what the last saved run found, and what is ignored."""
    return _text(
        [*_episode(watch.episode, watch.at), "", *_incidents(watch), "", *_rules(watch.rules, watch.at)]
    )


def _episode(episode: Episode | None, now: datetime) -> Iterator[str]:
    if episode is None:
        yield "No ticket has been filed by auto yet."
        return
    key = words.one_line(episode.key, 80)
    if episode.over_at is not None:
        yield f"No open ticket. The last one, {key}, was over at {_when(episode.over_at, now)}."
        return
    delivered = "delivered" if episode.delivered else "its first text has not been delivered yet"
    yield f"Open ticket {key}: {delivered}"
    good = words.counted(episode.good_runs_count, "good run")
    returns = words.counted(episode.returns_count, "time")
    rows = [
        ("since", _when(episode.began_at, now)),
        ("filed", _when(episode.opened_at, now)),
        ("priority", str(episode.priority)),
        ("last bad", _when(episode.last_bad_at, now)),
        ("updates", f"{episode.updates_count}; the last text {_when(episode.told_at, now)}"),
        ("getting over", f"{good} in a row"),
        *([("came back", returns)] if episode.returns_count else []),
        *(
            ("" if number else "tells", f"{words.graded(told.severity)}: {words.one_line(told.title)}")
            for number, told in enumerate(episode.told[:_TOLD_COUNT])
        ),
    ]
    more = len(episode.told) - _TOLD_COUNT
    rows.extend([("", f"and {more} more")] if more > 0 else [])
    yield from (f"  {line}" for line in words.columns(rows))


def _when(moment: datetime, now: datetime) -> str:
    return f"{words.at(moment)}, {words.ago(moment, now)}"


def _incidents(watch: Watch) -> Iterator[str]:
    if watch.run_at is None:
        yield f"What is wrong now is not known: {words.one_line(watch.unread, 400)}. Look: iwx-agent diagnose"
        return
    run = f"the run of {_when(watch.run_at, watch.at)} ({words.one_line(watch.run, 40)})"
    if not watch.incidents:
        yield f"Nothing was wrong in {run}."
        return
    yield f"Found in {run}:"
    yield from words.columns(
        [("fingerprint", "now", "incident"), *(_incident(one) for one in watch.incidents)]
    )
    yield "To have auto be silent about one: iwx-agent ignore FINGERPRINT --until 2d --reason TEXT"


def _incident(one: WatchedIncident) -> tuple[str, str, str]:
    about = words.one_line(f"{one.code}, {one.subject}", 120)
    said = f"{words.one_line(one.title, _TITLE_CHARACTERS)} ({about})"
    if one.rule is not None:
        said += f"; ignored until {words.at(one.rule.until)}"
    return words.one_line(one.fingerprint, 40), words.graded(one.severity, one.state), said


def rules(found: Sequence[Ignored], now: datetime) -> str:
    """Return the rules to ignore incidents, each with its end and reason."""
    return _text(list(_rules(found, now)))


def _rules(found: Sequence[Ignored], now: datetime) -> Iterator[str]:
    if not found:
        yield "Nothing is ignored."
        return
    yield "Ignored by auto:"
    rows = [("fingerprint", "until", "left", "unless worse than", "reason")]
    rows.extend(
        (
            words.one_line(rule.fingerprint, 40),
            words.at(rule.until),
            words.span((rule.until - now).total_seconds()) if rule.until > now else "over",
            words.graded(rule.severity) if rule.unless_worse else "-",
            words.one_line(rule.reason, 300),
        )
        for rule in found
    )
    yield from words.columns(rows)


def silenced(made: Silenced) -> str:
    """Return what is ignored from now on, and what that does not change."""
    rule = made.rule
    worse = f", unless it is worse than {words.graded(rule.severity)}" if rule.unless_worse else ""
    worst = rule.unless_worse and rule.severity >= Severity.EMERGENCY
    return _text(
        [
            f"Ignored until {words.at(rule.until)}{worse}: {_named(made)}",
            *(["It cannot get worse than that: it is ignored until then whatever happens."] if worst else []),
            ONLY_AUTO,
            f"To end it before: iwx-agent ignore {words.one_line(rule.fingerprint, 40)} --end",
        ]
    )


def heeded(ended: Silenced) -> str:
    """Return what is not ignored any more."""
    reason = words.one_line(ended.rule.reason, 300)
    return _text([f"Not ignored any more: {_named(ended)} (it was because: {reason})"])


def _named(made: Silenced) -> str:
    fingerprint = words.one_line(made.rule.fingerprint, 40)
    if not made.title:
        return fingerprint
    about = words.one_line(f"{made.code}, {made.subject}", 120)
    return f"{words.one_line(made.title, _TITLE_CHARACTERS)} ({about}), {fingerprint}"


def decided(decisions: Sequence[ToldDecision], heading: str = "") -> str:
    """Return what ``auto`` decided, the newest first: when, action, row of the table, sentence."""
    lines = [line for one in decisions for line in _decision(one)]
    return _text([*([heading] if heading else []), *lines])


def _decision(one: ToldDecision) -> Iterator[str]:
    parts = (words.at(one.at), one.action, f"row: {one.row}" if one.row else "", one.key)
    yield "  ".join(words.one_line(part, 80) for part in parts if part)
    yield from textwrap.wrap(
        words.one_line(one.said, 2000),
        width=_WIDTH,
        initial_indent="    ",
        subsequent_indent="    ",
        break_on_hyphens=False,
    )


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
