"""What was heard, without secrets: the same questions and answers, so that a replay judges as before.

Texts go through the redactor as they are. Where a program reads an answer by its form, the form stays: tokens
for addresses are addresses, binary data keeps its length, a header its name, a row its columns. Files that
hold nothing but secrets are left out.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from iwx_agent.host import (
    CommandAnswer,
    DatagramAnswer,
    DirectoryListing,
    FileContent,
    GreetingAnswer,
    HostError,
    HttpAnswer,
    Question,
    ReadFile,
    RunCommand,
    ScanFile,
    TableRows,
    TailFile,
)
from iwx_agent.redact import Redactor

Heard = tuple[Question, Struct | HostError]
T = TypeVar("T", bound=Struct)

ANSWER_MAX_BYTES = 1024 * 1024
_ENTRIES_COUNT = 10_000
_HIDDEN_ARGUMENTS = "[hidden:arguments]"
_SECRET = "holds nothing but secrets: never in a redacted capture"  # noqa: S105 - the words, not one


class Item(Struct, frozen=True, kw_only=True):
    """One question with its answer, redacted: how often something was hidden, and whether it was cut.

    ``started_s`` is when it was asked, in seconds after the first question; None when that is not known.
    """

    question: Question
    found: Struct | HostError
    redactions: int = 0
    cut: bool = False
    started_s: float | None = None


def redacted(
    heard: Iterable[Heard],
    redactor: Redactor,
    *,
    started_s: Sequence[float] = (),
    max_bytes: int = ANSWER_MAX_BYTES,
) -> tuple[Item, ...]:
    """Return what was heard without secrets, each answer at most ``max_bytes`` long.

    What was hidden is in the account of the redactor, which is one made ``for_replay``.
    """
    items = []
    before = redactor.report.count
    for number, (question, found) in enumerate(heard):
        asked, told = _without_secrets(question, found, redactor)
        told, cut = _within(question, told, max_bytes)
        after = redactor.report.count
        items.append(
            Item(
                question=asked,
                found=told,
                redactions=after - before,
                cut=cut,
                started_s=started_s[number] if number < len(started_s) else None,
            )
        )
        before = after
    return tuple(items)


def _without_secrets(
    question: Question, found: Struct | HostError, redactor: Redactor
) -> tuple[Question, Struct | HostError]:
    asked = _question(question, redactor, "a question")
    source = asked.source
    if redactor.hides_all_of(source):
        source = f"asked: {source}"  # what a secret file holds is hidden, not what came of asking for it
    if isinstance(found, HostError):
        return asked, HostError(found.kind, redactor.redact_text(found.reason, source), asked.source)
    if _is_secret(question, redactor):
        return asked, HostError("not_captured", _SECRET, asked.source)
    return asked, _Answers(redactor, source).of(found)


def _is_secret(question: Question, redactor: Redactor) -> bool:
    match question:
        case ReadFile() | TailFile() | ScanFile():
            return redactor.hides_all_of(question.path)
        case RunCommand():
            return any(redactor.hides_all_of(word) for word in question.argv)
    return False


def _question(question: Question, redactor: Redactor, about: str) -> Question:
    if isinstance(question, RunCommand):
        return replace(question, argv=_arguments(question.argv, redactor, about))
    path = getattr(question, "path", None)
    if isinstance(path, str):
        question = replace(question, path=_path(path, redactor))
    payload = getattr(question, "payload", None)
    if isinstance(payload, bytes):
        question = replace(question, payload=b"")
        changed = redactor.redact_value(question, about)
        return replace(changed, payload=redactor.overwrite_bytes(payload, about))
    return redactor.redact_value(question, about)


def _arguments(argv: tuple[str, ...], redactor: Redactor, source: str) -> tuple[str, ...]:
    """Return a command without secrets: the rules see its arguments side by side, each in quotes."""
    told = redactor.redact_text(json.dumps(argv, ensure_ascii=False), source)
    try:
        words = msgspec.json.decode(told, type=tuple[str, ...])
    except msgspec.DecodeError:
        words = ()
    return words if len(words) == len(argv) else (*words[:1], _HIDDEN_ARGUMENTS)


def _path(path: str, redactor: Redactor) -> str:
    """Return a path without secrets: part by part, as its names stand in listings, and then as a whole."""
    parts = "/".join(redactor.redact_text(part, "a path") for part in path.split("/"))
    return redactor.redact_text(parts, "a path")


class _Answers:
    """Redacts one answer by its kind."""

    def __init__(self, redactor: Redactor, source: str) -> None:
        self._redactor = redactor
        self._source = source

    def of(self, found: Struct) -> Struct:
        match found:
            case FileContent():
                return replace(found, data=self._bytes(found.data), path=_path(found.path, self._redactor))
            case CommandAnswer():
                return replace(
                    found,
                    argv=_arguments(found.argv, self._redactor, self._source),
                    stdout=self._bytes(found.stdout),
                    stderr=self._bytes(found.stderr),
                    left_behind=self._value(found.left_behind),
                )
            case HttpAnswer():
                headers = tuple(self._header(name, value) for name, value in found.headers)
                url = self._value(found.url)
                return replace(found, url=url, headers=headers, body=self._bytes(found.body))
            case GreetingAnswer():
                certificate = self._redactor.overwrite_bytes(found.certificate, self._source)
                return replace(found, data=self._bytes(found.data), certificate=certificate)
            case DatagramAnswer():
                return replace(found, data=self._redactor.overwrite_bytes(found.data, self._source))
            case TableRows():
                return self._rows(found)
        return self._value(found)  # type: ignore[no-any-return]

    def _value(self, value: Any) -> Any:
        return self._redactor.redact_value(value, self._source)

    def _bytes(self, data: bytes) -> bytes:
        """Return bytes redacted as a text; what holds a NUL is read by position and keeps its length."""
        if b"\0" in data:
            return self._redactor.overwrite_bytes(data, self._source)
        return self._redactor.redact_bytes(data, self._source)

    def _header(self, name: str, value: str) -> tuple[str, str]:
        """Return a header: its value is judged by its name, and its name alone as well."""
        told = self._value(f"{name}: {value}")
        start, colon, rest = told.partition(": ")
        return (name, rest) if colon and start == name else (self._value(name), self._value(value))

    def _rows(self, found: TableRows) -> TableRows:
        """Return rows in which each value is judged by the name of its column."""
        columns = found.columns
        rows = [
            tuple(self._value({column: told})[column] for column, told in zip(columns, row, strict=False))
            for row in found.rows
        ]
        return replace(found, rows=tuple(rows))


def _within(question: Question, found: Struct | HostError, max_bytes: int) -> tuple[Struct | HostError, bool]:
    """Return an answer of at most so many bytes, marked as cut, and whether it was."""
    match found:
        case FileContent() if len(found.data) > max_bytes:
            kept = found.data[:max_bytes] if isinstance(question, ReadFile) else found.data[-max_bytes:]
            return replace(found, data=kept, truncated=True), True
        case CommandAnswer() if len(found.stdout) + len(found.stderr) > max_bytes:
            kept, said = found.stdout[:max_bytes], found.stderr[:max_bytes]
            return replace(found, stdout=kept, stderr=said, truncated=True), True
        case HttpAnswer() if len(found.body) > max_bytes:
            return replace(found, body=found.body[:max_bytes], truncated=True), True
        case DirectoryListing() if len(found.entries) > _ENTRIES_COUNT:
            return replace(found, entries=found.entries[:_ENTRIES_COUNT], truncated=True), True
        case TableRows() if len(found.rows) > _ENTRIES_COUNT:
            return replace(found, rows=found.rows[:_ENTRIES_COUNT], truncated=True), True
    return found, False
