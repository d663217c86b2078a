"""What was recorded is answered again, byte by byte, error by error, turn by turn."""

import base64
import stat
from pathlib import Path
from typing import Any

import pytest
from building import AT
from every_answer import INFO, ODD, PAIRS
from fakes import FakeHost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct, structs

from iwx_agent.host import (
    ANSWER_TYPES,
    AskClock,
    ClockAnswer,
    CommandAnswer,
    Datagram,
    DirectoryEntry,
    DirectoryListing,
    FileContent,
    FileStatus,
    Host,
    HostError,
    ListDirectory,
    Question,
    ReadFile,
    RunCommand,
    Stat,
    TailFile,
)
from iwx_agent.replay import Recorder, open_capture, write_capture
from iwx_agent.replay.format import NOT_FOUND, encode_answer, encode_question


def record(tmp_path: Path, answers: dict[Question, Any], asked: list[Question]) -> Host:
    recorder = Recorder(FakeHost(answers))
    for question in asked:
        try:
            recorder.answer(question)
        except HostError:
            continue
    write_capture(tmp_path / "capture", INFO, recorder.heard)
    return open_capture(tmp_path / "capture")


def test_every_kind_of_question_is_tried_here() -> None:
    assert {type(question) for question, _ in PAIRS} == set(ANSWER_TYPES)


@pytest.mark.parametrize(("question", "answer"), PAIRS, ids=lambda value: type(value).__name__)
def test_an_answer_comes_back_as_it_was(tmp_path: Path, question: Question, answer: Struct) -> None:
    replay = record(tmp_path, {question: answer}, [question])
    assert replay.answer(question) == answer


@pytest.mark.parametrize(
    "question", [question for question, _ in PAIRS if not isinstance(question, AskClock)]
)
@pytest.mark.parametrize("kind", ["not_found", "permission", "timeout", "tls", "over_budget"])
def test_an_error_comes_back_as_it_was(tmp_path: Path, question: Question, kind: Any) -> None:
    replay = record(tmp_path, {question: HostError(kind, "told why", question.source)}, [question])
    with pytest.raises(HostError) as raised:
        replay.answer(question)
    assert raised.value.kind == kind
    assert raised.value.source == question.source
    assert raised.value.reason == "told why"


@pytest.mark.parametrize(("question", "answer"), PAIRS, ids=lambda value: type(value).__name__)
def test_the_second_asking_gets_the_second_answer_and_then_the_last(
    tmp_path: Path, question: Question, answer: Struct
) -> None:
    gone: list[Any] = [answer, HostError("timeout", "now it hangs", question.source), answer]
    if isinstance(question, AskClock):
        gone[1] = ClockAnswer(now_at=105.0, booted_at=1.5, host_name="iwx1", effective_uid=12)
    replay = record(tmp_path, {question: gone}, [question] * 3)
    assert replay.answer(question) == answer
    if isinstance(question, AskClock):
        assert replay.answer(question) == gone[1]
    else:
        with pytest.raises(HostError, match="now it hangs"):
            replay.answer(question)
    assert [replay.answer(question), replay.answer(question)] == [answer, answer]


def test_bounds_do_not_make_another_question(tmp_path: Path) -> None:
    answer = next(answer for question, answer in PAIRS if isinstance(question, RunCommand))
    replay = record(
        tmp_path, {RunCommand(argv=("printf", "a b")): answer}, [RunCommand(argv=("printf", "a b"))]
    )
    assert replay.answer(RunCommand(argv=("printf", "a b"), timeout_s=0.5, max_bytes=3)) == answer
    with pytest.raises(HostError, match="not in this capture"):
        replay.answer(RunCommand(argv=("printf", "a", "b")))


def test_the_two_ways_of_reading_one_file_keep_their_own_answers(tmp_path: Path) -> None:
    head = FileContent(data=b"head\n", size_bytes=99, modified_at=1.0, truncated=True, path="/l")
    tail = FileContent(data=b"tail\n", size_bytes=99, modified_at=1.0, truncated=True, path="/l")
    asked: list[Question] = [ReadFile(path="/l"), TailFile(path="/l")]
    replay = record(tmp_path, {asked[0]: head, asked[1]: tail}, asked)
    assert [replay.answer(question) for question in asked] == [head, tail]


