"""Turning Remote Assistance on and off: by which way, what is believed, what is recorded."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest
from fakes import command, content, layout
from msgspec import Struct

from iwx_agent.app.assistance import (
    Standing,
    Turned,
    Turning,
    UntracedError,
    look,
    look_at_capture,
    look_live,
    turn_live,
)
from iwx_agent.audit import Audit
from iwx_agent.host import CommandAnswer, Host, HostError, Question, ReadFile, RunCommand
from iwx_agent.host.actions import Actions
from iwx_agent.model import AssistanceReport
from iwx_agent.model.assistance import Turn, Way
from iwx_agent.replay import open_capture

ROOTS = Path(__file__).parents[1] / "roots"
SCRIPT = "/usr/local/interworx/bin/enable-support-access.sh"
PANEL_DOWN = "Unable to connect to the InterWorx database: Connection refused"
Effect = Callable[["Machine"], None]


class Machine(Host):
    """The healthy recording, with Remote Assistance as a switch: ``mode`` is what querySsh says."""

    def __init__(self, mode: str, login_uid: str | HostError = "1000") -> None:
        self.mode = mode
        self.login_uid = login_uid
        self.paused_s = 0.0
        self.asked_count = 0
        self._recorded = open_capture(ROOTS / "healthy")

    def answer(self, question: Question) -> Struct:
        if isinstance(question, RunCommand) and "querySsh" in question.argv:
            self.asked_count += 1
            if self.mode in ("0", "1"):
                return command(question.argv, json.dumps({"mode": self.mode}))
            return command(question.argv, exit_code=1, stderr=self.mode)
        if isinstance(question, ReadFile) and question.path == "/proc/self/loginuid":
            if isinstance(self.login_uid, HostError):
                raise self.login_uid
            return content(self.login_uid)
        return self._recorded.answer(question)

    def pause(self, duration_s: float) -> None:
        self.paused_s += duration_s


class FakeActions(Actions):
    """Does what the test says for each way, and remembers which ways were gone."""

    def __init__(self, machine: Machine, **ways: tuple[CommandAnswer | HostError, Effect | None]) -> None:
        self._machine = machine
        self._ways = ways
        self.done: list[str] = []

    def remote_assistance(self, turn: Turn, way: Way, *, hours: int) -> CommandAnswer:
        self.done.append(f"{turn} {way} {hours}")
        answer, effect = self._ways[way]
        if effect is not None:
            effect(self._machine)
        if isinstance(answer, HostError):
            raise answer
        return answer


def says(text: str = "", *, exit_code: int = 0, stderr: str = "", way: str = "nodeworx ssh") -> CommandAnswer:
    return command((way,), text, exit_code=exit_code, stderr=stderr)


def set_to(mode: str) -> Effect:
    def effect(machine: Machine) -> None:
        machine.mode = mode

    return effect


class Attempt:
    """One attempt with everything that can be looked at afterwards."""

    def __init__(self, tmp_path: Path) -> None:
        self.place = tmp_path / "iwx-agent"
        self.journal: list[bytes] = []
        self.said: list[str] = []

    def turn(self, machine: Machine, turn: Turn = "enable", *, hours: int = 72, **ways: Any) -> Turned:
        self.actions = FakeActions(machine, **ways)
        audit = Audit(self.place, self.journal.append)
        before = look(machine, layout()).report
        turning = Turning(machine, self.actions, audit, layout(), self.said.append)
        return turning.turn(turn, before, hours=hours)

    @property
    def recorded(self) -> list[tuple[str, str, str]]:
        told = [json.loads(line) for line in (self.place / "audit.log").read_text().splitlines()]
        return [(line["way"], line["phase"], line["outcome"]) for line in told]


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path)


# Looking


def test_a_look_tells_state_and_way() -> None:
    standing = look(Machine("1"), layout())
    assert (standing.report.state, standing.report.ready) == ("on", True)
    assert (standing.as_root, standing.no_panel) == (True, False)


def test_a_capture_is_looked_at_like_the_machine() -> None:
    assert look_at_capture(ROOTS / "support-off").report.state == "off"
    blocked = look_at_capture(ROOTS / "support-firewalled").report
    assert (blocked.state, blocked.ready) == ("on", False)
    assert look_at_capture(ROOTS / "support-cli-hangs").report.state == "unknown"


def test_a_machine_without_a_panel_is_told() -> None:
    class Bare(Machine):
        def answer(self, question: Question) -> Struct:
            if "interworx" in question.source or "nodeworx" in question.source:
                raise HostError("not_found", "no such thing", question.source)
            return super().answer(question)

    assert look(Bare("1"), layout()) == Standing(
        report=AssistanceReport(
            state="unknown",
            source="nodeworx -u -n -c Help -a querySsh -o json",
            reason="no such thing",
            ready=True,
        ),
        as_root=True,
        no_panel=True,
    )


# Turning it on


def test_on_through_the_panel(attempt: Attempt) -> None:
    turned = attempt.turn(Machine("0"), hours=24, panel=(says("mode: 1"), set_to("1")))
    assert (turned.confirmed, turned.way, turned.report.state) == (True, "panel", "on")
    assert turned.untraced == ()
    assert attempt.actions.done == ["enable panel 24"]
    assert attempt.said == []
    assert attempt.recorded == [
        ("panel", "intent", "24 hours"),
        ("panel", "outcome", "nodeworx ssh (exit 0): mode: 1; afterwards the panel says: on"),
    ]


def test_the_record_says_who_and_when(attempt: Attempt) -> None:
    attempt.turn(Machine("0"), panel=(says(), set_to("1")))
    line = json.loads((attempt.place / "audit.log").read_text().splitlines()[0])
    assert (line["at"], line["action"]) == ("2026-11-23T19:52:42Z", "remote-assistance enable")
    assert (line["uid"], line["login_uid"]) == (0, 1000)
    assert [json.loads(entry)["phase"] for entry in attempt.journal] == ["intent", "outcome"]


@pytest.mark.parametrize(
    "login_uid", ["4294967295", "", "x", "-1", HostError("not_found", "no such file", "/proc/self/loginuid")]
)
def test_a_login_that_is_not_known_is_none(attempt: Attempt, login_uid: str | HostError) -> None:
    attempt.turn(Machine("0", login_uid), panel=(says(), set_to("1")))
    assert json.loads(attempt.journal[0])["login_uid"] is None


def test_it_is_only_believed_when_the_panel_says_so_which_may_take_a_while(attempt: Attempt) -> None:
    class Slow(Machine):
        def pause(self, duration_s: float) -> None:
            super().pause(duration_s)
            if self.paused_s >= 3:
                self.mode = "1"

    machine = Slow("0")
    turned = attempt.turn(machine, panel=(says(), None))
    assert (turned.confirmed, machine.paused_s) == (True, 3)


def test_a_panel_that_says_yes_and_does_nothing_is_not_believed(attempt: Attempt) -> None:
    machine = Machine("0")
    done = says("done", way=SCRIPT)
    turned = attempt.turn(machine, panel=(says("Remote Assistance is on"), None), script=(done, set_to("1")))
    assert (turned.confirmed, turned.way) == (True, "script")
    assert attempt.actions.done == ["enable panel 72", "enable script 72"]
    assert attempt.said == [
        "Not through the panel: nodeworx ssh (exit 0): Remote Assistance is on. Now through the script."
    ]
    assert [way for way, _, _ in attempt.recorded] == ["panel", "panel", "script", "script"]


@pytest.mark.parametrize(
    "answer",
    [
        says(exit_code=11, stderr="There was a problem validating the form."),
        says("PHP Fatal error: out of memory"),
        says("<html>"),
        HostError("not_found", "no such program", "nodeworx"),
        CommandAnswer(
            argv=("nodeworx",), exit_code=None, stdout=b"", stderr=b"", duration_s=60, timed_out=True
        ),
    ],
)
def test_a_panel_that_fails_is_followed_by_the_script(
    attempt: Attempt, answer: CommandAnswer | HostError
) -> None:
    turned = attempt.turn(Machine("0"), panel=(answer, None), script=(says(way=SCRIPT), set_to("1")))
    assert (turned.confirmed, turned.way) == (True, "script")


def test_a_panel_that_fails_and_yet_did_it_is_believed(attempt: Attempt) -> None:
    turned = attempt.turn(Machine("0"), panel=(says(exit_code=1), set_to("1")))
    assert (turned.confirmed, turned.way) == (True, "panel")


def test_while_the_panel_is_down_the_script_goes_first_and_nothing_is_confirmed(attempt: Attempt) -> None:
    machine = Machine(PANEL_DOWN)
    turned = attempt.turn(machine, script=(says("Support access enabled.", way=SCRIPT), None))
    assert (turned.confirmed, turned.way, turned.report.state) == (False, "script", "unknown")
    assert attempt.actions.done == ["enable script 72"]
    assert turned.said == f"{SCRIPT} (exit 0): Support access enabled."
    assert machine.asked_count == 2  # before and after
    assert attempt.recorded[0] == ("script", "intent", "")  # the script decides itself for how long
    assert attempt.recorded[-1][2].endswith("Support access enabled.; afterwards the panel says: unknown")


def test_without_a_script_the_panel_is_tried_however_it_answers(attempt: Attempt) -> None:
    gone = HostError("not_found", "no such script", SCRIPT)
    turned = attempt.turn(Machine(PANEL_DOWN), script=(gone, None), panel=(says(), set_to("1")))
    assert (turned.confirmed, turned.way) == (True, "panel")
    assert attempt.said == [f"Not through the script: {SCRIPT}: no such script. Now through the panel."]


def test_a_panel_that_did_it_and_cannot_say_so_is_not_followed_by_the_script(attempt: Attempt) -> None:
    turned = attempt.turn(Machine("0"), panel=(says(), set_to("no answer")))
    assert (turned.confirmed, turned.report.state) == (False, "unknown")
    assert attempt.actions.done == ["enable panel 72"]


def test_when_neither_way_works_it_is_said(attempt: Attempt) -> None:
    failed = says(exit_code=1, stderr="no key could be fetched\n\x1b[31m", way=SCRIPT)
    turned = attempt.turn(Machine("0"), panel=(says(exit_code=1), None), script=(failed, None))
    assert (turned.confirmed, turned.report.state) == (False, "off")
    assert turned.said == f"{SCRIPT} (exit 1): no key could be fetched \\x1b[31m"


def test_renewing_is_confirmed_only_when_something_was_done(attempt: Attempt) -> None:
    assert attempt.turn(Machine("1"), panel=(says(), None)).confirmed
    failed = says(exit_code=1, way=SCRIPT)
    assert not attempt.turn(Machine("1"), panel=(says(exit_code=1), None), script=(failed, None)).confirmed


# What is recorded when something goes wrong


class Spent(Machine):
    """Once something was done, the run's budget is used up."""

    spent = False

    def answer(self, question: Question) -> Struct:
        if self.spent:
            raise HostError("over_budget", "the budget of 200 s was used up", question.source)
        return super().answer(question)


