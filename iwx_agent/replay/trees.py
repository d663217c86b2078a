"""Where the files of a capture lie: in a directory, or in memory when they came in one file."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from iwx_agent.host import FileKind, HostError
from iwx_agent.replay.confined import kind_inside, names_inside, read_inside, read_own, refuse_irregular


class Tree(Protocol):
    """The files of one capture: its own by name, those of the machine (``files``) by their absolute path."""

    name: str

    def own(self, name: str) -> bytes | None:
        """Return one of the capture's own files; None when it is not there."""
        ...

    def data(self, path: str) -> bytes | None:
        """Return the bytes of the machine's file; None when it is not there, HostError for a directory."""
        ...

    def kind(self, path: str) -> tuple[FileKind | None, int]:
        """Return kind and size of what lies at a path; kind None when nothing does."""
        ...

    def names(self, path: str) -> list[tuple[str, FileKind, int]]:
        """Return name, kind and size of what is in a directory; empty when it is none."""
        ...

    def refuse_irregular(self) -> None:
        """Raise CaptureError for what has no place in a capture."""
        ...


class DirectoryTree:
    """A capture that is a directory; nothing outside is read."""

    def __init__(self, root: Path) -> None:
        self.name = str(root)
        self._root = root
        self._files = root / "files"

    def own(self, name: str) -> bytes | None:
        """Return one of the capture's own files."""
        return read_own(self._root / name)

    def data(self, path: str) -> bytes | None:
        """Return the bytes of a file."""
        return read_inside(self._files, path)

    def kind(self, path: str) -> tuple[FileKind | None, int]:
        """Return kind and size."""
        return kind_inside(self._files, path)

    def names(self, path: str) -> list[tuple[str, FileKind, int]]:
        """Return what is in a directory."""
        return names_inside(self._files, path)

    def refuse_irregular(self) -> None:
        """Walk over all of it once."""
        refuse_irregular(self._files)


class MemoryTree:
    """A capture that came in one file: ``files`` by name, as ``files/etc/hosts``."""

    def __init__(self, name: str, files: Mapping[str, bytes]) -> None:
        self.name = name
        self._files = files
        self._directories: dict[str, dict[str, None]] = {"files": {}}
        for place in files:
            above, slash, below = place.rpartition("/")
            while slash:
                self._directories.setdefault(above, {})[below] = None
                above, slash, below = above.rpartition("/")

    def own(self, name: str) -> bytes | None:
        """Return one of the capture's own files."""
        return self._files.get(name)

    def data(self, path: str) -> bytes | None:
        """Return the bytes of a file."""
        place = _below(path)
        if place in self._directories:
            raise HostError("not_regular", "is a directory", path)
        return self._files.get(place)

    def kind(self, path: str) -> tuple[FileKind | None, int]:
        """Return kind and size."""
        place = _below(path)
        if place in self._directories:
            return "directory", 4096
        return ("file", len(self._files[place])) if place in self._files else (None, 0)

    def names(self, path: str) -> list[tuple[str, FileKind, int]]:
        """Return what is in a directory."""
        place = _below(path)
        found = []
        for name in self._directories.get(place, {}):
            kind, size_bytes = self.kind(f"{path.rstrip('/')}/{name}")
            found.append((name, kind or "other", size_bytes))
        return found

    def refuse_irregular(self) -> None:
        """Nothing irregular gets into memory."""


def _below(path: str) -> str:
    return f"files{path}".rstrip("/")


def is_archive(place: Path) -> bool:
    """Return whether a place is a regular file: a capture is a directory, a bundle one file."""
    try:
        return stat.S_ISREG(os.lstat(place).st_mode)
    except (OSError, ValueError):
        return False


def is_there(place: Path) -> bool:
    """Return whether there is something at a place, whatever it is."""
    try:
        os.lstat(place)
    except (OSError, ValueError):
        return False
    return True
