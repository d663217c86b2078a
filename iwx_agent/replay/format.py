"""The capture format: ``docs/reference/capture.md`` in types. Version 1.

Bytes stand in JSON as text when they are UTF-8, else as ``{"base64": "..."}``: a person can edit them.
"""

import base64
import binascii
import posixpath
from datetime import datetime
from typing import Any, Literal, get_args

import msgspec
from msgspec import Struct

from iwx_agent.host import (
    ANSWER_TYPES,
    DirectoryEntry,
    ErrorKind,
    Question,
)
from iwx_agent.model import moment

FORMAT = 1
NOT_FOUND = "No such file or directory (ENOENT)"  # the live host's words for it
_BYTES_FIELDS = frozenset({"data", "stdout", "stderr", "body", "certificate", "payload"})
_TEXT_SAFE = frozenset(range(32, 127)) | {9, 10}


class CaptureError(Exception):
    """A capture that cannot be used: which file, which line (0: none), what is wrong."""

    def __init__(self, path: str, why: str, line: int = 0) -> None:
        self.path = path
        self.line = line
        self.why = why
        super().__init__(f"{path}:{line}: {why}" if line else f"{path}: {why}")


class CaptureInfo(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """``capture.json``: what this is, of which host, taken when, and by what."""

    format: int
    host: str
    taken_at: datetime
    agent_version: str
    source: str
    base: str = ""
    redacted: bool = False


class Failure(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An error instead of an answer."""

    kind: ErrorKind
    reason: str


class FileEntry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of ``manifest.jsonl``: what lay at a path; the bytes of a file are under ``files``.

    ``kept`` says which side of a truncated file is there; a question for the other side was not captured.
    """

    path: str
    kind: Literal["file", "directory", "symlink", "fifo", "socket", "device", "other", "absent", "error"]
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    size_bytes: int | None = None
    modified_at: float | None = None
    truncated: bool = False
    kept: Literal["", "start", "end"] = ""
    entries: tuple[DirectoryEntry, ...] | None = None
    error: Failure | None = None


def is_plain(path: str) -> bool:
    """Return whether a path is absolute and written in one way only: no dots, no doubled slashes, no NUL."""
    return path[:1] == "/" != path[1:2] and posixpath.normpath(path) == path and "\0" not in path


def encode_question(question: Question) -> dict[str, Any]:
    """Return the question as plain JSON types, without what is default."""
    return _readable(_plain(question, omit_defaults=True) | {"kind": type(question).__struct_config__.tag})


def encode_answer(answer: Struct) -> dict[str, Any]:
    """Return the answer as plain JSON types."""
    return _readable(_plain(answer))


def _plain(value: Struct, *, omit_defaults: bool = False) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for field in msgspec.structs.fields(value):
        found = getattr(value, field.name)
        if not (omit_defaults and found == field.default):
            plain[field.name] = found if isinstance(found, bytes) else msgspec.to_builtins(found)
    return plain


def _readable(plain: dict[str, Any]) -> dict[str, Any]:
    return {key: _bytes_to_json(value) if isinstance(value, bytes) else value for key, value in plain.items()}


def _bytes_to_json(data: bytes) -> str | dict[str, str]:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
    if all(byte in _TEXT_SAFE or byte >= 128 for byte in data):
        return text
    return {"base64": base64.b64encode(data).decode()}


QUESTION_KINDS: dict[str, type[Question]] = {str(kind.__struct_config__.tag): kind for kind in ANSWER_TYPES}


def decode_question(plain: object) -> Question:
    """Return the question of a JSON object.

    Raises:
        ValueError: for an unknown kind or fields that do not fit (msgspec.ValidationError is one).
    """
    if not isinstance(plain, dict):
        raise ValueError("expected an object with a kind")  # noqa: TRY004 - one kind of error for bad captures
    kind = QUESTION_KINDS.get(str(plain.get("kind")))
    if kind is None:
        raise ValueError(f"unknown kind of question {plain.get('kind')!r}")
    _refuse_unknown({key: value for key, value in plain.items() if key != "kind"}, kind, "question")
    return msgspec.convert(_bytes_from_json(plain), kind, builtin_types=(bytes,))


def decode_answer(question: Question, plain: object) -> Struct:
    """Return the answer of a JSON object in the type that the question promises."""
    if not isinstance(plain, dict):
        raise ValueError("expected an object as answer")  # noqa: TRY004 - as above
    kind = ANSWER_TYPES[type(question)]
    _refuse_unknown(plain, kind, "answer")
    answer = msgspec.convert(_bytes_from_json(plain), kind, builtin_types=(bytes,))
    for name in ("now_at", "booted_at"):
        if hasattr(answer, name) and moment(getattr(answer, name)) is None:
            raise ValueError(f"{name}: not a time between 1970 and 9998")
    return answer


def _refuse_unknown(plain: dict[str, Any], kind: type[Struct], what: str) -> None:
    """Refuse a field that the type does not have, in ``entries`` too: a slip of the pen must not pass."""
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    unknown = sorted(plain.keys() - fields.keys())
    if unknown:
        raise ValueError(f"unknown field of the {what}: {', '.join(unknown)}")
    entries = plain.get("entries")
    if isinstance(entries, (list, tuple)):
        entry_type = get_args(fields["entries"].type)[0]
        for entry in entries:
            if isinstance(entry, dict):
                _refuse_unknown(entry, entry_type, "entry")


def _bytes_from_json(plain: dict[str, Any]) -> dict[str, Any]:
    decoded = dict(plain)
    for key in _BYTES_FIELDS & decoded.keys():
        value = decoded[key]
        if isinstance(value, str):
            decoded[key] = value.encode()
        elif isinstance(value, dict) and isinstance(value.get("base64"), str):
            try:
                decoded[key] = base64.b64decode(value["base64"], validate=True)
            except binascii.Error as error:
                raise ValueError(f"{key}: not base64: {error}") from None
        else:
            raise ValueError(f'{key}: expected text or {{"base64": "..."}}')  # noqa: TRY004 - as above
    return decoded
