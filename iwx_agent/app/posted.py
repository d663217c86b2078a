"""What became of the texts that a run has tried to send, and of those of earlier runs."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from iwx_agent.model.steering import OutboxLine
from iwx_agent.outbox.machine import State
from iwx_agent.outbox.sending import Kept
from iwx_agent.outbox.shelf import entry_of
from iwx_agent.state.contract import KeptText
from iwx_agent.state.door import StateError

NEWEST_COUNT = 50  # texts that are looked at for one that has failed


class Posted(Struct, frozen=True, kw_only=True):
    """The texts that were moved, and what a person has to know."""

    moved: tuple[Kept, ...] = ()
    said: tuple[str, ...] = ()

    @property
    def undelivered(self) -> bool:
        """Return whether a text was tried and nobody has surely accepted it."""
        return any(kept.entry.state is not State.SENT for kept in self.moved)

    def lines(self, now: datetime) -> tuple[OutboxLine, ...]:
        """Return each text in short."""
        if not self.moved:
            return ()
        from iwx_agent.app.outbox import line_of

        return tuple(line_of(kept.entry.key, kept.entry, now) for kept in self.moved)


def any_undelivered(texts: Iterable[KeptText]) -> bool:
    """Return whether a text was tried and nobody has surely accepted it, and no person has dropped it.

    A draft is a person's, and what was not tried yet is only new. What waits and cannot be read is not sent.
    """
    return any(_is_undelivered(text) for text in texts)


def _is_undelivered(text: KeptText) -> bool:
    try:
        entry = entry_of(text)
    except StateError:
        return not text.ended
    tried = entry.state in (State.QUEUED, State.UNCERTAIN) and bool(entry.attempts)
    return tried or entry.state in (State.SENDING, State.FAILED)
