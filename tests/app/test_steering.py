"""A person's hand on what sending remembers: root only, one at a time, recorded, never without knowing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redacting import SECRET, redactor
from remembered import ADD, EPISODE
from steering import Server, entry, let_go, lines_of, put, set_up

from iwx_agent.app.naming import NotOneError, named
from iwx_agent.app.steering import Hand, changing, looking, reading, take_turn, without_secrets
from iwx_agent.audit import Audit
from iwx_agent.redact import CanaryError
from iwx_agent.state import Runs, StateError
from iwx_agent.state.contract import KeepEpisode, MoveText
from iwx_agent.state.fallback import CarefulStore
from iwx_agent.state.memory import MemoryStore
from iwx_agent.state.store import DiskStore


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    yield set_up(monkeypatch, tmp_path)
    let_go()


def hand_on(store: Any, tmp_path: Path) -> Hand:
    return Hand(Server(), store, Runs(), Audit(tmp_path / "log", lambda line: None))


# Names


def test_a_name_or_a_beginning_that_no_other_has() -> None:
    known = ["iwx-1", "iwx-12", "iwx-2"]
    assert named("iwx-1", known) == "iwx-1"
    assert named("iwx-12", known) == "iwx-12"
    assert named("iwx-2", known) == named("iwx-2", iter(known)) == "iwx-2"
    assert named("abc", ["abcdef"], least_characters=3) == "abcdef"


@pytest.mark.parametrize(
    ("given", "matching"), [("iwx", ("iwx-1", "iwx-12")), ("", ()), ("x", ()), ("iwx-13", ())]
)
def test_none_or_several_is_an_error(given: str, matching: tuple[str, ...]) -> None:
    with pytest.raises(NotOneError) as told:
        named(given, ["iwx-1", "iwx-12"])
    assert (told.value.matching, told.value.known) == (matching, ("iwx-1", "iwx-12"))


def test_too_short_a_beginning_names_nothing() -> None:
    with pytest.raises(NotOneError) as told:
        named("ab", ["abcdef"], least_characters=3)
    assert told.value.matching == ()


# A turn


class Sender:
    """Somebody else sends, for so many looks."""

    def __init__(self, looks_count: int) -> None:
        self.looks_count = looks_count

    def take(self) -> bool:
        self.looks_count -= 1
        return self.looks_count < 0


def test_nobody_sends_and_nothing_is_said() -> None:
    said: list[str] = []
    host = Server()
    take_turn(Sender(0), host, said.append)
    assert (said, host.paused_s) == ([], 0.0)


def test_who_sends_is_waited_for_and_that_is_said_once() -> None:
    said: list[str] = []
    host = Server()
    take_turn(Sender(40), host, said.append)
    assert said == ["another iwx-agent is sending; waiting for it, 10 s at most"]
    assert host.paused_s == 10.0


def test_who_sends_for_longer_is_not_waited_for(tmp_path: Path) -> None:
    host = Server()
    with pytest.raises(StateError) as told:
        take_turn(Sender(41), host, lambda said: None)
    assert (told.value.kind, host.paused_s) == ("busy", 10.0)
    assert str(told.value) == (
        f"{tmp_path}/run-iwx-agent/sending.lock: another iwx-agent has been sending for more than 10 s"
    )
    assert told.value.next_step == "Nothing was changed. Try it again in a minute."


# Changes


def test_a_change_is_kept_and_has_two_lines(tmp_path: Path, log: Path) -> None:
    store = MemoryStore()
    hand_on(store, tmp_path).change("outbox drop iwx-1", "not needed", ADD)
    assert store.text("iwx-1") is not None
    told = [(line["action"], line["phase"], line["outcome"], line["login_uid"]) for line in lines_of(log)]
    assert told == [
        ("outbox drop iwx-1", "intent", "not needed", 1000),
        ("outbox drop iwx-1", "outcome", "done: not needed", 1000),
    ]
    assert lines_of(log)[0]["at"] == "2026-11-23T15:26:40Z"


def test_two_at_once_and_the_second_one_changes_nothing(tmp_path: Path, log: Path) -> None:
    store = MemoryStore()
    put(store, entry())
    move = MoveText(key="iwx-1a", version=1, entry=b"x", ended=False)
    hand = hand_on(store, tmp_path)
    hand.change("a", "first", move)
    with pytest.raises(StateError, match="another iwx-agent was faster") as told:
        hand.change("a", "second", move)
    assert told.value.kind == "conflict"
    assert lines_of(log)[-1]["outcome"] == "not done: another process was faster"


class Sick:
    """A store that cannot keep anything, or is interrupted."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def commit(self, *changes: object) -> bool:
        raise self._error


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (StateError("Input/output error", path="/x"), "not done: /x: Input/output error"),
        (KeyboardInterrupt(), "interrupted: whether it was done is not known"),
    ],
)
def test_what_was_not_done_is_recorded_so(
    tmp_path: Path, log: Path, error: BaseException, outcome: str
) -> None:
    with pytest.raises(type(error)):
        hand_on(Sick(error), tmp_path).change("a", "b", ADD)
    assert [line["outcome"] for line in lines_of(log)] == ["b", outcome]