def spend(machine: Machine) -> None:
    assert isinstance(machine, Spent)
    machine.spent = True


def test_with_the_budget_used_up_the_outcome_is_recorded_all_the_same(attempt: Attempt) -> None:
    turned = attempt.turn(Spent("0"), panel=(says("ok"), spend))
    assert (turned.confirmed, turned.report.state) == (False, "unknown")
    assert turned.report.reason == "the budget of 200 s was used up"
    assert attempt.recorded[-1][2] == "nodeworx ssh (exit 0): ok; afterwards the panel says: unknown"


def test_an_interruption_is_recorded(attempt: Attempt) -> None:
    def interrupt(machine: Machine) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt.turn(Machine("0"), panel=(says(), interrupt))
    assert attempt.recorded[-1] == ("panel", "outcome", "interrupted: how it stands is not known")


class NoTrace(Attempt):
    """Neither file nor journal takes anything."""

    def turn(self, machine: Machine, turn: Turn = "enable", *, hours: int = 72, **ways: Any) -> Turned:
        def refuse(line: bytes) -> None:
            raise OSError("no such socket")

        self.actions = FakeActions(machine, **ways)
        audit = Audit(self.place / "gone", refuse)
        before = look(machine, layout()).report
        return Turning(machine, self.actions, audit, layout(), print).turn(turn, before, hours=hours)


