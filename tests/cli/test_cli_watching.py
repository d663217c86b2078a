"""``incidents``, ``ignore`` and what auto decided: what is shown, what is refused, each exit code."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from building import finding, incident, report
from redacting import SECRET
from remembered import EPISODE
from steering import NOW, let_go, lines_of, set_up

from iwx_agent.app.saved import save_run
from iwx_agent.cli import run
from iwx_agent.config import Settings
from iwx_agent.state import Door, StateError
from iwx_agent.state.contract import Event, KeepEpisode, Note
from iwx_agent.state.latest import Latest
from iwx_agent.state.store import DiskStore

Run = Callable[..., tuple[int, str, str]]
WEB = incident(finding(title="NodeWorx does not answer"))
NAME = WEB.fingerprint
ONLY_AUTO = "Only auto is silent about it: diagnose, ticket and reports go on showing it."


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    yield set_up(monkeypatch, tmp_path)
    let_go()


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


@pytest.fixture
def saved() -> None:
    assert save_run(report(WEB), Settings()) == ""


def ignore(iwx: Run, *more: str, reason: str = "we know") -> tuple[int, str, str]:
    return iwx("ignore", NAME[:6], "--until", "3d", "--reason", reason, *more)


# incidents


def test_before_anything(iwx: Run, kept: Path) -> None:
    code, out, err = iwx("incidents")
    assert (code, err) == (0, "")
    assert "No ticket has been filed by auto yet.\n" in out
    assert "Look: iwx-agent diagnose\n" in out
    assert iwx("ignore", "--list") == (0, "Nothing is ignored.\n", "")
    assert json.loads(iwx("ignore", "--list", "--format", "json")[1]) == []
    assert not kept.exists()


def test_what_auto_goes_by(iwx: Run, saved: None) -> None:
    DiskStore().commit(KeepEpisode(episode=EPISODE))
    code, out, err = iwx("incidents")
    assert (code, err) == (0, "")
    assert out.startswith("Open ticket iwx-1: its first text has not been delivered yet\n")
    assert f"{NAME}  EMERGENCY  NodeWorx does not answer (PANEL-001, NodeWorx)\n" in out
    told = json.loads(iwx("incidents", "--format", "json")[1])
    assert (told["episode"]["key"], told["incidents"][0]["fingerprint"]) == ("iwx-1", NAME)
    assert told["incidents"][0]["severity"] == 40


# ignore


def test_ignored_shown_and_ended(iwx: Run, saved: None, log: Path) -> None:
    code, out, err = ignore(iwx, "--unless-worse")
    assert (code, err) == (0, "")
    assert out.splitlines()[0] == (
        "Ignored until 2026-11-26 15:26 UTC, unless it is worse than EMERGENCY: "
        f"NodeWorx does not answer (PANEL-001, NodeWorx), {NAME}"
    )
    assert ONLY_AUTO in out
    assert f"{NAME}  2026-11-26 15:26 UTC  3 d   EMERGENCY          we know\n" in iwx("ignore", "--list")[1]
    (rule,) = json.loads(iwx("ignore", "--list", "--format", "json")[1])
    assert (rule["fingerprint"], rule["until"], rule["unless_worse"]) == (NAME, "2026-11-26T15:26:40Z", True)
    assert "; ignored until 2026-11-26 15:26 UTC\n" in iwx("incidents")[1]
    code, out, err = iwx("ignore", NAME[:6], "--end")
    assert (code, out, err) == (0, f"Not ignored any more: {NAME} (it was because: we know)\n", "")
    assert Latest().rules() == ()
    code, out, err = iwx("ignore", NAME[:6], "--end")
    assert (code, out) == (2, "")
    assert "See: iwx-agent ignore --list." in err
    assert [line["action"] for line in lines_of(log)] == [f"ignore {NAME}"] * 2 + [f"ignore {NAME} --end"] * 2


def test_what_diagnose_shows_is_not_silenced(iwx: Run, saved: None) -> None:
    ignore(iwx)
    code, out, _ = iwx("report")
    assert code == report(WEB).exit_code
    assert "NodeWorx does not answer" in out
    assert "never what diagnose shows" in " ".join(iwx("ignore", "--help")[1].split())


def test_a_reason_is_redacted(iwx: Run, saved: None, log: Path) -> None:
    assert ignore(iwx, reason=f"password={SECRET}")[0] == 0
    (rule,) = Latest().rules()
    assert rule.reason == "password=[hidden:password]"
    assert SECRET not in log.read_text()


def test_one_that_no_run_has(iwx: Run, saved: None) -> None:
    unknown = ("ignore", "ffffffffffffffff", "--until", "2h", "--reason", "x")
    code, out, err = iwx(*unknown)
    assert (code, out) == (2, "")
    assert "unknown incident of a saved run 'ffffffffffffffff'." in " ".join(err.split())
    code, out, err = iwx(*unknown, "--anyway", "--unless-worse")
    assert (code, out) == (2, "")
    assert "how bad ffffffffffffffff is now is not known" in err
    assert iwx(*unknown, "--anyway")[0] == 0
    near = iwx("ignore", "PANEL-002", "--until", "2h", "--reason", "x")[2]
    assert "Did you mean PANEL-001?" in " ".join(near.split())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which incident? See: iwx-agent incidents."),
        ((" ", "--until", "2h", "--reason", "x"), "which incident?"),
        ((NAME,), "--until: say when it ends"),
        ((NAME, "--until", "2h"), "--reason: say why"),
        ((NAME, "--until", "2h", "--reason", "x" * 301), "at most 300 characters"),
        ((NAME, "--until", "0h", "--reason", "x"), "--until: expected a time in the future."),
        ((NAME, "--until", "91d", "--reason", "x"), "--until: expected at most 90 days from now."),
        ((NAME, "--until", "soon", "--reason", "x"), "--until: expected 90min, 2h, 3d"),
        ((NAME, "--end", "--reason", "x"), "--end goes with FINGERPRINT alone."),
        ((NAME, "--end", "--until", "2h"), "--end goes with FINGERPRINT alone."),
        (("--end",), "which incident?"),
        (("--list", NAME), "--list goes without anything but --format."),
        (("--list", "--end"), "--list goes without anything but --format."),
        (("--list", "--anyway"), "--list goes without anything but --format."),
        (("--list", "--format", "xml"), "unknown value of --format 'xml'"),
        ((NAME, "--end", "--format", "json"), "--format goes with --list only."),
    ],
)
def test_wrong_use(iwx: Run, saved: None, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = iwx("ignore", *arguments)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert Latest().rules() == ()


@pytest.mark.parametrize(
    "arguments",
    [
        ("incidents",),
        ("ignore", "--list"),
        ("ignore", NAME, "--end"),
        ("ignore", NAME, "--until", "2h", "--reason", "x"),
        ("why", "--decisions", "1"),
    ],
)
@pytest.mark.parametrize("trouble", ["no root", "a later agent", "a link"])
def test_what_is_not_for_this_agent_is_left_alone(
    iwx: Run, kept: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], trouble: str
) -> None:
    if trouble == "a link":
        kept.symlink_to("/nowhere")
    else:
        assert save_run(report(WEB), Settings()) == ""
    if trouble == "no root":
        monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    if trouble == "a later agent":
        with closing(sqlite3.connect(kept / "state.db")) as database:
            database.execute("PRAGMA user_version = 99")
    code, out, err = iwx(*arguments)
    assert (code, out) == (2, "")
    assert f"{kept}/state.db: " in err


# why


def decided(said: str, minutes: int = 0) -> None:
    event = Event(at=NOW, kind="decision", key="iwx-1", said=said)
    DiskStore().commit(Note(event=event))


def test_without_a_decision_why_is_as_it_was(iwx: Run, saved: None) -> None:
    code, out, err = iwx("why")
    assert (code, err) == (0, "")
    assert "What auto did" not in out
    assert json.loads(iwx("why", "--format", "json")[1])["decisions"] == []
    assert iwx("why", "--decisions", "3") == (0, "auto has decided nothing yet: it has never run.\n", "")
    assert iwx("why", "--decisions", "3", "--format", "json") == (0, "[]\n", "")


def test_the_last_decision_stands_below_the_verdict(iwx: Run, saved: None) -> None:
    decided("file: first time\nMail is down: a new ticket, iwx-1")
    decided("nothing: unchanged\n\x1b[2Jiwx-1 tells it")
    code, out, err = iwx("why")
    assert (code, err) == (0, "")
    assert out.startswith("Verdict of ")
    assert out.endswith(
        "\nWhat auto did\n2026-11-23 15:26 UTC  nothing  row: unchanged  iwx-1\n    \\x1b[2Jiwx-1 tells it\n"
    )
    told = json.loads(iwx("why", "--format", "json")[1])
    assert [one["row"] for one in told["decisions"]] == ["unchanged"]
    name = iwx("report", "--list")[1].splitlines()[1].split()[0]
    assert "What auto did" not in iwx("why", "--run", name)[1]


def test_the_last_decisions(iwx: Run) -> None:
    decided("file: first time\nMail is down: a new ticket, iwx-1")
    decided("nothing: unchanged\niwx-1 tells it")
    code, out, err = iwx("why", "--decisions", "2")
    assert (code, err) == (0, "")
    assert [row.split("  ")[1] for row in out.splitlines()[::2]] == ["nothing", "file"]
    assert len(iwx("why", "--decisions", "1")[1].splitlines()) == 2
    assert [one["action"] for one in json.loads(iwx("why", "--decisions", "9", "--format", "json")[1])] == [
        "nothing",
        "file",
    ]
    assert iwx("why", "--decisions", "0")[0] == iwx("why", "--decisions", "1001")[0] == 2
    for other in (("--run", "x"), ("--from", "x")):
        assert "--decisions goes without --from and --run" in " ".join(
            iwx("why", "--decisions", "1", *other)[2].split()
        )


def test_a_decision_that_cannot_be_read_costs_one_line(
    iwx: Run, saved: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole: Any = Door._transact

    def transact(this: Door, steps: Any, *, create: bool, handed: bytes) -> Any:
        if "outbox" in str(steps):
            raise StateError("Input/output error", "failed", this.path)
        return whole(this, steps, create=create, handed=handed)

    monkeypatch.setattr(Door, "_transact", transact)
    code, out, err = iwx("why")
    assert code == 0
    assert out.startswith("Verdict of ")
    assert err.startswith("iwx-agent: what auto did cannot be read: ")
    assert len(err.splitlines()) == 1
