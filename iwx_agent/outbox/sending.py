"""Carry what waits in the outbox one step further, or as many as can be made now.

Each move is kept before the next byte goes out and after each answer. So whoever is killed in between leaves
an entry that is *being sent*; the next run takes it for lost, looks for it, and sends it again only when it
is surely not there, or once, marked. Only one process may send at a time: the caller holds the lock.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.model.sending import OutboxRules
from iwx_agent.outbox.machine import ENDS, Entry, Outbox, State
from iwx_agent.transports.contract import CannotLook, Letter, NotFound, Receipt, Transport, Undelivered
from iwx_agent.transports.wording import letter_id, marked

_MOVES_COUNT = 10  # per entry and run: a whole chain is tried at once, and nothing goes round for ever
_LEAST_S = 5.0  # an attempt is not begun with less


class Kept(Struct, frozen=True, kw_only=True):
    """An entry with its text; ``version`` counts the moves that were kept."""

    entry: Entry
    letter: Letter
    version: int


class Shelf(Protocol):
    """Where entries are kept so that a crash does not lose them."""

    def waiting(self) -> tuple[Kept, ...]:
        """Return what is not at an end, the oldest first."""
        ...

    def move(self, kept: Kept, entry: Entry) -> Kept | None:
        """Keep an entry's next state for good; None when it was moved since ``kept`` was read."""
        ...


class Sender:
    """Sends by the transports that are configured now, within the time that is left.

    ``now`` is the server's clock, ``jitter`` draws a number from 0.5 to 1.5, ``left_s`` is what is left of
    the run's time and ``attempt_s`` the most that one attempt or look may take. ``instead`` names those that
    may send a new ticket whose own transport is not configured any more.
    """

    def __init__(
        self,
        shelf: Shelf,
        transports: Mapping[str, Transport],
        rules: OutboxRules,
        *,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        left_s: Callable[[], float],
        attempt_s: float = 60.0,
        instead: tuple[str, ...] = (),
    ) -> None:
        self._shelf = shelf
        self._transports = transports
        self._rules = rules
        self._now = now
        self._jitter = jitter
        self._left_s = left_s
        self._attempt_s = attempt_s
        self._instead = instead

    def run(self) -> tuple[Kept, ...]:
        """Make every move that is due; return the entries that were moved, as they are now.

        What cannot be kept raises what the shelf raises: nothing is sent that is not written down first.
        """
        moved = []
        held: set[str] = set()  # tickets of which an earlier text waits: what is said to one keeps its order
        for kept in self._shelf.waiting():
            reference = kept.letter.reference
            if reference and reference in held:
                continue
            last = self._carry(kept)
            if last is None or _goes_on(last.entry):
                held.add(reference)
            if last is not None and last != kept:
                moved.append(last)
        return tuple(moved)

    def _carry(self, kept: Kept) -> Kept | None:
        """Move one entry on while something is due; None when another process has it."""
        for _ in range(_MOVES_COUNT):
            if kept.entry.state is State.SENDING:
                following = self._shelf.move(kept, self._moves().lost(kept.entry))
            elif not self._moves().is_due(kept.entry) or self._left_s() < _LEAST_S:
                return kept
            elif kept.entry.state is State.UNCERTAIN:
                found = self._look(kept)
                following = self._shelf.move(kept, self._moves().looked(kept.entry, found))
            else:
                following = self._attempt(kept)
            if following is None:
                return None
            kept = following
        return kept

    def _attempt(self, kept: Kept) -> Kept | None:
        begun = self._shelf.move(kept, self._moves().begun(self._rerouted(kept)))
        if begun is None:
            return None
        try:
            receipt = self._deliver(begun)
        except Undelivered as error:
            return self._shelf.move(begun, self._moves().refused(begun.entry, error))
        return self._shelf.move(begun, self._moves().accepted(begun.entry, receipt))

    def _rerouted(self, kept: Kept) -> Entry:
        """Let a new ticket go by what is configured now; what is said to an open one goes where that is."""
        entry = kept.entry
        if entry.transport in self._transports or kept.letter.reference:
            return entry
        others = tuple(name for name in self._instead if name not in entry.chain)
        return replace(entry, chain=(*entry.chain, *others))

    def _deliver(self, kept: Kept) -> Receipt:
        name = kept.entry.transport
        transport = self._transports.get(name)
        if transport is None:
            raise Undelivered("permanent", name, "it is not configured any more")
        letter = marked(kept.letter) if kept.entry.repeated else kept.letter
        try:
            return transport.deliver(letter, limit_s=self._limit_s())
        except Undelivered:
            raise
        except Exception as error:  # a defect: whether anything went out is not known
            raise Undelivered("uncertain", name, f"a defect: {type(error).__name__}") from error

    def _look(self, kept: Kept) -> Receipt | NotFound | CannotLook:
        name = kept.entry.transport
        transport = self._transports.get(name)
        if transport is None:
            return CannotLook(reason=f"{name} is not configured any more")
        try:
            return transport.look_up(letter_id(kept.letter), limit_s=self._limit_s())
        except Exception as error:  # noqa: BLE001 - a defect must not stop the others
            return CannotLook(reason=f"a defect: {type(error).__name__}")

    def _limit_s(self) -> float:
        return min(self._attempt_s, self._left_s())

    def _moves(self) -> Outbox:
        return Outbox(self._rules, self._now(), self._jitter())


def _goes_on(entry: Entry) -> bool:
    """Return whether it waits for a step that is made by itself; a person's may never be made."""
    return entry.state is State.SENDING or (entry.state not in ENDS and entry.due_at is not None)