# On this machine


def test_a_change_on_this_machine(kept: Path, log: Path) -> None:
    said: list[str] = []
    with changing(said.append) as hand:
        hand.change("a", "b", ADD)
    assert said == []
    assert DiskStore().text("iwx-1") is not None
    assert len(lines_of(log)) == 2


def test_what_a_person_has_to_know_is_said(kept: Path, tmp_path: Path) -> None:
    CarefulStore().commit(ADD)
    (kept / "state.db").write_bytes(b"hello" * 1000)
    (tmp_path / "log").symlink_to("/nowhere")
    said: list[str] = []
    with changing(said.append) as hand:
        hand.change("a", "b", KeepEpisode(episode=EPISODE))
    assert len(said) == 2
    assert said[0].startswith(f"what was kept was damaged, and is now {kept}/state.db.damaged-")
    assert said[1].startswith(f"not recorded in {tmp_path}/log/audit.log: ")


def test_what_cannot_be_read_is_not_changed(kept: Path, log: Path) -> None:
    kept.symlink_to("/nowhere")
    unread = pytest.raises(StateError, match="nothing was changed, because it cannot be read")
    with unread, changing(lambda said: None):
        pytest.fail("there is nothing to change")
    assert not log.exists()


def test_for_root_only(monkeypatch: pytest.MonkeyPatch, kept: Path, tmp_path: Path) -> None:
    monkeypatch.setattr("iwx_agent.state.door.is_root", lambda: False)
    for way in (changing, looking, reading):
        with pytest.raises(StateError, match="kept for root only") as told, way(lambda said: None):
            pytest.fail("nothing is for who is not root")
        assert told.value.kind == "refused"
    assert not kept.exists()
    assert not (tmp_path / "run-iwx-agent").exists()


def test_looking_makes_nothing(kept: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with looking(said.append) as look:
        assert look.latest.texts() == ()
        assert look.now.isoformat() == "2026-11-23T15:26:40+00:00"
    with reading(said.append) as latest:
        assert latest.events("decision", 1) == ()
    assert said == []
    assert not kept.exists()
    assert not (tmp_path / "run-iwx-agent").exists()


def test_what_there_is_to_know_of_the_places_is_said(kept: Path, tmp_path: Path) -> None:
    DiskStore().commit(ADD)
    (tmp_path / "run-iwx-agent").symlink_to("/nowhere")
    said: list[str] = []
    with looking(said.append) as look:
        assert [text.key for text in look.latest.texts()] == ["iwx-1"]
    assert len(said) == 1


# A person's words


def test_a_persons_words_are_redacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "iwx_agent.app.redaction.redactor_here", lambda: redactor(secrets=[("/x", "c4nary-of-no-rule")])
    )
    assert (
        without_secrets(f"it is password={SECRET}\n and so on")
        == "it is password=[hidden:password] and so on"
    )
    with pytest.raises(CanaryError):
        without_secrets("it is c4nary-of-no-rule")
