"""``outbox``: what a person sees and changes, each exit code, and what lies there that is not the agent's."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redacting import SECRET
from remembered import ADD
from steering import LETTER, NOW, entry, let_go, lines_of, put, set_up

from iwx_agent.cli import run
from iwx_agent.outbox.machine import State
from iwx_agent.state import Door, StateError
from iwx_agent.state.fallback import CarefulStore
from iwx_agent.state.store import DiskStore

Run = Callable[..., tuple[int, str, str]]
EVERY = tuple(entry(f"iwx-{state}", state) for state in State)


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    yield set_up(monkeypatch, tmp_path)
    let_go()


@pytest.fixture
def iwx(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(["outbox", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return call


COMMANDS = (("list",), ("show", "iwx-1a"), ("retry", "iwx-1a"), ("drop", "iwx-1a", "--reason", "x"))
CHANGES = COMMANDS[2:]


# Nothing, or nothing of ours


def test_nothing_waits_and_nothing_is_made(iwx: Run, kept: Path, tmp_path: Path) -> None:
    assert iwx("list") == (0, "Nothing waits to be sent, and nothing has failed.\n", "")
    assert iwx("list", "--format", "json")[1] == (
        '{\n  "at": "2026-11-23T15:26:40Z",\n  "texts": [],\n  "hidden_count": 0\n}\n'
    )
    code, out, err = iwx("show", "iwx-1a")
    assert (code, out) == (2, "")
    assert "unknown text 'iwx-1a'. See: iwx-agent outbox list --all." in err
    assert not kept.exists()
    assert not (tmp_path / "run-iwx-agent").exists()


@pytest.mark.parametrize("arguments", COMMANDS)
def test_for_root_only(
    iwx: Run, kept: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    put(DiskStore(), entry())
    before = (kept / "state.db").read_bytes()
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    code, out, err = iwx(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith(f"iwx-agent: {kept}/state.db: kept for root only, and this is not root\n")
    assert (kept / "state.db").read_bytes() == before


@pytest.mark.parametrize("arguments", COMMANDS)
def test_of_a_later_agent(iwx: Run, kept: Path, arguments: tuple[str, ...]) -> None:
    put(DiskStore(), entry())
    with closing(sqlite3.connect(kept / "state.db")) as database:
        database.execute("PRAGMA user_version = 99")
    before = (kept / "state.db").read_bytes()
    code, out, err = iwx(*arguments)
    assert (code, out) == (2, "")
    assert "it was written by a later iwx-agent (version 99 of the state" in err
    assert (kept / "state.db").read_bytes() == before


def test_a_damaged_store_is_set_aside_and_said(iwx: Run, kept: Path) -> None:
    put(DiskStore(), entry())
    (kept / "state.db").write_bytes(b"hello" * 1000)
    code, out, err = iwx("list")
    assert (code, out) == (2, "")
    assert f"what was kept was damaged, and is now {kept}/state.db.damaged-" in err
    assert iwx("list") == (0, "Nothing waits to be sent, and nothing has failed.\n", "")
    assert len(list(kept.glob("state.db.damaged-*Z"))) == 1


@pytest.mark.parametrize("arguments", CHANGES)
def test_a_damaged_store_when_something_was_to_be_changed(
    iwx: Run, kept: Path, arguments: tuple[str, ...]
) -> None:
    put(DiskStore(), entry())
    (kept / "state.db").write_bytes(b"hello" * 1000)
    code, out, err = iwx(*arguments)
    assert (code, out) == (2, "")
    assert f"iwx-agent: what was kept was damaged, and is now {kept}/state.db.damaged-" in err
    assert "unknown text 'iwx-1a'" in err


# Looking


def test_the_list(iwx: Run) -> None:
    put(DiskStore(), *EVERY)
    code, out, err = iwx("list")
    assert (code, err) == (0, "")
    assert [row.split()[:2] for row in out.splitlines()[1:-1]] == [
        ["iwx-draft", "draft"],
        ["iwx-queued", "queued"],
        ["iwx-sending", "sending"],
        ["iwx-uncertain", "uncertain"],
        ["iwx-failed", "failed"],
    ]
    assert out.splitlines()[-1] == "2 texts were sent or dropped: iwx-agent outbox list --all"
    assert len(iwx("list", "--all")[1].splitlines()) == 8
    told = json.loads(iwx("list", "--all", "--format", "json")[1])
    assert [one["state"] for one in told["texts"]] == [str(state) for state in State]
    assert (told["hidden_count"], told["texts"][0]["due_at"]) == (0, "2026-11-23T15:26:40Z")


def test_one_text_by_a_beginning_of_its_key(iwx: Run) -> None:
    put(DiskStore(), entry(), entry("iwx-2b"))
    code, out, err = iwx("show", "iwx-1")
    assert (code, err) == (0, "")
    assert out.startswith("iwx-1a: waits to be sent\n")
    assert out.endswith("qmail-send is down.\n\n  since 15:00 UTC\n")
    told = json.loads(iwx("show", "iwx-1a", "--format", "json")[1])
    assert told["letter"]["message"] == LETTER.message
    assert told["line"]["key"] == "iwx-1a"
    code, out, err = iwx("show", "iwx-")
    assert (code, out) == (2, "")
    assert "'iwx-' could be iwx-1a, iwx-2b. See: iwx-agent outbox list --all." in " ".join(err.split())
    assert "Did you mean iwx-1a?" in " ".join(iwx("show", "iwx1a")[2].split())


def test_very_many_that_begin_so(iwx: Run) -> None:
    put(DiskStore(), *(entry(f"iwx-{number}") for number in range(7)))
    assert "iwx-0, iwx-1, iwx-2, iwx-3, iwx-4 and 2 more." in " ".join(iwx("show", "i")[2].split())


@pytest.mark.parametrize(
    "arguments", [("list", "--format", "jsn"), ("show", "x", "--format", "xml"), ("lst",), ()]
)
def test_wrong_use(iwx: Run, arguments: tuple[str, ...]) -> None:
    assert iwx(*arguments)[0] == 2


@pytest.mark.parametrize("key", ["\x1b[2J", "a\nb", "x" * 5000, "half\udcffbyte", "--", "[bold]"])
def test_a_hostile_name_does_nothing(iwx: Run, key: str) -> None:
    put(DiskStore(), entry())
    code, out, err = iwx("show", "--", key)
    assert (code, out) == (2, "")
    assert "\x1b" not in err
    assert len(err) < 2000


def test_what_was_said_from_outside_does_nothing(iwx: Run) -> None:
    from msgspec.structs import replace
    from steering import PUT_OFF

    put(DiskStore(), entry(attempts=(replace(PUT_OFF, said="\x1b[2Jowned\r\nx\u202e"),)))
    for arguments in (("list",), ("show", "iwx-1a")):
        out = iwx(*arguments)[1]
        assert "\\x1b[2Jowned x\\u202e" in out


def test_a_disk_that_does_not_answer_is_an_error(
    iwx: Run, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*told: Any, **more: Any) -> Any:
        raise StateError("no answer within 5.0 s", "failed")

    monkeypatch.setattr(Door, "_transact", silent)
    code, out, err = iwx("list")
    assert (code, out) == (2, "")
    assert "no answer within 5.0 s" in err


# Changes


def test_a_draft_is_queued(iwx: Run, log: Path) -> None:
    put(DiskStore(), entry(state=State.DRAFT, due_at=None))
    said = "iwx-1a will be sent by portal (if that refuses it: email, then file), at the next run.\n"
    assert iwx("retry", "iwx-1") == (0, said, "")
    (text,) = DiskStore().waiting()
    assert b'"queued"' in text.entry
    assert [line["action"] for line in lines_of(log)] == ["outbox retry iwx-1a"] * 2


def test_one_is_dropped_once(iwx: Run, log: Path) -> None:
    put(DiskStore(), entry())
    why = f"mended\n by hand, password={SECRET}"
    told = "mended by hand, password=[hidden:password]"
    assert iwx("drop", "iwx-1a", "--reason", why) == (
        0,
        f"iwx-1a was dropped and will not be sent: {told}\n",
        "",
    )
    assert SECRET not in log.read_text()
    assert DiskStore().waiting() == ()
    again = "iwx-agent: iwx-1a was dropped already\nAll that is there: iwx-agent outbox list --all\n"
    assert iwx("drop", "iwx-1a", "--reason", "x") == (2, "", again)


@pytest.mark.parametrize("state", [State.SENDING, State.SENT])
def test_what_is_or_was_sent_stays(iwx: Run, state: State, log: Path) -> None:
    put(DiskStore(), entry(state=state))
    for arguments in CHANGES:
        code, out, err = iwx(*arguments)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 2
    assert not log.exists()


@pytest.mark.parametrize(
    ("reason", "said"),
    [((), "say why"), (("--reason", " \n"), "say why"), (("--reason", "x" * 301), "at most 300")],
)
def test_without_a_reason_nothing_is_dropped(iwx: Run, reason: tuple[str, ...], said: str) -> None:
    put(DiskStore(), entry())
    code, out, err = iwx("drop", "iwx-1a", *reason)
    assert (code, out) == (2, "")
    assert said in " ".join(err.split())
    assert len(DiskStore().waiting()) == 1


def test_while_somebody_sends_nothing_is_changed(iwx: Run, tmp_path: Path) -> None:
    import fcntl

    put(DiskStore(), entry())
    directory = tmp_path / "run-iwx-agent"
    directory.mkdir(mode=0o700)
    with (directory / "sending.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        for arguments in CHANGES:
            code, out, err = iwx(*arguments)
            assert (code, out) == (2, "")
            assert err.splitlines() == [
                "iwx-agent: another iwx-agent is sending; waiting for it, 10 s at most",
                f"iwx-agent: {directory}/sending.lock: another iwx-agent has been sending for more than 10 s",
                "Nothing was changed. Try it again in a minute.",
            ]
        assert iwx("list")[0] == 0
        assert iwx("show", "iwx-1a")[0] == 0
    assert iwx("drop", "iwx-1a", "--reason", "x")[0] == 0


def test_a_lock_that_cannot_be_had(iwx: Run, tmp_path: Path) -> None:
    (tmp_path / "run-iwx-agent").symlink_to("/nowhere")
    code, out, err = iwx("retry", "iwx-1a")
    assert (code, out) == (2, "")
    assert "left alone" in err


def test_on_a_full_disk_it_is_changed_below_run_and_seen_there(
    iwx: Run, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(DiskStore(), entry())
    whole: Any = Door._transact
    full = True

    def transact(this: Door, steps: Any, *, create: bool, handed: bytes) -> Any:
        if full and this.directory == kept and create:
            raise StateError("No space left on device", "unwritable", this.path)
        return whole(this, steps, create=create, handed=handed)

    monkeypatch.setattr(Door, "_transact", transact)
    code, out, err = iwx("drop", "iwx-1a", "--reason", "x")
    assert (code, out) == (0, "iwx-1a was dropped and will not be sent: x\n")
    assert err == (
        f"iwx-agent: {kept}/state.db: No space left on device; until that is mended, it is kept in "
        f"{tmp_path}/run-iwx-agent\n"
    )
    assert "dropped" in iwx("list", "--all")[1]
    full = False
    assert CarefulStore().waiting() == ()
    assert DiskStore().waiting() == ()


def test_what_is_damaged_is_listed_and_can_be_dropped(iwx: Run) -> None:
    put(DiskStore(), entry())
    DiskStore().commit(ADD)
    rows = iwx("list")[1].splitlines()
    assert rows[2].startswith("iwx-1   damaged  ?    you drop it  ")
    code, out, err = iwx("retry", "iwx-1")
    assert (code, out) == (2, "")
    assert err.endswith("To be rid of it: iwx-agent outbox drop iwx-1 --reason TEXT\n")
    assert iwx("show", "iwx-1")[0] == 0
    assert iwx("drop", "iwx-1", "--reason", "cut")[0] == 0
    assert entry().created_at == NOW
    assert [text.key for text in DiskStore().waiting()] == ["iwx-1a"]
