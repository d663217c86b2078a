"""Where the outbox's entries are kept: the store of ``iwx_agent.state``, which knows them as bytes only."""

import msgspec
from msgspec.structs import replace

from iwx_agent.outbox.machine import ENDS, Entry
from iwx_agent.outbox.sending import Kept
from iwx_agent.state.contract import AddText, Change, KeptText, MoveText, Store
from iwx_agent.state.door import StateError
from iwx_agent.state.reading import decoded
from iwx_agent.transports.contract import Letter


class StoreShelf:
    """A ``Shelf`` in a store. ``damaged`` says what cannot be read, which stops nothing else."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.damaged: tuple[str, ...] = ()

    def waiting(self) -> tuple[Kept, ...]:
        """Return what is not at an end, the oldest first."""
        found = []
        damaged = []
        for text in self._store.waiting():
            try:
                kept = self.one(text.key)
            except StateError as error:
                if error.kind != "damaged":
                    raise
                damaged.append(error.why)
            else:
                if kept is None:
                    damaged.append(f"what is kept of {text.key} is damaged: its key is")
                elif kept.entry.state not in ENDS:
                    found.append(kept)
        self.damaged = tuple(damaged)
        return tuple(found)

    def move(self, kept: Kept, entry: Entry) -> Kept | None:
        """Keep an entry's next state for good; None when it was moved since ``kept`` was read."""
        if not self._store.commit(moving(kept, entry)):
            return None
        return Kept(entry=entry, letter=kept.letter, version=kept.version + 1)

    def one(self, key: str) -> Kept | None:
        """Return one entry with its letter; None when there is none."""
        text = self._store.text(key)
        if text is None:
            return None
        return Kept(entry=entry_of(text), letter=letter_in(text), version=text.version)

    def ticket(self, key: str) -> Kept | None:
        """Return the first text of a ticket, which more is said to; None when there is none.

        When it is at an end and its letter cannot be read, that is one without a subject: ``BARE``.
        """
        try:
            return self.one(key)
        except StateError as error:
            text = self._store.text(key) if error.kind == "damaged" else None
            if text is None:
                raise
            entry = entry_of(text)
            if entry.state not in ENDS:
                raise
            return Kept(entry=entry, letter=replace(BARE, key=key), version=text.version)


BARE = Letter(
    key="",
    category="",
    ip_address_or_hostname="",
    assistance="not determined",
    subject="",
    message="",
    priority="",
)


def adding(entry: Entry, letter: Letter) -> Change:
    """Return the change that puts a new entry into the outbox."""
    return AddText(key=entry.key, entry=msgspec.json.encode(entry), letter=msgspec.json.encode(letter))


def moving(kept: Kept, entry: Entry) -> Change:
    """Return the change that keeps an entry's next state."""
    ended = entry.state in ENDS
    body = msgspec.json.encode(entry)
    return MoveText(key=kept.entry.key, version=kept.version, entry=body, ended=ended)


def entry_of(text: KeptText) -> Entry:
    """Return an entry without its letter, as a list of them shows it.

    Raises:
        StateError: ``damaged``.
    """
    what = f"what is kept of {text.key}"
    entry = decoded(text.entry, Entry, what)
    if entry.key != text.key:
        raise StateError(f"{what} is damaged: it has another key", "damaged")
    if not 0 <= entry.position < len(entry.chain):
        raise StateError(f"{what} is damaged: it names no transport", "damaged")
    return entry


def letter_in(text: KeptText) -> Letter:
    """Return the letter of a text that was asked for with it.

    Raises:
        StateError: ``damaged``.
    """
    return decoded(text.letter, Letter, f"the letter of {text.key}")
