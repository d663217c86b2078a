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
        self.said: tuple[str, ...] = ()
        try:
            disk.texts(1)
            self._stores.append(disk)
        except StateError as error:
            if not _keeps_anything(run):
                raise
            self.said = (f"{error}; this is what has been kept in {run.door.directory} since",)
        try:
            run.texts(1)
            self._stores.append(run)
        except StateError as error:
            self.said = (f"what may have been kept there cannot be read: {error}",)

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

        What is kept below /run happened after what is on the disk, whatever the clock said.
        """
        found = (event for store in reversed(self._stores) for event in store.events(kind, count))
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
        return bool(store.texts(1) or store.episode() or store.rules() or store.events("decision", 1))
    except StateError:
        return False
