"""Answer questions from a capture directory, or from an overlay on another one; touch nothing outside."""

import posixpath
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec import Struct

from iwx_agent.host import (
    AskClock,
    ClockAnswer,
    DirectoryEntry,
    DirectoryListing,
    FileContent,
    FileKind,
    FileStatus,
    Host,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    ScanFile,
    Stat,
    TailFile,
)
from iwx_agent.replay.confined import (
    kind_inside,
    names_inside,
    read_inside,
    read_own,
    refuse_irregular,
)
from iwx_agent.replay.editing import edited
from iwx_agent.replay.format import (
    FORMAT,
    NOT_FOUND,
    CaptureError,
    CaptureInfo,
    Failure,
    FileEntry,
    decode_answer,
    decode_question,
    encode_answer,
    is_plain,
)

_MAX_LINES_COUNT = 200_000
_ASSUMED_UPTIME_S = 30 * 86_400.0  # of a capture written by hand that says nothing about it

Turns = dict[int, Struct | Failure]


class Layer(Struct, frozen=True, kw_only=True):
    """One directory: a capture, or the base that it lies over."""

    root: Path
    manifest: dict[str, FileEntry]
    answers: dict[tuple[str, ...], Turns]

    def answered(self, question: Question, turn: int) -> Struct | Failure | None:
        """Return what this layer's answers say to the n-th asking: the n-th answer, or the last before it."""
        turns = self.answers.get(question.identity, {})
        known = [number for number in turns if number <= turn]
        return turns[max(known)] if known else None

    def hides(self, path: str) -> bool:
        """Return whether this layer says that the path, or a directory on the way to it, is not there."""
        while path not in ("", "/"):
            entry = self.manifest.get(path)
            if entry is not None:
                return entry.kind == "absent"
            path = posixpath.dirname(path)
        return False


class ReplayHost(Host):
    """Answers as the captured machine did; what was not captured is an error, never a guess.

    A layer's answers come before its files, and all of a capture's own before anything of its base.
    """

    def __init__(self, info: CaptureInfo, layers: tuple[Layer, ...]) -> None:
        self.info = info
        self._layers = layers  # the capture's own first, then its base
        self._asked: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def answer(self, question: Question) -> Struct:
        """Answer the n-th asking of a question with the n-th captured answer, or the last one."""
        with self._lock:
            turn = self._asked[question.identity] = self._asked.get(question.identity, 0) + 1
        path = getattr(question, "path", "")
        if isinstance(question, ListDirectory) and is_plain(path):
            return self._listing(question, turn)
        for layer in self._layers:
            found = layer.answered(question, turn)
            if isinstance(found, Failure):
                raise HostError(found.kind, found.reason, question.source)
            if found is None and is_plain(path):
                found = self._from_files(layer, question, path)
            if found is not None:
                return found
        if isinstance(question, AskClock):
            return self._clock()
        raise self._absent_or_not_captured(path) if path else _not_captured(question.source)

    def pause(self, duration_s: float) -> None:
        """Do not wait: what came after the pause is in the capture."""

    def _clock(self) -> ClockAnswer:
        taken_at = self.info.taken_at.timestamp()
        return ClockAnswer(
            now_at=taken_at,
            booted_at=taken_at - _ASSUMED_UPTIME_S,
            host_name=self.info.host,
            effective_uid=0,
        )

    def _from_files(self, layer: Layer, question: Question, path: str) -> Struct | None:
        entry = layer.manifest.get(path)
        if entry is not None and entry.error is not None:
            raise HostError(entry.error.kind, entry.error.reason, path)
        found: Struct | None = None
        match question:
            case ReadFile() | TailFile():
                found = self._content(layer, entry, question)
            case ScanFile():
                end = TailFile(path=path, max_bytes=question.scan_bytes)
                whole = self._content(layer, entry, end)
                found = None if whole is None else _matching(whole, question)
            case Stat():
                found = self._status(layer, entry, path)
        if found is None and layer.hides(path):
            raise HostError("not_found", NOT_FOUND, path)
        return found

    def _content(
        self, layer: Layer, entry: FileEntry | None, question: ReadFile | TailFile
    ) -> FileContent | None:
        if entry is not None and entry.kind not in ("file", "absent"):
            raise HostError("not_regular", f"is a {entry.kind}", question.path)
        data = read_inside(layer.root / "files", question.path)
        if data is None or (entry is not None and entry.kind == "absent"):
            return None
        side = "start" if isinstance(question, ReadFile) else "end"
        if entry is not None and entry.truncated and entry.kept not in ("", side):
            raise _not_captured(question.path)
        cut = data[: question.max_bytes] if side == "start" else _end(data, question.max_bytes)
        return FileContent(
            data=cut,
            size_bytes=entry.size_bytes if entry and entry.size_bytes is not None else len(data),
            modified_at=self._modified_at(entry),
            truncated=len(cut) < len(data) or (entry is not None and entry.truncated),
            path=question.path,
        )

    def _status(self, layer: Layer, entry: FileEntry | None, path: str) -> FileStatus | None:
        kind, size_bytes = kind_inside(layer.root / "files", path)
        if entry is not None:
            kind = None if entry.kind == "absent" else cast("FileKind", entry.kind)
        if kind is None:
            return None
        return FileStatus(
            kind=kind,
            size_bytes=entry.size_bytes if entry and entry.size_bytes is not None else size_bytes,
            modified_at=self._modified_at(entry),
            mode=entry.mode if entry else (0o755 if kind == "directory" else 0o644),
            uid=entry.uid if entry else 0,
            gid=entry.gid if entry else 0,
        )

    def _listing(self, question: ListDirectory, turn: int) -> DirectoryListing:
        """Return the base's names with what the capture's own files and manifest change in them."""
        names: dict[str, DirectoryEntry] | None = None
        error: HostError | None = None
        truncated = False
        for layer in reversed(self._layers):
            answered = layer.answered(question, turn)
            entry = layer.manifest.get(question.path)
            if isinstance(answered, Failure):
                names, error = None, HostError(answered.kind, answered.reason, question.path)
            elif isinstance(answered, DirectoryListing):
                names, truncated = {known.name: known for known in answered.entries}, answered.truncated
            elif entry is not None and entry.error is not None:
                names, error = None, HostError(entry.error.kind, entry.error.reason, question.path)
            elif layer.hides(question.path):
                names, error = None, HostError("not_found", NOT_FOUND, question.path)
            else:
                if entry is not None and entry.entries is not None:
                    names, truncated = {known.name: known for known in entry.entries}, entry.truncated
                if names is not None:
                    self._apply_files(names, layer, question.path)
        if names is None:
            raise error or self._absent_or_not_captured(question.path)
        kept = sorted(names.values(), key=lambda known: known.name)
        cut = kept[: question.max_entries]
        return DirectoryListing(entries=tuple(cut), truncated=truncated or len(cut) < len(kept))

    def _apply_files(self, names: dict[str, DirectoryEntry], layer: Layer, directory: str) -> None:
        """Add what lies under ``files``; a file that stands over the base's brings its own size."""
        above = layer is not self._layers[-1]
        for name, kind, size_bytes in names_inside(layer.root / "files", directory):
            known = names.get(name)
            if known is None or (above and kind == "file"):
                modified_at = known.modified_at if known else self._modified_at(None)
                names[name] = DirectoryEntry(
                    name=name, kind=kind, size_bytes=size_bytes, modified_at=modified_at
                )
        _apply_children(names, layer.manifest, directory)

    def _modified_at(self, entry: FileEntry | None) -> float:
        if entry is not None and entry.modified_at is not None:
            return entry.modified_at
        return self.info.taken_at.timestamp()

    def _absent_or_not_captured(self, path: str) -> HostError:
        """A name that the captured listing of its directory does not have is certainly not there."""
        parent, name = posixpath.split(path.rstrip("/"))
        for layer in self._layers if is_plain(path) else ():
            entry = layer.manifest.get(parent)
            if entry is not None and entry.entries is not None and not entry.truncated:
                if all(known.name != name for known in entry.entries):
                    return HostError("not_found", NOT_FOUND, path)
                break
        return _not_captured(path)


