"""The agent's own small files: whole or not at all, for its owner alone, never through another's file."""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iwx_agent.host import HostError
from iwx_agent.host.worker.operations import operate

NAME = "last-verdict.json"
MAX_BYTES = 128 * 1024
DIRECTORY = Path()


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "kept"
    monkeypatch.setattr(f"{__name__}.DIRECTORY", directory)
    return directory


def answer(*request: object) -> Any:
    answered = operate(request)
    if answered[0] == "error":
        raise HostError(answered[1], answered[2], NAME)
    return answered[1]


def keep(data: bytes) -> None:
    answer("keep", str(DIRECTORY), NAME, data)


def last() -> bytes:
    data: bytes = answer("kept", str(DIRECTORY), NAME, MAX_BYTES)
    return data


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def not_kept() -> HostError:
    with pytest.raises(HostError) as raised:
        keep(b"new")
    return raised.value


def not_there() -> HostError:
    with pytest.raises(HostError) as raised:
        last()
    return raised.value


def test_what_is_kept_comes_back_and_the_last_counts(kept: Path) -> None:
    keep(b"one, and longer")
    keep(b"two")
    assert last() == b"two"
    assert names(kept) == [NAME]


def test_only_its_owner_may_look(kept: Path) -> None:
    old_mask = os.umask(0)
    try:
        keep(b"x")
    finally:
        os.umask(old_mask)
    assert (mode(kept), mode(kept / NAME)) == (0o700, 0o600)


def test_nothing_has_been_kept_yet(kept: Path) -> None:
    assert not_there().kind == "not_found"
    kept.mkdir(mode=0o700)
    assert not_there().kind == "not_found"


def symlink(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"precious")
    path.symlink_to(path.parent / "elsewhere")


def hard_link(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"precious")
    os.link(path.parent / "elsewhere", path)


@pytest.mark.parametrize(
    ("put", "said"),
    [
        (symlink, "is a symlink, not a file"),
        (lambda path: path.symlink_to("/nowhere"), "is a symlink, not a file"),
        (os.mkfifo, "is a fifo, not a file"),
        (os.mkdir, "is a directory, not a file"),
        (hard_link, "belongs to somebody else, too"),
    ],
    ids=["symlink", "dangling symlink", "fifo", "directory", "hard link"],
)
def test_what_somebody_put_in_its_place_is_left_alone(
    kept: Path, put: Callable[[Path], Any], said: str
) -> None:
    kept.mkdir(mode=0o700)
    put(kept / NAME)
    before = os.lstat(kept / NAME)
    for error in (not_kept(), not_there()):
        assert f"{kept}/{NAME} {said}" in error.reason
        assert error.reason.endswith("left alone")
    assert os.lstat(kept / NAME).st_ino == before.st_ino
    elsewhere = kept / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_bytes() == b"precious"


def test_a_file_of_another_user_is_left_alone(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(b"x")
    own = os.geteuid()
    asked = iter([own, own + 1] * 4)  # the directory is ours, the file is not
    monkeypatch.setattr("iwx_agent.host.worker.own_files.os.geteuid", lambda: next(asked))
    for error in (not_kept(), not_there()):
        assert "belongs to somebody else" in error.reason
    assert (kept / NAME).read_bytes() == b"x"


@pytest.mark.parametrize("bits", [0o770, 0o707, 0o777])
def test_a_directory_that_others_can_write_to_is_not_used(kept: Path, bits: int) -> None:
    kept.mkdir()
    kept.chmod(bits)
    for error in (not_kept(), not_there()):
        assert error.reason == f"others can write to {kept}; left alone"
    assert names(kept) == []


def test_a_directory_of_another_user_is_not_used(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.mkdir(mode=0o700)
    other = os.geteuid() + 1
    monkeypatch.setattr("iwx_agent.host.worker.own_files.os.geteuid", lambda: other)
    assert "others can write to" in not_kept().reason


@pytest.mark.parametrize("put", [lambda path: path.symlink_to("/tmp"), Path.touch])
def test_a_place_that_is_no_directory_is_left_alone(kept: Path, put: Callable[[Path], None]) -> None:
    put(kept)
    for error in (not_kept(), not_there()):
        assert error.reason == f"{kept} is no directory of its own; left alone"


def failing(number: int) -> Callable[..., Any]:
    def fail(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("call", "number", "said"),
    [
        ("write", errno.ENOSPC, "No space left on device (ENOSPC)"),
        ("write", errno.EIO, "Input/output error (EIO)"),
        ("rename", errno.EROFS, "Read-only file system (EROFS)"),
        ("mkdir", errno.EROFS, "Read-only file system (EROFS)"),
    ],
)
def test_a_sick_disk_costs_the_new_one_only(
    kept: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, said: str
) -> None:
    keep(b"old")
    with monkeypatch.context() as sick:
        sick.setattr(f"iwx_agent.host.worker.own_files.os.{call}", failing(number))
        assert not_kept().reason == said
    assert last() == b"old"
    assert names(kept) == [NAME]


def test_a_write_may_take_several_turns(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(
        "iwx_agent.host.worker.own_files.os.write", lambda number, data: write(number, data[:3])
    )
    keep(b"0123456789")
    assert last() == b"0123456789"


def test_what_a_killed_run_left_is_cleared_away_but_not_what_another_writes_now(kept: Path) -> None:
    kept.mkdir(mode=0o700)
    old, new, others = (kept / name for name in (f".{NAME}.1", f".{NAME}.2", "history.sqlite"))
    for path in (old, new, others):
        path.touch()
        os.utime(path, (1, 1))
    os.utime(new)
    keep(b"x")
    assert names(kept) == sorted([NAME, f".{NAME}.2", "history.sqlite"])


def test_the_bound_is_inclusive(kept: Path) -> None:
    keep(b"x" * 131_072)
    assert len(last()) == 131_072
    (kept / NAME).write_bytes(b"x" * 131_073)
    assert not_there().reason == "is larger than 131072 bytes"
