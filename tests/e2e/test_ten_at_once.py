"""Ten processes see one incident at once, five by the timer, five by hand: one ticket stands in the desk."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from desk.desk import Desk, DeskError, environment
from story import KEY

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket, pytest.mark.timeout(180)]

SUPPORT = Path(__file__).resolve().parents[1] / "support"

# What `auto` and `submit` do after they have looked, in the order in which they do it, with the real lock,
# store, outbox and transport; they begin when a line comes.
PROCESS = r"""
import json, sys, time
from pathlib import Path
told = json.loads(sys.argv[1])
sys.path.insert(0, told["support"])
from building import AT
from emergencies import MAIL, seen
from iwx_agent import audit
from iwx_agent.app import steering
from iwx_agent.app.auto import decide_and_keep
from iwx_agent.app.filing import Author
from iwx_agent.app.posting import Guarded, Post
from iwx_agent.app.redaction import redactor_of_rules
from iwx_agent.app.submit import submit
from iwx_agent.app.traces import Traces
from iwx_agent.audit import Audit
from iwx_agent.config import load_portal_form
from iwx_agent.config.sending import AutoSettings, Sending
from iwx_agent.host.live import LiveHost
from iwx_agent.state import door, lock
from iwx_agent.state.fallback import CarefulStore
from iwx_agent.state.lock import SendingLock
from iwx_agent.transports.portal import Place, PortalTransport

place = Path(told["place"])
door.DIRECTORY, lock.RUN_DIRECTORY, audit.DIRECTORY = place / "kept", place / "run", place / "log"
steering.WAIT_S = 90
found = seen(MAIL)
author = Author(ways=("portal",), name="Server iwx1", mail="agent@iwx1.example.com")
sending = Sending(auto=AutoSettings(enabled=True, drafts_count=0))
print("ready", flush=True)
sys.stdin.readline()
with LiveHost(budget_s=120) as host, SendingLock() as held:
    steering.take_turn(held, host, lambda said: None)
    store = CarefulStore(workers=host.workers)
    if told["who"] == "auto":
        done = decide_and_keep(found, store, sending, author, AT).action
    else:
        done = submit(found, store, author, AT).what
    way = PortalTransport(host, Place(address=told["address"]), load_portal_form(Path("/nonexistent")))
    guarded = Guarded(way, redactor_of_rules(), Traces(host, Audit()))
    ends = time.monotonic() + 60
    post = Post(
        {"portal": guarded}, sending.outbox,
        now=lambda: AT, left_s=lambda: ends - time.monotonic(), attempt_s=30.0,
    )
    if told["who"] == "auto" or done != "nothing":
        post.send(store)
print(done, flush=True)
"""


@pytest.mark.parametrize("round_number", range(2))
def test_ten_at_once_file_one_ticket(tmp_path: Path, round_number: int) -> None:
    try:
        environment()
    except DeskError as error:
        pytest.skip(f"no help desk: {error}")
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    with Desk(f"ten{worker}", "guest") as desk:
        told = {
            "place": str(tmp_path),
            "support": str(SUPPORT),
            "address": f"{desk.url}/tickets/submit/",
        }
        ten = [
            subprocess.Popen(
                [sys.executable, "-c", PROCESS, json.dumps(told | {"who": who})],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for who in ("auto", "submit") * 5
        ]
        try:
            for one in ten:
                assert one.stdout is not None
                assert one.stdout.readline() == "ready\n"
            ends = []
            for one in ten[:: -1 if round_number % 2 else 1]:
                assert one.stdin is not None
                one.stdin.write("go\n")
                one.stdin.flush()
            for one in ten:
                out, err = one.communicate(timeout=120)
                assert (one.returncode, err) == (0, "")
                ends.append(out.strip())
        finally:
            for one in ten:
                one.kill()
                one.wait()
        (ticket,) = desk.tickets()
    assert ticket["subject"].endswith(f"[{KEY}]")
    assert Counter(ends) == {"file": 1, "nothing": 9}
