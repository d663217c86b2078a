"""Remote Assistance on a lab server: refused without a yes, on with one, seen as on, recorded, off again."""

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from iwxlab_lib import judged
from iwxlab_lib.commands import run
from iwxlab_lib.health import await_healthy
from iwxlab_lib.layout import Layout
from iwxlab_lib.server import Server

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

AGENT = str(Path(sys.prefix) / "bin" / "iwx-agent")
BIN = "/usr/local/interworx/bin"
STATE = "/var/lib/interworx-stand-in"
AUDIT = "/var/log/iwx-agent"
COMMAND = (AGENT, "remote-assistance")


@pytest.fixture(scope="module")
def booted() -> Iterator[Server]:
    """A server of its own: what is turned off here must not surprise the other tests."""
    found = Server(Layout("assist" + os.environ.get("PYTEST_XDIST_WORKER", "")))
    found.up()
    try:
        await_healthy(found)
        judged.prepare(found, AGENT)
        yield found
    finally:
        found.down()


@pytest.fixture
def off(booted: Server) -> Iterator[Server]:
    """The server with Remote Assistance off, the panel in its usual habits, and nothing recorded yet."""
    booted.shell(f"rm -rf {STATE}/variant {AUDIT}; {BIN}/disable-support-access.sh")
    yield booted
    booted.shell(f"rm -f {STATE}/variant; {BIN}/enable-support-access.sh")


def agent(server: Server, *arguments: str) -> tuple[int, str, str]:
    """Run a command of the agent's inside, with nobody to ask."""
    done = run(server.enter([*COMMAND, *arguments]), check=False, timeout_s=100)
    return done.returncode, done.stdout, done.stderr


def state(server: Server) -> str:
    code, out, _ = agent(server, "status", "--format", "json")
    told = json.loads(out)
    assert code == {"on": 0, "off": 1, "unknown": 4}[told["state"]]
    return str(told["state"])


def recorded(server: Server) -> list[tuple[str, str, str, str]]:
    text = server.shell(f"cat {AUDIT}/audit.log 2>/dev/null || true")
    lines = [json.loads(line) for line in text.splitlines()]
    return [(line["action"].split()[1], line["phase"], line["way"], line["outcome"]) for line in lines]


def habit(server: Server, word: str) -> None:
    server.shell(f"echo {word} >{STATE}/variant")


