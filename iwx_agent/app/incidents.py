"""What ``auto`` has before it, and what a person has it be silent about, for a time and for a reason."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from iwx_agent.app.naming import NotOneError, named
from iwx_agent.app.steering import Hand, Look, RefusedError
from iwx_agent.model import Incident, Missing, Report, RunPoint, Severity, worst
from iwx_agent.model.episode import Ignored
from iwx_agent.model.steering import Silenced, ToldDecision, Watch, WatchedIncident, decision_read
from iwx_agent.state import Runs, StateError
from iwx_agent.state.contract import Change, Heed, Ignore
from iwx_agent.state.latest import Latest

LONGEST_DAYS = 90
PREFIX_CHARACTERS = 6
_OLD_RUNS_COUNT = 200  # that a fingerprint may come from
_FORGOTTEN_AFTER = timedelta(days=30)  # a rule's end
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")
_SPAN = re.compile(r"([0-9]{1,6})(min|h|d)")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


class WhenError(Exception):
    """It is no time at which ignoring can end; the text says why."""


def end_of(when: str, now: datetime) -> datetime:
    """Return when something ends: after ``90min``, ``2h`` or ``3d``, or at an ISO time (UTC without a zone).

    >>> end_of("2h", datetime(2026, 11, 23, 15, 0, tzinfo=UTC)).isoformat()
    '2026-11-23T17:00:00+00:00'

    Raises:
        WhenError: it is none of these, over already, or more than 90 days off.
    """
    text = when.strip()
    span = _SPAN.fullmatch(text)
    try:
        until = now + int(span[1]) * _UNITS[span[2]] if span is not None else _moment(text)
    except (ValueError, OverflowError):
        raise WhenError("expected 90min, 2h, 3d, or a time like 2026-12-01T08:00Z") from None
    if until <= now:
        raise WhenError("expected a time in the future")
    if until - now > timedelta(days=LONGEST_DAYS):
        raise WhenError(f"expected at most {LONGEST_DAYS} days from now")
    return until.replace(microsecond=0)


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text)
    return (read if read.tzinfo is not None else read.replace(tzinfo=UTC)).astimezone(UTC)


def watched(look: Look) -> Watch:
    """Return the last ticket's episode, what the last saved run found, and the rules to ignore."""
    kept = look.latest.episode()
    rules = look.latest.rules()
    run, report, unread = "", None, ""
    try:
        run, report = look.runs.report()
    except StateError as error:
        unread = error.why
    return Watch(
        at=look.now,
        episode=kept.episode if kept is not None else None,
        run=run,
        run_at=report.collected_at if report is not None else None,
        unread=unread,
        incidents=tuple(_watched(one, rules, look.now) for one in report.incidents) if report else (),
        rules=rules,
    )


def _watched(incident: Incident, rules: Iterable[Ignored], now: datetime) -> WatchedIncident:
    lead = incident.lead
    return WatchedIncident(
        fingerprint=incident.fingerprint,
        code=lead.code,
        subject=lead.subject,
        title=lead.title,
        severity=worst(incident),
        state=incident.state,
        scope=incident.scope,
        since_at=incident.since_at,
        rule=next((rule for rule in rules if silences(rule, incident, now)), None),
    )


def silences(rule: Ignored, incident: Incident, now: datetime) -> bool:
    """Return whether a rule makes ``auto`` silent about an incident now; as ``triage.decision`` has it."""
    worse = rule.unless_worse and worst(incident) > rule.severity
    return rule.fingerprint == incident.fingerprint and now < rule.until and not worse


