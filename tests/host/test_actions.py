"""The door that changes the machine: the layout's two commands and two scripts, and no script of others."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakes import NOW_AT, FakeHost, command, layout, run
from msgspec.structs import replace

from iwx_agent.host import FileStatus, HostError, Stat
from iwx_agent.host.actions import LiveActions, panel_command
from iwx_agent.host.live import LiveHost
from iwx_agent.model import Alternative, Layout
from iwx_agent.model.assistance import Turn

SCRIPTS = {
    turn: [f"{home}/bin/{turn}-support-access.sh" for home in ("/usr/local/interworx", "/home/interworx")]
    for turn in ("enable", "disable")
}
GONE = HostError("not_found", "no such file", "stat")


def status(**more: Any) -> FileStatus:
    values: dict[str, Any] = {
        "kind": "file",
        "size_bytes": 100,
        "modified_at": NOW_AT,
        "mode": 0o755,
        "uid": 0,
    }
    return FileStatus(**(values | more))


def door(**places: FileStatus | HostError) -> tuple[FakeHost, LiveActions]:
    """A machine on which the scripts lie as told, in the first and second place; each says "done"."""
    answers: Any = {}
    for paths in SCRIPTS.values():
        for path, found in zip(paths, (places.get("first", GONE), places.get("second", GONE)), strict=True):
            answers[Stat(path=path, follow=False)] = found
            answers[run(path)] = command((path,), "done")
    host = FakeHost(answers)
    return host, LiveActions(host, layout())


def ran(host: FakeHost) -> list[str]:
    return [question.source for question in host.asked if not isinstance(question, Stat)]


def test_the_commands_of_the_panel_are_these_and_no_others() -> None:
    assert panel_command(layout(), "enable", 72) == (
        *("nodeworx", "-u", "-n", "-c", "Help", "-a", "ssh", "--mode", "1", "--duration", "72 hours"),
    )
    assert panel_command(layout(), "disable", 72) == (
        *("nodeworx", "-u", "-n", "-c", "Help", "-a", "ssh", "--mode", "0"),
    )


def test_the_hours_are_one_word_and_within_a_week() -> None:
    assert panel_command(layout(), "enable", 1)[-1] == "1 hours"
    assert panel_command(layout(), "enable", 168)[-1] == "168 hours"
    for hours in (0, -1, 169):
        with pytest.raises(ValueError, match="expected 1 to 168 hours"):
            panel_command(layout(), "enable", hours)


def test_the_panel_is_asked_with_the_limits_of_an_action() -> None:
    argv = panel_command(layout(), "enable", 24)
    host = FakeHost({run(*argv): command(argv, "ok")})
    assert LiveActions(host, layout()).remote_assistance("enable", "panel", hours=24).text == "ok"
    (question,) = host.asked
    assert (question.timeout_s, ran(host)) == (60.0, [" ".join(argv)])


@pytest.mark.parametrize("turn", ["enable", "disable"])
def test_the_script_of_the_vendor_is_run(turn: Turn) -> None:
    host, actions = door(first=status())
    assert actions.remote_assistance(turn, "script", hours=72).text == "done"
    assert ran(host) == [SCRIPTS[turn][0]]


def test_the_second_place_is_tried_when_the_first_is_not_there() -> None:
    host, actions = door(second=status())
    actions.remote_assistance("enable", "script", hours=72)
    assert ran(host) == [SCRIPTS["enable"][1]]


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (status(kind="symlink", mode=0o777), "it is a symlink, not a file"),
        (status(kind="directory"), "it is a directory"),
        (status(kind="fifo"), "it is a fifo"),
        (status(uid=1000), "it belongs to user 1000, not to root"),
        (status(mode=0o775), "others than its owner may write to it (mode 775)"),
        (status(mode=0o757), "may write to it (mode 757)"),
    ],
)
def test_a_script_that_others_could_have_written_is_not_run(found: FileStatus, said: str) -> None:
    host, actions = door(first=found, second=status())
    with pytest.raises(HostError) as caught:
        actions.remote_assistance("enable", "script", hours=72)
    assert said in caught.value.reason
    assert caught.value.source == SCRIPTS["enable"][0]
    assert ran(host) == []


@pytest.mark.parametrize(
    "path", ["/tmp/x.sh", "/usr/local/interworx/../../tmp/x.sh", "/usr/local/interworxx/x.sh"]
)
def test_a_script_outside_the_panels_home_is_not_run(path: str) -> None:
    entry = (Alternative(value=path, confidence="observed", source="a correction"),)
    entries = layout().entries | {"path.support_access_enable": entry}
    host = FakeHost({Stat(path=path, follow=False): status()})
    with pytest.raises(HostError, match="it lies outside the panel's home"):
        LiveActions(host, Layout(entries=entries)).remote_assistance("enable", "script", hours=72)
    assert ran(host) == []


def test_without_a_script_the_places_are_named() -> None:
    host, actions = door()
    with pytest.raises(HostError, match="no such script") as caught:
        actions.remote_assistance("disable", "script", hours=72)
    assert (caught.value.kind, caught.value.source) == ("not_found", " or ".join(SCRIPTS["disable"]))
    assert ran(host) == []


def test_a_place_that_cannot_be_looked_at_ends_the_search() -> None:
    host, actions = door(first=HostError("timeout", "no answer within 3 s", "stat"), second=status())
    with pytest.raises(HostError, match="no answer within 3 s"):
        actions.remote_assistance("enable", "script", hours=72)
    assert ran(host) == []


# On the machine itself


@pytest.fixture
def home(tmp_path: Path) -> tuple[Path, Layout]:
    told = replace(layout(), entries=dict(layout().entries))
    for key, value in (
        ("path.home", str(tmp_path)),
        ("path.support_access_enable", str(tmp_path / "bin/on.sh")),
    ):
        told.entries[key] = (Alternative(value=value, confidence="observed", source="a test"),)
    (tmp_path / "bin").mkdir()
    return tmp_path, told


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_a_real_script_is_run_without_terminal_or_callers_environment(
    home: tuple[Path, Layout], make_script: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "x")
    make_script("bin/on.sh", 'read x && exit 9; echo "on $# $SECRET"')
    with LiveHost(budget_s=20) as host:
        if os.geteuid() != 0:  # then nobody but root could have written it either
            with pytest.raises(HostError, match="not to root"):
                LiveActions(host, home[1]).remote_assistance("enable", "script", hours=72)
            return
        answer = LiveActions(host, home[1]).remote_assistance("enable", "script", hours=72)
    assert (answer.exit_code, answer.text) == (0, "on 0 \n")


@pytest.mark.e2e
@pytest.mark.enable_socket
def test_a_link_in_its_place_is_refused(home: tuple[Path, Layout], make_script: Callable[..., str]) -> None:
    target = make_script("evil.sh", "echo evil")
    (home[0] / "bin/on.sh").symlink_to(target)
    with LiveHost(budget_s=20) as host, pytest.raises(HostError, match="it is a symlink"):
        LiveActions(host, home[1]).remote_assistance("enable", "script", hours=72)