@pytest.mark.parametrize("asked", [ReadFile(path="/l"), TailFile(path="/l")])
def test_the_side_of_a_truncated_file_that_was_not_read_was_not_captured(
    tmp_path: Path, asked: Question
) -> None:
    part = FileContent(data=b"part\n", size_bytes=99, modified_at=1.0, truncated=True, path="/l")
    replay = record(tmp_path, {asked: part}, [asked])
    other = TailFile(path="/l") if isinstance(asked, ReadFile) else ReadFile(path="/l")
    assert replay.answer(asked) == part
    with pytest.raises(HostError, match="not in this capture"):
        replay.answer(other)


def test_a_whole_file_answers_both_ways_within_the_bounds_of_the_question(tmp_path: Path) -> None:
    text = b"one\ntwo\nthree\n"
    whole = FileContent(data=text, size_bytes=len(text), modified_at=1.0, path="/l")
    replay = record(tmp_path, {ReadFile(path="/l"): whole}, [ReadFile(path="/l")])
    assert replay.read("/l", max_bytes=5) == structs.replace(whole, data=b"one\nt", truncated=True)
    assert replay.tail("/l", max_bytes=8).data == b"three\n"  # from the start of a line, as the live host
    assert replay.tail("/l", max_bytes=10).data == b"two\nthree\n"
    assert replay.tail("/l", max_bytes=4).data == b"ree\n"  # a line that is longer loses its start
    assert replay.tail("/l", max_bytes=100).data == text


def test_a_name_that_the_listing_lacks_is_not_there_and_one_beyond_its_end_was_not_captured(
    tmp_path: Path,
) -> None:
    short = DirectoryListing(entries=(DirectoryEntry(name="a", kind="file"),))
    cut = structs.replace(short, truncated=True)
    answers: dict[Question, Any] = {ListDirectory(path="/d"): short, ListDirectory(path="/cut"): cut}
    replay = record(tmp_path, answers, list(answers))
    for path, kind in (("/d/b", "not_found"), ("/d/a", "not_captured"), ("/cut/b", "not_captured")):
        with pytest.raises(HostError) as raised:
            replay.read(path)
        assert raised.value.kind == kind


def test_a_file_that_was_read_tells_nothing_of_what_else_is_in_its_directory(tmp_path: Path) -> None:
    one = FileContent(data=b"x", size_bytes=1, modified_at=1.0)
    replay = record(tmp_path, {ReadFile(path="/etc/a.conf"): one}, [ReadFile(path="/etc/a.conf")])
    with pytest.raises(HostError, match="not in this capture"):
        replay.list_directory("/etc")
    assert replay.stat("/etc").kind == "directory"
    with pytest.raises(HostError, match="not in this capture"):
        replay.stat("/etc/b.conf")


def test_a_status_and_a_content_of_one_path_go_together(tmp_path: Path) -> None:
    status = FileStatus(kind="file", size_bytes=1, modified_at=4.0, mode=0o600, uid=1, gid=2)
    one = FileContent(data=b"x", size_bytes=1, modified_at=4.0, path="/f")
    asked: list[Question] = [Stat(path="/f"), ReadFile(path="/f")]
    for number, order in enumerate((asked, asked[::-1])):
        place = tmp_path / str(number)
        place.mkdir()
        replay = record(place, {asked[0]: status, asked[1]: one}, order)
        assert [replay.answer(question) for question in asked] == [status, one]


def test_an_error_of_one_question_is_not_that_of_another_about_the_same_path(tmp_path: Path) -> None:
    answers: dict[Question, Any] = {
        ReadFile(path="/d"): HostError("not_regular", "is a directory", "/d"),
        Stat(path="/d"): FileStatus(kind="directory", size_bytes=1, modified_at=4.0, mode=0o700),
        ReadFile(path="/gone"): HostError("not_found", NOT_FOUND, "/gone"),
    }
    replay = record(tmp_path, answers, list(answers))
    assert replay.stat("/d").kind == "directory"
    with pytest.raises(HostError, match="is a directory"):
        replay.read("/d")
    for ask in (replay.read, replay.stat, replay.tail, replay.list_directory):
        with pytest.raises(HostError) as raised:
            ask("/gone")
        assert raised.value.kind == "not_found"


