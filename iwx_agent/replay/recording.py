"""Record what the probes asked and got, and write it as a capture directory."""

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from iwx_agent.host import (
    DirectoryListing,
    FileContent,
    FileStatus,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    Stat,
    TailFile,
)
from iwx_agent.replay.format import (
    NOT_FOUND,
    CaptureError,
    CaptureInfo,
    encode_answer,
    encode_question,
    is_plain,
)

Fits = Callable[[str], bool]
_FILE_QUESTIONS = (ReadFile, TailFile, Stat, ListDirectory)


def capture_files(
    info: CaptureInfo, heard: Iterable[tuple[Question, Struct | HostError]], *, fits: Fits = is_plain
) -> dict[str, bytes]:
    """Return the files of a capture by name, ``capture.json`` last.

    A path that does not ``fit`` as the name of a file is a line among the answers instead.
    """
    lines = _Lines(fits)
    for question, found in heard:
        lines.add(question, found)
    files = {f"files{path}": data for path, data in lines.files.items()}
    files["manifest.jsonl"] = _json_lines([lines.manifest[path] for path in sorted(lines.manifest)])
    files["answers.jsonl"] = _json_lines(lines.answers)
    files["capture.json"] = msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n"
    return files


def write_capture(
    directory: Path, info: CaptureInfo, heard: Iterable[tuple[Question, Struct | HostError]]
) -> int:
    """Write a capture into a new or empty directory and return the number of answers written.

    Files get mode 0600 and directories 0700: a capture is as secret as the server.

    Raises:
        CaptureError: when the directory is not empty or cannot be written.
    """
    return write_files(directory, capture_files(info, heard))


def write_files(directory: Path, files: Mapping[str, bytes]) -> int:
    """Write the files of a capture as ``write_capture`` does; return the number of its answers."""
    make_directory(directory)
    try:
        for name, data in files.items():
            place = directory / name
            for above in reversed(place.relative_to(directory).parents[:-1]):
                (directory / above).mkdir(mode=0o700, exist_ok=True)
            _write(place, data)
    except OSError as error:
        raise CaptureError(str(error.filename or directory), error.strerror or str(error)) from None
    return sum(files[name].count(b"\n") for name in ("manifest.jsonl", "answers.jsonl"))


def make_directory(directory: Path) -> None:
    """Make the new directory of a capture, or take one that is there and empty.

    Raises:
        CaptureError: for a symbolic link, a directory with something in it, or one that cannot be made.
    """
    try:
        if directory.is_symlink():
            raise CaptureError(str(directory), "is a symbolic link; name a new directory")
        directory.mkdir(mode=0o700, parents=False, exist_ok=True)
        if any(directory.iterdir()):
            raise CaptureError(str(directory), "the directory is not empty; name a new one")
    except OSError as error:
        raise CaptureError(str(error.filename or directory), error.strerror or str(error)) from None


class _Lines:
    """Sorts what was heard into files, manifest and answers."""

    def __init__(self, fits: Fits) -> None:
        self._fits = fits
        self._above: set[str] = set()  # directories that files lie in
        self.files: dict[str, bytes] = {}
        self.manifest: dict[str, dict[str, Any]] = {}
        self.answers: list[dict[str, Any]] = []
        self._first: dict[tuple[str, ...], Struct | HostError] = {}
        self._turns: dict[tuple[str, ...], int] = {}

    def add(self, question: Question, found: Struct | HostError) -> None:
        turn = self._turns[question.identity] = self._turns.get(question.identity, 0) + 1
        if turn == 1 and isinstance(question, _FILE_QUESTIONS) and self._add_file(question, found):
            return
        line: dict[str, Any] = {"question": encode_question(question)}
        if turn > 1:
            line["turn"] = turn
        if isinstance(found, HostError):
            line["error"] = {"kind": found.kind, "reason": found.reason}
        else:
            line["answer"] = encode_answer(found)
        self.answers.append(line)

    def _add_file(self, question: Question, found: Struct | HostError) -> bool:
        """Put a file question's answer into files and manifest; False when it has to be an answer line."""
        path = question.source
        if not is_plain(path) or not self._fits(path):
            return False
        known = self.manifest.get(path)
        if isinstance(found, HostError):
            if known is not None or (found.kind, found.reason) != ("not_found", NOT_FOUND):
                return False  # another error belongs to the one question
            self.manifest[path] = {"path": path, "kind": "absent"}
            return True
        if known is not None and known["kind"] == "absent":
            return False
        return self._merge(path, question, found)

    def _merge(self, path: str, question: Question, found: Struct) -> bool:
        entry = self.manifest.get(path, {"path": path})
        if isinstance(found, FileContent):
            if path in self.files or not self._has_room(path):
                return False
            self.files[path] = found.data
            entry |= {"kind": "file", "size_bytes": found.size_bytes, "modified_at": found.modified_at}
            if found.truncated:
                entry |= {"truncated": True, "kept": "start" if isinstance(question, ReadFile) else "end"}
        elif isinstance(found, DirectoryListing):
            entry |= {"kind": "directory", "entries": msgspec.to_builtins(found.entries)}
            if found.truncated:
                entry["truncated"] = True
        elif isinstance(found, FileStatus):
            if isinstance(question, Stat) and not question.follow:
                return False
            entry |= {key: value for key, value in encode_answer(found).items() if key not in entry}
        self.manifest[path] = entry
        return True

    def _has_room(self, path: str) -> bool:
        """Return whether a file can lie at a path: no file in place of a directory, nor the other way."""
        above = [path[:end] for end, sign in enumerate(path) if sign == "/" and end]
        if path in self._above or any(directory in self.files for directory in above):
            return False
        self._above.update(above)
        return True


def _json_lines(lines: list[dict[str, Any]]) -> bytes:
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
