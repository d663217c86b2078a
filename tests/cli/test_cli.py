"""The command line: exit codes for ever, nearest matches, one line for an error, data for a program."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from building import finding, make_capture, result

from iwx_agent.checks import ALL
from iwx_agent.checks.panel_nodeworx import CHECK
from iwx_agent.cli import run
from iwx_agent.cli.options import select
from iwx_agent.cli.progress import Progress
from iwx_agent.model import CheckResult, Finding, Severity

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return make_capture(tmp_path / "capture")


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let every check come to nothing but one, which comes to what is told."""

    def tell(*findings: Finding, **more: Any) -> None:
        def judge(check: Any, facts: Any) -> CheckResult:
            if check.id == "panel.nodeworx":
                return result(*findings, **more)
            return result(check_id=check.id)

        monkeypatch.setattr("iwx_agent.app.diagnose.judge", judge)

    return tell


@pytest.mark.parametrize("command", ["diagnose", "ticket"])
@pytest.mark.parametrize(
    ("severity", "status", "code"),
    [
        (None, "ok", 0),
        (Severity.NOTE, "problem", 0),
        (Severity.WARNING, "problem", 1),
        (Severity.ERROR, "problem", 1),
        (Severity.EMERGENCY, "problem", 3),
        (None, "unknown", 4),
        (None, "crashed", 4),
    ],
)
def test_the_exit_code_says_what_was_found(
    iwx: Run, capture: Path, judged: Callable[..., None], command: str, severity: Any, status: str, code: int
) -> None:
    from iwx_agent.model import Status

    judged(*([finding(severity=severity)] if severity else []), status=Status(status))
    assert iwx(command, "--from", str(capture))[0] == code
    assert iwx(command, "--from", str(capture), "--no-confirm")[0] == code


def test_wrong_use_is_2_with_the_nearest_match(iwx: Run, capture: Path) -> None:
    place = ("--from", str(capture))
    for arguments, said in (
        (("diagnos",), "diagnose"),
        (("diagnose", "--onyl", "mail"), "--only"),
        (
            ("diagnose", *place, "--only", "mail.stmp"),
            "unknown check or area 'mail.stmp'. Did you mean mail.smtp?",
        ),
        (("diagnose", *place, "--skip", "mai"), "Did you mean mail?"),
        (("diagnose", *place, "--only", ","), "leave no check to run"),
        (("diagnose", *place, "--only", "panel.nodeworx", "--skip", "panel"), "leave no check to run"),
        (("diagnose", *place, "--format", "jsn"), "Did you mean json?"),
        (("diagnose", *place, "--format", "htm"), "Did you mean html?"),
        (("diagnose", *place, "--format", "\x1b[31m"), "unknown value of --format '\\x1b[31m'"),
        (("diagnose", *place, "--only", "x" * 200), "x" * 80 + "'."),
        (("diagnose", "--budget", "0.9"), "between 1 and 3600, got 0.9"),
        (("diagnose", "--budget", "3601"), "between 1 and 3600, got 3601"),
        (("diagnose", "--budget", "nan"), "between 1 and 3600, got nan"),
        (("checks", "--format", "yaml"), "Choose from: text, json"),
        (("explain", "PANL-001"), "unknown code or check 'PANL-001'. Did you mean PANEL-001?"),
        (("explain",), "CODE"),
        (("capture",), "DIR"),
    ):
        code, out, err = iwx(*arguments)
        assert (code, out) == (2, ""), arguments
        assert said in err, (arguments, err)
        assert "Traceback" not in err
        assert "\x1b" not in err


def test_without_arguments_help_is_shown(iwx: Run) -> None:
    code, out, err = iwx()
    assert code == 2
    assert "diagnose" in out + err


def test_every_command_has_help_with_an_example(iwx: Run) -> None:
    code, out, _ = iwx("--help")
    assert code == 0
    commands = [
        line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line.startswith("  ")
    ]
    commands = [name for name in commands if name.isalpha() and name.islower()]
    assert {"diagnose", "ticket", "capture", "checks", "explain"} <= set(commands)
    assert "Exit codes: 0 nothing wrong" in " ".join(out.split())
    for command in ("diagnose", "ticket", "capture", "checks", "explain"):
        for option in ("--help", "-h"):
            code, out, _ = iwx(command, option)
            assert code == 0
            assert f"iwx-agent{command}" in "".join(out.partition("Example")[2].split()), command


def test_the_version(iwx: Run) -> None:
    from iwx_agent import __version__

    assert iwx("--version") == (0, f"iwx-agent {__version__}\n", "")


def test_what_is_no_capture_is_one_line_and_2(iwx: Run, tmp_path: Path) -> None:
    code, out, err = iwx("diagnose", "--from", str(tmp_path / "no\x1bwhere"))
    assert (code, out) == (2, "")
    assert (
        err == f"iwx-agent: {tmp_path}/no\\x1bwhere/capture.json: not a capture: there is no capture.json\n"
    )
    code, _, err = iwx("diagnose", "--debug", "--from", str(tmp_path))
    assert code == 2
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("iwx-agent: ")


