"""``why`` and a priority of one's own: what is kept of a live run, explained later; wrong use is 2."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from building import finding, incident, make_capture, report, report_host

from iwx_agent.app.saved import save_run
from iwx_agent.cli import run
from iwx_agent.config import Settings, load_policy
from iwx_agent.model import Override, Priority, Report
from iwx_agent.triage import Circumstances, Clock, verdict_of

Run = Callable[..., tuple[int, str, str]]
HINT = "A run of root is saved: iwx-agent diagnose. What is there: iwx-agent report --list\n"


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture(autouse=True)
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)


class Live:
    """Stands in for the diagnosis of this machine, which has one emergency."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.as_root = True

    def diagnose(self, request: Any, *, on_unkept: Any, **_: Any) -> Report:
        self.asked.append(request)
        down = incident(finding(title="NodeWorx does not answer"))
        given = Circumstances(policy=load_policy(), clock=Clock(now=None), override=request.override)
        verdict = verdict_of((down,), (), given)
        made = report(down, verdict=verdict, host=report_host(as_root=self.as_root))
        return saving(made, on_unkept)


def saving(made: Report, on_unkept: Callable[[str], None] | None) -> Report:
    """As the diagnosis of this machine does: save it, and say why if that cannot be."""
    if on_unkept is not None and (why := save_run(made, Settings())):
        on_unkept(why)
    return made


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> Live:
    made = Live()
    monkeypatch.setattr("iwx_agent.app.sources.diagnose_live", made.diagnose)
    return made


@pytest.mark.parametrize("command", ["diagnose", "ticket"])
def test_the_last_verdict_is_explained(iwx: Run, live: Live, command: str) -> None:
    code, _, err = iwx(command)
    assert (code, err) == (3, "")
    code, out, err = iwx("why")
    assert (code, err) == (0, "")
    assert out.startswith("Verdict of 2026-11-23 15:26 UTC on iwx1.example.com: 1 check, iwx-agent 0.1.0\n")
    assert "priority    Urgent\n" in out
    assert "because of: NodeWorx does not answer (PANEL-001, NodeWorx)\n" in out


def test_the_last_verdict_for_a_program(iwx: Run, live: Live) -> None:
    iwx("diagnose")
    code, out, _ = iwx("why", "--format", "json")
    told = json.loads(out)
    assert code == 0
    assert (told["verdict"]["priority"], told["incidents"][0]["code"]) == ("Urgent", "PANEL-001")
    assert [step["about"] for step in told["verdict"]["trace"]][:2] == ["incident", "priority"]
    assert iwx("why", "--format", "jsn")[0] == 2


def test_the_verdict_of_a_capture_is_explained_and_not_kept(iwx: Run, tmp_path: Path, kept: Path) -> None:
    page = {"kind": "http", "url": "https://localhost:2443/nodeworx/"}
    refused = {"question": page, "error": {"kind": "refused", "reason": "connection refused"}}
    capture = make_capture(tmp_path / "capture", refused)
    code, out, err = iwx("why", "--from", str(capture))
    assert (code, err) == (0, "")
    assert "priority    " in out
    assert iwx("diagnose", "--from", str(capture))[0] in (1, 3, 4)
    assert not kept.exists()
    assert iwx("why", "--from", str(tmp_path / "nowhere"))[0] == 2


def test_without_a_verdict_it_says_what_to_run(iwx: Run, kept: Path) -> None:
    said = f"iwx-agent: {kept}/state.db: nothing has been kept yet\n{HINT}"
    assert iwx("why") == (2, "", said)


def test_without_root_nothing_is_kept_and_why_says_so(
    iwx: Run, live: Live, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.as_root = False
    assert iwx("diagnose")[::2] == (3, "")
    assert not kept.exists()
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    hint = "Run it as root; move away what was left alone. A capture: iwx-agent diagnose --from DIR"
    said = f"iwx-agent: {kept}/state.db: kept for root only, and this is not root\n{hint}\n"
    assert iwx("why") == (2, "", said)


def test_a_verdict_that_cannot_be_kept_costs_one_line_and_nothing_else(
    iwx: Run, live: Live, kept: Path
) -> None:
    kept.symlink_to("/nowhere")
    code, out, err = iwx("diagnose")
    assert code == 3
    assert "NodeWorx does not answer" in out
    assert err == (
        f"iwx-agent: this run was not saved: {kept}/state.db: {kept} is no directory of its own; left alone\n"
    )


# A priority of one's own


@pytest.mark.parametrize("command", ["diagnose", "ticket"])
@pytest.mark.parametrize("given", ["low", "Low", " LOW "])
def test_a_priority_of_ones_own_with_its_reason(iwx: Run, live: Live, command: str, given: str) -> None:
    code, out, err = iwx(command, "--priority", given, "--reason", "we move\n it tonight")
    assert (code, err) == (3, "")
    assert live.asked[0].override == Override(priority=Priority.LOW, reason="we move it tonight")
    assert "Low, set by a person: we move it tonight." in out
    assert "Low, set by a person: we move it tonight" in iwx("why")[1]


def test_without_one_nothing_is_overridden(iwx: Run, live: Live) -> None:
    iwx("diagnose")
    assert live.asked[0].override is None


@pytest.mark.parametrize("command", ["diagnose", "ticket"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--priority", "Low"), "--priority and --reason go together"),
        (("--reason", "x"), "--priority and --reason go together"),
        (("--priority", "Low", "--reason", " \n"), "--priority and --reason go together"),
        (("--priority", "Urgnt", "--reason", "x"), "unknown priority 'Urgnt'. Did you mean Urgent?"),
        (("--priority", "urgnt"), "Did you mean Urgent?"),
        (("--priority", "!", "--reason", "x"), "Choose from: Information, Low, Medium, High, Urgent."),
        (("--priority", "Low", "--reason", "x" * 301), "at most 300 characters, got 301"),
    ],
)
def test_one_without_the_other_is_wrong_use(
    iwx: Run, live: Live, command: str, arguments: tuple[str, ...], said: str
) -> None:
    code, out, err = iwx(command, *arguments)
    assert (code, out, live.asked) == (2, "", [])
    assert said in " ".join(err.split())


def test_a_reason_of_300_characters_is_taken(iwx: Run, live: Live) -> None:
    assert iwx("diagnose", "--priority", "High", "--reason", "x" * 300)[0] == 3


# Broken files are refused before anything is asked


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("support-policy.toml", "time_zone = 3", "/support-policy.toml:1: time_zone: Expected `str`"),
        ("provider.toml", "nme = 'x'", "/provider.toml:1: nme: unknown key; did you mean name?"),
        ("config.toml", "licence = 'x'", "/config.toml:1: licence: Invalid enum value 'x'"),
    ],
)
@pytest.mark.parametrize("command", ["diagnose", "ticket", "why"])
def test_a_broken_file_is_refused_with_its_place(
    iwx: Run, tmp_path: Path, etc: Path, command: str, name: str, text: str, said: str
) -> None:
    etc.mkdir()
    (etc / name).write_text(text)
    code, out, err = iwx(command, "--from", str(make_capture(tmp_path / "capture")))
    assert (code, out) == (2, "")
    assert said in err
