"""The agent is killed at any moment while it sends to the real help desk, over a line that breaks.

Afterwards the desk's own database is read: nothing is lost; nothing is there twice where one can look, and
where nobody can, at most once more, with a mark.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk.desk import ACCOUNT, Desk, DeskError, environment
from dropping_proxy import DroppingProxy

from iwx_agent.outbox.machine import Entry, State
from iwx_agent.outbox.shelf import entry_of
from iwx_agent.state.door import Door
from iwx_agent.state.store import DiskStore

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.timeout(240)]

SEED = 20261125
LETTERS_COUNT = 100  # for each of two desks
BATCH_COUNT = 25
LIFE_S = {"login": (0.05, 3.0), "guest": (0.05, 0.8)}  # from the first step to the kill
KILLS_COUNT = 8  # at most, for each batch
MARK = "This may be a duplicate of "

# Sends what waits, run after run, with the real store, lock and transport; eleven minutes are a tenth of a
# second. Its places are the test's.
SENDER = r"""
import json, sys, time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from iwx_agent import audit
from iwx_agent.app.posting import Guarded, Post
from iwx_agent.app.redaction import redactor_of_rules
from iwx_agent.app.traces import Traces
from iwx_agent.audit import Audit
from iwx_agent.config import load_portal_form
from iwx_agent.host.live import LiveHost
from iwx_agent.model.sending import OutboxRules
from iwx_agent.outbox.machine import Entry, State
from iwx_agent.outbox.shelf import StoreShelf, adding
from iwx_agent.state import door, lock
from iwx_agent.state.fallback import CarefulStore
from iwx_agent.state.lock import SendingLock
from iwx_agent.transports.contract import Credentials, Letter
from iwx_agent.transports.file import FileSettings, FileTransport
from iwx_agent.transports.portal import Place, PortalTransport

told = json.loads(sys.argv[1])
place = Path(told["place"])
door.DIRECTORY, lock.RUN_DIRECTORY, audit.DIRECTORY = place / "kept", place / "run", place / "log"
began = datetime(2026, 11, 25, tzinfo=UTC) + timedelta(days=told["life"])
runs = 0


def now():
    return began + timedelta(minutes=11 * runs)


def letter(key):
    return Letter(
        key=key, category="Support", ip_address_or_hostname="192.0.2.7 (iwx1.example.com)", assistance="Yes",
        subject=f"[URGENT] Mail is down on iwx1.example.com [{key}]", message=f"SUMMARY\n- {key} is down",
        priority="Urgent", sender_name="Server iwx1", sender_mail="agent@iwx1.example.com",
    )


form = load_portal_form(Path("/nonexistent"))
account = Credentials(*told["account"]) if told["account"] else None
print("ready", flush=True)
while True:
    runs += 1
    with LiveHost(budget_s=60) as host, SendingLock() as held:
        while not held.take():  # the killed one's worker may still be ending
            time.sleep(0.02)
        store = CarefulStore(workers=host.workers)
        for key in told["keys"]:
            if store.text(key) is None:
                entry = Entry(key=key, chain=("portal",), state=State.QUEUED, created_at=now(), due_at=now())
                assert store.commit(adding(entry, letter(key)))
        where = Place(address=told["address"], account=account, list_address=told["listed"])
        traces = Traces(host, Audit())
        ways = {
            "portal": PortalTransport(host, where, form),
            "file": FileTransport(host.workers, FileSettings(directory=str(place / "copies"), spare="")),
        }
        ends = time.monotonic() + 50
        post = Post(
            {name: Guarded(way, redactor_of_rules(), traces) for name, way in ways.items()},
            OutboxRules(), now=now, left_s=lambda: ends - time.monotonic(), attempt_s=20.0,
        )
        posted = post.send(store)
        assert not posted.said, posted.said
        if not any(kept.entry.due_at for kept in StoreShelf(store).waiting()):
            sys.exit(0)
    time.sleep(0.1)
