"""The command ``ticket``: its lengths and formats, a person's note, and the editor that writes it."""

import json
import os
import stat
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from scenarios import ROOTS

from iwx_agent.cli import editing, run
from iwx_agent.config import toml_file
from iwx_agent.report import ticket_json_schema

Run = Callable[..., tuple[int, str, str]]
STOPPED = ("--from", str(ROOTS / "httpd-stopped"), "--no-confirm")
SCHEMA = resources.files("iwx_agent").joinpath("schemas/ticket-v1.json").read_bytes()


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


def test_a_note_stands_in_the_message_and_in_its_summary(iwx: Run) -> None:
    code, out, _ = iwx("ticket", *STOPPED, "--note", "restarted it twice\nPriority: Low")
    assert code == 3
    assert "- A person notes: restarted it twice\n" in out
    assert "A PERSON'S NOTE\n  | restarted it twice\n  | Priority: Low\n" in out
    assert "\n- by a person: see A PERSON'S NOTE\n" in out
    assert out.count("\nPriority: ") == 1


def test_a_note_that_is_too_long_is_refused_before_anything_is_asked(iwx: Run) -> None:
    code, out, err = iwx("ticket", "--from", "/nonexistent", "--note", "x" * 4001)
    assert (code, out) == (2, "")
    assert "expected at most 4000 characters, got 4001" in " ".join(err.split())


@pytest.mark.parametrize(
    ("arguments", "near"),
    [(("--length", "sort"), "short"), (("--format", "jsn"), "json"), (("--format", "html"), "text")],
)
def test_a_wrong_choice_names_the_right_ones(iwx: Run, arguments: tuple[str, ...], near: str) -> None:
    code, out, err = iwx("ticket", *STOPPED, *arguments)
    assert (code, out) == (2, "")
    assert near in err


def test_the_short_one_is_a_few_lines(iwx: Run) -> None:
    _, out, _ = iwx("ticket", *STOPPED, "--length", "short")
    message = out.partition("Message:\n")[2].partition("\n\nPriority:")[0]
    assert message.startswith("iwx1.lab.invalid [HIGH] Apache (httpd.service) is not running")
    assert 3 <= message.count("\n") <= 4
    assert len(message) <= 459


def test_json_is_valid_by_its_published_schema(iwx: Run) -> None:
    assert ticket_json_schema() == SCHEMA
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA))
    _, out, _ = iwx("ticket", *STOPPED, "--format", "json")
    made = json.loads(out)
    jsonschema.validate(made, json.loads(SCHEMA))
    assert list(made) == [
        *("schema_version", "key", "length", "cut", "assistance", "portal", "heading", "fields"),
    ]
    assert [(field["name"], field["label"]) for field in made["fields"]] == [
        ("category", "Category"),
        ("ip_address_or_hostname", "IP Address or Hostname"),
        ("remote_assistance_enabled", "Remote Assistance Enabled?"),
        ("subject", "Subject"),
        ("message", "Message"),
        ("priority", "Priority"),
    ]
    assert made["fields"][3]["value"].endswith(f"[{made['key']}]")
    assert (made["assistance"], made["length"], made["cut"]) == ("Yes", "full", False)


def test_two_runs_give_the_same_bytes(iwx: Run) -> None:
    for output in ("text", "json", "markdown"):
        assert iwx("ticket", *STOPPED, "--format", output) == iwx("ticket", *STOPPED, "--format", output)


