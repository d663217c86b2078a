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

from iwx_agent.transports.contract import CannotLook, NotFound, Receipt, Undelivered

_SAID_CHARACTERS = 300
_ATTEMPTS_KEPT = 50


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


class OutboxRules(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How patient sending is; times in seconds."""

    first_wait_s: int = 60  # before the second attempt; doubled each time
    longest_wait_s: int = 3600
    later_count: int = 4  # attempts put off by one transport before the next one is tried as well
    look_after_s: int = 120  # an accepted ticket may take so long to be listed
    looks_count: int = 5  # lookups without an answer before the text is sent once more
    repeat_after_s: int = 1800  # where nobody can look, before the text is sent once more
    attempts_per_day_count: int = 50  # per entry


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt or one look: when, by which transport, how it ended, what was said."""

    at: datetime
    transport: str
    ending: str
    said: str = ""


class Entry(Struct, frozen=True, kw_only=True):
    """One text on its way. ``chain`` names the transports in order, ``position`` the one that is tried.

    ``due_at`` is when the next step may be made; None when only a person can make one. ``repeated`` says that
    it has been sent a second time without knowing of the first.
    """

    key: str
    chain: tuple[str, ...]
    state: State
    created_at: datetime
    due_at: datetime | None
    position: int = 0
    later_count: int = 0  # how often the present transport has put it off
    looks_count: int = 0
    repeated: bool = False
    reference: str = ""
    url: str = ""
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
        waiting = entry.state in (State.QUEUED, State.UNCERTAIN)
        return waiting and entry.due_at is not None and entry.due_at <= self._now and not self._spent(entry)

    def approved(self, entry: Entry) -> Entry:
        """A person sends a draft, or wants what has failed or is held to be tried again now."""
        if entry.state in (State.DRAFT, State.FAILED):
            return replace(
                entry, state=State.QUEUED, due_at=self._now, position=0, later_count=0, looks_count=0
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

    def refused(self, entry: Entry, error: Undelivered) -> Entry:
        """An attempt ended without acceptance, or without anybody knowing."""
        if error.kind == "uncertain":
            return self._uncertain(entry, error.why)
        noted = self._noted(entry, error.kind, error.why)
        if error.kind == "later":
            return self._later(noted, error.retry_after_s)
        return self._next_transport(noted)

    def looked(self, entry: Entry, found: Receipt | NotFound | CannotLook) -> Entry:
        """An uncertain attempt was looked for."""
        if entry.state is not State.UNCERTAIN:
            raise ValueError(f"{entry.key} is {entry.state}, not uncertain")
        if isinstance(found, Receipt):
            return self.accepted(entry, found)
        if isinstance(found, NotFound):  # surely not there: the attempt is as if it had not been
            noted = self._noted(entry, "not found", found.said)
            return replace(noted, state=State.QUEUED, due_at=self._now, looks_count=0)
        noted = self._noted(entry, "cannot look", found.reason)
        return self._unseen(replace(noted, looks_count=entry.looks_count + 1))

    def _uncertain(self, entry: Entry, said: str) -> Entry:
        due_at = self._now + timedelta(seconds=self._rules.look_after_s)
        noted = self._noted(entry, "uncertain", said)
        return replace(noted, state=State.UNCERTAIN, due_at=due_at, looks_count=0)

    def _unseen(self, entry: Entry) -> Entry:
        """Nobody could look: wait, then send once more with a mark; after that only a person can help."""
        if entry.repeated:
            return replace(entry, due_at=None)
        unknown = (a.at for a in reversed(entry.attempts) if a.ending == "uncertain")
        began = next(unknown, entry.created_at)
        patient = self._now - began < timedelta(seconds=self._rules.repeat_after_s)
        if patient or entry.looks_count < self._rules.looks_count:
            return replace(entry, due_at=self._now + timedelta(seconds=self._wait_s(entry.looks_count)))
        return replace(entry, state=State.QUEUED, due_at=self._now, repeated=True, looks_count=0)

    def _later(self, entry: Entry, retry_after_s: float) -> Entry:
        count = entry.later_count + 1
        if count >= self._rules.later_count and entry.position + 1 < len(entry.chain):
            return self._next_transport(entry)
        wait_s = max(retry_after_s, self._wait_s(count))
        due_at = self._now + timedelta(seconds=wait_s)
        return replace(entry, state=State.QUEUED, due_at=due_at, later_count=count)

    def _next_transport(self, entry: Entry) -> Entry:
        """Nothing was accepted here, and that is sure: the next one may try at once."""
        if entry.position + 1 >= len(entry.chain):
            return replace(entry, state=State.FAILED, due_at=None)
        following = entry.position + 1
        return replace(entry, state=State.QUEUED, due_at=self._now, position=following, later_count=0)

    def _wait_s(self, count: int) -> float:
        doubled = self._rules.first_wait_s * 2 ** min(count - 1, 20)
        return float(min(doubled, self._rules.longest_wait_s)) * self._jitter

    def _spent(self, entry: Entry) -> bool:
        day = [attempt for attempt in entry.attempts if self._now - attempt.at < timedelta(days=1)]
        return len(day) >= self._rules.attempts_per_day_count

    def _noted(self, entry: Entry, ending: str, said: str) -> Entry:
        attempt = Attempt(
            at=self._now, transport=entry.transport, ending=ending, said=said[:_SAID_CHARACTERS]
        )
        return replace(entry, attempts=(*entry.attempts, attempt)[-_ATTEMPTS_KEPT:])
