"""A host for tests that answers what was listed and refuses everything else; short ways to build facts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct

from iwx_agent.config import load_layout, load_signatures
from iwx_agent.host import (
    AskClock,
    ClockAnswer,
    CommandAnswer,
    FileContent,
    Host,
    HostError,
    Question,
    RunCommand,
)
from iwx_agent.model import Layout
from iwx_agent.model.signatures import Signatures
from iwx_agent.probes import Context
from iwx_agent.replay.format import NOT_FOUND

NOW_AT = 1_795_450_000.0  # 2026-11-23T16:06:40Z
BOOTED_AT = NOW_AT - 86_400


class UnlistedQuestionError(AssertionError):
    """A probe asked something that the test did not list."""


class FakeHost(Host):
    """Answers by question identity. A list of answers is given out in order, its last one for ever."""

    def __init__(self, answers: Mapping[Question, Struct | HostError | list[Struct | HostError]]) -> None:
        self._answers = {question.identity: answer for question, answer in answers.items()}
        self._answers.setdefault(AskClock().identity, clock())
        self._given: dict[tuple[str, ...], int] = {}
        self.asked: list[Question] = []
        self.paused_s = 0.0

    def answer(self, question: Question) -> Struct:
        self.asked.append(question)
        try:
            found = self._answers[question.identity]
        except KeyError:
            raise UnlistedQuestionError(f"not listed: {question.identity}") from None
        if isinstance(found, list):
            turn = self._given.get(question.identity, 0)
            self._given[question.identity] = turn + 1
            found = found[min(turn, len(found) - 1)]
        if isinstance(found, HostError):
            raise found
        return found

    def pause(self, duration_s: float) -> None:
        self.paused_s += duration_s


class Live(FakeHost):
    """Stands in for the live host: answers that nothing is there."""

    closed = False
    workers = None

    def __init__(self, *, budget_s: float) -> None:
        super().__init__({})

    def answer(self, question: Question) -> Struct:
        if isinstance(question, AskClock):
            return clock()
        raise HostError("not_found", NOT_FOUND, question.source)

    def abandoned(self) -> tuple[str, ...]:
        return ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None:
        Live.closed = True

    def in_progress(self) -> tuple[str, ...]:
        return ()


def clock(now_at: float = NOW_AT, booted_at: float = BOOTED_AT, uid: int = 0) -> ClockAnswer:
    return ClockAnswer(now_at=now_at, booted_at=booted_at, host_name="iwx1.lab.invalid", effective_uid=uid)


def command(
    argv: tuple[str, ...], stdout: str = "", *, exit_code: int = 0, stderr: str = ""
) -> CommandAnswer:
    return CommandAnswer(
        argv=argv, exit_code=exit_code, stdout=stdout.encode(), stderr=stderr.encode(), duration_s=0.01
    )


def run(*argv: str) -> RunCommand:
    return RunCommand(argv=argv)


def content(text: str | bytes, *, modified_at: float = NOW_AT, truncated: bool = False) -> FileContent:
    data = text.encode() if isinstance(text, str) else text
    return FileContent(data=data, size_bytes=len(data), modified_at=modified_at, truncated=truncated)


def layout() -> Layout:
    return load_layout(Path("/nonexistent"))


def signatures() -> Signatures:
    return load_signatures(Path("/nonexistent"))


def context(answers: Mapping[Question, Struct | HostError | list[Struct | HostError]]) -> Context:
    return Context(FakeHost(answers), layout(), signatures())
