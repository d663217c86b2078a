"""Hands off: the real timer runs the real unit on a lab server, and one ticket stands in a real help desk.

The mail system breaks, then the web server, then both are mended; nobody does anything but that.
"""

import json
import os
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import chromium
import pytest
from desk.desk import Desk, DeskError, environment
from desk.gate import Gate
from iwxlab_lib import judged
from iwxlab_lib.commands import run
from iwxlab_lib.faultbook import break_it, find, mend_it
from iwxlab_lib.health import await_healthy
from iwxlab_lib.layout import Layout
from iwxlab_lib.server import Server

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
AGENT = str(Path(sys.prefix) / "bin" / "iwx-agent")
PICTURE = ROOT / ".nox" / "pictures" / "ticket-in-the-help-desk.png"
AUTHORITY = "/etc/iwx-agent/desk-authority.pem"
PERIOD_S = 5
# As an administrator would set it, but for the pauses: minutes that a test does not wait.
SETTINGS = """
[delivery]
chain = ["portal"]
sender_name = "Operations"
sender_mail = "operations@example.com"
[transport.portal]
address = "{url}/tickets/submit/"
authorities = "{authority}"
[auto]
drafts_count = 0
pause_s = 0
update_pause_s = 0
good_runs_count = 2
"""
# A checkout below /tmp would not be there for a unit with a /tmp of its own.
SEEN = "PrivateTmp=no\n" if AGENT.startswith(("/tmp/", "/var/tmp/")) else ""
DROP_INS = {
    "iwx-agent.service": f"[Service]\nExecStart=\nExecStart={AGENT} auto run --quiet\n{SEEN}",
    "iwx-agent.timer": f"[Timer]\nOnCalendar=\nOnCalendar=*:*:0/{PERIOD_S}\nRandomizedDelaySec=0\n",
}
MAIL, WEB = find("smtp-down"), find("httpd-stopped")


class Watched(NamedTuple):
    """A server that nobody watches, and the help desk of its vendor."""

    server: Server
    desk: Desk

    def agent(self, *arguments: str) -> tuple[int, str, str]:
        done = run(self.server.enter([AGENT, *arguments]), check=False, timeout_s=100)
        return done.returncode, done.stdout, done.stderr

    def decisions(self) -> list[dict[str, Any]]:
        """Return what auto has decided, the last first."""
        _, told, _ = self.agent("why", "--decisions", "50", "--format", "json")
        decided: list[dict[str, Any]] = json.loads(told)
        return decided

    def runs_count(self) -> int:
        """Return how many runs the timer has begun and ended."""
        told = self.server.shell("journalctl -q -o cat -u iwx-agent.service | grep -c ^Finished || true")
        return int(told)

    def after_runs(self, seen: Callable[[], bool], *, runs_count: int) -> None:
        """Wait until something is seen, for so many runs of the timer and the one that is on its way."""
        begun = self.runs_count()
        until = time.monotonic() + 100
        while not seen():
            ended = self.runs_count()
            assert ended <= begun + runs_count + 1, self.told()
            assert time.monotonic() < until, self.told()
            time.sleep(0.5)

    def told(self) -> str:
        return self.server.shell(
            "journalctl -q -o short -u iwx-agent.service -u iwx-agent.timer | tail -n 40"
        )