def at_a_terminal(server: Server, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command of the agent's inside at a terminal, and type an answer when it asks."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        server.enter([*COMMAND, *arguments]),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    seen = b""
    try:
        while select.select([ours], [], [], 60)[0]:
            try:
                data = os.read(ours, 4096)
            except OSError:  # the last one at the terminal has gone
                break
            seen += data
            if b"to go on: " in data:
                os.write(ours, answer.encode() + b"\n")
        return process.wait(timeout=60), seen.decode()
    finally:
        os.close(ours)
        process.kill()
        process.wait()


# Without a yes


def test_it_is_refused_without_a_yes(off: Server) -> None:
    code, out, err = agent(off, "enable")
    assert (code, out) == (2, "")
    assert "log in to this server as root" in err
    assert "say --yes" in err
    assert (state(off), recorded(off)) == ("off", [])


def test_a_typed_no_changes_nothing(off: Server) -> None:
    code, seen = at_a_terminal(off, "no", "enable")
    assert code == 1
    assert "Nothing was changed." in seen
    assert (state(off), recorded(off)) == ("off", [])


def test_not_root_is_refused(off: Server) -> None:
    nobody = ["setpriv", "--reuid=65534", "--clear-groups"]
    done = run(off.enter([*nobody, *COMMAND, "enable", "--yes"]), check=False)
    assert done.returncode == 2
    assert "only root may do that" in done.stderr
    assert state(off) == "off"


# With a yes


def test_on_with_a_yes_seen_as_on_recorded_and_off_again(off: Server) -> None:
    code, out, err = agent(off, "enable", "--yes", "--hours", "24")
    assert code == 0, err
    assert out.startswith("Done through the panel, and the panel says so.\nRemote Assistance is on, until 20")
    assert state(off) == "on"
    assert json.loads(off.shell(f"{AGENT} diagnose --format json"))["remote_assistance"]["state"] == "on"
    assert "Remote Assistance Enabled?: Yes, until 20" in off.shell(f"{AGENT} ticket")

    code, out, _ = agent(off, "disable", "--yes")
    assert code == 0
    assert "Remote Assistance is off." in out
    assert state(off) == "off"

    assert [line[:3] for line in recorded(off)] == [
        ("enable", "intent", "panel"),
        ("enable", "outcome", "panel"),
        ("disable", "intent", "panel"),
        ("disable", "outcome", "panel"),
    ]
    assert recorded(off)[0][3] == "24 hours"
    assert recorded(off)[1][3].endswith("afterwards the panel says: on")
    assert off.shell(f"stat -c %a:%u {AUDIT} {AUDIT}/audit.log").split() == ["700:0", "600:0"]
    journal = off.shell("journalctl -q -t iwx-agent -o cat --since=-2min")
    assert '"action":"remote-assistance disable","phase":"outcome"' in journal


def test_on_with_a_typed_yes(off: Server) -> None:
    code, seen = at_a_terminal(off, "yes", "enable")
    assert code == 0, seen
    assert "and the panel says so." in seen
    assert state(off) == "on"
    code, seen = at_a_terminal(off, "yes", "enable")
    assert code == 0
    assert "It stays as it is." in seen
    code, seen = at_a_terminal(off, "yes", "disable")
    assert code == 0
    assert state(off) == "off"


def test_off_is_a_note_and_a_well_server_stays_well(off: Server) -> None:
    seen = judged.diagnose(off, AGENT)
    assert (seen.exit_code, seen.priority, seen.codes) == (0, "Information", {"SUPPORT-001"})


# While the panel is down


def test_while_the_panel_is_down_the_script_is_run_and_nothing_is_confirmed(off: Server) -> None:
    off.shell("systemctl stop iworx")
    try:
        code, out, err = agent(off, "enable", "--yes")
        ticket = off.shell(f"{AGENT} ticket --only support", check=False)
    finally:
        off.shell("systemctl start iworx")
    assert code == 1
    assert out.startswith("NOT CONFIRMED: whether it is on now is not certain.\n")
    assert "the script said: /usr/local/interworx/bin/enable-support-access.sh (exit 0)" in out
    assert "decides itself for how long" in err
    assert "Remote Assistance Enabled?: not determined (Unable to connect" in ticket
    assert [line[:3] for line in recorded(off)] == [
        ("enable", "intent", "script"),
        ("enable", "outcome", "script"),
    ]
    await_healthy(off)
    assert state(off) == "on"


def test_a_script_that_others_may_write_to_is_not_run(off: Server) -> None:
    off.shell(f"systemctl stop iworx; chmod 777 {BIN}/enable-support-access.sh")
    try:
        code, out, err = agent(off, "enable", "--yes")
    finally:
        off.shell(f"chmod 755 {BIN}/enable-support-access.sh; systemctl start iworx")
    assert code == 1
    assert "not run: others than its owner may write to it (mode 777)" in err
    assert "NOT CONFIRMED" in out
    await_healthy(off)
    assert state(off) == "off"


# What is said and is not so


def test_a_panel_that_says_on_and_is_off_is_not_believed(off: Server) -> None:
    habit(off, "assistance-stays-off")
    code, out, _ = agent(off, "enable", "--yes")
    assert code == 1
    assert "NOT CONFIRMED" in out
    assert "Remote Assistance is off." in out
    assert [line[2] for line in recorded(off) if line[1] == "outcome"] == ["panel", "script"]
    assert all(line[3].endswith("the panel says: off") for line in recorded(off) if line[1] == "outcome")


@pytest.mark.parametrize("word", ["error-zero", "html", "prompt", "hang", "maintenance", "json-refused"])
def test_an_answer_that_is_none_is_never_on(off: Server, word: str) -> None:
    off.shell(f"{BIN}/enable-support-access.sh")
    habit(off, word)
    assert state(off) == "unknown"
    seen = judged.diagnose(off, AGENT)
    assert [reason for reason in seen.blind if reason.startswith("support.remote_assistance:")]
    assert not seen.codes & {"SUPPORT-001", "SUPPORT-002", "SUPPORT-003"}


@pytest.mark.parametrize("word", ["wrapped", "other-keys"])
def test_an_answer_in_another_form_is_understood(off: Server, word: str) -> None:
    habit(off, word)
    assert state(off) == "off"
    off.shell(f"{BIN}/enable-support-access.sh")
    assert state(off) == "on"


# The way in


def test_a_firewall_that_lets_nobody_in_is_seen(off: Server) -> None:
    off.shell(f"{BIN}/enable-support-access.sh")
    off.shell(
        "nft -f - <<'END'\n"
        "table inet t {\n"
        "    chain in {\n"
        "        type filter hook input priority 0; policy accept;\n"
        '        iifname "lo" accept\n'
        "        tcp dport 22 drop\n"
        "    }\n"
        "}\n"
        "END"
    )
    try:
        code, out, _ = agent(off, "status")
        told: Any = json.loads(off.shell(f"{AGENT} diagnose --format json", check=False))
    finally:
        off.shell("nft flush ruleset")
    assert code == 1
    assert "the server's own firewall lets nobody in on port 22" in out
    assert [incident["lead"]["code"] for incident in told["incidents"]] == ["SUPPORT-003"]
    assert agent(off, "status")[0] == 0


# A full disk


def test_on_a_full_disk_the_journal_has_the_record(off: Server) -> None:
    off.shell(
        f"mkdir -m 700 {AUDIT}; mount -t tmpfs -o size=4k,mode=700 none {AUDIT}; "
        f"head -c 1m /dev/zero >{AUDIT}/fill 2>/dev/null || true"
    )
    try:
        code, _, err = agent(off, "enable", "--yes")
    finally:
        off.shell(f"umount {AUDIT}")
    assert code == 0, err
    assert f"Not recorded in {AUDIT}/audit.log: No space left on device" in err
    journal = off.shell("journalctl -q -t iwx-agent -o cat --since=-1min")
    assert '"action":"remote-assistance enable","phase":"outcome","way":"panel"' in journal
