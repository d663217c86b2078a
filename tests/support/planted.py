"""A recorded machine that has secrets in everything it says: logs, answers, banners, titles, names, errors.

Each line of each text that it answers with has an entry of the corpus behind it (or in its place), so that a
check quotes it, or a parser complains of it and quotes it then.
"""

import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Self

from corpus import LINES
from fakes import content
from msgspec import Struct
from msgspec.structs import replace
from scenarios import ROOTS

from iwx_agent.host import (
    AskClock,
    CommandAnswer,
    DirectoryEntry,
    DirectoryListing,
    FileContent,
    GreetingAnswer,
    Host,
    HostError,
    HttpAnswer,
    Question,
    ReadFile,
)
from iwx_agent.model import Processes
from iwx_agent.replay import open_capture

CANARY = "c4nary of no rule"
INI = "/usr/local/interworx/iworx.ini"
SETTINGS = f'[iworx]\ndsn="mysqli://iworx:{CANARY}@unix(/x.sock)/iworx"\n'
# Whole texts that only a file, a unit or a dump could have; on one line of a log there is one line of them.
ONE_LINE = tuple(text for text, _ in LINES.values() if "\n" not in text and "\0" not in text)


class Planted(Host):
    """Stands in for the live host: answers as a recorded machine, with secrets."""

    def __init__(
        self,
        root: str,
        texts: Sequence[str] = ONE_LINE,
        *,
        instead: bool = False,
        settings: str = SETTINGS,
        seed: int = 0,
    ) -> None:
        self._replay = open_capture(ROOTS / root)
        self._all = tuple(texts)
        self._seed = seed
        self._instead = instead
        self._settings = settings
        self.aside_asked: list[str] = []
        self._aside = False

    # As the live host

    def __call__(self, *, budget_s: float) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None:
        self._aside = False

    def aside(self, budget_s: float) -> "Planted":
        other = Planted.__new__(Planted)
        other.__dict__.update(self.__dict__)
        other._aside = True
        return other

    def in_progress(self) -> tuple[str, ...]:
        return ()

    def abandoned(self) -> tuple[str, ...]:
        return (f"worker for {next(self._texts_for('abandoned'))}",)

    def pause(self, duration_s: float) -> None:
        pass

    def answer(self, question: Question) -> Struct:
        if isinstance(question, ReadFile) and question.path == INI:
            self.aside_asked.append(question.path)
            return content(self._settings)
        if self._aside and not isinstance(question, AskClock):
            raise HostError("not_found", "there is no such file", question.source)
        try:
            found = self._replay.answer(question)
        except HostError as error:
            if error.kind in ("not_found", "not_captured"):
                raise
            said = next(self._texts_for(question.source))
            raise HostError(error.kind, f"{error.reason} {said}", question.source) from None
        return self._planted(found, self._texts_for(question.source))

    # Secrets

    def _texts_for(self, source: str) -> Iterator[str]:
        """Return the texts from a place on that depends on the question alone, whichever thread asks it."""
        first = zlib.crc32(f"{self._seed} {source}".encode()) % len(self._all)
        return itertools.cycle((*self._all[first:], *self._all[:first]))

    def _planted(self, found: Any, texts: Iterator[str]) -> Struct:
        match found:
            case FileContent():
                return replace(found, data=self._bytes(found.data, texts))
            case CommandAnswer():
                return replace(
                    found, stdout=self._bytes(found.stdout, texts), stderr=self._bytes(found.stderr, texts)
                )
            case HttpAnswer():
                headers = tuple((name, f"{value} {next(texts)}") for name, value in found.headers)
                return replace(found, headers=headers, body=self._bytes(found.body, texts))
            case GreetingAnswer():
                return replace(found, data=self._bytes(found.data, texts))
            case Processes():
                entries = tuple(
                    replace(entry, title=f"{entry.title} {next(texts)}") for entry in found.entries
                )
                return replace(found, entries=entries)
            case DirectoryListing():
                return replace(found, entries=(*found.entries, *self._names(texts)))
        return found  # type: ignore[no-any-return]

    def _names(self, texts: Iterator[str]) -> Iterator[DirectoryEntry]:
        for _ in range(3):
            name = next(texts)
            if "/" not in name:  # nor has any name of a file one
                yield DirectoryEntry(name=name[:200], kind="file", size_bytes=1, modified_at=1.0)

    def _bytes(self, data: bytes, texts: Iterator[str]) -> bytes:
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return data
        lines = text.split("\n")
        told = (
            line if not line.strip() else next(texts) if self._instead else f"{line} {next(texts)}"
            for line in lines
        )
        return "\n".join(told).encode()
