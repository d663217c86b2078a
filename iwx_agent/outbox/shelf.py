"""Where the outbox's entries are kept: the store of ``iwx_agent.state``, which knows them as bytes only."""

from typing import TypeVar

import msgspec

from iwx_agent.outbox.machine import ENDS, Entry
from iwx_agent.outbox.sending import Kept
from iwx_agent.state.contract import AddText, Change, KeptText, MoveText, Store
from iwx_agent.state.door import StateError
from iwx_agent.transports.contract import Letter

_Kind = TypeVar("_Kind")


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
                found.extend([kept] if kept is not None and kept.entry.state not in ENDS else [])
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
        return Kept(entry=entry_of(text), letter=_decoded(text, text.letter, Letter), version=text.version)


def adding(entry: Entry, letter: Letter) -> Change:
    """Return the change that puts a new entry into the outbox."""
    return AddText(key=entry.key, entry=msgspec.json.encode(entry), letter=msgspec.json.encode(letter))


def moving(kept: Kept, entry: Entry) -> Change:
    """Return the change that keeps an entry's next state."""
    ended = entry.state in ENDS
    body = msgspec.json.encode(entry)
    return MoveText(key=kept.entry.key, version=kept.version, entry=body, ended=ended)


def entry_of(text: KeptText) -> Entry:
    """Return an entry without its letter, as a list of them shows it."""
    return _decoded(text, text.entry, Entry)


def _decoded(text: KeptText, data: bytes, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:
        raise StateError(f"what is kept of {text.key} is damaged: {error}", "damaged") from None
