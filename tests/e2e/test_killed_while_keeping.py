"""The agent is killed at any moment while it writes down what it sends: nothing that was kept is lost."""

import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from iwx_agent.state import Door
from iwx_agent.state.contract import AddText, KeptText, MoveText
from iwx_agent.state.lock import SendingLock
from iwx_agent.state.store import DiskStore

pytestmark = pytest.mark.e2e
ROUNDS_COUNT = 30
SEED = 20261125

# Adds a text, moves it twice, notes each step, and tells on its standard output what has been kept for good.
WRITER = r"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from iwx_agent.host.workers import Workers
from iwx_agent.state.contract import AddText, Event, MoveText, Note
from iwx_agent.state.door import Door
from iwx_agent.state.store import DiskStore

store = DiskStore(Door(Path(sys.argv[1]), Workers(), limit_s=20.0))
def note(said):
    return Note(event=Event(at=datetime(2026, 11, 25, tzinfo=UTC), kind="said", key=key, said=said))
for number in range(10_000):
    key = f"{sys.argv[2]}-{number}"
    assert store.commit(AddText(key=key, entry=b"queued", letter=key.encode() * 2000), note("queued"))
    print(key, "1", flush=True)
    for version, entry in ((1, b"sending"), (2, b"sent")):
        move = MoveText(key=key, version=version, entry=entry, ended=False)
        assert store.commit(move, note(entry.decode()))
        print(key, version + 1, flush=True)
"""


def killed_writer(kept: Path, name: str, after_s: float) -> dict[str, int]:
    """Let a process write, kill it and its workers at once; return the versions that it was told are kept."""
    argv = [sys.executable, "-c", WRITER, str(kept), name]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        told = [writer.stdout.readline()]
        time.sleep(after_s)
        writer.send_signal(signal.SIGKILL)
        told += writer.stdout.read().splitlines()
    return {key: int(version) for key, version in (line.split() for line in told if line.count(" ") == 1)}


@pytest.mark.timeout(180)
def test_nothing_that_was_kept_is_lost_at_a_kill(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn = random.Random(SEED)
    told: dict[str, int] = {}
    for number in range(ROUNDS_COUNT):
        told |= killed_writer(kept, f"writer{number}", drawn.uniform(0.0, 0.12))
        store = DiskStore(Door(kept, limit_s=20.0))
        found = {text.key: text for text in store.waiting()}
        assert store.door.set_aside == ""
        for key, version in told.items():  # the last may have been kept without being told
            assert found[key].version in (version, version + 1)
    with closing(sqlite3.connect(kept / "state.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        states = {1: b"queued", 2: b"sending", 3: b"sent"}
        for key, version, body, letter in connection.execute("SELECT key, version, body, letter FROM outbox"):
            assert (body, letter) == (states[version], key.encode() * 2000)
            noted = connection.execute("SELECT said FROM events WHERE key = ? ORDER BY number", (key,))
            assert [said.encode() for (said,) in noted] == [states[n] for n in range(1, version + 1)]
    with capsys.disabled():
        sys.stdout.write(f"\n{ROUNDS_COUNT} kills, {len(told)} texts kept, none lost or half kept\n")


def test_two_at_once_begin_one_attempt(kept: Path) -> None:
    DiskStore().commit(AddText(key="a", entry=b"queued", letter=b""))

    def begin(number: int) -> bool:
        move = MoveText(key="a", version=1, entry=str(number).encode(), ended=False)
        return DiskStore(Door(limit_s=20.0)).commit(move)

    with ThreadPoolExecutor(10) as pool:
        won = list(pool.map(begin, range(10)))
    assert won.count(True) == 1
    found = DiskStore().text("a")
    assert found == KeptText(key="a", version=2, ended=False, entry=str(won.index(True)).encode())


HOLDER = r"""
import sys, time
from pathlib import Path
from iwx_agent.state.lock import SendingLock
lock = SendingLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
time.sleep(60)
"""


def test_the_lock_is_one_process_s_and_goes_with_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        with SendingLock(tmp_path / "run") as lock:
            assert not lock.take()
            assert not lock.held
            holder.send_signal(signal.SIGKILL)
            give_up = time.monotonic() + 5
            while not lock.take():
                assert time.monotonic() < give_up, "the lock outlived who held it"
                time.sleep(0.02)
            assert lock.take()  # it is held already
            with SendingLock(tmp_path / "run") as other:
                assert not other.take()
        with SendingLock(tmp_path / "run") as other:
            assert other.take()
    (path,) = (tmp_path / "run").iterdir()
    assert (path.name, stat.S_IMODE(path.stat().st_mode)) == ("sending.lock", 0o600)
