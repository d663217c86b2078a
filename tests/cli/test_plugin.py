"""A command that fails where Nagios wants its line says UNKNOWN, whatever it failed of."""

from collections.abc import Callable
from pathlib import Path

import pytest

from iwx_agent.cli import run
from iwx_agent.cli.plugin import is_asked_for

Run = Callable[..., tuple[int, str, str]]
LINE = "IWX UNKNOWN: the agent could not look: its messages are on standard error\n"


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.mark.parametrize("wanted", [("--format", "nagios"), ("--format=nagios",)])
@pytest.mark.parametrize(
    ("rest", "own"),
    [
        (("--from", "/nowhere"), 2),
        (("--nonsense",), 2),
        (("--budget", "much"), 2),
    ],
)
def test_a_wrong_call_is_unknown(iwx: Run, wanted: tuple[str, ...], rest: tuple[str, ...], own: int) -> None:
    code, out, err = iwx("diagnose", *wanted, *rest)
    assert (code, out) == (3, LINE)
    assert err
    assert iwx("diagnose", *rest) == (own, "", err)


def test_a_defect_is_unknown(iwx: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("iwx_agent.app.sources.diagnose_capture", broken)
    code, out, err = iwx("diagnose", "--format", "nagios", "--from", "/nowhere")
    assert (code, out) == (3, LINE)
    assert "ZeroDivisionError" in err


def test_an_interrupted_command_is_not(iwx: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("iwx_agent.app.sources.diagnose_capture", interrupted)
    assert iwx("diagnose", "--format", "nagios", "--from", "/nowhere")[:2] == (130, "")


def test_help_is_help(iwx: Run) -> None:
    code, out, _ = iwx("diagnose", "--format", "nagios", "--help")
    assert (code, LINE in out) == (0, False)


def test_a_closed_standard_output_is_unknown_too(iwx: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)
    assert iwx("diagnose", "--format", "nagios", "--nonsense")[0] == 3


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        (("diagnose", "--format", "nagios"), True),
        (("report", "--format=nagios", "--run", "x"), True),
        (("report", "--format", "nagios", "--output", "x"), False),  # its codes are the line's already
        (("report", "--format", "nagios", "--output=x"), False),
        (("diagnose", "--format", "json"), False),
        (("ticket", "--note", "nagios"), False),
        ((), False),
    ],
)
def test_it_is_asked_for(arguments: tuple[str, ...], asked: bool) -> None:
    assert is_asked_for(arguments) is asked


def test_what_is_written_to_a_file_ends_with_the_codes_of_usage(iwx: Run, tmp_path: Path) -> None:
    code, out, _ = iwx("report", "--format", "nagios", "--output", str(tmp_path / "a" / "b"))
    assert (code, out) == (2, "")
