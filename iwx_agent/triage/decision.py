"""Whether to speak now: the decision table of ``auto``, one row for each run.

One ticket is about one episode: the emergencies of one server from the first to the recovery. What is added,
gets worse or is over goes to that ticket; a second one is filed only when the first is over for good.
Source: support guide 7.1 (what is Urgent, who may file); the rows are those of Alertmanager's kind, with
scope, unknowns, storm, ignore and hours. docs/explanation/deciding.md has the table.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model import (
    Incident,
    IncidentState,
    Priority,
    Report,
    Scope,
    Severity,
    Status,
    counts_as_emergency,
    worst,
)
from iwx_agent.model.episode import Action, AutoRules, Decision, Episode, Ignored, Told
from iwx_agent.triage.decision_words import duration, lasting, listed, named, titles
from iwx_agent.triage.incidents import fingerprint

_STORM_S = 3600
_DAY_S = 86_400
_LASTING = timedelta(hours=1)  # what flaps is told after all when it stays
# What nobody has seen for so long has nothing to do with what is seen now: support has closed that ticket.
FORGOTTEN_AFTER = timedelta(days=3)
_AHEAD = timedelta(minutes=5)
_RANKS = tuple(Priority)


class Situation(Struct, frozen=True, kw_only=True):
    """All that a decision rests on.

    ``now`` is the server's clock, which is known to be right (``clock_wrong`` says why not). ``filed_at`` are
    the new tickets and ``said_at`` all texts of the last day, drafts not counted; ``drafts_made_count`` how
    many drafts there have been. ``stopped`` says which switch is off, empty when none is. ``new_key`` is the
    key that a new ticket would have.
    """

    now: datetime
    report: Report
    rules: AutoRules
    new_key: str
    episode: Episode | None = None
    ignored: tuple[Ignored, ...] = ()
    filed_at: tuple[datetime, ...] = ()
    said_at: tuple[datetime, ...] = ()
    drafts_made_count: int = 0
    stopped: str = ""
    clock_wrong: str = ""
    outside_window: str = ""


def decide(situation: Situation) -> Decision:
    """Return what to do after this run, and why; the same situation always gives the same decision."""
    return _Deciding(situation).decision()


def own_emergencies(report: Report) -> list[Incident]:
    """Return the emergencies that both looks have seen, and that are the vendor's."""
    return [
        incident
        for incident in report.incidents
        if counts_as_emergency(incident)
        and incident.state is IncidentState.CONFIRMED
        and incident.scope not in (Scope.PROVIDER, Scope.CUSTOMER)
    ]


def is_forgotten(episode: Episode, emergencies: list[Incident], now: datetime) -> bool:
    """Return whether an open ticket is of another time than these emergencies, though nobody saw its end.

    What is known to have begun while it was still bad belongs to it, however long ago that was looked at. One
    that still waits to be sent is read when these are.
    """
    if now - episode.last_bad_at <= FORGOTTEN_AFTER or _waits(episode):
        return False
    since = [incident.since_at for incident in emergencies if incident.since_at is not None]
    return not since or min(since) > episode.last_bad_at


