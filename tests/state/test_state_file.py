"""The database's file: whole or set aside, never somebody else's, the same after any end of a writer."""

import os
import sqlite3
import stat
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iwx_agent.state import Door, StateError
from iwx_agent.state.schema import APPLICATION, SCHEMA, VERSIONS

INTO = "INSERT INTO runs (id, size_bytes, summary, report) VALUES ({})"
PUT: Any = (INTO.format("?, 1, x'00', x'00'"), ("a",), 1)
COUNT: Any = ("SELECT count(*) FROM runs", (), None)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="mounts need root")


def count(door: Door | None = None) -> int:
    found: int = (door or Door()).read(COUNT)[0][0][0][0]
    return found


def names(kept: Path) -> list[str]:
    return sorted(path.name for path in kept.iterdir())


def refusals(kind: str) -> list[str]:
    told = []
    asks: tuple[Callable[[], Any], ...] = (lambda: Door().write(PUT), lambda: Door().read(COUNT))
    for ask in asks:
        with pytest.raises(StateError) as raised:
            ask()
        assert raised.value.kind == kind
        told.append(raised.value.why)
    return told


def directory(path: Path) -> None:
    path.mkdir()


def symlink(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"precious")
    path.symlink_to(path.parent / "elsewhere")


def fifo(path: Path) -> None:
    os.mkfifo(path, 0o600)


def hard_link(path: Path) -> None:
    (path.parent / "elsewhere").write_bytes(b"precious")
    os.link(path.parent / "elsewhere", path)


PUTS: dict[str, tuple[Callable[[Path], Any], str]] = {
    "symlink": (symlink, "is a symlink, not a file"),
    "dangling symlink": (lambda path: path.symlink_to("/nowhere"), "is a symlink, not a file"),
    "fifo": (fifo, "is a fifo, not a file"),
    "directory": (directory, "is a directory, not a file"),
    "hard link": (hard_link, "belongs to somebody else, too"),
}


@pytest.mark.parametrize("name", ["state.db", "state.db-journal"])
@pytest.mark.parametrize("put", PUTS)
def test_what_somebody_put_in_its_place_is_left_alone(kept: Path, name: str, put: str) -> None:
    kept.mkdir(mode=0o700)
    make, said = PUTS[put]
    make(kept / name)
    before = os.lstat(kept / name)
    for why in refusals("refused"):
        assert why.startswith(f"{kept}/{name} {said}")
        assert why.endswith("left alone")
    assert os.lstat(kept / name).st_ino == before.st_ino
    elsewhere = kept / "elsewhere"
    assert not elsewhere.exists() or elsewhere.read_bytes() == b"precious"


@pytest.mark.parametrize("bits", [0o770, 0o707])
def test_a_directory_that_others_can_write_to_is_not_used(kept: Path, bits: int) -> None:
    kept.mkdir()
    kept.chmod(bits)
    assert refusals("refused") == [f"others can write to {kept}; left alone"] * 2
    assert names(kept) == []


def test_a_directory_that_is_a_link_is_not_used(kept: Path) -> None:
    kept.symlink_to("/tmp")
    assert refusals("refused") == [f"{kept} is no directory of its own; left alone"] * 2


def test_a_file_that_others_can_read_is_closed_to_them(kept: Path) -> None:
    Door().write(PUT)
    (kept / "state.db").chmod(0o644)
    assert count() == 1
    assert stat.S_IMODE((kept / "state.db").stat().st_mode) == 0o600


def test_a_database_of_another_program_is_left_alone(kept: Path) -> None:
    kept.mkdir(mode=0o700)
    with closing(sqlite3.connect(kept / "state.db")) as connection:
        connection.executescript("CREATE TABLE theirs (x); PRAGMA journal_mode = WAL;")
    before = (kept / "state.db").read_bytes()
    assert refusals("refused") == ["it is the database of another program; left alone"] * 2
    assert (kept / "state.db").read_bytes() == before


