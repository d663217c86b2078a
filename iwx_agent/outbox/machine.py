"""The life of one text that is to be sent, as a pure state machine.

Written down before the first attempt, and after each step: whoever is killed at any point leaves an entry
that tells what is not known. An attempt of which nobody knows whether it was accepted is *uncertain*: it is
looked for before anything is sent again. Where nobody can look, it is sent once more, marked as a possible
duplicate, and never a second time. docs/explanation/outbox.md has the picture.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model.sending import OutboxRules
from iwx_agent.transports.contract import CannotLook, NotFound, Receipt, Undelivered

_SAID_CHARACTERS = 300
_AHEAD = timedelta(minutes=5)  # what lies further ahead than that was noted by a clock that was wrong
_UNKNOWN = ("uncertain", "in doubt")  # endings after which it may be there
_ATTEMPTS_KEPT = 50  # and all of the last day, which are counted


class State(StrEnum):
    """Where an entry is; the last three are ends."""

    DRAFT = "draft"  # a person has to send or drop it
    QUEUED = "queued"
    SENDING = "sending"  # an attempt is under way, or was when the agent was killed
    UNCERTAIN = "uncertain"  # it may have been accepted
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"  # by a person, or no longer needed


ENDS = frozenset({State.SENT, State.FAILED, State.DROPPED})


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt or one look: when, by which transport, how it ended, what was said."""

    at: datetime
    transport: str
    ending: str
    said: str = ""


class Entry(Struct, frozen=True, kw_only=True):
    """One text on its way. ``chain`` names the transports in order, ``position`` the one that is tried.

    ``due_at`` is when the next step may be made; None when only a person can make one. ``refused_by`` are the
    transports that have refused it for good, and ``closed_until`` is when others may be asked again.
    ``repeated`` says that it has been sent a second time without knowing of the first. ``copy`` is where it
    lies on this server for a person to paste.
    """

    key: str
    chain: tuple[str, ...]
    state: State
    created_at: datetime
    due_at: datetime | None
    position: int = 0
    later_count: int = 0  # how often it was put off
    looks_count: int = 0
    repeated: bool = False
    reference: str = ""
    url: str = ""
    copy: str = ""
    refused_by: tuple[str, ...] = ()
    closed_until: dict[str, datetime] = {}
    attempts: tuple[Attempt, ...] = ()

    @property
    def transport(self) -> str:
        """Return the transport that is tried, or that the unknown attempt was made by."""
        return self.chain[self.position]


