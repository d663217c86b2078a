"""What a capture says, read from its files once and checked: its manifest, its answers, their edits."""

import posixpath
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from iwx_agent.host import AskClock, Question
from iwx_agent.replay.editing import edited
from iwx_agent.replay.format import (
    FORMAT,
    CaptureError,
    CaptureInfo,
    Failure,
    FileEntry,
    decode_answer,
    decode_question,
    encode_answer,
    is_plain,
)
from iwx_agent.replay.trees import Tree

_MAX_LINES_COUNT = 200_000

Turns = dict[int, Struct | Failure]


class Layer(Struct, frozen=True, kw_only=True):
    """One capture, or the base that it lies over."""

    tree: Tree
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


def read_layer(tree: Tree, base: dict[tuple[str, ...], Turns]) -> Layer:
    """Return what the files of a capture say; edits apply to the answers of ``base``.

    Raises:
        CaptureError: for what is not of the format, with file and line.
    """
    tree.refuse_irregular()
    return Layer(tree=tree, manifest=_read_manifest(tree), answers=_read_answers(tree, base))


def read_info(tree: Tree) -> CaptureInfo:
    """Return what a capture says of itself.

    Raises:
        CaptureError: for anything but a capture of a known format.
    """
    path = f"{tree.name}/capture.json"
    data = tree.own("capture.json")
    if data is None:
        raise CaptureError(path, "not a capture: there is no capture.json")
    try:
        plain = msgspec.json.decode(data)
        if isinstance(plain, dict) and plain.get("format") != FORMAT:
            raise CaptureError(path, f"format {plain.get('format')!r}; this agent reads format {FORMAT}")
        info = msgspec.convert(plain, CaptureInfo)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CaptureError(path, str(error)) from None
    if info.taken_at.tzinfo is None or not 1970 <= info.taken_at.year < 9998:
        raise CaptureError(path, "taken_at: expected a time with its zone, between 1970 and 9998")
    return info


def _json_lines(tree: Tree, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    data, path = tree.own(name), f"{tree.name}/{name}"
    for number, line in enumerate((data or b"").split(b"\n"), start=1):
        if number > _MAX_LINES_COUNT:
            raise CaptureError(path, f"more than {_MAX_LINES_COUNT} lines", number)
        if not line.strip():
            continue
        try:
            plain = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CaptureError(path, str(error), number) from None
        if not isinstance(plain, dict):
            raise CaptureError(path, "expected an object", number)
        yield number, plain


def _read_manifest(tree: Tree) -> dict[str, FileEntry]:
    entries: dict[str, FileEntry] = {}
    path = f"{tree.name}/manifest.jsonl"
    for number, plain in _json_lines(tree, "manifest.jsonl"):
        try:
            entry = msgspec.convert(plain, FileEntry)
        except msgspec.ValidationError as error:
            raise CaptureError(path, str(error), number) from None
        if not is_plain(entry.path):
            raise CaptureError(
                path, f"path: expected a plain absolute path, got {entry.path[:200]!r}", number
            )
        if entry.path in entries:
            raise CaptureError(path, f"{entry.path} stands here twice", number)
        if (entry.kind == "error") != (entry.error is not None):
            raise CaptureError(path, "an error stands with kind error, and only there", number)
        entries[entry.path] = entry
    return entries


def _read_answers(tree: Tree, base: dict[tuple[str, ...], Turns]) -> dict[tuple[str, ...], Turns]:
    """Return the answers of one file by question identity; edits apply to what ``base`` answered first."""
    answers: dict[tuple[str, ...], Turns] = {}
    path = f"{tree.name}/answers.jsonl"
    for number, plain in _json_lines(tree, "answers.jsonl"):
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
            raise CaptureError(path, str(error), number) from None
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
