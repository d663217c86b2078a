"""``doctor``: what is printed, for people and programs, and each exit code."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from building import AT

from iwx_agent.cli import run
from iwx_agent.model.watcher import Ailment, Health

Run = Callable[..., tuple[int, str, str]]
OK = Ailment(subject="state", state="ok", said="can be read")
FAULT = Ailment(
    subject="configuration",
    state="fault",
    said="/etc/iwx-agent/portal-password: transport.portal.password_file: has mode 0644",
    fix="chmod 0600 /etc/iwx-agent/portal-password",
)
UNKNOWN = Ailment(subject="timer", state="unknown", said="no answer within 8 s")


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["doctor", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give what doctor will find: ailments; each call's options are put behind them."""
    ailments: list[Any] = []

    def examine(**options: bool) -> Health:
        health = Health(at=AT, ailments=tuple(one for one in ailments if isinstance(one, Ailment)))
        ailments.append(options)
        return health

    monkeypatch.setattr("iwx_agent.app.doctor.examine_live", examine)
    return ailments


@pytest.mark.parametrize(("ailments", "code"), [((OK,), 0), ((OK, FAULT, UNKNOWN), 1), ((OK, UNKNOWN), 4)])
def test_each_exit_code(iwx: Run, found: list[Any], ailments: tuple[Ailment, ...], code: int) -> None:
    found.extend(ailments)
    assert iwx()[0] == code


def test_a_fault_comes_with_its_command_whole(iwx: Run, found: list[Any]) -> None:
    found.append(FAULT)
    _, out, err = iwx()
    assert "Fix: chmod 0600 /etc/iwx-agent/portal-password\n" in out
    assert FAULT.said in out
    assert err == ""


def test_the_same_for_programs(iwx: Run, found: list[Any]) -> None:
    found.extend((FAULT, OK))
    code, out, _ = iwx("--format", "json")
    told = json.loads(out)
    assert (told["schema_version"], told["exit_code"], told["at"]) == (1, code, AT.strftime("%FT%TZ"))
    assert told["ailments"] == [
        {"subject": one.subject, "state": one.state, "said": one.said, "fix": one.fix} for one in (FAULT, OK)
    ]


def test_options_are_handed_on(iwx: Run, found: list[Any]) -> None:
    iwx()
    iwx("--offline")
    iwx("--heartbeat")
    assert found == [
        {"offline": False, "heartbeat": False},
        {"offline": True, "heartbeat": False},
        {"offline": False, "heartbeat": True},
    ]


@pytest.mark.parametrize(
    "arguments", [("--format", "xml"), ("--offline", "--heartbeat"), ("--nonsense",), ("x",)]
)
def test_wrong_usage(iwx: Run, found: list[Any], arguments: tuple[str, ...]) -> None:
    code, out, err = iwx(*arguments)
    assert (code, out, found) == (2, "", [])
    assert err


def test_hostile_text_stays_text(iwx: Run, found: list[Any]) -> None:
    found.append(Ailment(subject="portal", state="fault", said="\x1b[2Ja\nok  timer: is on", fix="a\nb"))
    _, out, _ = iwx()
    assert "\x1b" not in out
    assert len(out.splitlines()) == 3
    assert json.loads(iwx("--format", "json")[1])["ailments"][0]["fix"] == "a\nb"
