"""``reveal``: for root, on the server itself; what is not known is said, not guessed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iwx_agent.app import token_files
from iwx_agent.cli import run
from iwx_agent.host import HostError
from iwx_agent.host.worker.operations import operate

Run = Callable[..., tuple[int, str, str]]
MAP = {"ip-2920ab": "203.0.113.7", "mail-95d49a": "alice@example.com", "ip-0000aa": "2001:db8::7"}


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def ask(*request: object, workers: object = None) -> Any:
        answer = operate(request)
        if answer[0] == "error":
            raise HostError(answer[1], answer[2], str(request[1]))
        return answer[1]

    monkeypatch.setattr(token_files, "_ask", ask)
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["reveal", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def given(kept: Path) -> None:
    kept.mkdir(mode=0o700)
    (kept / "tokens.json").write_text(json.dumps(MAP))


def test_tokens_in_each_of_their_forms(iwx: Run, given: None) -> None:
    code, out, err = iwx("ip-2920ab", "mail-95d49a@example.com", "IP-0000AA", "240.41.32.171", "fd00::aa")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "ip-2920ab  203.0.113.7",
        "mail-95d49a@example.com  alice@example.com",
        "IP-0000AA  2001:db8::7",
        "240.41.32.171  203.0.113.7",
        "fd00::aa  2001:db8::7",
    ]


def test_what_is_not_known_is_said_and_1(iwx: Run, given: None) -> None:
    assert iwx("ip-ffffff", "ip-2920ab") == (1, "ip-ffffff  not known here\nip-2920ab  203.0.113.7\n", "")


def test_for_a_program(iwx: Run, given: None) -> None:
    code, out, _ = iwx("ip-2920ab", "x", "--format", "json")
    assert code == 1
    assert json.loads(out) == [
        {"token": "ip-2920ab", "address": "203.0.113.7"},
        {"token": "x", "address": None},
    ]


def test_a_token_of_a_stranger_is_harmless(iwx: Run, given: None) -> None:
    assert iwx("\x1b[31m\nx") == (1, "\\x1b[31m x  not known here\n", "")


def test_wrong_usage(iwx: Run, given: None) -> None:
    for arguments, said in (
        ((), "TOKEN"),
        (("x", "--format", "xml"), "Choose from: text, json"),
        (("x",) * 1001, "at most 1000 tokens at once, got 1001"),
    ):
        code, out, err = iwx(*arguments)
        assert (code, out) == (2, "")
        assert said in err


def test_before_any_was_given(iwx: Run) -> None:
    assert iwx("ip-2920ab") == (2, "", "iwx-agent: no token has been given on this server yet\n")


def test_without_root(iwx: Run, given: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    code, out, err = iwx("ip-2920ab")
    assert (code, out) == (2, "")
    assert "for root only" in err


def test_help_has_an_example(iwx: Run) -> None:
    code, out, _ = iwx("--help")
    assert code == 0
    assert "Example: iwx-agent reveal ip-2920ab" in " ".join(out.split())
