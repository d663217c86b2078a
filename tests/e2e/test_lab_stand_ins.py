"""What the lab stands in for on one server: the panel's command line and Remote Assistance."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from iwxlab_lib.commands import run
from iwxlab_lib.server import Server

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]

STATE = "/var/lib/interworx-stand-in"


def said(server: Server, script: str) -> tuple[int, str, str]:
    done = run(server.enter(["sh", "-c", script]), check=False, timeout_s=20)
    return done.returncode, done.stdout, done.stderr


def nodeworx(server: Server, controller: str, action: str, more: str = "") -> tuple[int, str, str]:
    return said(server, f"nodeworx -u -n -c {controller} -a {action} {more}")


def rows(server: Server, controller: str, action: str) -> Any:
    code, text, errors = nodeworx(server, controller, action, "-o json")
    assert (code, errors) == (0, "")
    return json.loads(text)


@pytest.fixture
def habits(server: Server) -> Iterator[Server]:
    """The server; its command line has its usual habits again afterwards, and Remote Assistance is on."""
    yield server
    server.shell(f"rm -f {STATE}/variant {STATE}/tripwire; /usr/local/interworx/bin/enable-support-access.sh")


def habit(server: Server, word: str) -> None:
    server.shell(f"echo {word} >{STATE}/variant")


# The panel's command line


def test_without_an_action_the_command_line_names_those_that_it_knows(server: Server) -> None:
    for end in ("", "-a nonsense"):
        code, text, errors = said(server, f"nodeworx -u -n -c CommandQueue {end}")
        assert (code, text) == (11, "")
        assert "[clear|delete|listCommands|queryQueue|retry|run]" in errors


def test_an_action_that_changes_something_leaves_a_trace(habits: Server) -> None:
    assert nodeworx(habits, "CommandQueue", "clear")[0] == 0
    assert nodeworx(habits, "Notice", "dismissBanner", "--id 7")[0] == 0
    assert habits.shell(f"cat {STATE}/tripwire") == "CommandQueue clear\nNotice dismissBanner\n"


def test_a_read_action_leaves_none(habits: Server) -> None:
    for controller, action in (("Notice", "listBannerNotices"), ("CommandQueue", "listCommands")):
        assert rows(habits, controller, action) == []
    assert rows(habits, "Health", "listHealthStatus") == [
        {"code": "stand-in", "name": "stand-in", "status": "0"}
    ]
    assert said(habits, f"test -e {STATE}/tripwire")[0] == 1


@pytest.mark.parametrize(
    ("word", "code", "output", "errors"),
    [
        ("json-refused", 1, "", "'json' is not a known output format"),
        ("wrapped", 0, '{"status": 0, "payload": [{"version": "8.2.0"}]}', ""),
        ("error-zero", 0, "Error: the controller could not be loaded", ""),
        ("html", 0, "<!DOCTYPE html>", ""),
        ("prompt", 1, "NodeWorx user name: ", ""),
        ("maintenance", 1, "", "in maintenance mode"),
    ],
    ids=["json-refused", "wrapped", "error-zero", "html", "prompt", "maintenance"],
)
def test_the_command_line_takes_on_a_habit(
    habits: Server, word: str, code: int, output: str, errors: str
) -> None:
    habit(habits, word)
    found = nodeworx(habits, "Overview", "listVersion", "-o json </dev/null")
    assert found[0] == code
    assert output in found[1]
    assert errors in found[2]


def test_where_json_is_refused_plain_columns_are_printed(habits: Server) -> None:
    habit(habits, "json-refused")
    assert nodeworx(habits, "Health", "listHealthStatus") == (0, "stand-in\tstand-in\t0\n", "")


def test_the_columns_can_have_other_names(habits: Server) -> None:
    habit(habits, "other-keys")
    assert list(rows(habits, "Help", "querySsh")[0]) == ["enabled", "duration", "expires_at"]


def test_the_command_line_can_hang(habits: Server) -> None:
    habit(habits, "hang")
    assert said(habits, "timeout 1 nodeworx -u -n -c Overview -a listVersion")[0] == 124


# Remote Assistance


def assistance(server: Server) -> str:
    return str(rows(server, "Help", "querySsh")[0]["mode"])


def test_remote_assistance_goes_on_with_an_end_and_off_again(habits: Server) -> None:
    assert nodeworx(habits, "Help", "ssh", "--mode 0")[0] == 0
    assert rows(habits, "Help", "querySsh") == [{"mode": "0", "duration": "", "expires": ""}]
    assert nodeworx(habits, "Help", "ssh", "--mode 1 --duration '24 hours'")[0] == 0
    tomorrow = habits.shell("date -d '+24 hours' '+%Y-%m-%d %H:%M'").strip()
    (found,) = rows(habits, "Help", "querySsh")
    assert (found["mode"], found["duration"]) == ("1", "24 hours")
    assert found["expires"][:16] >= tomorrow[:15]
    habits.shell(f"touch -d '-25 hours' {STATE}/remote-assistance")
    assert assistance(habits) == "0"


def test_the_scripts_share_their_state_with_the_command_line(habits: Server) -> None:
    habits.shell("/usr/local/interworx/bin/disable-support-access.sh")
    assert assistance(habits) == "0"
    habits.shell("/usr/local/interworx/bin/enable-support-access.sh")
    assert assistance(habits) == "1"


def test_enabling_can_be_said_to_work_and_not_work(habits: Server) -> None:
    nodeworx(habits, "Help", "ssh", "--mode 0")
    habit(habits, "assistance-stays-off")
    assert nodeworx(habits, "Help", "ssh", "--mode 1") == (
        0,
        "The remote assistance settings have been saved.\n",
        "",
    )
    assert "enabled" in habits.shell("/usr/local/interworx/bin/enable-support-access.sh")
    assert assistance(habits) == "0"


def test_only_the_script_works_while_the_panel_is_down(habits: Server) -> None:
    habits.shell("/usr/local/interworx/bin/disable-support-access.sh; systemctl stop iworx")
    try:
        assert nodeworx(habits, "Help", "ssh", "--mode 1")[0] == 1
        habits.shell("/usr/local/interworx/bin/enable-support-access.sh")
        assert nodeworx(habits, "Help", "querySsh")[0] == 1
    finally:
        habits.shell("systemctl start iworx")
    assert assistance(habits) == "1"