def test_without_any_trace_nobody_is_let_in(tmp_path: Path) -> None:
    attempt = NoTrace(tmp_path)
    with pytest.raises(
        UntracedError, match=r"audit.log: No such file or directory; the journal: no such socket"
    ):
        attempt.turn(Machine("0"), panel=(says(), set_to("1")))
    assert attempt.actions.done == []


def test_without_any_trace_the_way_in_is_taken_away_all_the_same(tmp_path: Path) -> None:
    turned = NoTrace(tmp_path).turn(Machine("1"), "disable", panel=(says(), set_to("0")))
    assert turned.confirmed
    assert len(turned.untraced) == 2


def test_one_trace_is_enough_and_the_other_is_told(attempt: Attempt, tmp_path: Path) -> None:
    attempt.place.symlink_to(tmp_path)
    turned = attempt.turn(Machine("0"), panel=(says(), set_to("1")))
    assert turned.confirmed
    assert turned.untraced == (f"{attempt.place}/audit.log: Not a directory",)
    assert len(attempt.journal) == 2


# Turning it off


def test_off_through_the_panel(attempt: Attempt) -> None:
    turned = attempt.turn(Machine("1"), "disable", panel=(says(), set_to("0")))
    assert (turned.confirmed, turned.report.state) == (True, "off")
    assert attempt.recorded[0] == ("panel", "intent", "")
    assert json.loads(attempt.journal[0])["action"] == "remote-assistance disable"


