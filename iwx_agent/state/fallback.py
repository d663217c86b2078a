"""The store of sending on a server whose disk may be full: it goes on in memory below /run, and comes back.

What was known goes along, so that nothing is filed twice; what was added there is taken over by the first
process that can write to the disk again. Only who holds the lock for sending may use it.
"""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from iwx_agent.state import lock
from iwx_agent.state.contract import Change, Event, EventKind, Heed, KeptText, Past
from iwx_agent.state.door import Door, StateError
from iwx_agent.state.store import DiskStore

if TYPE_CHECKING:
    from iwx_agent.host.workers import Workers


class CarefulStore:
    """A ``Store`` on the disk that goes on below /run when the disk is full, read-only or hangs.

    ``said`` is what a person has to know, each once. ``sure`` is false when what was kept on the disk could
    not be read: then nothing may be filed by itself, since it may have been filed before.
    """

    def __init__(
        self,
        directory: Path | None = None,
        run_directory: Path | None = None,
        workers: "Workers | None" = None,
    ) -> None:
        self._disk = DiskStore(Door(directory, workers))
        self._run = DiskStore(Door(lock.RUN_DIRECTORY if run_directory is None else run_directory, workers))
        self._now = self._disk
        self._said: list[str] = []
        self.sure = True
        try:
            self._disk.probe()
            self._come_back()
        except StateError as error:
            self._leave(error)

    @property
    def said(self) -> tuple[str, ...]:
        """Return what a person has to know."""
        aside = (store.door.set_aside for store in (self._disk, self._run))
        told = [f"what was kept was damaged, and is now {path}" for path in aside if path]
        return (*told, *self._said, *self._now.damaged.values())

    def past(self, since: datetime) -> Past:
        """Return what a decision rests on; a rule that cannot be read is taken back, and said once."""
        found = self._now.past(since)
        rules, self._now.damaged_rules = dict.fromkeys(self._now.damaged_rules), []
        if rules:
            self.commit(*(Heed(fingerprint=one) for one in rules))
        return found

    def commit(self, *changes: Change) -> bool:
        """Keep all the changes, or none; on a disk that has become full meanwhile, below /run."""
        try:
            return self._now.commit(*changes)
        except StateError as error:
            if error.kind != "unwritable" or self._now is self._run:
                raise
            self._leave(error)
        return self._now.commit(*changes)

    def waiting(self) -> tuple[KeptText, ...]:
        """Return the texts that are not at an end, the oldest first, without their letters."""
        return self._now.waiting()

    def texts(self, count: int) -> tuple[KeptText, ...]:
        """Return the newest texts, the newest first, without their letters."""
        return self._now.texts(count)

    def text(self, key: str) -> KeptText | None:
        """Return one text with its letter; None when there is none."""
        return self._now.text(key)

    def events(self, kind: EventKind, count: int) -> tuple[Event, ...]:
        """Return the newest events of a kind, the newest first."""
        return self._now.events(kind, count)

    def _leave(self, error: StateError) -> None:
        """Go on below /run, with what is known."""
        self._said.append(f"{error}; until that is mended, it is kept in {self._run.door.directory}")
        try:
            self._run.adopt(self._disk, in_use_only=True)
        except StateError as unread:
            if unread.path != self._disk.door.path:
                raise
            self.sure = False
        self._now = self._run

    def _come_back(self) -> None:
        """Take over what was kept below /run; it is forgotten there only when it is on the disk."""
        try:
            if not self._run.keeps_anything():
                return
        except StateError as error:
            self._said.append(f"what was kept there cannot be read: {error}")
            return
        self._disk.adopt(self._run)
        self._run.clear()