def test_a_file_that_came_and_one_that_went_between_two_questions(tmp_path: Path) -> None:
    here = FileStatus(kind="file", size_bytes=1, modified_at=4.0, mode=0o600)
    gone = HostError("not_found", NOT_FOUND, "/f")
    one = FileContent(data=b"x", size_bytes=1, modified_at=4.0, path="/f")
    asked: list[Question] = [Stat(path="/f"), ReadFile(path="/f")]
    for number, (first, second) in enumerate([(gone, one), (here, gone)]):
        place = tmp_path / str(number)
        place.mkdir()
        replay = record(place, {asked[0]: first, asked[1]: second}, asked)
        for question, expected in zip(asked, (first, second), strict=True):
            if isinstance(expected, HostError):
                with pytest.raises(HostError, match="No such file"):
                    replay.answer(question)
            else:
                assert replay.answer(question) == expected


@pytest.mark.parametrize("path", ["relative", "/a/../b", "//a", "/a//b", "/a/", "/a\0b"])
def test_an_odd_path_is_answered_from_the_lines_and_never_looked_up(tmp_path: Path, path: str) -> None:
    one = FileContent(data=b"x", size_bytes=1, modified_at=1.0)
    replay = record(tmp_path, {ReadFile(path=path): one}, [ReadFile(path=path)])
    assert replay.answer(ReadFile(path=path)) == one
    for question in (Stat(path=path), ListDirectory(path=path), TailFile(path=path)):
        with pytest.raises(HostError, match="not in this capture"):
            replay.answer(question)


def test_the_clock_of_a_capture_that_says_nothing_is_when_it_was_taken(tmp_path: Path) -> None:
    replay = record(tmp_path, {}, [])
    clock = replay.clock()
    assert clock.now_at == AT.timestamp()
    assert clock.host_name == "iwx1"
    replay.pause(3600.0)  # does not wait


def test_a_capture_is_for_its_owner_only_and_readable_by_a_person(tmp_path: Path) -> None:
    question, answer = (
        RunCommand(argv=("x",)),
        CommandAnswer(argv=("x",), exit_code=0, stdout=b"caf\xc3\xa9\n", stderr=ODD, duration_s=0.0),
    )
    one = FileContent(data=b"x", size_bytes=1, modified_at=1.0)
    record(
        tmp_path,
        {question: answer, ReadFile(path="/etc/deep/x"): one},
        [question, ReadFile(path="/etc/deep/x")],
    )
    for path in [tmp_path / "capture", *(tmp_path / "capture").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    line = (tmp_path / "capture" / "answers.jsonl").read_text()
    assert '"stdout":"café\\n"' in line
    assert base64.b64encode(ODD).decode() in line


def test_the_recorder_waits_as_its_host_does() -> None:
    host = FakeHost({})
    Recorder(host).pause(4.0)
    assert host.paused_s == 4.0


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=64), text=st.text(max_size=20))
def test_any_bytes_survive(data: bytes, text: str) -> None:
    from iwx_agent.replay.format import decode_answer, decode_question

    answer = CommandAnswer(
        argv=("x",), exit_code=0, stdout=data, stderr=text.encode("utf-8", "replace"), duration_s=0.0
    )
    assert decode_answer(RunCommand(argv=("x",)), encode_answer(answer)) == answer
    question = Datagram(payload=data, port=53, label="x")
    assert decode_question(encode_question(question)) == question


def test_a_scan_is_answered_from_a_captured_file_too(tmp_path: Path) -> None:
    tail = TailFile(path="/var/log/x")
    log = FileContent(
        data=b"a kernel: 1\nb cron: 2\nc kernel: 3\n", size_bytes=33, modified_at=1.0, path="/var/log/x"
    )
    replay = record(tmp_path, {tail: log}, [tail])
    found = replay.scan("/var/log/x", needles=(" kernel: ",))
    assert found.data == b"a kernel: 1\nc kernel: 3\n"
    with pytest.raises(HostError):
        replay.scan("/var/log/y", needles=(" kernel: ",))