def test_off_is_not_believed_while_the_panel_says_on(attempt: Attempt) -> None:
    turned = attempt.turn(Machine("1"), "disable", panel=(says(), None), script=(says(way=SCRIPT), None))
    assert (turned.confirmed, turned.report.state) == (False, "on")


# On this machine


class Live(Machine):
    """Stands in for the live host: off, until the panel's command to turn it on is run."""

    closed_count = 0

    def __init__(self, *, budget_s: float) -> None:
        super().__init__("0")

    def answer(self, question: Question) -> Struct:
        if isinstance(question, RunCommand) and "ssh" in question.argv:
            self.mode = "1"
            return command(question.argv, "ok")
        return super().answer(question)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *told: object) -> None:
        Live.closed_count += 1


def test_this_machine_is_looked_at_and_turned_through_a_live_host(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    journal: list[bytes] = []
    monkeypatch.setattr("iwx_agent.host.live.LiveHost", Live)
    monkeypatch.setattr("iwx_agent.audit.DIRECTORY", tmp_path / "iwx-agent")
    monkeypatch.setattr("iwx_agent.audit._send_to_journal", journal.append)
    before = look_live()
    assert before.report.state == "off"
    turned = turn_live("enable", before.report, hours=72, say=print)
    assert (turned.confirmed, turned.way) == (True, "panel")
    assert len((tmp_path / "iwx-agent" / "audit.log").read_text().splitlines()) == len(journal) == 2
    assert Live.closed_count == 2
