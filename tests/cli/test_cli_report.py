"""``report``: a saved run is shown by the same code as a new one, and written where nothing is lost by it."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from building import AT, finding, incident, report, report_host, result
from msgspec.structs import replace

from iwx_agent.app.saved import save_run
from iwx_agent.cli import run
from iwx_agent.config import Settings
from iwx_agent.model import Report, Severity, Status, Verdict
from iwx_agent.report import FORMATS

Run = Callable[..., tuple[int, str, str]]
DOWN = report(
    incident(finding(title="NodeWorx does not answer")),
    verdict=Verdict(priority=None, emergency=True, reasons=("because",)),
)
FULL_DISK = report(
    incident(finding("SYSTEM-001", "/", severity=Severity.ERROR, title="The file system / is full")),
    collected_at=AT + timedelta(minutes=5),
)


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: True)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> list[Report]:
    """Stand in for this machine: each diagnosis is the next of these."""
    coming: list[Report] = []

    def diagnose(request: Any, *, on_unkept: Any, on_redactor: Any, **_: Any) -> Report:
        on_redactor(None)
        made = coming.pop(0)
        if on_unkept is not None and (why := save_run(made, Settings())):
            on_unkept(why)
        return made

    monkeypatch.setattr("iwx_agent.app.sources.diagnose_live", diagnose)
    return coming


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize("verbose", [(), ("--verbose",)])
def test_a_saved_run_is_shown_as_it_was(
    iwx: Run, live: list[Report], output: str, verbose: tuple[str, ...]
) -> None:
    live.append(DOWN)
    first = iwx("diagnose", "--format", output, *verbose)
    assert first[0] == (2 if output == "nagios" else 3)
    for _ in range(2):
        assert iwx("report", "--format", output, *verbose) == first


def test_a_run_by_name_and_the_exit_code_of_that_run(iwx: Run, live: list[Report]) -> None:
    live.extend([DOWN, FULL_DISK])
    iwx("diagnose")
    iwx("ticket")
    assert iwx("report")[0] == 1
    code, out, _ = iwx("report", "--run", "20261123T1526")
    assert code == 3
    assert "NodeWorx does not answer" in out
    code, _, err = iwx("report", "--run", "2027")
    assert code == 2
    assert "there is no saved run 2027\nA run of root is saved: iwx-agent diagnose." in err


@pytest.mark.parametrize("command", ["diagnose", "ticket"])
def test_a_run_that_is_not_to_be_saved_is_not(iwx: Run, live: list[Report], kept: Path, command: str) -> None:
    live.append(DOWN)
    assert iwx(command, "--no-save")[::2] == (3, "")
    assert not kept.exists()


def test_runs_are_listed_the_newest_first(iwx: Run, live: list[Report]) -> None:
    blind = report(results=(result(status=Status.UNKNOWN),), collected_at=AT + timedelta(hours=1))
    hostile = report(incident(finding(title="\x1b[2Jgone\n\u202e")), collected_at=AT + timedelta(hours=2))
    live.extend([DOWN, FULL_DISK, report(), blind, hostile])
    for _ in range(5):
        iwx("diagnose")
    code, out, _ = iwx("report", "--list")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "run                   exit  incidents  worst"
    assert [line[:16] for line in lines[1:]] == [
        "20261123T172640Z",
        "20261123T162640Z",
        "20261123T152640Z",
        "20261123T153140Z",
        "20261123T152640Z",
    ]
    assert [line[22:] for line in lines[2:]] == [
        "   4          0  nothing found, but some checks could not tell",
        "   0          0  nothing wrong",
        "   1          1  The file system / is full",
        "   3          1  NodeWorx does not answer",
    ]
    assert "\x1b" not in out
    assert "\u202e" not in out
    told = json.loads(iwx("report", "--list", "--format", "json")[1])
    assert [run["exit_code"] for run in told] == [1, 4, 0, 1, 3]


def test_fifty_are_listed_unless_all_are_wanted(iwx: Run, live: list[Report]) -> None:
    live.extend([report()] * 51)
    for _ in range(51):
        iwx("diagnose")
    assert len(iwx("report", "--list")[1].splitlines()) == 51
    assert len(iwx("report", "--list", "--all")[1].splitlines()) == 52


@pytest.mark.parametrize(
    "arguments",
    [
        ("--list", "--run", "2"),
        ("--list", "--output", "x"),
        ("--all",),
        ("--replace",),
        ("--output", "x/"),
        ("--format", "jsn"),
        ("--list", "--format", "html"),
    ],
)
def test_what_does_not_go_together_is_wrong_use(iwx: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = iwx("report", *arguments)
    assert (code, out) == (2, "")
    assert "Invalid value" in err


def test_nothing_is_saved_yet(iwx: Run, kept: Path) -> None:
    for arguments in (("report",), ("report", "--list"), ("why",)):
        code, out, err = iwx(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith(f"iwx-agent: {kept}/state.db: nothing has been kept yet\n")


def test_what_was_damaged_is_said_by_the_next_run(iwx: Run, live: list[Report], kept: Path) -> None:
    live.extend([DOWN, FULL_DISK])
    iwx("diagnose")
    (kept / "state.db").write_bytes(b"hello" * 1000)
    code, out, err = iwx("diagnose")
    assert (code, "is full" in out) == (1, True)
    assert err.startswith(f"iwx-agent: what was kept was damaged, and is now {kept}/state.db.damaged-2")
    assert iwx("report")[0] == 1


def test_a_run_of_anybody_else_is_not_saved(iwx: Run, live: list[Report], kept: Path) -> None:
    live.append(replace(DOWN, host=report_host(as_root=False)))
    assert iwx("diagnose")[::2] == (3, "")
    assert not kept.exists()


# Into a file


@pytest.mark.parametrize("output", FORMATS)
def test_a_file_holds_what_would_be_printed(
    iwx: Run, live: list[Report], tmp_path: Path, output: str
) -> None:
    live.append(DOWN)
    iwx("diagnose")
    code, out, _ = iwx("report", "--format", output)
    path = tmp_path / "report"
    assert iwx("report", "--format", output, "--output", str(path)) == (code, "", "")
    assert path.read_text() == out
    readable = output == "openmetrics"  # node_exporter is not root
    assert path.stat().st_mode & 0o777 == (0o644 if readable else 0o600)


def test_nothing_is_overwritten_but_a_file_when_that_is_wanted(
    iwx: Run, live: list[Report], tmp_path: Path
) -> None:
    live.append(DOWN)
    iwx("diagnose")
    path = tmp_path / "report"
    path.write_text("precious")
    code, out, err = iwx("report", "--output", str(path))
    assert (code, out) == (2, "")
    assert f"nothing was written: there is something at {path} already" in err
    assert path.read_text() == "precious"
    assert iwx("report", "--output", str(path), "--replace")[0] == 3
    assert "NodeWorx does not answer" in path.read_text()
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == ["report"]


@pytest.mark.parametrize("replace_it", [(), ("--replace",)])
def test_neither_links_nor_places_of_everybody(
    iwx: Run, live: list[Report], tmp_path: Path, replace_it: tuple[str, ...]
) -> None:
    live.append(DOWN)
    iwx("diagnose")
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o1777)
    for name, said in (("link", "there is a symbolic link at"), ("open/x", "everybody can write to")):
        code, out, err = iwx("report", "--output", str(tmp_path / name), *replace_it)
        assert (code, out) == (2, "")
        assert said in err
    assert iwx("report", "--output", str(tmp_path / "no" / "where"), *replace_it)[0] == 2
    assert (tmp_path / "elsewhere").read_text() == "precious"
    assert list((tmp_path / "open").iterdir()) == []


def test_a_disk_that_fills_up_meanwhile_leaves_what_was_there(
    iwx: Run, live: list[Report], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from iwx_agent.host.worker import saving

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    live.append(DOWN)
    iwx("diagnose")
    path = tmp_path / "report"
    path.write_text("precious")
    monkeypatch.setattr(saving, "_copy", full)
    code, _, err = iwx("report", "--output", str(path), "--replace")
    assert (code, path.read_text()) == (70, "precious")
    assert "nothing was written: No space left on device (ENOSPC)" in err


# why


def test_an_older_verdict_is_explained(iwx: Run, live: list[Report], tmp_path: Path) -> None:
    live.extend([DOWN, FULL_DISK])
    iwx("diagnose")
    iwx("diagnose")
    assert iwx("why")[1].startswith("Verdict of 2026-11-23 15:31 UTC")
    assert iwx("why", "--run", "20261123T1526")[1].startswith("Verdict of 2026-11-23 15:26 UTC")
    code, _, err = iwx("why", "--run", "2", "--from", str(tmp_path))
    assert (code, "--from and --run do not go together" in err) == (2, True)


# diff


def test_the_last_two_runs_are_compared_or_any_two(iwx: Run, live: list[Report]) -> None:
    live.extend([DOWN, FULL_DISK, report(collected_at=AT + timedelta(hours=1))])
    code, _, err = iwx("diff")
    assert (code, "nothing has been kept yet" in err) == (2, True)
    iwx("diagnose")
    code, _, err = iwx("diff")
    assert (code, "only one run has been saved yet, and two are needed" in err) == (2, True)
    iwx("diagnose")
    iwx("diagnose")
    code, out, _ = iwx("diff")
    lines = out.splitlines()
    assert (code, lines[0][:22], lines[1][:22]) == (0, "from  20261123T153140Z", "to    20261123T162640Z")
    code, out, _ = iwx("diff", "20261123T1526")
    assert (code, out.splitlines()[0][:22]) == (0, "from  20261123T152640Z")
    code, out, _ = iwx("diff", "20261123T16", "20261123T1526", "--format", "json")
    told = json.loads(out)
    assert (code, told["before"]["id"][:16], told["after"]["id"][:16]) == (
        0,
        "20261123T162640Z",
        "20261123T152640Z",
    )
    assert iwx("diff", "2027")[0] == 2
    assert iwx("diff", "--format", "html")[0] == 2


# Over time


def test_the_page_of_a_run_has_the_runs_before_it_and_stays_as_it_was(iwx: Run, live: list[Report]) -> None:
    live.extend([DOWN, FULL_DISK, report(collected_at=AT + timedelta(hours=1))])
    assert "<svg" not in iwx("diagnose", "--format", "html")[1]
    page = iwx("diagnose", "--format", "html")[1]
    assert "2 runs from 2026-11-23 15:26 UTC to 2026-11-23 15:31 UTC." in page
    iwx("diagnose")
    assert iwx("report", "--run", "20261123T1531", "--format", "html")[1] == page
    assert "3 runs from" in iwx("report", "--format", "html")[1]
