"""Record what the probes asked and got, and write it as a capture directory."""

import os
import threading
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from iwx_agent.host import (
    DirectoryListing,
    FileContent,
    FileStatus,
    Host,
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

_FILE_QUESTIONS = (ReadFile, TailFile, Stat, ListDirectory)


class Recorder(Host):
    """A host that answers through another one and remembers each question with its answer, in order."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._lock = threading.Lock()
        self.heard: list[tuple[Question, Struct | HostError]] = []

    def answer(self, question: Question) -> Struct:
        """Answer and remember."""
        found: Struct | HostError
        try:
            found = self._host.answer(question)
        except HostError as error:
            found = error
        with self._lock:
            self.heard.append((question, found))
        if isinstance(found, HostError):
            raise found
        return found

    def pause(self, duration_s: float) -> None:
        """Wait as the host behind it does."""
        self._host.pause(duration_s)


def write_capture(
    directory: Path, info: CaptureInfo, heard: list[tuple[Question, Struct | HostError]]
) -> int:
    """Write a capture into a new or empty directory and return the number of answers written.

    Files get mode 0600 and directories 0700: a capture is as secret as the server.

    Raises:
        CaptureError: when the directory is not empty or cannot be written.
    """
    lines = _Lines()
    for question, found in heard:
        lines.add(question, found)
    make_directory(directory)
    try:
        for path, data in lines.files.items():
            place = directory / "files" / path.lstrip("/")
            for above in reversed(place.relative_to(directory).parents[:-1]):
                (directory / above).mkdir(mode=0o700, exist_ok=True)
            _write(place, data)
        _write_lines(directory / "manifest.jsonl", [lines.manifest[path] for path in sorted(lines.manifest)])
        _write_lines(directory / "answers.jsonl", lines.answers)
        _write(directory / "capture.json", msgspec.json.format(msgspec.json.encode(info), indent=2) + b"\n")
    except OSError as error:
        raise CaptureError(str(error.filename or directory), error.strerror or str(error)) from None
    return len(lines.manifest) + len(lines.answers)


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

    def __init__(self) -> None:
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
        if not is_plain(path):
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
            if path in self.files:
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


def _write_lines(path: Path, lines: list[dict[str, Any]]) -> None:
    _write(path, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