def put(server: Server, path: str, text: str) -> None:
    run(server.enter(["sh", "-c", f"mkdir -p $(dirname {path}) && cat >{path}"]), stdin=text)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A server with the units of the package and a portal that is the real help desk, auto not yet on."""
    try:
        environment()
    except DeskError as error:
        pytest.skip(f"no help desk: {error}")
    name = "auto" + os.environ.get("PYTEST_XDIST_WORKER", "")
    server = Server(Layout(name))
    with ExitStack() as ends:
        ends.callback(server.down)
        server.up()
        desk = ends.enter_context(Desk(name, "replies"))
        place = tmp_path_factory.mktemp("gate")
        gate = ends.enter_context(Gate(server, int(desk.url.rpartition(":")[2]), place))
        await_healthy(server)
        judged.prepare(server, AGENT)
        put(server, AUTHORITY, gate.authority)
        portal = SETTINGS.format(url=gate.url, authority=AUTHORITY)
        put(server, "/etc/iwx-agent/config.toml", judged.SETTINGS + portal)
        for path in UNITS.glob("iwx-agent*.*r*"):
            if path.suffix in (".service", ".timer"):
                put(server, f"/etc/systemd/system/{path.name}", path.read_text())
        in_lab = (UNITS / "iwx-agent-container.conf").read_text()
        put(server, "/etc/systemd/system/iwx-agent.service.d/container.conf", in_lab)
        for unit, text in DROP_INS.items():
            put(server, f"/etc/systemd/system/{unit}.d/test.conf", text)
        # A server that has been up for long: what starts within minutes of a boot is no change.
        server.shell("systemctl daemon-reload; : >/var/log/wtmp")
        yield Watched(server, desk)


def test_nobody_does_anything_and_one_ticket_is_filed_updated_and_ended(
    watched: Watched, tmp_path: Path
) -> None:
    server, desk = watched
    before = turned_on_after_a_test_ticket(watched)
    server.shell("systemctl start iwx-agent.timer")

    break_it(server, MAIL)
    # The desk stores what is attached a moment after the ticket itself.
    watched.after_runs(lambda: any(one["attachments"] for one in desk.tickets()[before:]), runs_count=2)
    ticket = desk.tickets()[before]
    key = holds_what_the_guide_asks_for(ticket)
    has_its_bundle(watched, ticket, tmp_path)

    break_it(server, WEB)
    watched.after_runs(lambda: len(texts(desk, before)) == 2, runs_count=2)
    update = texts(desk, before)[1]
    assert update.startswith("UPDATE (by iwx-agent ")
    assert "[WEB-001] (EMERGENCY, seen twice)" in update
    assert "MAIL-041" not in update.partition("STILL")[0]

    mend_it(server, WEB)
    mend_it(server, MAIL)
    watched.after_runs(lambda: len(texts(desk, before)) == 3, runs_count=4)
    tells_how_it_ended(texts(desk, before)[2], key)
    looks_well_in_a_browser(desk, ticket, tmp_path)

    quiet_from = watched.runs_count()
    while watched.runs_count() < quiet_from + 2:
        time.sleep(0.5)
    server.shell("systemctl stop iwx-agent.timer")
    assert len(desk.tickets()) == before + 1
    assert len(texts(desk, before)) == 3
    every_decision_is_told(watched, key)
    assert server.shell("systemctl show -p Result --value iwx-agent.service").strip() == "success"
    assert judged.tripped(server) == []


def turned_on_after_a_test_ticket(watched: Watched) -> int:
    """Turn auto on as an administrator does; return how many tickets the desk has then."""
    assert watched.decisions() == []
    code, _, said = watched.agent("auto", "enable", "--yes")
    assert code == 0, said
    (test,) = watched.desk.tickets()
    assert test["subject"].startswith("[LOW] Test of iwx-agent on ")
    assert "It asks for nothing" in test["message"]
    return 1


def texts(desk: Desk, number: int) -> list[str]:
    """Return the texts of a ticket: its message, then what was replied to it."""
    return [said["comment"] for said in desk.tickets()[number]["follow_ups"] if said["comment"]]


def holds_what_the_guide_asks_for(ticket: dict[str, Any]) -> str:
    """See that each field of the form has what belongs there; return the ticket's key."""
    name = ticket["custom"]["IP Address or Hostname"].partition(" ")[0]
    what = f"[URGENT] The mail service smtp is down and was told to stop on {name} "
    found = re.fullmatch(re.escape(what) + r"\[(iwx-[0-9a-f]+)\]", ticket["subject"])
    assert found, ticket["subject"]
    assert name.endswith(".lab.invalid")
    assert (ticket["queue"], ticket["priority"]) == ("Support", 1)
    assert ticket["submitter_email"] == "operations@example.com"
    assert ticket["custom"]["Your Name"] == "Operations"
    assert ticket["custom"]["Remote Assistance Enabled?"] == "Yes"
    message = ticket["message"]
    for heading in (
        "SUMMARY",
        "IMPACT",
        "SINCE WHEN",
        "ERRORS",
        "ALREADY TRIED",
        "STEPS TO",
        "ENVIRONMENT",
        "SCOPE",
    ):
        assert f"\n{heading}" in f"\n{message}"
    assert "(/service/smtp/supervise/status)" in message
    assert "Mail services" in message
    assert f"Ticket key: {found[1]}" in message
    return found[1]