def open_capture(directory: Path) -> ReplayHost:
    """Return the host of a capture directory, its base included.

    Raises:
        CaptureError: for anything that is not a capture of a known format; nothing outside is read.
    """
    info = _read_info(directory)
    base = Layer(root=directory, manifest={}, answers={})
    layers: tuple[Layer, ...] = ()
    if info.base:
        base = _layer(_base_of(directory, info.base), {})
        layers = (base,)
    return ReplayHost(info, (_layer(directory, base.answers), *layers))


def _base_of(directory: Path, name: str) -> Path:
    path = directory / "capture.json"
    if name in (".", "..") or "/" in name or "\0" in name:
        raise CaptureError(str(path), f"base: expected a neighbour's name, got {name!r}")
    base = directory.resolve().parent / name
    try:
        linked = base.is_symlink()
    except OSError as error:
        raise CaptureError(str(path), f"base: {error.strerror}: {name[:80]!r}") from None
    if linked:
        raise CaptureError(str(base), "refused: a symbolic link")
    if _read_info(base).base:
        raise CaptureError(str(base / "capture.json"), "base: a base may not have a base itself")
    return base


def _layer(root: Path, base: dict[tuple[str, ...], Turns]) -> Layer:
    refuse_irregular(root / "files")
    manifest = _read_manifest(root / "manifest.jsonl")
    return Layer(root=root, manifest=manifest, answers=_read_answers(root / "answers.jsonl", base))


