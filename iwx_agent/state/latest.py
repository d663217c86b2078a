"""What sending remembers, for who only looks: on the disk and below /run, of each the newer.

It needs no lock, makes nothing, and waits for a disk that does not answer once. What is read is what one
process or another has kept last; who wants to change it takes the lock and ``fallback.CarefulStore``.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from iwx_agent.model.episode import Ignored
from iwx_agent.state import lock
from iwx_agent.state.contract import Event, EventKind, KeptEpisode, KeptText
from iwx_agent.state.door import Door, StateError
from iwx_agent.state.store import DiskStore

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers

_ALL_COUNT = 100_000  # more texts than are kept
_Kept = TypeVar("_Kept")


class Latest:
    """The newest of what is kept in the two places; ``said`` is what a person has to know of them.

    Raises:
        StateError: what is kept on the disk cannot be read, and nothing is kept below /run.
    """

    def __init__(
        self,
        directory: Path | None = None,
        run_directory: Path | None = None,
        workers: "Workers | None" = None,
    ) -> None:
        disk = DiskStore(Door(directory, workers))
        run = DiskStore(Door(lock.RUN_DIRECTORY if run_directory is None else run_directory, workers))
        self._stores: list[DiskStore] = []
        self._run = run
        self.damaged: tuple[str, ...] = ()  # what was set aside by this look, which no later one is told
        self._said: tuple[str, ...] = ()
        try:
            self._open(disk)
        except StateError as error:
            if not _keeps_anything(run):
                raise
            self._said = (f"{error}; this is what has been kept in {run.door.directory} since",)
        try:
            self._open(run)
        except StateError as error:
            self._said = (f"what may have been kept there cannot be read: {error}",)

    @property
    def said(self) -> tuple[str, ...]:
        """Return what a person has to know."""
        damaged = (said for store in self._stores for said in store.damaged.values())
        return (*self.damaged, *self._said, *dict.fromkeys(damaged))

    def _open(self, store: DiskStore) -> None:
        """Use a store that can be read; one that was damaged is set aside by that, and a new one begun."""
        try:
            store.texts(1)
        except StateError:
            if not store.door.set_aside:
                raise
            self.damaged = (*self.damaged, f"what was kept was damaged, and is now {store.door.set_aside}")
            store.texts(1)
        self._stores.append(store)

    @property
    def below_run(self) -> bool:
        """Return whether something waits below /run to be taken over to the disk."""
        return _keeps_anything(self._run)

    def texts(self) -> tuple[KeptText, ...]:
        """Return all texts, the oldest first, without their letters."""
        found = (reversed(store.texts(_ALL_COUNT)) for store in self._stores)
        return tuple(_newest((text.key, text.version, text) for texts in found for text in texts))

    def text(self, key: str) -> KeptText | None:
        """Return one text with its letter; None when there is none."""
        found = [text for store in self._stores if (text := store.text(key)) is not None]
        return max(found, key=lambda text: text.version, default=None)

    def events(self, kind: EventKind, count: int) -> tuple[Event, ...]:
        """Return the newest events of a kind, the newest first; what is kept in both places is one.

        In each place they stand as they were kept, whatever the clock said; of the two places' next the later
        comes first, since a run that needs no lock goes on noting on the disk.
        """
        places = [list(store.events(kind, count)) for store in reversed(self._stores)]
        found: list[Event] = []
        while any(places):
            place = max((one for one in places if one), key=lambda events: events[0].at)
            found.append(place.pop(0))
        return tuple(dict.fromkeys(found))[:count]

    def episode(self) -> KeptEpisode | None:
        """Return the last episode; None before the first."""
        found = [kept for store in self._stores if (kept := store.episode()) is not None]
        return max(found, key=lambda kept: (kept.episode.opened_at, kept.version), default=None)

    def rules(self) -> tuple[Ignored, ...]:
        """Return the rules that nobody has taken back, also those whose time is over."""
        found = (store.rules() for store in self._stores)
        newest = _newest((key, version, rule) for rules in found for key, version, rule in rules)
        return tuple(rule for rule in newest if rule is not None)


def _newest(found: Iterable[tuple[str, int, _Kept]]) -> Iterator[_Kept]:
    """Yield of each key what has the highest version, in the order in which the keys come."""
    newest: dict[str, tuple[int, _Kept]] = {}
    for key, version, kept in found:
        if key not in newest or version > newest[key][0]:
            newest[key] = (version, kept)
    return (kept for _, kept in newest.values())


def _keeps_anything(store: DiskStore) -> bool:
    try:
        return store.keeps_anything()
    except StateError:
        return False