class _Deciding:
    def __init__(self, situation: Situation) -> None:
        self._is = situation
        self._episode = situation.episode
        report = situation.report
        self._emergencies = [i for i in report.incidents if counts_as_emergency(i)]
        self._ignored = [i for i in self._emergencies if self._rule_for(i) is not None]
        self._ours = [i for i in own_emergencies(report) if i not in self._ignored]
        self._blind = [r.check_id for r in report.results if r.status in (Status.UNKNOWN, Status.CRASHED)]
        self._now_told = tuple(told for incident in self._ours for told in _told(incident, situation.now))

    def decision(self) -> Decision:
        """Go through the rows from the top; the first that fits decides."""
        if self._is.stopped:
            return self._say(Action.NOTHING, "stopped", f"stopped: {self._is.stopped}", self._aged())
        if self._is.clock_wrong:
            # Pauses, caps and repeats are reckoned with the clock.
            return self._say(Action.HOLD, "clock", f"the clock is wrong: {self._is.clock_wrong}")
        episode = self._episode
        if episode is None or episode.over_at is not None:
            return self._new() if self._ours else self._quiet()
        if not self._ours:
            return self._good(episode)
        return self._new() if is_forgotten(episode, self._ours, self._is.now) else self._open(episode)

    def _aged(self) -> Episode | None:
        """Return the episode as a run sees it that may say nothing: an end of it that is long ago is one."""
        episode = self._episode
        if episode is None or episode.over_at is not None:
            return episode
        if self._ours:
            return self._seen(episode)
        unsure = self._blind or any(found for _, found, _ in self._not_ours())
        quiet = self._is.now - episode.last_bad_at
        if unsure or _waits(episode) or quiet <= timedelta(seconds=self._is.rules.return_within_s):
            return episode
        return replace(episode, over_at=self._is.now)

    def _seen(self, episode: Episode) -> Episode:
        """Return the episode with what this run sees of it."""
        seen = {told.fingerprint for told in self._now_told}
        told = tuple(
            replace(one, seen_at=self._is.now) if one.fingerprint in seen else one for one in episode.told
        )
        return replace(_bad(episode), last_bad_at=self._is.now, told=told)

    # No emergency that is ours

    def _quiet(self) -> Decision:
        """Nothing to file and no open ticket: say why an emergency, if there is one, is not filed."""
        for row, found, why in self._not_ours():
            if found:
                action = Action.HOLD if row in ("in progress", "seen once") else Action.NOTHING
                return self._say(action, row, f"{named(found)}: {why}")
        if self._blind:
            return self._say(
                Action.NOTHING, "unknowns", f"no emergency was seen, but {self._blind_words()} could not tell"
            )
        return self._say(Action.NOTHING, "nothing", "no emergency")

    def _not_ours(self) -> Iterator[tuple[str, list[Incident], str]]:
        rest = [i for i in self._emergencies if i not in self._ignored]
        foreign = (Scope.PROVIDER, Scope.CUSTOMER)
        yield "out of scope", [i for i in rest if i.scope in foreign], self._is.report.verdict.filing
        yield "seen once", [i for i in rest if i.scope not in foreign], "seen once, without a second look"
        yield "in progress", self._in_state(IncidentState.IN_PROGRESS), "work in progress explains it for now"
        yield "passing", self._in_state(IncidentState.PASSING), "it was over at the second look"
        yield "ignored", self._ignored, self._why_ignored()

    def _in_state(self, state: IncidentState) -> list[Incident]:
        return [i for i in self._is.report.incidents if i.state is state and worst(i) >= Severity.EMERGENCY]

    def _good(self, episode: Episode) -> Decision:
        """An open ticket, and this run sees none of its emergencies: over, once that is sure."""
        unsure = next((f"{named(found)}: {why}" for _, found, why in self._not_ours() if found), "")
        if self._blind:
            return self._say(
                Action.NOTHING,
                "unknowns",
                f"no emergency was seen, but {self._blind_words()} could not tell: not called over",
                _bad(episode),
            )
        if unsure:
            return self._say(Action.NOTHING, "not over", f"not called over: {unsure}", _bad(episode))
        count = episode.good_runs_count + 1
        first_good_at = episode.first_good_at or self._is.now
        counted = replace(episode, good_runs_count=count, first_good_at=first_good_at, back_at=None)
        if count < self._is.rules.good_runs_count:
            said = f"good run {count} of {self._is.rules.good_runs_count} before {episode.key} is called over"
            return self._say(Action.NOTHING, "getting over", said, counted)
        quiet = self._is.now - episode.last_bad_at
        needed = timedelta(seconds=self._is.rules.return_within_s)
        if episode.returns_count >= self._is.rules.returns_count and quiet < needed:
            said = f"flapping: {episode.key} is not called over before {duration(needed)} of quiet"
            return self._say(Action.HOLD, "flapping", said, counted)
        over = replace(counted, over_at=self._is.now)
        lasted = f"it lasted {lasting(episode)}"
        if episode.given_up:
            sent = f"anybody sent {episode.key}" if episode.draft else f"{episode.key} was surely sent"
            return self._say(Action.NOTHING, "over", f"over before {sent}: {lasted}", over)
        if first_good_at - episode.last_bad_at > FORGOTTEN_AFTER:
            said = f"{episode.key} is over for long, which no run could tell: nothing is told of it"
            return self._say(Action.NOTHING, "over", said, over)
        if not episode.delivered:
            said = f"over before {episode.key} was delivered, and told when it is: {lasted}"
            return self._say(Action.HOLD, "over, waits", said, counted)
        told = replace(over, texts_count=episode.texts_count + 1, over_told=True)
        return self._say(Action.RECOVERY, "over", f"{episode.key} is over: {lasted}", told)

    # An emergency that is ours, and no open ticket

    def _new(self) -> Decision:
        rules, last = self._is.rules, self._episode
        if last is not None and last.over_at is not None and self._returns(last, last.over_at):
            return self._returned(last)
        for row, why in self._obstacles():
            if why:
                return self._say(Action.HOLD, row, f"{named(self._ours)}: {why}")
        episode = Episode(
            key=self._is.new_key,
            opened_at=self._is.now,
            began_at=min([self._is.now, *(i.since_at for i in self._ours if i.since_at)]),
            told=self._now_told,
            told_at=self._is.now,
            priority=self._priority(),
            last_bad_at=self._is.now,
        )
        draft = self._is.drafts_made_count < rules.drafts_count
        row = "draft" if draft else "first time"
        said = f"{named(self._ours)}: {'a draft of ' if draft else ''}a new ticket, {episode.key}"
        if draft:
            said += f" (number {self._is.drafts_made_count + 1} of {rules.drafts_count} that a person sends)"
        return self._say(Action.DRAFT if draft else Action.FILE, row, said, episode)

    def _obstacles(self) -> Iterator[tuple[str, str]]:
        """Yield (row, why) for all that can stand in the way of a new ticket; an empty ``why`` does not."""
        rules, report = self._is.rules, self._is.report
        yield "out of scope", "" if report.verdict.fileable else f"not by itself: {report.verdict.filing}"
        off = report.remote_assistance.state != "on"
        state = "is off" if report.remote_assistance.state == "off" else "could not be told to be on"
        yield "remote assistance", f"Remote Assistance {state}; support requires it" if off else ""
        yield "outside the window", self._is.outside_window
        day = self._within(self._is.filed_at, _DAY_S)
        full = len(day) >= rules.tickets_per_day_count
        yield "daily cap", f"{len(day)} tickets were filed within a day, the most allowed" if full else ""
        pause = self._within(self._is.filed_at, rules.pause_s)
        yield "pause", f"the last ticket is less than {rules.pause_s} s old" if pause else ""
        yield "storm", self._storm()

    def _storm(self) -> str:
        texts = self._within(self._is.said_at, _STORM_S)
        many = len(texts) >= self._is.rules.storm_count
        return f"{len(texts)} texts went out within an hour, the most allowed" if many else ""

    def _returns(self, last: Episode, over_at: datetime) -> bool:
        if last.given_up:  # there is no ticket that it could go to
            return False
        soon = self._is.now - over_at <= timedelta(seconds=self._is.rules.return_within_s)
        known = {told.fingerprint for told in last.told}
        return soon and any(told.fingerprint in known for told in self._now_told)

    def _returned(self, last: Episode) -> Decision:
        """What came back soon after it was over belongs to the same ticket; often, it is flapping."""
        count = last.returns_count + 1
        again = replace(self._seen(last), over_at=None, returns_count=count)
        if count >= self._is.rules.returns_count:
            said = f"{named(self._ours)}: flapping, back for time {count}; {last.key} has been told of it"
            return self._say(Action.HOLD, "flapping", said, replace(again, back_at=self._is.now))
        said = f"{named(self._ours)}: back soon after it was over"
        # What is held is told by a later run: until then the ticket's last word is that it is over.
        return self._update("came back", said, again, held=last)

    # An emergency that is ours, and an open ticket

    def _open(self, episode: Episode) -> Decision:
        before, episode = episode, self._seen(episode)
        known = {told.fingerprint: told for told in episode.told}
        added = [told for told in self._now_told if told.fingerprint not in known]
        if episode.given_up and not episode.draft and any(t.severity >= Severity.EMERGENCY for t in added):
            return self._new()  # nobody will read of it in that ticket
        if episode.over_told:
            back_at = episode.back_at or self._is.now
            episode = replace(episode, back_at=back_at)
            if self._is.now - back_at >= _LASTING:
                said = f"{named(self._ours)}: back for {duration(self._is.now - back_at)} now"
                return self._update("came back", said, episode)
        if returned := self._returned_unseen(before):
            said = f"{titles(returned)}: seen again, long after {episode.key} was told of it"
            owed = {told.fingerprint: told for told in returned}  # while it is held, they stay unseen
            held = replace(episode, told=tuple(owed.get(told.fingerprint, told) for told in episode.told))
            return self._update("came back", said, held)
        worse = [
            t for t in self._now_told if t.fingerprint in known and t.severity > known[t.fingerprint].severity
        ]
        more_urgent = _RANKS.index(self._priority()) > _RANKS.index(episode.priority)
        if added:
            emergencies = [told for told in added if told.severity >= Severity.EMERGENCY]
            if emergencies:
                said = f"{titles(emergencies)}: new beside what {episode.key} tells"
                return self._update("new member", said, episode)
        if worse or more_urgent:
            said = f"{titles(worse) or named(self._ours)}: worse than {episode.key} tells"
            return self._update("worse", said, episode)
        still = {told.fingerprint for told in self._now_told}
        gone = [t for t in episode.told if t.severity >= Severity.EMERGENCY and t.fingerprint not in still]
        if gone:
            said = f"{titles(gone)}: not seen any more; {episode.key} stays open for the rest"
            return self._say(Action.NOTHING, "better", said, episode)
        repeat_s = self._is.rules.repeat_after_s
        if repeat_s and self._is.now - episode.told_at >= timedelta(seconds=repeat_s):
            return self._update("repeat interval", f"{named(self._ours)}: still so", episode)
        return self._say(Action.NOTHING, "unchanged", f"{named(self._ours)}: {episode.key} tells it", episode)

    def _returned_unseen(self, before: Episode) -> list[Told]:
        """Return the emergencies of the ticket that no run has seen for long, and that have begun anew."""
        within = timedelta(seconds=self._is.rules.return_within_s)
        since = {
            fingerprint(finding): incident.since_at
            for incident in self._ours
            for finding in (incident.lead, *incident.others)
        }
        return [
            told
            for told in before.told
            if told.severity >= Severity.EMERGENCY
            and told.fingerprint in since
            and self._is.now - (seen_at := told.seen_at or before.last_bad_at) > within
            and (since[told.fingerprint] or self._is.now) > seen_at
        ]

    def _update(self, row: str, said: str, episode: Episode, held: Episode | None = None) -> Decision:
        """Update the ticket unless its first text has not gone out, or it has heard enough."""
        told = _joined(episode.told, self._now_told)
        rules = self._is.rules
        since_told = self._is.now - episode.told_at
        rested = since_told >= timedelta(seconds=rules.update_pause_s) or since_told < -_AHEAD
        for guard, why in (
            ("waits", "" if episode.delivered else f"{episode.key} has not been delivered yet"),
            ("cap", "" if episode.updates_count < rules.updates_count else "the ticket has all its updates"),
            ("pause", "" if rested else "told a moment ago"),
            ("storm", self._storm()),
        ):
            if why:
                return self._say(Action.HOLD, f"{row}, {guard}", f"{said}; held: {why}", held or episode)
        updated = replace(
            episode,
            told=told,
            told_at=self._is.now,
            priority=max(episode.priority, self._priority(), key=_RANKS.index),
            updates_count=episode.updates_count + 1,
            texts_count=episode.texts_count + 1,
            over_told=False,
            back_at=None,
        )
        return self._say(Action.UPDATE, row, said, updated)

    # Words and pieces

    def _say(self, action: Action, row: str, said: str, episode: Episode | None = None) -> Decision:
        kept = episode if episode is not None else self._episode
        return Decision(action=action, row=row, said=said, episode=kept)

    def _priority(self) -> Priority:
        return self._is.report.verdict.priority or Priority.URGENT

    def _why_ignored(self) -> str:
        rules = [rule for incident in self._ignored if (rule := self._rule_for(incident))]
        return "; ".join(f"ignored until {r.until:%Y-%m-%d %H:%M} UTC: {r.reason}" for r in rules)

    def _rule_for(self, incident: Incident) -> Ignored | None:
        """Return the rule that silences an incident now."""
        for rule in self._is.ignored:
            worse = rule.unless_worse and worst(incident) > rule.severity
            if rule.fingerprint == incident.fingerprint and self._is.now < rule.until and not worse:
                return rule
        return None

    def _within(self, moments: tuple[datetime, ...], seconds: float) -> list[datetime]:
        return [at for at in moments if self._is.now - at < timedelta(seconds=seconds)]

    def _blind_words(self) -> str:
        return listed(self._blind)


def _waits(episode: Episode) -> bool:
    """Return whether the ticket's first text is still on its way: its end is told after it, not before."""
    return not episode.delivered and not episode.given_up


def _bad(episode: Episode) -> Episode:
    return replace(episode, good_runs_count=0, first_good_at=None)


def _told(incident: Incident, now: datetime) -> Iterator[Told]:
    for finding in (incident.lead, *incident.others):
        yield Told(
            fingerprint=fingerprint(finding),
            title=finding.title[:200],
            severity=finding.severity,
            seen_at=now,
        )


def _joined(before: tuple[Told, ...], now: tuple[Told, ...]) -> tuple[Told, ...]:
    """Return all that was ever told, each as it was told last."""
    both = {told.fingerprint: told for told in before} | {told.fingerprint: told for told in now}
    return tuple(both.values())
