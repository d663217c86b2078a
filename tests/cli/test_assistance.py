"""The commands of ``remote-assistance``: no yes, no change; exit codes; what is said."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iwx_agent.app.assistance import Standing, Turned, UntracedError
from iwx_agent.cli import run
from iwx_agent.model import AssistanceReport

Run = Callable[..., tuple[int, str, str]]
ROOTS = Path(__file__).parents[1] / "roots"
ON = AssistanceReport(state="on", source="nodeworx", ready=True)
OFF = AssistanceReport(state="off", source="nodeworx", ready=True)
UNKNOWN = AssistanceReport(state="unknown", source="nodeworx", reason="no answer within 10 s", ready=True)


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(("remote-assistance", *arguments))
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


class Server:
    """What the commands find, what they do, and what comes of it."""

    def __init__(self) -> None:
        self.standing = Standing(report=OFF, as_root=True)
        self.comes_to: Turned | Exception = Turned(report=ON, confirmed=True, way="panel", said="done")
        self.turned: list[tuple[Any, ...]] = []

    def look(self) -> Standing:
        return self.standing

    def turn(self, turn: str, before: AssistanceReport, *, hours: int, say: Callable[[str], None]) -> Turned:
        self.turned.append((turn, before.state, hours))
        say("on the way")
        if isinstance(self.comes_to, Exception):
            raise self.comes_to
        return self.comes_to


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    found = Server()
    monkeypatch.setattr("iwx_agent.app.assistance.look_live", found.look)
    monkeypatch.setattr("iwx_agent.app.assistance.turn_live", found.turn)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return found


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def type_in(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def type_in(text: str) -> None:
        monkeypatch.setattr("sys.stdin", Terminal(text))

    return type_in


# status


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (ON, 0),
        (AssistanceReport(state="on", ready=None, doubts=("x",)), 0),
        (AssistanceReport(state="on", ready=False, obstacles=("x",)), 1),
        (OFF, 1),
        (UNKNOWN, 4),
    ],
)
def test_the_exit_code_of_status(iwx: Run, server: Server, report: AssistanceReport, code: int) -> None:
    server.standing = Standing(report=report, as_root=False)
    told = iwx("status")
    assert (told[0], told[2]) == (code, "")
    assert told[1].count("\n") > 1


@pytest.mark.parametrize(
    ("root", "code", "said"),
    [
        ("healthy", 0, "Remote Assistance is on, when it ends is not told."),
        ("support-ends-soon", 0, "Remote Assistance is on, until 2026-11-24 01:52 UTC."),
        ("support-off", 1, "Remote Assistance is off."),
        ("support-firewalled", 1, "  - the server's own firewall lets nobody in on port 22"),
        ("support-cli-other-columns", 4, "could not be told: expected one column called mode"),
        ("support-cli-hangs", 4, "could not be told: no answer within 10 s."),
    ],
)
def test_status_of_a_capture(iwx: Run, root: str, code: int, said: str) -> None:
    told = iwx("status", "--from", str(ROOTS / root))
    assert told[0] == code
    assert said in told[1]


def test_status_as_data(iwx: Run) -> None:
    code, out, _ = iwx("status", "--from", str(ROOTS / "support-ends-soon"), "--format", "json")
    assert code == 0
    assert json.loads(out) == {
        "state": "on",
        "ends_at": "2026-11-24T01:52:42Z",
        "source": "nodeworx -u -n -c Help -a querySsh -o json (exit 0)",
        "reason": "",
        "ready": True,
        "obstacles": [],
        "doubts": [],
    }


def test_wrong_use_is_2(iwx: Run, server: Server, tmp_path: Path) -> None:
    for arguments, said in (
        (("status", "--format", "yaml"), "Choose from: text, json"),
        (("status", "--from", str(tmp_path)), "capture"),
        (("enable", "--hours", "0"), "1<=x<=168"),
        (("enable", "--hours", "169"), "1<=x<=168"),
        (("enable", "--hours", "72; rm"), "not a valid int"),
        (("enabl",), "enabl"),
        ((), "enable"),
    ):
        code, out, err = iwx(*arguments)
        assert code == 2, arguments
        assert said in out + err, (arguments, err)
    assert server.turned == []


@pytest.mark.parametrize("command", ["status", "enable", "disable"])
def test_each_command_has_help_with_an_example(iwx: Run, command: str) -> None:
    code, out, _ = iwx(command, "--help")
    assert code == 0
    assert f"Example: iwx-agent remote-assistance {command}" in " ".join(out.split()).replace(
        "iwx- agent", "iwx-agent"
    )


# enable


def test_without_a_terminal_and_without_yes_nothing_is_done(iwx: Run, server: Server) -> None:
    code, out, err = iwx("enable")
    assert (code, out, server.turned) == (2, "", [])
    assert "log in to this server as root" in err
    assert err.endswith("iwx-agent: nobody to ask here: say --yes to do it. Nothing was changed.\n")


def test_a_closed_input_is_no_terminal(iwx: Run, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert iwx("enable")[0] == 2
    assert server.turned == []


@pytest.mark.parametrize("typed", ["yes\n", " YES \n", "yes"])
def test_a_typed_yes_does_it(iwx: Run, server: Server, type_in: Callable[[str], None], typed: str) -> None:
    type_in(typed)
    code, out, err = iwx("enable", "--hours", "24")
    assert (code, server.turned) == (0, [("enable", "off", 24)])
    assert "ends by itself after 24 hours" in err
    assert 'Type "yes" to go on: ' in err
    assert out.startswith("Done through the panel, and the panel says so.\nRemote Assistance is on")


@pytest.mark.parametrize("typed", ["", "\n", "no\n", "y\n", "yes please\n", "\x00\n"])
def test_anything_else_does_nothing(
    iwx: Run, server: Server, type_in: Callable[[str], None], typed: str
) -> None:
    type_in(typed)
    code, out, err = iwx("enable")
    assert (code, out, server.turned) == (1, "", [])
    assert err.endswith("Nothing was changed.\n")


def test_yes_on_the_command_line_asks_nothing(iwx: Run, server: Server) -> None:
    code, _, err = iwx("enable", "--yes")
    assert (code, server.turned) == (0, [("enable", "off", 72)])
    assert "Type" not in err
    assert "log in to this server as root" in err  # whoever reads the log of a script sees it too
    assert err.endswith("on the way\n")


def test_only_root_may_do_it(iwx: Run, server: Server) -> None:
    server.standing = Standing(report=OFF, as_root=False)
    for command in ("enable", "disable"):
        code, _, err = iwx(command, "--yes")
        assert code == 2
        assert f"only root may do that: sudo iwx-agent remote-assistance {command}" in err
    assert server.turned == []


def test_without_a_panel_there_is_nothing_to_turn(iwx: Run, server: Server) -> None:
    server.standing = Standing(report=UNKNOWN, as_root=True, no_panel=True)
    code, _, err = iwx("enable", "--yes")
    assert (code, err) == (
        2,
        "iwx-agent: there is no InterWorx panel on this machine. Nothing was changed.\n",
    )


def test_what_is_on_already_stays_as_it_is(iwx: Run, server: Server) -> None:
    server.standing = Standing(report=ON, as_root=True)
    code, out, err = iwx("enable", "--yes")
    assert (code, err, server.turned) == (0, "", [])
    assert out.endswith("It stays as it is. To begin its time anew: --renew\n")


def test_what_is_on_can_be_renewed(iwx: Run, server: Server) -> None:
    server.standing = Standing(report=ON, as_root=True)
    assert iwx("enable", "--renew", "--yes")[0] == 0
    assert server.turned == [("enable", "on", 72)]


def test_what_is_not_known_is_tried(iwx: Run, server: Server) -> None:
    server.standing = Standing(report=UNKNOWN, as_root=True)
    assert iwx("enable", "--yes")[0] == 0
    assert server.turned == [("enable", "unknown", 72)]


@pytest.mark.parametrize("report", [OFF, UNKNOWN])
def test_what_was_not_confirmed_is_1_and_says_where_to_look(
    iwx: Run, server: Server, report: AssistanceReport
) -> None:
    said = "enable-support-access.sh (exit 0): done"
    server.comes_to = Turned(report=report, confirmed=False, way="script", said=said)
    code, out, err = iwx("enable", "--yes")
    assert code == 1
    assert out.startswith("NOT CONFIRMED: whether it is on now is not certain.\n")
    assert f"  the script said: {said}\n" in out
    assert out.endswith(
        "Look at NodeWorx > Remote Assistance, or ask again: iwx-agent remote-assistance status\n"
    )
    assert "The vendor's script decides itself for how long.\n" in err


def test_a_place_that_took_no_record_is_named(iwx: Run, server: Server) -> None:
    failures = ("/var/log/iwx-agent/audit.log: No space left\x1b on device",)
    server.comes_to = Turned(report=ON, confirmed=True, way="panel", said="", untraced=failures)
    code, _, err = iwx("enable", "--yes")
    assert code == 0
    assert "Not recorded in /var/log/iwx-agent/audit.log: No space left\\x1b on device\n" in err


def test_without_any_record_it_is_not_done(iwx: Run, server: Server) -> None:
    server.comes_to = UntracedError("audit.log: no; the journal: no")
    code, out, err = iwx("enable", "--yes")
    assert (code, out) == (1, "")
    assert "Not done: nothing could record who does it (audit.log: no; the journal: no)." in err
    assert "enable-support-access.sh" in err


# disable


def test_off_after_a_yes(iwx: Run, server: Server, type_in: Callable[[str], None]) -> None:
    server.standing = Standing(report=ON, as_root=True)
    server.comes_to = Turned(report=OFF, confirmed=True, way="script", said="done")
    assert iwx("disable")[0] == 2
    type_in("yes\n")
    code, out, err = iwx("disable")
    assert (code, server.turned) == (0, [("disable", "on", 72)])
    assert "disconnected at once" in err
    assert out.startswith("Done through the script, and the panel says so.\nRemote Assistance is off.\n")
    assert "decides itself" not in err


def test_what_is_off_already_stays_off(iwx: Run, server: Server) -> None:
    code, out, err = iwx("disable", "--yes")
    assert (code, err, server.turned) == (0, "", [])
    assert out.startswith("Remote Assistance is off.\n")
    assert "--renew" not in out


def test_off_that_is_not_confirmed_is_1(iwx: Run, server: Server) -> None:
    server.standing = Standing(report=ON, as_root=True)
    server.comes_to = Turned(report=ON, confirmed=False, way="panel", said="x")
    code, out, _ = iwx("disable", "--yes")
    assert code == 1
    assert "whether it is off now is not certain" in out
