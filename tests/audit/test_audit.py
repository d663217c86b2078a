"""The audit file: one line at a time, root's alone, never through a link; the journal gets the same line."""

import json
import os
import resource
import socket
from pathlib import Path
from typing import Any

import pytest

from iwx_agent import audit
from iwx_agent.audit import Audit, AuditEntry
from iwx_agent.host import HostError
from iwx_agent.host.worker.operations import operate

Heard = list[bytes]


def entry(**more: Any) -> AuditEntry:
    values: dict[str, Any] = {
        "at": "2026-11-23T19:52:42Z",
        "action": "remote-assistance enable",
        "phase": "intent",
        "way": "panel",
        "outcome": "72 hours",
        "uid": 0,
        "login_uid": 1000,
        "pid": 4711,
    }
    return AuditEntry(**(values | more))


@pytest.fixture
def heard() -> Heard:
    return []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "iwx-agent"


@pytest.fixture
def kept(place: Path, heard: Heard) -> Audit:
    return Audit(place, heard.append)


def lines(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place / "audit.log").read_bytes().split(b"\n") if line]


def test_a_line_has_all_that_is_needed_later(kept: Audit, place: Path, heard: Heard) -> None:
    assert kept.write(entry()) == ()
    assert lines(place) == [
        {
            "at": "2026-11-23T19:52:42Z",
            "action": "remote-assistance enable",
            "phase": "intent",
            "way": "panel",
            "outcome": "72 hours",
            "uid": 0,
            "login_uid": 1000,
            "pid": 4711,
        }
    ]
    assert heard == [(place / "audit.log").read_bytes().rstrip(b"\n")]


def test_file_and_directory_are_for_their_owner_only(kept: Audit, place: Path) -> None:
    before = os.umask(0)
    try:
        kept.write(entry())
    finally:
        os.umask(before)
    assert place.stat().st_mode & 0o777 == 0o700
    assert (place / "audit.log").stat().st_mode & 0o777 == 0o600


def test_lines_are_added_and_none_is_lost(kept: Audit, place: Path) -> None:
    for number in range(3):
        assert kept.write(entry(pid=number)) == ()
    assert [line["pid"] for line in lines(place)] == [0, 1, 2]


def test_hostile_text_stays_on_its_line(kept: Audit, place: Path) -> None:
    kept.write(entry(outcome='x\n{"action": "forged"}\x1b[31m\r\u2028'))
    (line,) = lines(place)
    assert line["action"] == "remote-assistance enable"
    assert (place / "audit.log").read_bytes().count(b"\n") == 1


def test_a_line_that_a_full_disk_has_cut_does_not_swallow_the_next(kept: Audit, place: Path) -> None:
    kept.write(entry())
    path = place / "audit.log"
    size = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, before[1]))  # as on a disk with ten bytes left
    try:
        (failure,) = kept.write(entry(pid=1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert failure == f"{path}: there was no room for the whole line"
    kept.write(entry(pid=2))
    told = path.read_bytes().split(b"\n")
    assert [len(told), told[1][:9], json.loads(told[2])["pid"]] == [4, b'{"at":"20', 2]


def refused(place: Path, heard: Heard, said: str) -> None:
    """The file does not take it, and says why; the journal has it all the same."""
    (failure,) = Audit(place, heard.append).write(entry())
    assert failure.startswith(f"{place}/audit.log: ")
    assert said in failure
    assert len(heard) == 1


def test_a_link_in_place_of_the_file_is_not_followed(place: Path, heard: Heard, tmp_path: Path) -> None:
    place.mkdir(mode=0o700)
    (place / "audit.log").symlink_to(tmp_path / "elsewhere")
    refused(place, heard, "symbolic link")
    assert not (tmp_path / "elsewhere").exists()


def test_a_link_in_place_of_the_directory_is_not_followed(place: Path, heard: Heard, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    place.symlink_to(tmp_path / "elsewhere")
    refused(place, heard, "Not a directory")


def test_a_fifo_does_not_hold_it(place: Path, heard: Heard) -> None:
    place.mkdir(mode=0o700)
    os.mkfifo(place / "audit.log", 0o600)
    refused(place, heard, "not a regular file")


@pytest.mark.parametrize("mode", [0o770, 0o707])
def test_a_directory_that_others_may_write_to_is_not_used(place: Path, heard: Heard, mode: int) -> None:
    place.mkdir()
    place.chmod(mode)
    refused(place, heard, "others may write to the directory")


def test_a_file_that_others_may_write_to_is_not_used(place: Path, heard: Heard) -> None:
    place.mkdir(mode=0o700)
    (place / "audit.log").touch()
    (place / "audit.log").chmod(0o666)
    refused(place, heard, "others may write to the file")


def test_without_its_parent_there_is_no_directory(tmp_path: Path, heard: Heard) -> None:
    refused(tmp_path / "gone" / "iwx-agent", heard, "No such file or directory")


def test_a_journal_that_does_not_answer_is_told(place: Path) -> None:
    def gone(line: bytes) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    assert Audit(place, gone).write(entry()) == ("the journal: Connection refused",)
    assert len(lines(place)) == 1


def test_both_places_are_told_when_none_takes_it(tmp_path: Path) -> None:
    def gone(line: bytes) -> None:
        raise OSError("timed out")

    failures = Audit(tmp_path / "gone" / "x", gone).write(entry())
    assert [failure.partition(": ")[2] for failure in failures] == ["No such file or directory", "timed out"]


def test_where_it_is_by_default() -> None:
    assert (Path("/var/log/iwx-agent"), "audit.log", "/dev/log") == (
        audit.DIRECTORY,
        audit.FILE_NAME,
        audit.JOURNAL,
    )


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_the_journal_gets_one_message_of_the_right_kind(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "log")
    monkeypatch.setattr(audit, "JOURNAL", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(path)
        assert Audit(place).write(entry()) == ()
        message = journal.recv(4096)
    assert message.startswith(b"<85>iwx-agent[%d]: {" % os.getpid())
    assert json.loads(message.partition(b": ")[2])["phase"] == "intent"


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_without_a_journal_the_file_has_it(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "JOURNAL", str(tmp_path / "gone"))
    assert Audit(place).write(entry()) == ("the journal: No such file or directory",)
    assert len(lines(place)) == 1


def test_with_workers_a_disk_that_does_not_answer_is_one_reason(
    place: Path, heard: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []

    def silent(workers: Any, request: Any, deadline: Any, *told: Any) -> Any:
        asked.append((workers, request[:3], deadline.limit_s))
        raise HostError("timeout", "no answer within 2.0 s", "x")

    monkeypatch.setattr("iwx_agent.host.local.ask_worker", silent)
    workers: Any = object()
    failures = Audit(place, heard.append, workers).write(entry())
    assert failures == (f"{place}/audit.log: no answer within 2.0 s",)
    assert asked == [(workers, ("append", str(place), "audit.log"), 2.0)]
    assert len(heard) == 1


def test_a_worker_appends_as_this_process_does(
    place: Path, heard: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "iwx_agent.host.local.ask_worker", lambda workers, request, *told: operate(request)[1]
    )
    workers: Any = object()
    for one in (Audit(place, heard.append, workers), Audit(place, heard.append)):
        assert one.write(entry()) == ()
    first, second = (place / "audit.log").read_bytes().splitlines()
    assert first == second
