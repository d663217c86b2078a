"""Answer questions from a capture directory, or from an overlay on another one; touch nothing outside."""

import posixpath
import threading
from pathlib import Path
from typing import cast

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
from iwx_agent.replay.format import NOT_FOUND, CaptureError, CaptureInfo, Failure, FileEntry, is_plain
from iwx_agent.replay.layers import Layer, read_info, read_layer
from iwx_agent.replay.trees import DirectoryTree, Tree, is_archive, is_there

_ASSUMED_UPTIME_S = 30 * 86_400.0  # of a capture written by hand that says nothing about it


class ReplayHost(Host):
    """Answers as the captured machine did; what was not captured is an error, never a guess.

    A layer's answers come before its files, and all of a capture's own before anything of its base.
    """

    def __init__(self, info: CaptureInfo, layers: tuple[Layer, ...]) -> None:
        self.info = info
        self._layers = layers  # the capture's own first, then its base
        self._asked: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    @property
    def replays(self) -> bool:
        """Return true: the machine that answered may be another one."""
        return True

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
        data = layer.tree.data(question.path)
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
        kind, size_bytes = layer.tree.kind(path)
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
        for name, kind, size_bytes in layer.tree.names(directory):
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


def open_capture(place: Path) -> ReplayHost:
    """Return the host of a capture directory, its base included, or of a bundle, unpacked or not.

    Raises:
        CaptureError: for anything that is not a capture of a known format; nothing outside is read.
    """
    if is_archive(place):
        from iwx_agent.replay.bundles import read_bundle

        return replay_of(read_bundle(place).capture)
    if is_there(place / "capture" / "capture.json") and not is_there(place / "capture.json"):
        return replay_of(DirectoryTree(place / "capture"))
    return replay_of(DirectoryTree(place), above=place)


def replay_of(tree: Tree, above: Path | None = None) -> ReplayHost:
    """Return the host of a capture; one in the directory ``above`` may name a neighbour as its base."""
    info = read_info(tree)
    layers: tuple[Layer, ...] = ()
    if info.base:
        if above is None:
            raise CaptureError(f"{tree.name}/capture.json", "base: a capture in a bundle has none")
        layers = (read_layer(_base_of(above, info.base), {}),)
    own = read_layer(tree, layers[0].answers if layers else {})
    return ReplayHost(info, (own, *layers))


def _base_of(directory: Path, name: str) -> Tree:
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
    tree = DirectoryTree(base)
    if read_info(tree).base:
        raise CaptureError(str(base / "capture.json"), "base: a base may not have a base itself")
    return tree


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