def _read_info(directory: Path) -> CaptureInfo:
    path = directory / "capture.json"
    data = read_own(path)
    if data is None:
        raise CaptureError(str(path), "not a capture: there is no capture.json")
    try:
        plain = msgspec.json.decode(data)
        if isinstance(plain, dict) and plain.get("format") != FORMAT:
            raise CaptureError(str(path), f"format {plain.get('format')!r}; this agent reads format {FORMAT}")
        info = msgspec.convert(plain, CaptureInfo)
    except (msgspec.DecodeError, RecursionError) as error:
        raise CaptureError(str(path), str(error)) from None
    if info.taken_at.tzinfo is None or not 1970 <= info.taken_at.year < 9998:
        raise CaptureError(str(path), "taken_at: expected a time with its zone, between 1970 and 9998")
    return info


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    data = read_own(path)
    for number, line in enumerate((data or b"").split(b"\n"), start=1):
        if number > _MAX_LINES_COUNT:
            raise CaptureError(str(path), f"more than {_MAX_LINES_COUNT} lines", number)
        if not line.strip():
            continue
        try:
            plain = msgspec.json.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise CaptureError(str(path), str(error), number) from None
        if not isinstance(plain, dict):
            raise CaptureError(str(path), "expected an object", number)
        yield number, plain


def _read_manifest(path: Path) -> dict[str, FileEntry]:
    entries: dict[str, FileEntry] = {}
    for number, plain in _json_lines(path):
        try:
            entry = msgspec.convert(plain, FileEntry)
        except msgspec.ValidationError as error:
            raise CaptureError(str(path), str(error), number) from None
        if not is_plain(entry.path):
            raise CaptureError(
                str(path), f"path: expected a plain absolute path, got {entry.path[:200]!r}", number
            )
        if entry.path in entries:
            raise CaptureError(str(path), f"{entry.path} stands here twice", number)
        if (entry.kind == "error") != (entry.error is not None):
            raise CaptureError(str(path), "an error stands with kind error, and only there", number)
        entries[entry.path] = entry
    return entries


def _read_answers(path: Path, base: dict[tuple[str, ...], Turns]) -> dict[tuple[str, ...], Turns]:
    """Return the answers of one file by question identity; edits apply to what ``base`` answered first."""
    answers: dict[tuple[str, ...], Turns] = {}
    for number, plain in _json_lines(path):
        try:
            question = decode_question(plain.pop("question", None))
            turn = msgspec.convert(plain.pop("turn", 1), int)
            if turn < 1:
                raise ValueError(f"turn: expected 1 or more, got {turn}")
            mine = answers.get(question.identity, {})
            if turn in mine and plain.keys() & {"answer", "error"}:
                raise ValueError("this question and turn stand here twice")
            known = base.get(question.identity, {}) | mine
            found = _found(question, plain, known.get(turn, known.get(1)))
        except ValueError as error:
            raise CaptureError(str(path), str(error), number) from None
        answers.setdefault(question.identity, {})[turn] = found
    return answers


def _found(question: Question, plain: dict[str, Any], base: Struct | Failure | None) -> Struct | Failure:
    match plain:
        case {"answer": answer, **rest} if not rest:
            return decode_answer(question, answer)
        case {"error": error, **rest} if not rest:
            if isinstance(question, AskClock):
                raise ValueError("the clock always answers")  # noqa: TRY004 - one kind of error
            return msgspec.convert(error, Failure)
        case {**edits} if edits and edits.keys() <= {"set", "replace", "drop", "add"}:
            if base is None or isinstance(base, Failure):
                raise ValueError("an edit needs an answer in the base")
            return decode_answer(question, edited(encode_answer(base), edits))
    raise ValueError("expected one of: answer, error, or edits (set, replace, drop, add)")


def _end(data: bytes, max_bytes: int) -> bytes:
    """Return the last bytes from the start of a line, as the live host does."""
    if len(data) <= max_bytes:
        return data
    before, kept = data[-max_bytes - 1], data[-max_bytes:]
    newline = kept.find(b"\n")
    if before != ord("\n") and 0 <= newline < len(kept) - 1:
        return kept[newline + 1 :]
    return kept


def _not_captured(source: str) -> HostError:
    return HostError("not_captured", "not in this capture", source)


def _apply_children(names: dict[str, DirectoryEntry], manifest: dict[str, FileEntry], directory: str) -> None:
    """Let the manifest lines of files directly below ``directory`` add to or take from its names."""
    prefix = directory.rstrip("/") + "/"
    for path, entry in manifest.items():
        name = path.removeprefix(prefix)
        if not path.startswith(prefix) or "/" in name or not name:
            continue
        if entry.kind == "absent":
            names.pop(name, None)
        elif entry.kind != "error":
            known = names.get(name)
            names[name] = DirectoryEntry(
                name=name,
                kind=entry.kind,
                size_bytes=entry.size_bytes or (known.size_bytes if known else 0),
                modified_at=entry.modified_at or (known.modified_at if known else 0.0),
            )


def _matching(whole: FileContent, question: ScanFile) -> FileContent:
    """Return the lines with a needle of what was captured of the file."""
    needles = [needle.encode() for needle in question.needles]
    lines = [line for line in whole.data.split(b"\n") if any(needle in line for needle in needles)]
    data = b"".join(line + b"\n" for line in lines)
    kept = _end(data, question.max_bytes)
    return msgspec.structs.replace(whole, data=kept, truncated=whole.truncated or len(kept) < len(data))