"""


@pytest.fixture(params=["login", "guest"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    try:
        environment()
    except DeskError as error:
        pytest.skip(f"no help desk: {error}")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    with Desk(f"killed{worker}-{request.param}", request.param) as one:
        yield one


def lives(told: dict[str, Any], log: Path, drawn: random.Random, life_s: tuple[float, float]) -> int:
    """Start the sender and kill it, over and over, until it ends by itself; return the number of kills."""
    for life in range(told["life"], 10_000):
        killed_count = life - int(told["life"])
        argv = [sys.executable, "-c", SENDER, json.dumps(told | {"life": life})]
        with (
            log.open("ab") as errors,
            subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=errors) as sender,
        ):
            assert sender.stdout is not None
            assert sender.stdout.readline() == b"ready\n", log.read_text()
            try:
                code = sender.wait(drawn.uniform(*life_s) if killed_count < KILLS_COUNT else 90.0)
            except subprocess.TimeoutExpired:
                sender.send_signal(signal.SIGKILL)
                sender.wait()
                assert killed_count < KILLS_COUNT, log.read_text()
                continue
        assert code == 0, log.read_text()
        return life - int(told["life"])
    raise AssertionError


def entries_of(kept: Path) -> dict[str, Entry]:
    return {text.key: entry_of(text) for text in DiskStore(Door(kept, limit_s=20.0)).texts(1000)}


def test_nothing_is_lost_and_nothing_sent_twice(
    tmp_path: Path, desk: Desk, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)
    drawn, can_look = random.Random(SEED), desk.variant == "login"
    keys = [f"iwx-{desk.variant}{number:03}" for number in range(LETTERS_COUNT)]
    kills_count = 0
    began = time.monotonic()
    with DroppingProxy(desk.url, SEED) as line:
        for start in range(0, LETTERS_COUNT, BATCH_COUNT):
            told = {
                "place": str(tmp_path),
                "life": kills_count + start,
                "keys": keys[start : start + BATCH_COUNT],
                "address": f"{line.url}/tickets/submit/",
                "account": ACCOUNT if can_look else None,
                "listed": f"{line.url}/api/user_tickets/" if can_look else "",
            }
            kills_count += lives(told, tmp_path / "stderr", drawn, LIFE_S[desk.variant])
    took_s = time.monotonic() - began

    entries = entries_of(tmp_path / "kept")
    assert set(entries) == set(keys)
    tickets = desk.tickets()
    had = Counter(ticket["subject"].rpartition("[")[2].rstrip("]") for ticket in tickets)
    marked = Counter(
        ticket["subject"].rpartition("[")[2].rstrip("]")
        for ticket in tickets
        if ticket["message"].startswith(MARK)
    )
    held = {key for key, entry in entries.items() if entry.state is State.UNCERTAIN}
    lost = [key for key in keys if not had[key] and key not in held]
    twice = [key for key in keys if had[key] > 1]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{desk.variant}, seed {SEED}: {len(keys)} texts, {kills_count} kills in {took_s:.0f} s, "
            f"forms {dict(sorted(line.told.items()))}; lost {len(lost)}, twice {len(twice)} "
            f"(marked {sum(map(bool, marked.values()))}), left to a person {len(held)} "
            f"(of which the desk has {sum(key in had for key in held)})\n"
        )
    assert kills_count > 5
    assert line.told["after"] > 5
    assert line.told["before"] > 5
    assert lost == []
    assert all(entries[key].state in (State.SENT, State.UNCERTAIN) for key in keys)
    if can_look:
        assert (twice, held, set(had)) == ([], set(), set(keys))
        return
    for key in keys:
        assert had[key] <= 2, key
        assert had[key] - marked[key] <= 1, key  # of two, one says so
        assert key not in held or Path(entries[key].copy.removeprefix("file://")).is_file(), key