class Outbox:
    """The moves. ``jitter`` is a number from 0.5 to 1.5 that the caller draws: servers must not beat time."""

    def __init__(self, rules: OutboxRules, now: datetime, jitter: float = 1.0) -> None:
        self._rules = rules
        self._now = now
        self._jitter = min(max(jitter, 0.5), 1.5)

    def is_due(self, entry: Entry) -> bool:
        """Return whether there is a step to make now."""
        if entry.state not in (State.QUEUED, State.UNCERTAIN) or entry.due_at is None:
            return False
        return (entry.due_at <= self._now or self._went_back(entry)) and not self._spent(entry)

    def approved(self, entry: Entry, chain: tuple[str, ...] = ()) -> Entry:
        """A person sends a draft, or wants what failed or is held to be tried now; by this ``chain``."""
        if entry.state in (State.DRAFT, State.FAILED):
            return replace(
                entry,
                state=State.QUEUED,
                due_at=self._now,
                chain=chain or entry.chain,
                position=0,
                later_count=0,
                looks_count=0,
                refused_by=(),
                closed_until={},
            )
        if entry.state is State.UNCERTAIN:
            return replace(entry, due_at=self._now, looks_count=0)
        return replace(entry, due_at=self._now) if entry.state is State.QUEUED else entry

    def dropped(self, entry: Entry, said: str) -> Entry:
        """It is not needed any more; what is being sent or was sent cannot be dropped."""
        if entry.state in (State.SENDING, State.SENT):
            return entry
        return replace(self._noted(entry, "dropped", said), state=State.DROPPED, due_at=None)

    def begun(self, entry: Entry) -> Entry:
        """An attempt begins: this is kept before the first byte goes out."""
        if entry.state is not State.QUEUED:
            raise ValueError(f"{entry.key} is {entry.state}, not queued")
        return replace(entry, state=State.SENDING, due_at=None)

    def lost(self, entry: Entry) -> Entry:
        """Whoever was sending has ended without a word: nobody knows."""
        if entry.state is not State.SENDING:
            raise ValueError(f"{entry.key} is {entry.state}, not being sent")
        return self._uncertain(entry, "the agent ended while it was sending")

    def accepted(self, entry: Entry, receipt: Receipt) -> Entry:
        """The other side has it."""
        noted = self._noted(entry, "sent", receipt.said)
        return replace(
            noted, state=State.SENT, due_at=None, reference=receipt.reference[:200], url=receipt.url[:1000]
        )

    def in_doubt(self, entry: Entry, said: str) -> Entry:
        """It may have been sent before, by an outbox that is lost: look first; if nobody can, mark it."""
        return replace(self._noted(entry, "in doubt", said), state=State.UNCERTAIN, due_at=self._now)

    def refused(self, entry: Entry, error: Undelivered) -> Entry:
        """An attempt ended without acceptance, or without anybody knowing."""
        if error.kind == "uncertain":
            return self._uncertain(entry, error.why)
        noted = self._noted(entry, error.kind, error.why)
        if error.kind == "later":
            return self._unknown_again(self._later(noted, error.retry_after_s))
        return self._next_transport(noted)

    def looked(self, entry: Entry, found: Receipt | NotFound | CannotLook) -> Entry:
        """An uncertain attempt was looked for."""
        if entry.state is not State.UNCERTAIN:
            raise ValueError(f"{entry.key} is {entry.state}, not uncertain")
        if isinstance(found, Receipt):
            return self.accepted(entry, found)
        if isinstance(found, NotFound):  # surely not there: the attempt is as if it had not been
            noted = self._noted(entry, "not found", found.said)
            # Another transport of a lost outbox may have sent it.
            elsewhere = len(entry.chain) > 1 and any(one.ending == "in doubt" for one in entry.attempts)
            repeated = entry.repeated or elsewhere
            return replace(noted, state=State.QUEUED, due_at=self._now, looks_count=0, repeated=repeated)
        noted = self._noted(entry, "cannot look", found.reason)
        return self._unseen(replace(noted, looks_count=entry.looks_count + 1))

    def _uncertain(self, entry: Entry, said: str) -> Entry:
        due_at = self._now + timedelta(seconds=self._rules.look_after_s)
        noted = self._noted(entry, "uncertain", said)
        return replace(noted, state=State.UNCERTAIN, due_at=due_at, looks_count=0)

    def _unseen(self, entry: Entry) -> Entry:
        """Nobody could look: wait, then send once more with a mark; after that only a person can help.

        What was not sent yet by this outbox is not waited for.
        """
        began = next((a.at for a in reversed(entry.attempts) if a.ending == "uncertain"), None)
        patient = began is not None and (
            -_AHEAD <= self._now - began < timedelta(seconds=self._rules.repeat_after_s)
            or entry.looks_count < self._rules.looks_count
        )
        if patient:
            return replace(entry, due_at=self._now + timedelta(seconds=self._wait_s(entry.looks_count)))
        if entry.repeated:
            return replace(entry, due_at=None)
        return replace(entry, state=State.QUEUED, due_at=self._now, repeated=True, looks_count=0)

    def _unknown_again(self, entry: Entry) -> Entry:
        """A second copy that was surely not taken leaves the first as unknown as it was: look before another.

        Else what was accepted just before an outage would be sent again after it, by one who could look.
        """
        unknown = next((a.transport for a in reversed(entry.attempts) if a.ending in _UNKNOWN), None)
        if not entry.repeated or entry.transport != unknown:
            return entry
        return replace(entry, state=State.UNCERTAIN, repeated=False, looks_count=self._rules.looks_count)

    def _later(self, entry: Entry, retry_after_s: float) -> Entry:
        """Put off: the same again, and when that went on, or would go on, for long enough, all in turn."""
        count = entry.later_count + 1
        wait_s = max(retry_after_s, self._wait_s(count))
        closed = entry.closed_until | {entry.transport: self._now + timedelta(seconds=wait_s)}
        put_off = replace(entry, state=State.QUEUED, later_count=count, closed_until=closed)
        patience_s = self._wait_s(self._rules.later_count)
        if count < self._rules.later_count and wait_s <= max(patience_s, self._wait_s(count)):
            return replace(put_off, due_at=closed[entry.transport])
        return self._turn(put_off)

    def _next_transport(self, entry: Entry) -> Entry:
        """Nothing was accepted here, and that is sure: the next one may try at once."""
        return self._turn(replace(entry, refused_by=(*entry.refused_by, entry.transport)))

    def _turn(self, entry: Entry) -> Entry:
        """Go on to the next transport that has not refused it; each is asked when it may be, not before."""
        order = (*range(entry.position + 1, len(entry.chain)), *range(entry.position + 1))
        due = {
            place: max(self._now, entry.closed_until.get(entry.chain[place], self._now))
            for place in order
            if entry.chain[place] not in entry.refused_by
        }
        if not due:
            return replace(entry, state=State.FAILED, due_at=None)
        soonest = min(due, key=lambda place: due[place])
        return replace(entry, state=State.QUEUED, due_at=due[soonest], position=soonest)

    def _wait_s(self, count: int) -> float:
        doubled = self._rules.first_wait_s * 2 ** min(count - 1, 20)
        return float(min(doubled, self._rules.longest_wait_s)) * self._jitter

    def _spent(self, entry: Entry) -> bool:
        return len(self._of_a_day(entry)) >= self._rules.attempts_per_day_count

    def _noted(self, entry: Entry, ending: str, said: str) -> Entry:
        attempt = Attempt(
            at=self._now, transport=entry.transport, ending=ending, said=said[:_SAID_CHARACTERS]
        )
        recent_count = len(self._of_a_day(entry)) + 1
        kept = (*entry.attempts, attempt)[-max(_ATTEMPTS_KEPT, recent_count) :]
        closed = {} if self._went_back(entry) else entry.closed_until
        return replace(entry, attempts=kept, closed_until=closed)

    def _of_a_day(self, entry: Entry) -> list[Attempt]:
        return [one for one in entry.attempts if -_AHEAD <= self._now - one.at < timedelta(days=1)]

    def _went_back(self, entry: Entry) -> bool:
        """Return whether the clock was ahead when the last step was made: then no time of it holds."""
        last = entry.attempts[-1].at if entry.attempts else entry.created_at
        return last > self._now + _AHEAD
