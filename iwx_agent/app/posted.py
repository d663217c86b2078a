"""What became of the texts that a run has tried to send."""

from datetime import datetime

from msgspec import Struct

from iwx_agent.model.steering import OutboxLine
from iwx_agent.outbox.machine import State
from iwx_agent.outbox.sending import Kept


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