def has_its_bundle(watched: Watched, ticket: dict[str, Any], tmp_path: Path) -> None:
    """See that the bundle in the desk is whole: a replay of it comes to the same."""
    (attached,) = ticket["attachments"]
    assert attached["name"].startswith("iwx-agent-")
    assert attached["name"].endswith(".tar.gz")
    (path,) = (watched.desk.place / "media").rglob(attached["name"])
    done = run([AGENT, "diagnose", "--from", path, "--format", "json"], check=False, timeout_s=100)
    assert done.returncode == 3, done.stderr
    (incident,) = json.loads(done.stdout)["incidents"]
    assert (incident["lead"]["code"], incident["lead"]["subject"]) == ("MAIL-041", "smtp")
    assert incident["state"] == "confirmed"


def tells_how_it_ended(text: str, key: str) -> None:
    assert text.startswith("OVER (by iwx-agent ")
    assert f"- {key} is over: it lasted " in text
    length = r"(?:\d min|less than a minute)"
    lasted = re.search(rf"^- {length}: from .* UTC to .* UTC, when it was seen last", text, re.MULTILINE)
    assert lasted, text
    for told in (
        "- The mail service smtp is down and was told to stop",
        "- Apache (httpd.service) is not running",
        "WHAT CHANGED BETWEEN",
        "httpd.service: started (the journal)",
    ):
        assert told in text, text
    assert re.search(r"mail services? .*smtp.*: started", text), text


def every_decision_is_told(watched: Watched, key: str) -> None:
    """See that each run has its row: those that sent something once, in their order, and nothing held."""
    decided = watched.decisions()[::-1]
    spoken = [(one["action"], one["row"]) for one in decided if one["action"] != "nothing"]
    assert spoken == [("file", "first time"), ("update", "new member"), ("recovery", "over")]
    rows = {one["row"] for one in decided if one["action"] == "nothing"}
    assert (
        {"getting over", "nothing"} <= rows <= {"nothing", "unchanged", "better", "getting over", "passing"}
    )
    assert {one["key"] for one in decided if one["action"] != "nothing"} == {key}
    assert all(one["said"] for one in decided)


def looks_well_in_a_browser(desk: Desk, ticket: dict[str, Any], tmp_path: Path) -> None:
    """Open the ticket's page; the picture stays, to be looked at."""
    if not chromium.program():
        return  # tools/browser.sh; in CI it is there
    with closing(sqlite3.connect(f"file:{desk.place}/desk.sqlite3?mode=ro", uri=True)) as database:
        told = database.execute("SELECT secret_key FROM helpdesk_ticket WHERE id = ?", (ticket["id"],))
        (secret,) = told.fetchone()
    asked = urlencode({"ticket": ticket["reference"], "email": ticket["submitter_email"], "key": secret})
    with chromium.Browser(tmp_path / "chromium") as browser:
        page = browser.page(1100, 900)
        page.open(f"{desk.url}/view/?{asked}")
        PICTURE.parent.mkdir(parents=True, exist_ok=True)
        page.picture(PICTURE)
        seen = str(page.run("document.body.innerText"))
    assert "[URGENT] The mail service smtp is down" in seen
    assert ".tar.gz" in seen
    assert seen.index("UPDATE (by iwx-agent") < seen.index("OVER (by iwx-agent")
