"""Several people steer the outbox at once, with real workers and the real lock: each change is made once."""

import subprocess
import sys
from pathlib import Path

import pytest
from steering import entry, put

from iwx_agent.state import Door
from iwx_agent.state.lock import SendingLock
from iwx_agent.state.store import DiskStore

pytestmark = pytest.mark.e2e
PEOPLE_COUNT = 5

# One command of a person, with the places of a test instead of the machine's.
PERSON = r"""
import sys
from pathlib import Path
from iwx_agent import audit
from iwx_agent.state import door, lock
place = Path(sys.argv[1])
door.DIRECTORY, lock.RUN_DIRECTORY, audit.DIRECTORY = place / "kept", place / "run", place / "log"
from iwx_agent.cli import run
sys.exit(run(sys.argv[2:]))
"""


def begin(place: Path, *arguments: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-c", PERSON, str(place), *arguments]
    return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def store(tmp_path: Path) -> DiskStore:
    return DiskStore(Door(tmp_path / "kept"))


@pytest.mark.timeout(120)
def test_of_many_who_drop_one_text_one_does(tmp_path: Path, store: DiskStore) -> None:
    put(store, entry(), entry("iwx-2b"))
    people = [begin(tmp_path, "outbox", "drop", "iwx-1", "--reason", f"of {n}") for n in range(PEOPLE_COUNT)]
    told = [(*person.communicate(timeout=100), person.returncode) for person in people]
    done = [out for out, _, code in told if code == 0]
    assert len(done) == 1
    assert done[0].startswith("iwx-1a was dropped and will not be sent: of ")
    late = [err for _, err, code in told if code == 2]
    assert len(late) == PEOPLE_COUNT - 1
    assert all("iwx-1a was dropped already" in err for err in late)
    assert [text.key for text in store.waiting()] == ["iwx-2b"]
    text = store.text("iwx-1a")
    assert text is not None
    assert text.version == 2
    assert len((tmp_path / "log" / "audit.log").read_text().splitlines()) == 2


@pytest.mark.timeout(120)
def test_who_sends_is_waited_for_and_who_looks_does_not_wait(tmp_path: Path, store: DiskStore) -> None:
    put(store, entry())
    with SendingLock(tmp_path / "run") as sending:
        assert sending.take()
        with begin(tmp_path, "outbox", "retry", "iwx-1a") as waiting:
            with begin(tmp_path, "outbox", "list") as looking:
                out, err = looking.communicate(timeout=60)
                assert (looking.returncode, err) == (0, "")
                assert "iwx-1a" in out
            sending.release()
            out, err = waiting.communicate(timeout=60)
    assert "another iwx-agent is sending; waiting for it" in err
    if waiting.returncode == 0:
        assert out.startswith("iwx-1a will be sent by portal")
    else:  # a slow machine: looking took longer than anybody waits
        assert "has been sending for more than 10 s" in err