def test_a_wrong_configuration_is_one_line_and_2(iwx: Run, capture: Path, etc: Path) -> None:
    etc.mkdir()
    (etc / "config.toml").write_text("budgets = 1")
    code, out, err = iwx("diagnose", "--from", str(capture))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "budgets" in err


def test_a_defect_is_70_and_one_line_a_traceback_only_with_debug(
    iwx: Run, capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("\x1b[31mby zero")

    monkeypatch.setattr("iwx_agent.app.diagnose.judge", broken)
    code, out, err = iwx("diagnose", "--from", str(capture))
    assert (code, out) == (70, "")
    assert err == (
        "iwx-agent: internal error: ZeroDivisionError: \\x1b[31mby zero\n"
        "Run it again with --debug to see where.\n"
    )
    code, _, err = iwx("diagnose", "--from", str(capture), "--debug")
    assert code == 70
    assert "Traceback" in err
    assert "Run it again" not in err


def test_json_is_the_report_and_nothing_else(iwx: Run, capture: Path) -> None:
    code, out, err = iwx("diagnose", "--from", str(capture), "--format", "json")
    told = json.loads(out)
    assert (code, err) == (4, "")
    assert told["host"]["name"] == "iwx1.example.com"
    assert len(told["results"]) == len(ALL)


def test_the_page_is_utf_8_and_ends_as_the_report_does(
    iwx: Run, capture: Path, judged: Callable[..., None]
) -> None:
    judged(finding(title="käse"))
    code, out, err = iwx("diagnose", "--from", str(capture), "--format", "html", "--no-confirm")
    assert (code, err) == (3, "")
    assert out.startswith("<!doctype html>\n")
    assert out.endswith("</html>\n")
    assert "käse" in out


def test_only_and_skip(iwx: Run, capture: Path) -> None:
    def checked(*arguments: str) -> list[str]:
        _, out, _ = iwx("diagnose", "--from", str(capture), "--format", "json", *arguments)
        return [told["check_id"] for told in json.loads(out)["results"]]

    panel = [check.id for check in ALL if check.id.startswith("panel.")]
    assert checked("--only", "panel") == checked("--only", "panel.*") == panel
    assert checked("--only", " panel.nodeworx , panel.nodeworx,") == ["panel.nodeworx"]
    assert checked("--only", "panel", "--skip", "panel.nodeworx") == panel[
        1:
    ] or "panel.nodeworx" not in checked("--only", "panel", "--skip", "panel.nodeworx")
    assert checked("--skip", "panel") == [check.id for check in ALL if check.id not in panel]
    assert select("", "") == ALL


def test_verbose_and_colour(iwx: Run, capture: Path) -> None:
    _, out, _ = iwx("diagnose", "--from", str(capture), "-v")
    assert all(check.id in out for check in ALL)
    assert "\x1b" not in out


def test_the_ticket_is_printed(iwx: Run, capture: Path, judged: Callable[..., None]) -> None:
    judged(finding())
    code, out, err = iwx("ticket", "--from", str(capture), "--no-confirm")
    assert (code, err) == (3, "")
    assert out.startswith("Category: Support\n")
    assert "Subject: [HIGH] title of PANEL-001 on iwx1.example.com [iwx-" in out


@pytest.mark.parametrize("command", ["diagnose", "ticket"])
def test_the_network_is_asked_only_with_deep(
    iwx: Run, capture: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    from iwx_agent.app import sources

    asked: list[bool] = []
    judge = sources.diagnose_capture

    def listening(directory: Path, request: Any, **more: Any) -> Any:
        asked.append(request.deep)
        return judge(directory, request, **more)

    monkeypatch.setattr(sources, "diagnose_capture", listening)
    iwx(command, "--from", str(capture))
    iwx(command, "--from", str(capture), "--deep")
    assert asked == [False, True]


def test_checks_are_listed(iwx: Run) -> None:
    code, out, _ = iwx("checks")
    assert code == 0
    assert "! panel.nodeworx" in out
    first, last = CHECK.codes[0], CHECK.codes[-1].partition("-")[2]
    assert f"{first} to {last}" in out
    _, out, _ = iwx("checks", "--format", "json")
    listed = json.loads(out)
    assert [told["check_id"] for told in listed] == [check.id for check in ALL]
    assert all(told["codes"] and told["title"] for told in listed)


@pytest.mark.parametrize("code", ["PANEL-001", "panel-001", " PANEL-001 ", "panel.nodeworx"])
def test_a_code_is_explained(iwx: Run, code: str) -> None:
    ended, out, _ = iwx("explain", code)
    assert ended == 0
    assert out.startswith("# panel.nodeworx\n")


def test_a_capture_of_this_machine_says_where_it_is_and_that_it_is_secret(
    iwx: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    def live(*given: Any, unredacted: bool, **more: Any) -> int:
        told.append((*given, unredacted))
        return 12

    monkeypatch.setattr("iwx_agent.app.sources.capture_live", live)
    code, out, err = iwx("capture", str(tmp_path / "new"), "--note", "what it shows", "--budget", "9")
    assert (code, out) == (0, "")
    assert err.startswith(f"12 answers written to {tmp_path}/new. Redacted: redaction.json says where.\n")
    directory, note, request, unredacted = told[0]
    assert (directory, note, request.budget_s, unredacted) == (tmp_path / "new", "what it shows", 9.0, False)
    code, out, err = iwx("capture", str(tmp_path / "new"), "--unredacted")
    assert err.startswith(f"12 answers written to {tmp_path}/new. Not redacted: treat it as secret")
    assert told[1][3] is True


def test_diagnosis_of_this_machine_takes_the_budget_of_the_configuration(
    iwx: Run, etc: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from building import report

    told: list[float] = []

    def live(request: Any, **_: Any) -> Any:
        told.append(request.budget_s)
        return report()

    monkeypatch.setattr("iwx_agent.app.sources.diagnose_live", live)
    etc.mkdir()
    (etc / "config.toml").write_text("budget_s = 12")
    assert iwx("diagnose")[0] == 0
    assert iwx("diagnose", "--budget", "3600")[0] == 0
    assert told == [12.0, 3600.0]


def test_an_interrupt_is_130(iwx: Run, capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("iwx_agent.app.diagnose.judge", interrupted)
    assert iwx("diagnose", "--from", str(capture)) == (
        130,
        "",
        "iwx-agent: interrupted; nothing was left running\n",
    )


def test_a_closed_pipe_inside_the_process(capture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for arguments in (
        ["diagnose", "--format", "html"],
        ["diagnose", "--format", "json"],
        ["diagnose"],
        ["ticket"],
        ["checks"],
    ):
        reading, writing = os.pipe()
        os.close(reading)
        place = ["--from", str(capture)] if arguments != ["checks"] else []
        with os.fdopen(writing, "w") as closed, monkeypatch.context() as patched:
            patched.setattr("sys.stdout", closed)
            assert run([*arguments, *place]) == 130


def test_the_program_itself(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from iwx_agent.__main__ import main

    monkeypatch.setattr("sys.argv", ["iwx-agent", "--version"])
    main()
    assert capsys.readouterr().out.startswith("iwx-agent ")
    monkeypatch.setattr("sys.argv", ["iwx-agent", "explain", "nothing"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2


# Progress


class Terminal:
    def __init__(self, *, tty: bool) -> None:
        self.tty = tty
        self.told = ""

    def isatty(self) -> bool:
        return self.tty

    def write(self, text: str) -> int:
        self.told += text
        return len(text)

    def say(self, text: str) -> None:
        self.write(f"{text}\n")

    def flush(self) -> None:
        pass


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.cli.progress._QUIET_S", 0.0)
    monkeypatch.setattr("iwx_agent.cli.progress._EVERY_S", 0.001)


def test_progress_is_silent_away_from_a_terminal(quick: None) -> None:
    stream = Terminal(tty=False)
    with Progress(stream) as progress:  # type: ignore[arg-type]
        progress.update("nodeworx_https", 1, 9)
    assert stream.told == ""


def test_progress_is_silent_while_it_is_quick() -> None:
    stream = Terminal(tty=True)
    with Progress(stream) as progress:  # type: ignore[arg-type]
        progress.update("nodeworx_https", 1, 9)
    assert stream.told == ""


def test_what_is_said_beside_progress_stands_on_a_clean_line_and_ends_it(quick: None) -> None:
    import time

    stream = Terminal(tty=True)
    with Progress(stream, "sending") as progress:  # type: ignore[arg-type]
        until = time.monotonic() + 5
        while "sending" not in stream.told and time.monotonic() < until:
            time.sleep(0.002)
        progress.beside(stream.say)("another iwx-agent is sending")
        time.sleep(0.02)
    assert " s  sending" in stream.told
    assert stream.told.endswith("\r\x1b[Kanother iwx-agent is sending\n")


def test_progress_shows_the_last_fact_and_leaves_a_clean_line(quick: None) -> None:
    import time

    stream = Terminal(tty=True)
    with Progress(stream) as progress:  # type: ignore[arg-type]
        progress.update("nodeworx_https", 1, 9)
        until = time.monotonic() + 5
        while stream.told.count("nodeworx https") < 2 and time.monotonic() < until:
            time.sleep(0.002)
    assert "1 of 9 facts  nodeworx https" in stream.told
    assert stream.told.endswith("\r\x1b[K")