def test_the_limits_are_those_of_the_configuration(
    iwx: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toml_file, "ETC", tmp_path)
    (tmp_path / "config.toml").write_text("[ticket]\nsubject_characters = 80\nmessage_characters = 1000\n")
    _, out, _ = iwx("ticket", *STOPPED, "--format", "json")
    made = {field["name"]: field["value"] for field in json.loads(out)["fields"]}
    assert len(made["subject"]) == 80
    assert len(made["message"]) <= 1000
    assert made["message"].splitlines()[-1].startswith("... cut: ")
    _, page, _ = iwx("diagnose", *STOPPED, "--format", "html")
    assert "... cut: " in page


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("subject_characters = 79", "ticket.subject_characters"),
        ("subject_characters = 256", "ticket.subject_characters"),
        ("message_characters = 999", "ticket.message_characters"),
        ("message_characters = 1000001", "ticket.message_characters"),
        ("mesage_characters = 1000", "ticket.mesage_characters"),
    ],
)
def test_a_limit_that_cannot_be_is_refused(
    iwx: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, key: str
) -> None:
    monkeypatch.setattr(toml_file, "ETC", tmp_path)
    (tmp_path / "config.toml").write_text(f"[ticket]\n{text}\n")
    code, _, err = iwx("ticket", *STOPPED)
    assert code == 2
    assert f"config.toml:2: {key}: " in err


# The editor


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., list[str]]:
    """A terminal whose editor does what is told with the file; what it was called with."""
    called: list[str] = []

    def tell(write: Callable[[Path], None], *, code: int = 0, editor: str = "ed -s") -> list[str]:
        class Screen:
            def isatty(self) -> bool:
                return True

        def spawn(mode: int, program: str, argv: list[str]) -> int:
            assert mode == os.P_WAIT
            assert program == argv[0]
            called.extend(argv)
            write(Path(argv[-1]))
            return code

        monkeypatch.setattr("sys.stdin", Screen())
        monkeypatch.setattr("sys.stdout", Screen())
        monkeypatch.setattr(os, "spawnvp", spawn)
        monkeypatch.setattr(editing, "_place", lambda: str(tmp_path))
        monkeypatch.setenv("VISUAL", editor)
        return called

    return tell


def test_what_the_editor_leaves_is_the_note(terminal: Callable[..., list[str]], tmp_path: Path) -> None:
    seen: list[Any] = []

    def write(path: Path) -> None:
        seen.extend((stat.S_IMODE(path.stat().st_mode), stat.S_IMODE(path.parent.stat().st_mode)))
        seen.append(path.read_text().splitlines()[0])
        path.write_bytes(b"# a remark\nrestarted it\n\xff\n# another\nsince noon\n\n")

    called = terminal(write)
    assert editing.edited("as given") == "restarted it\n\ufffd\nsince noon"
    assert called[:2] == ["ed", "-s"]
    assert seen == [0o600, 0o700, "as given"]
    assert list(tmp_path.iterdir()) == []


def test_an_editor_that_ends_with_an_error_ends_all(
    terminal: Callable[..., list[str]], tmp_path: Path
) -> None:
    import typer

    terminal(lambda path: None, code=1)
    with pytest.raises(typer.BadParameter, match="ed ended with 1; nothing was done"):
        editing.edited("")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("editor", "why"), [('"open', "cannot be read"), ("  ", "names no program")])
def test_an_editor_that_is_none(terminal: Callable[..., list[str]], editor: str, why: str) -> None:
    import typer

    terminal(lambda path: None, editor=editor)
    with pytest.raises(typer.BadParameter, match=why):
        editing.edited("")


def test_a_file_that_is_taken_away_or_a_full_disk_is_said(terminal: Callable[..., list[str]]) -> None:
    import typer

    terminal(lambda path: path.unlink())
    with pytest.raises(typer.BadParameter, match="No such file or directory"):
        editing.edited("")


def test_without_a_terminal_nobody_is_asked(iwx: Run) -> None:
    code, out, err = iwx("ticket", *STOPPED, "--edit")
    assert (code, out) == (2, "")
    assert "--edit needs a terminal" in " ".join(err.split())


def test_the_note_lies_in_memory_where_there_is_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    assert editing._place() == "/run"
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert editing._place() is None


def test_the_editor_opens_before_the_machine_is_asked(iwx: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "edited", lambda note: f"{note}, edited")
    _, out, _ = iwx("ticket", *STOPPED, "--edit", "--note", "given")
    assert "  | given, edited\n" in out
