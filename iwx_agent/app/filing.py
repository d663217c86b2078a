"""From a decision to what is kept together: letter, entry in the outbox, episode, and what is noted."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model import Incident, Report, Severity
from iwx_agent.model.episode import Action, Decision, Episode, Told
from iwx_agent.model.sending import LOST_FOR, OutboxRules
from iwx_agent.model.steering import decision_written
from iwx_agent.model.ticket import TicketLimits
from iwx_agent.outbox.machine import Entry, Outbox, State
from iwx_agent.outbox.sending import Kept
from iwx_agent.outbox.shelf import StoreShelf, adding, moving
from iwx_agent.rendering.ticket import further
from iwx_agent.rendering.ticket.fields import key_of, ticket_of
from iwx_agent.rendering.ticket.summary import lead_of
from iwx_agent.state.contract import Change, Event, EventKind, KeepEpisode, KeptEpisode, Note, Past, Store
from iwx_agent.state.door import StateError
from iwx_agent.transports.contract import Attachment, Letter
from iwx_agent.triage.decision_words import lasting
from iwx_agent.triage.incidents import fingerprint

_DAY = timedelta(days=1)
_NUMBERS_COUNT = 1000
_DOUBT = "it may have been filed before what was kept was found damaged"
_PASSED_ON = (State.QUEUED, State.SENDING, State.UNCERTAIN)


class Author(Struct, frozen=True, kw_only=True):
    """How letters are written, in whose name, and by which ways they go, in order."""

    ways: tuple[str, ...] = ("file",)
    name: str = ""
    mail: str = ""
    limits: TicketLimits = TicketLimits()


class Known(Struct, frozen=True, kw_only=True):
    """What the store tells before a decision, with what became of the last episode's ticket."""

    past: Past
    lost_at: datetime | None = None  # when what was kept before was found damaged
    first: Kept | None = None  # the first text of the last episode

    @property
    def episode(self) -> Episode | None:
        """Return the last episode as it is now."""
        return self.past.episode.episode if self.past.episode is not None else None

    @property
    def open_episode(self) -> Episode | None:
        """Return the episode that is not over; None when there is none."""
        episode = self.episode
        return episode if episode is not None and episode.over_at is None else None


def known_of(store: Store, now: datetime) -> Known:
    """Return what a decision rests on.

    Raises:
        StateError: it cannot be read.
    """
    past = store.past(now - _DAY)
    lost_at = next((event.at for event in store.events("lost", 1)), None)
    if past.episode is None:
        return Known(past=past, lost_at=lost_at)
    episode = past.episode.episode
    try:
        first = StoreShelf(store).ticket(episode.key)
    except StateError as error:
        if error.kind != "damaged":
            raise
        return Known(past=replace(past, episode=None), lost_at=now)  # whether it was sent is not known
    if first is not None:
        state = first.entry.state
        stuck = state is State.UNCERTAIN and first.entry.due_at is None
        episode = replace(
            episode,
            delivered=state is State.SENT,
            given_up=stuck or state not in (State.SENT, *_PASSED_ON),
            draft=state is State.DRAFT,
        )
    kept = KeptEpisode(episode=episode, version=past.episode.version)
    return Known(past=replace(past, episode=kept), lost_at=lost_at, first=first)


def free_number(store: Store, report: Report) -> int:
    """Return the number that makes the key of a new ticket one that none has; mostly 1.

    A text that is there comes whole: it is asked for only where there may be a new ticket.
    """
    numbers = range(1, _NUMBERS_COUNT)
    return next(n for n in numbers if store.text(key_of(report, number=n)) is None)


