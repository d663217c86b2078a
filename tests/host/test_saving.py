"""A file that a person asked for: whole or not at all, never over something, never where others can write."""

import os
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from iwx_agent.host import HostError
from iwx_agent.host.saving import in_memory, refuse_unsavable, save
from iwx_agent.host.worker import saving
from iwx_agent.host.worker.operations import NoAnswer

DATA = b"data of a bundle\n" * 50_000


def refused(path: Path | str, kind: str, said: str, *, early: bool = True) -> None:
    """Check that a place is refused, also before there is anything to write."""
    tries: tuple[Callable[[], None], ...] = (
        partial(save, str(path), DATA),
        partial(refuse_unsavable, str(path)),
    )
    for refuse in tries:
        with pytest.raises(HostError, match=said) as raised:
            refuse()
        assert raised.value.kind == kind
        if not early:
            return


def test_a_new_file_is_for_its_owner_only_and_nothing_else_is_left(tmp_path: Path) -> None:
    refuse_unsavable(f"{tmp_path}/b.tar.gz")
    save(f"{tmp_path}/b.tar.gz", DATA)
    assert (tmp_path / "b.tar.gz").read_bytes() == DATA
    assert stat.S_IMODE((tmp_path / "b.tar.gz").stat().st_mode) == 0o600
    assert (tmp_path / "b.tar.gz").stat().st_nlink == 1
    assert [path.name for path in tmp_path.iterdir()] == ["b.tar.gz"]


def test_others_may_read_it_where_that_is_asked_for_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        save(f"{tmp_path}/b.prom", DATA, mode=0o644)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "b.prom").stat().st_mode) == 0o644
    save(f"{tmp_path}/b.prom", b"new", replace=True)
    assert stat.S_IMODE((tmp_path / "b.prom").stat().st_mode) == 0o600


def test_a_relative_path_and_an_empty_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    save("one", b"")
    refuse_unsavable("./")
    save("./two", b"2")
    assert [(tmp_path / name).read_bytes() for name in ("one", "two")] == [b"", b"2"]


@pytest.mark.parametrize("what", ["file", "directory", "link", "dangling", "fifo"])
def test_what_is_there_already_is_left_alone(tmp_path: Path, what: str) -> None:
    place = tmp_path / "b"
    (tmp_path / "mine").write_text("mine")
    if what == "file":
        place.write_text("old")
    elif what == "directory":
        place.mkdir()
    elif what == "fifo":
        os.mkfifo(place)
    else:
        place.symlink_to(tmp_path / ("mine" if what == "link" else "nowhere"))
    before = place.lstat()
    said = "a symbolic link" if what in ("link", "dangling") else "something"
    refused(place, "refused", f"there is {said} at .*/b already; nothing was overwritten")
    assert place.lstat() == before
    assert (tmp_path / "mine").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "mine"]


@pytest.mark.parametrize("mode", [0o777, 0o1777])
def test_a_directory_that_everybody_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d").chmod(mode)
    refused(tmp_path / "d" / "b", "permission", "everybody can write to .*/d: choose a directory of your own")
    assert list((tmp_path / "d").iterdir()) == []


def test_a_link_to_a_directory_a_file_and_nothing_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "file").write_text("")
    refused(tmp_path / "link" / "b", "not_regular", "is a symbolic link or no directory")
    refused(tmp_path / "file" / "b", "not_regular", "is a symbolic link or no directory")
    refused(tmp_path / "no" / "b", "not_found", "No such file or directory")
    assert list((tmp_path / "real").iterdir()) == []


class Room:
    """What fstatvfs says of a file system with so much room."""

    def __init__(self, free_bytes: int, *, inodes: int = 10, flags: int = 0) -> None:
        self.f_bavail, self.f_frsize, self.f_bsize = free_bytes, 1, 4096
        self.f_files, self.f_favail, self.f_flag = 1000, inodes, flags


SPARE = 64 * 1024


@pytest.mark.parametrize(
    ("room", "said"),
    [
        (
            Room(SPARE + len(DATA) - 1),
            f"{SPARE + len(DATA)} bytes are needed and {SPARE + len(DATA) - 1} are free on /",
        ),
        (Room(0), "bytes are needed and 0 are free on /"),
        (Room(10**9, inodes=0), "1 inode is needed and none is free on /"),
        (Room(10**9, flags=os.ST_RDONLY), "is read-only"),
    ],
)
def test_no_room_is_seen_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: Room, said: str
) -> None:
    monkeypatch.setattr(os, "fstatvfs", lambda _: room)
    refused(tmp_path / "b", "failed", said, early=False)
    assert list(tmp_path.iterdir()) == []


def test_just_enough_room_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fstatvfs", lambda _: Room(SPARE + len(DATA)))
    save(f"{tmp_path}/b", DATA)
    assert (tmp_path / "b").read_bytes() == DATA


def test_a_disk_that_fills_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int, data: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    source = os.open(__file__, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="No space left"):
            saving._write_new(descriptor, "b", 100, replace=False, mode=0o600, number=source)
    finally:
        os.close(descriptor)
        os.close(source)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_shorter_than_told_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer, match="only 3 of 10 bytes were there"):
        saving.save(str(tmp_path), "b", 10, replace=False, mode=0o600, number=in_memory(b"123"))
    assert list(tmp_path.iterdir()) == []


def test_what_appears_while_writing_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def raced(number: int) -> None:
        (tmp_path / "b").write_text("theirs")
        real(number)

    monkeypatch.setattr(os, "fsync", raced)
    refused(tmp_path / "b", "refused", "something came to be at b meanwhile", early=False)
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    assert (tmp_path / "b").read_text() == "theirs"


def test_on_a_file_system_without_hard_links_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*names: object, **more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    save(f"{tmp_path}/b", DATA)
    assert (tmp_path / "b").read_bytes() == DATA
    assert [path.name for path in tmp_path.iterdir()] == ["b"]
    refused(tmp_path / "b", "refused", "there is something")


def test_any_other_error_of_linking_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*names: object, **more: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "link", broken)
    refused(tmp_path / "b", "failed", r"Input/output error \(EIO\)", early=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_that_is_not_in_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saving, "_lines", lambda path: [b"pos:\t0"])
    monkeypatch.setattr(os, "fstatvfs", lambda _: Room(0))
    refused(tmp_path / "b", "failed", "are free on its file system", early=False)


def test_a_name_that_is_too_long_is_said(tmp_path: Path) -> None:
    refused(tmp_path / ("x" * 300), "failed", "File name too long")
