"""What sending has to remember, and how it is changed: together or not at all, and by one process at a time.

What can be changed has a version. Who changes it names the version that was read; when another process has
changed it since, nothing is done and ``commit`` says so. So an attempt to send is begun by one process only.
"""

from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from iwx_agent.model.episode import Episode, Ignored

EventKind = Literal[
    "filed",  # a new ticket was given to the outbox
    "said",  # a further text to one was
    "draft",  # a draft was made
    "decision",  # what ``auto`` decided after a run, and why
    "assistance",  # how Remote Assistance stood, when that had changed
    "lost",  # what had been kept before was damaged, and is not known any more
]


class KeptEpisode(Struct, frozen=True, kw_only=True):
    """An episode and the version that was read."""

    episode: Episode
    version: int


class KeptText(Struct, frozen=True, kw_only=True):
    """A text on its way, as bytes that the outbox can read; no letter where it was not asked for."""

    key: str
    version: int
    ended: bool
    entry: bytes
    letter: bytes = b""


class Event(Struct, frozen=True, kw_only=True):
    """Something that happened; times to the second."""

    at: datetime
    kind: EventKind
    key: str = ""
    said: str = ""


class KeepEpisode(Struct, frozen=True, kw_only=True):
    """Keep an episode instead of the ``version`` that was read, 0 for a new one."""

    episode: Episode
    version: int = 0


class AddText(Struct, frozen=True, kw_only=True):
    """Put a new text into the outbox."""

    key: str
    entry: bytes
    letter: bytes


class MoveText(Struct, frozen=True, kw_only=True):
    """Keep a text's next state instead of the ``version`` that was read; ``ended``: nobody waits for it."""

    key: str
    version: int
    entry: bytes
    ended: bool


class Note(Struct, frozen=True, kw_only=True):
    """Remember that something happened."""

    event: Event


class Ignore(Struct, frozen=True, kw_only=True):
    """Ignore an incident from now on, instead of an earlier rule for it."""

    rule: Ignored


class Heed(Struct, frozen=True, kw_only=True):
    """Do not ignore an incident any more."""

    fingerprint: str


Change = KeepEpisode | AddText | MoveText | Note | Ignore | Heed


class Past(Struct, frozen=True, kw_only=True):
    """What a decision rests on: the last episode, and what was filed and said since some time.

    ``said_at`` has the new tickets, too. ``drafts_count`` counts all drafts that there have ever been.
    """

    episode: KeptEpisode | None = None
    ignored: tuple[Ignored, ...] = ()
    filed_at: tuple[datetime, ...] = ()
    said_at: tuple[datetime, ...] = ()
    drafts_count: int = 0


class Store(Protocol):
    """What sending remembers. Everything raises StateError when it cannot be had or kept."""

    def past(self, since: datetime) -> Past:
        """Return what a decision rests on."""
        ...

    def commit(self, *changes: Change) -> bool:
        """Keep all the changes for good, or none: false when something was changed since it was read."""
        ...

    def waiting(self) -> tuple[KeptText, ...]:
        """Return the texts that are not at an end, the oldest first, without their letters."""
        ...

    def texts(self, count: int) -> tuple[KeptText, ...]:
        """Return the newest texts, the newest first, without their letters."""
        ...

    def text(self, key: str) -> KeptText | None:
        """Return one text with its letter; None when there is none."""
        ...

    def events(self, kind: EventKind, count: int) -> tuple[Event, ...]:
        """Return the newest events of a kind, the newest first."""
        ...