def ignore(
    hand: Hand, given: str, *, until: datetime, reason: str, unless_worse: bool, anyway: bool
) -> Silenced:
    """Have ``auto`` be silent about an incident until then; ``reason`` has been redacted.

    ``given`` is a fingerprint of a saved run, the beginning of one that no other has (6 characters), or the
    code of what one incident of the last run is about. ``anyway`` takes a fingerprint that no run has.

    Raises:
        NotOneError: no incident is meant, or several are.
        RefusedError: whether it gets worse could not be told.
        StateError: it could not be kept.
    """
    found, report = _meant(hand.runs, given, anyway=anyway)
    incident = next((one for one in report.incidents if one.fingerprint == found), None) if report else None
    if incident is None and unless_worse:
        raise RefusedError(
            f"how bad {found} is now is not known, so nobody could tell whether it gets worse",
            "Leave out --unless-worse, or take one of: iwx-agent incidents",
        )
    rule = Ignored(
        fingerprint=found,
        until=until,
        reason=reason,
        unless_worse=unless_worse,
        severity=worst(incident) if incident is not None else Severity.EMERGENCY,
    )
    said = f"until {until:%Y-%m-%dT%H:%M:%SZ}{', unless it is worse' if unless_worse else ''}: {reason}"
    hand.change(f"ignore {found}", said, Ignore(rule=rule), *_forgotten(hand, found))
    if incident is None:
        return Silenced(rule=rule)
    lead = incident.lead
    return Silenced(rule=rule, title=lead.title, code=lead.code, subject=lead.subject)


def heed(hand: Hand, given: str) -> Silenced:
    """Take a rule back: ``auto`` speaks about the incident again.

    Raises:
        NotOneError: there is no such rule, or there are several.
        StateError: it could not be kept.
    """
    rules = {rule.fingerprint: rule for rule in hand.store.past(hand.now).ignored}
    found = named(given.strip().lower(), rules, least_characters=PREFIX_CHARACTERS)
    hand.change(f"ignore {found} --end", f"was: {rules[found].reason}", Heed(fingerprint=found))
    return Silenced(rule=rules[found])


def _forgotten(hand: Hand, but: str) -> list[Change]:
    """Take back what has been over for long: a list that only grows is read by nobody."""
    rules = hand.store.past(hand.now).ignored
    old = (rule for rule in rules if rule.until < hand.now - _FORGOTTEN_AFTER and rule.fingerprint != but)
    return [Heed(fingerprint=rule.fingerprint) for rule in old]


def _meant(runs: Runs, given: str, *, anyway: bool) -> tuple[str, Report | None]:
    """Return which incident is meant, and the newest saved run that has it; None when none has."""
    wanted = given.strip()
    try:
        _, last = runs.report()
        saved = runs.listed(_OLD_RUNS_COUNT)
    except StateError as error:
        if anyway and _FINGERPRINT.fullmatch(wanted.lower()):
            return wanted.lower(), None
        if error.kind == "absent":
            raise NotOneError(given, ()) from None
        raise
    coded = tuple(one.fingerprint for one in last.incidents if one.lead.code == wanted.upper())
    if len(coded) == 1:
        return coded[0], last
    if coded:
        raise NotOneError(given, coded, coded)
    known = {one.fingerprint: "" for one in last.incidents}
    for run in saved:
        for fingerprint in _fingerprints(run.point):
            known.setdefault(fingerprint, run.id)
    try:
        found = named(wanted.lower(), known, least_characters=PREFIX_CHARACTERS)
    except NotOneError as error:
        if anyway and _FINGERPRINT.fullmatch(wanted.lower()):
            return wanted.lower(), None
        codes = tuple(one.lead.code for one in last.incidents)
        raise NotOneError(given, (*codes, *error.known), error.matching) from None
    return found, last if not known[found] else _report(runs, known[found])


def _fingerprints(point: RunPoint) -> tuple[str, ...]:
    found = point.incidents
    return () if isinstance(found, Missing) else tuple(one.fingerprint for one in found)


def _report(runs: Runs, run: str) -> Report | None:
    """Return an earlier run; a damaged one costs only the words for its incident."""
    try:
        return runs.report(run)[1]
    except StateError:
        return None


def decisions(latest: Latest, count: int) -> tuple[ToldDecision, ...]:
    """Return the last decisions of ``auto``, the newest first; none when it has never run."""
    found = latest.events("decision", count)
    return tuple(decision_read(event.said, event.at, event.key) for event in found)