def test_what_a_later_agent_wrote_is_left_alone(kept: Path) -> None:
    Door().write(PUT)
    with closing(sqlite3.connect(kept / "state.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = (kept / "state.db").read_bytes()
    for why in refusals("refused"):
        assert why.startswith(
            "it was written by a later iwx-agent (version 99 of the state, this one knows up"
        )
    assert (kept / "state.db").read_bytes() == before


def test_an_older_version_is_brought_up_to_date_whole_or_not_at_all(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Door().write(PUT)
    added = ("CREATE TABLE more (x INTEGER)", "INSERT INTO more VALUES (7)")
    broken = (*added, "INSERT INTO nowhere VALUES (7)")
    monkeypatch.setattr("iwx_agent.state.door.SCHEMA", (APPLICATION, (*VERSIONS, broken), SCHEMA[2]))
    with pytest.raises(StateError, match="no such table: nowhere"):
        Door().write(PUT)
    monkeypatch.setattr("iwx_agent.state.door.SCHEMA", (APPLICATION, (*VERSIONS, added), SCHEMA[2]))
    assert Door().read(("SELECT x FROM more", (), None), COUNT) == [([(7,)], -1), ([(1,)], -1)]
    with closing(sqlite3.connect(kept / "state.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(VERSIONS) + 1,)


def test_all_steps_or_none(kept: Path) -> None:
    Door().write()
    with pytest.raises(StateError, match=r"UNIQUE constraint failed: runs.id") as raised:
        Door().write(PUT, PUT)
    assert raised.value.kind == "failed"
    assert count() == 0
    nothing: Any = ("UPDATE runs SET size_bytes = 2 WHERE id = 'b'", (), 1)
    with pytest.raises(StateError) as raised:
        Door().write(PUT, nothing)
    assert raised.value.kind == "conflict"
    assert count() == 0
    Door().write(PUT)
    assert count() == 1


def test_types_are_checked_without_strict_tables() -> None:
    wrong: Any = ("INSERT INTO runs (id, size_bytes, summary, report) VALUES ('a', 'b', 'c', 'd')", (), 1)
    with pytest.raises(StateError, match="CHECK constraint failed"):
        Door().write(wrong)


# Damage


def damaged(data: bytes) -> bytes:
    return data[:100] + b"\xff" * 4000 + data[4100:]


def lost() -> list[str]:
    """Return what is noted to have been set aside; each at a time of these days."""
    ((rows, _),) = Door().read(("SELECT at, said FROM events WHERE kind = 'lost'", (), None))
    assert all(abs(at - time.time()) < 3600 for at, _ in rows)
    return [said for _, said in rows]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "no database at all": lambda data: b"hello" * 1000,
    "its first page": lambda data: b"\0" * 4096 + data[4096:],
    "its tables": damaged,
    "cut": lambda data: data[: len(data) - 5000],
    "one byte of its header": lambda data: data[:18] + b"\3" + data[19:],
    "cut in the first page": lambda data: data[:1000],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_set_aside_and_said(kept: Path, damage: str) -> None:
    Door().write(PUT)
    path = kept / "state.db"
    bad = DAMAGES[damage](path.read_bytes())
    path.write_bytes(bad)
    door = Door()
    door.write(PUT)
    aside = Path(door.set_aside)
    assert aside.parent == kept
    assert aside.name.startswith("state.db.damaged-2")
    assert aside.read_bytes() == bad
    assert stat.S_IMODE(aside.stat().st_mode) == 0o600
    assert count() == 1
    assert lost() == [aside.name]


def test_who_only_looks_sets_it_aside_too_and_has_nothing_but_that(kept: Path) -> None:
    Door().write(PUT)
    (kept / "state.db").write_bytes(b"hello" * 1000)
    door = Door()
    with pytest.raises(StateError, match="it was damaged") as raised:
        door.read(COUNT)
    assert raised.value.kind == "damaged"
    assert Path(door.set_aside).read_bytes() == b"hello" * 1000
    assert raised.value.why.endswith(f"and is now {Path(door.set_aside).name}")
    assert (count(), lost()) == (0, [Path(door.set_aside).name])


def test_a_table_that_is_missing_is_damage(kept: Path) -> None:
    Door().write(PUT)
    with closing(sqlite3.connect(kept / "state.db")) as connection:
        connection.execute("DROP TABLE runs")
    door = Door()
    door.write(PUT)
    assert door.set_aside


def test_a_wrong_statement_is_no_damage(kept: Path) -> None:
    Door().write(PUT)
    door = Door()
    with pytest.raises(StateError, match="no such table: nowhere"):
        door.read(("SELECT * FROM nowhere", (), None))
    assert (door.set_aside, count()) == ("", 1)


def test_at_most_two_are_set_aside(kept: Path) -> None:
    for number in range(4):
        Door().write()
        (kept / "state.db").write_bytes(b"%d" % number * 4096)
        (kept / "state.db-journal").write_bytes(b"%d" % number)
    Door().write(PUT)
    left = sorted(kept.glob("state.db.damaged-*[xZ]"))
    assert [path.read_bytes()[:1] for path in left] == [b"2", b"3"]
    assert set(names(kept)) <= {name for path in left for name in (path.name, f"{path.name}-journal")} | {
        "state.db",
        "state.db-journal",
    }


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_bytes_change_it_is_read_or_set_aside_or_left_alone(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    kept = tmp_path_factory.mktemp("damage") / "kept"
    Door(kept).write(*((PUT[0], (f"run {number}",), 1) for number in range(60)))
    path = kept / "state.db"
    whole = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.one_of(st.integers(0, 120), st.integers(0, len(whole) - 1)))
        piece = data.draw(st.binary(min_size=1, max_size=8))
        whole[at : at + len(piece)] = piece
    path.write_bytes(whole[: data.draw(st.sampled_from([len(whole), len(whole), len(whole) // 2, 50]))])
    door = Door(kept)
    try:
        door.write((PUT[0], ("new",), 1))
    except StateError as error:
        ending: str = error.kind
    else:
        ending = "done"
        assert count(Door(kept)) >= 1
    assert ending in ("done", "refused", "failed")
    assert not door.set_aside or Path(door.set_aside).is_file()


# Sick disks


@pytest.fixture
def tiny(kept: Path) -> Iterator[Path]:
    """Mount a file system of 256 KiB where things are kept."""
    kept.mkdir(mode=0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "none", kept], check=True)
    yield kept
    subprocess.run(["umount", kept], check=True)


def fill(place: Path) -> Path:
    """Leave no byte free."""
    with (place / "filled").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return place / "filled"


@pytest.mark.e2e
@needs_root
def test_a_full_disk_is_said_and_costs_nothing_that_is_kept(tiny: Path) -> None:
    Door().write(PUT)
    filled = fill(tiny)
    big: Any = (
        INTO.format("'b', 1, x'00', ?"),
        ((0, 100_000),),
        1,
    )
    for _ in range(2):
        with pytest.raises(StateError) as raised:
            Door().write(big, handed=b"\xff" * 100_000)
        assert raised.value.kind == "unwritable"
        assert "SQLITE_FULL" in raised.value.why
    assert count() == 1
    filled.unlink()
    Door().write((PUT[0], ("c",), 1))
    assert count() == 2


@pytest.mark.e2e
@needs_root
def test_a_full_disk_takes_no_new_file(tiny: Path) -> None:
    fill(tiny)
    with pytest.raises(StateError) as raised:
        Door().write(PUT)
    assert raised.value.kind == "unwritable"


@pytest.mark.e2e
@needs_root
def test_a_read_only_disk_is_said_and_can_be_read(tiny: Path) -> None:
    Door().write(PUT)
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    with pytest.raises(StateError) as raised:
        Door().write((PUT[0], ("b",), 1))
    assert raised.value.kind == "unwritable"
    assert count() == 1


@pytest.mark.e2e
@needs_root
def test_a_damaged_file_on_a_read_only_disk_stays_where_it_is(tiny: Path) -> None:
    (tiny / "state.db").write_bytes(b"hello" * 1000)
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    said = "it is damaged (file is not a database (SQLITE_NOTADB)) and cannot be set aside: "
    assert refusals("unwritable") == [f"{said}Read-only file system (EROFS)"] * 2
    assert names(tiny) == ["state.db"]


@pytest.mark.e2e
@needs_root
def test_a_read_only_directory_takes_no_new_file(tiny: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", tiny], check=True)
    with pytest.raises(StateError, match="Read-only file system") as raised:
        Door().write(PUT)
    assert raised.value.kind == "unwritable"


@pytest.mark.e2e
def test_it_is_done_in_a_worker(kept: Path) -> None:
    data = bytes(range(256)) * 20_000  # more than a worker can be handed in words
    Door().write(
        (
            INTO.format("'a', 1, ?, ?"),
            ((0, 3), (3, len(data))),
            1,
        ),
        handed=data,
    )
    rows = Door().read(("SELECT summary, report FROM runs", (), None))[0][0]
    assert rows == [(data[:3], data[3:])]


@pytest.mark.e2e
def test_many_at_once_take_turns_and_nothing_is_lost(kept: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def put(number: int) -> None:
        Door(limit_s=20.0).write((PUT[0], (f"run {number}",), 1))

    with ThreadPoolExecutor(8) as pool:  # each asks with a worker process of its own
        list(pool.map(put, range(24)))
    assert count() == 24