class Writing:
    """Writes what one run has to say; ``attach`` makes the attachments, for a new ticket only."""

    def __init__(
        self,
        report: Report,
        author: Author,
        now: datetime,
        attach: Callable[[], tuple[Attachment, ...]] = tuple,
    ) -> None:
        self._report = report
        self._author = author
        self._now = now
        self._attach = attach

    def new(self, number: int = 1) -> Letter:
        """Return the letter of a new ticket."""
        ticket = ticket_of(self._report, self._author.limits, number=number)
        return Letter(
            key=ticket.key,
            category=ticket.category,
            ip_address_or_hostname=ticket.ip_address_or_hostname,
            assistance=ticket.assistance,
            subject=ticket.subject,
            message=ticket.message,
            priority=ticket.priority,
            sender_name=self._author.name,
            sender_mail=self._author.mail,
            attachments=self._attach(),
            written_at=self._now.timestamp(),
        )

    def changes(self, decision: Decision, known: Known, number: int) -> list[Change]:
        """Return all that is kept of a decision of ``auto``; nothing is sent yet."""
        key = decision.episode.key if decision.episode is not None else ""
        return [
            _note(self._now, "decision", decision_written(decision), key),
            *self.kept(decision, known, number),
        ]

    def kept(self, decision: Decision, known: Known, number: int) -> list[Change]:
        """Return what is kept of a decision but that it was one."""
        episode = decision.episode
        if episode is None:
            return []
        made: list[Change] = []
        version = known.past.episode.version if known.past.episode is not None else 0
        match decision.action:
            case Action.FILE | Action.DRAFT:
                version = 0
                draft = decision.action is Action.DRAFT
                made += [
                    *self.by_hand(number, draft=draft, doubted=self._doubted(episode, known.lost_at)),
                    _note(self._now, "draft" if draft else "filed", decision.said, episode.key),
                ]
            case Action.UPDATE | Action.RECOVERY:
                entry = self._entry(name_of(episode), (_first(known).entry.transport,))
                letter = self.further(decision, known)
                made += [adding(entry, letter), _note(self._now, "said", decision.said, episode.key)]
            case _ if decision.row == "over" and known.first is not None:
                made += taken_back(known.first, self._now, decision.said)
        if episode != known.episode:
            made.append(KeepEpisode(episode=episode, version=version))
        return made

    def by_hand(self, number: int, *, draft: bool = False, doubted: bool = False) -> list[Change]:
        """Return what puts a new ticket into the outbox; ``doubted``: it may have been filed before."""
        letter = self.new(number)
        entry = self._entry(letter.key, self._author.ways)
        if draft:
            entry = replace(entry, state=State.DRAFT, due_at=None)
        elif doubted and number == 1 and _tells_its_day(self._report):
            entry = Outbox(OutboxRules(), self._now).in_doubt(entry, _DOUBT)
        elif doubted:  # the key may be an older ticket's, or one that the lost one did not have: marked only
            entry = replace(entry, repeated=True)
        return [adding(entry, letter)]

    def _doubted(self, episode: Episode, lost_at: datetime | None) -> bool:
        """Return whether an emergency may have been filed before: it began before what was kept was lost."""
        if lost_at is None or self._now - lost_at > LOST_FOR:
            return False
        known_to_be_new = lost_at < episode.began_at < self._now
        return not known_to_be_new

    def further(self, decision: Decision, known: Known) -> Letter:
        """Return the letter of an update or a recovery, which goes to the ticket that is open."""
        first, episode = _first(known), decision.episode
        if episode is None:
            raise ValueError("no ticket is open")
        write = self._recovery if decision.action is Action.RECOVERY else self._update
        letter = first.letter if first.letter.subject else self._again(episode.key)
        return replace(
            letter,
            message=write(episode, known, decision),
            priority=str(episode.priority),
            assistance=ticket_of(self._report, self._author.limits).assistance,
            reference=first.entry.reference or first.letter.key,
            page=first.entry.url,
            attachments=(),
            written_at=self._now.timestamp(),
        )

    def _again(self, key: str) -> Letter:
        """Return what the letter of a ticket, which cannot be read any more, has in common with a new one."""
        new = Writing(self._report, self._author, self._now).new()
        return replace(new, key=key, subject=new.subject.replace(new.key, key))

    def _entry(self, key: str, chain: tuple[str, ...]) -> Entry:
        return Entry(key=key, chain=chain, state=State.QUEUED, created_at=self._now, due_at=self._now)

    def _update(self, episode: Episode, known: Known, decision: Decision) -> str:
        before = known.episode
        told = before.told if before is not None and before.over_at is None else ()
        fresh, still, gone = _apart(self._report.incidents, told)
        return further.update(
            self._report,
            further.Further(key=episode.key, name=name_of(episode), said=decision.said),
            self._author.limits.message_characters,
            fresh=fresh,
            still=still,
            gone=gone,
        )

    def _recovery(self, episode: Episode, _: Known, decision: Decision) -> str:
        outage = further.Outage(
            began_at=episode.began_at,
            last_bad_at=episode.last_bad_at,
            first_good_at=episode.first_good_at or self._now,
            lasted=lasting(episode),
            titles=tuple(told.title for told in episode.told if told.severity >= Severity.EMERGENCY),
        )
        text = further.Further(key=episode.key, name=name_of(episode), said=decision.said)
        return further.recovery(self._report, text, self._author.limits.message_characters, outage)


def _tells_its_day(report: Report) -> bool:
    """Return whether the key of the report's ticket has the day in it on which it began."""
    lead = lead_of(report)
    return lead is not None and lead.since_at is not None


def _apart(
    incidents: Iterable[Incident], told: tuple[Told, ...]
) -> tuple[list[Incident], list[str], list[str]]:
    """Return incidents with something new or worse in them, and the titles told before: still so, gone."""
    known = {one.fingerprint: one for one in told}
    fresh, seen = [], set()
    for incident in incidents:
        findings = {fingerprint(finding): finding for finding in (incident.lead, *incident.others)}
        seen |= set(findings)
        if any(
            name not in known or finding.severity > known[name].severity for name, finding in findings.items()
        ):
            fresh.append(incident)
    shown = {fingerprint(f) for incident in fresh for f in (incident.lead, *incident.others)}
    still = [one.title for one in told if one.fingerprint in seen - shown]
    gone = [one.title for one in told if one.fingerprint not in seen]
    return fresh, still, gone


def taken_back(first: Kept, now: datetime, said: str) -> list[Change]:
    """Return the change that takes back a draft that nobody has sent; nothing for another text."""
    if first.entry.state is not State.DRAFT:
        return []
    return [moving(first, Outbox(OutboxRules(), now).dropped(first.entry, said))]


def _first(known: Known) -> Kept:
    if known.first is None:
        raise ValueError("no ticket is open")
    return known.first


def name_of(episode: Episode) -> str:
    """Return the key of the episode's newest text."""
    return f"{episode.key}-{episode.texts_count}"


def _note(now: datetime, kind: EventKind, said: str, key: str) -> Note:
    return Note(event=Event(at=now, kind=kind, key=key, said=said))
