"""``auto enable`` and ``auto disable``: a test ticket first, the file, its trace, and what beats it."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from building import AT
from emergencies import seen
from msgspec.structs import replace
from places import SETTINGS, Place, Run, Terminal
from steering import entry, lines_of, put

from iwx_agent.app import switching
from iwx_agent.app.switching import may_be_there
from iwx_agent.config.sending import Sending, load_sending
from iwx_agent.model import AssistanceReport, Licence
from iwx_agent.outbox.machine import Attempt, State
from iwx_agent.outbox.shelf import StoreShelf, adding, entry_of
from iwx_agent.state.door import StateError
from iwx_agent.state.store import DiskStore
from iwx_agent.transports.contract import Undelivered

OFF = SETTINGS.replace("enabled = true\n", "")


@pytest.fixture
def switch(place: Place, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = place.etc / "conf.d" / "90-auto.toml"
    monkeypatch.setattr("iwx_agent.app.switching.SWITCH", path)
    monkeypatch.setattr("iwx_agent.app.configuration._transports", lambda sending: ())
    (place.etc / "config.toml").write_text(OFF)
    verdict = replace(seen().verdict, licence=Licence.DIRECT)
    place.report = seen(verdict=verdict)
    return path


def test_a_test_ticket_is_sent_and_then_it_is_on(place: Place, iwx: Run, switch: Path) -> None:
    code, out, err = iwx("auto", "enable", "--yes")
    assert (code, out.splitlines()[0]) == (0, "Auto is on.")
    (letter,) = place.desk.received
    assert letter.subject == f"[LOW] Test of iwx-agent on iwx1.example.com, nothing to do [{letter.key}]"
    assert (letter.priority, letter.reference, letter.attachments) == ("Low", "", ())
    assert f"Ticket key: {letter.key}" in letter.message
    assert f"  {letter.key}: accepted by webhook as 4711 https://desk.example.com/4711\n" in err
    assert tomllib.loads(switch.read_text()) == {"auto": {"enabled": True}}
    assert switch.stat().st_mode & 0o777 == 0o600
    assert load_sending(place.etc).auto.enabled
    assert [(line["action"], line["phase"], line["outcome"]) for line in lines_of(place.log)][2:] == [
        ("auto enable", "intent", "after a test ticket"),
        ("auto enable", "outcome", "done"),
    ]
    assert place.asked[0].checks != ()
    assert len({one.key for one in place.desk.received}) == 1


def test_a_second_test_of_the_day_is_another_ticket(place: Place, iwx: Run, switch: Path) -> None:
    for _ in range(2):
        assert iwx("auto", "enable", "--yes")[0] == 0
    assert len({letter.key for letter in place.desk.received}) == 2


def test_without_a_yes_nothing_is_sent_and_nothing_changed(
    place: Place, iwx: Run, switch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for answer, code in (("n\n", 1), ("", 1)):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        assert iwx("auto", "enable")[0] == code
    monkeypatch.setattr("sys.stdin", None)
    assert iwx("auto", "enable")[0] == 2
    assert place.desk.received == []
    assert not switch.exists()


def test_a_test_that_is_not_accepted_changes_nothing(place: Place, iwx: Run, switch: Path) -> None:
    place.desk.error = Undelivered("later", "webhook", "503")
    code, _, err = iwx("auto", "enable", "--yes")
    assert (code, switch.exists()) == (5, False)
    assert "the test ticket has not been accepted, so auto stays as it was" in err


@pytest.mark.parametrize("kind", ["later", "permanent", "person", "uncertain"])
def test_no_test_comes_after_a_try_that_has_failed(place: Place, iwx: Run, switch: Path, kind: Any) -> None:
    place.desk.error = Undelivered(kind, "webhook", "no answer to that")
    for _ in range(3):
        code, _, err = iwx("auto", "enable", "--yes")
        assert code == 5
        assert "it is not sent again: no answer to that" in err
        assert ("look for it in the help desk" in err) == (kind == "uncertain")
        assert ("nobody knows whether the test ticket was accepted" in err) == (kind == "uncertain")
        assert "To paste it by hand" not in err
    store = DiskStore()
    assert store.waiting() == ()
    assert {entry_of(text).state for text in store.texts(9)} == {State.DROPPED}
    place.desk.error = None
    iwx("auto", "run")
    assert place.desk.received == []
    assert iwx("auto", "enable", "--yes")[0] == 0
    assert len(place.desk.received) == 1


@pytest.mark.parametrize("state", [State.QUEUED, State.SENDING, State.UNCERTAIN])
def test_a_test_that_a_killed_try_has_left_is_not_sent_by_the_next(
    place: Place, iwx: Run, switch: Path, state: State
) -> None:
    store, test = DiskStore(), switching.test_letter(place.report, 0.0, Sending(), 1)
    unknown = (Attempt(at=AT, transport="webhook", ending="uncertain", said="the line was lost"),)
    tried = unknown if state is State.UNCERTAIN else ()
    left = entry(test.key, state, chain=("webhook",), attempts=tried)
    assert store.commit(adding(left, test))
    put(store, entry("iwx-other", chain=("webhook",)))
    code, _, err = iwx("auto", "enable", "--yes")
    assert (code, f"iwx-agent: {test.key}, a test of before: it " in err) == (0, True)
    assert ("look for it in the help desk" in err) == (state is not State.QUEUED)
    subjects = [letter.subject for letter in place.desk.received]
    assert [subject.startswith("[LOW] Test of iwx-agent") for subject in subjects] == [False, True]
    assert test.key not in {letter.key for letter in place.desk.received}
    kept = StoreShelf(store).one(test.key)
    assert kept is not None
    assert (kept.entry.state, may_be_there(kept.entry)) == (State.DROPPED, state is not State.QUEUED)


def test_a_try_that_breaks_off_leaves_no_test(
    place: Place, iwx: Run, switch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*told: object, **more: object) -> None:
        raise StateError("the disk is full", "unwritable")

    monkeypatch.setattr("iwx_agent.app.posting.Post.send", broken)
    assert iwx("auto", "enable", "--yes")[0] != 0
    (text,) = DiskStore().texts(9)
    assert entry_of(text).state is State.DROPPED
    assert entry_of(text).attempts[-1].said == "it is not sent again: no time was left to send it"


@pytest.mark.parametrize(
    ("endings", "there"),
    [
        ((), False),
        (("later",), False),
        (("uncertain",), True),
        (("uncertain", "cannot look", "permanent"), True),
        (("uncertain", "not found", "later"), False),
        (("uncertain", "not found", "uncertain"), True),
    ],
)
def test_it_may_be_there_until_somebody_has_looked(endings: tuple[str, ...], there: bool) -> None:
    attempts = tuple(Attempt(at=AT, transport="webhook", ending=one) for one in endings)
    assert may_be_there(entry(attempts=attempts)) is there


def test_no_test_is_sent_that_a_form_could_not_take_or_while_the_file_is_there(
    place: Place, iwx: Run, switch: Path, tmp_path: Path
) -> None:
    found = place.report
    place.report = replace(found, remote_assistance=AssistanceReport(state="off"))
    code, _, err = iwx("auto", "enable", "--yes")
    assert (code, "Remote Assistance is not known to be on" in err) == (2, True)
    place.report = found
    (tmp_path / "stop").touch()
    code, _, err = iwx("auto", "enable", "--yes")
    assert (code, "nothing leaves this server" in err) == (2, True)
    assert (place.desk.received, switch.exists()) == ([], False)


def test_without_a_test_it_has_to_have_a_reason(place: Place, iwx: Run, switch: Path) -> None:
    assert iwx("auto", "enable", "--no-test")[0] == 2
    assert iwx("auto", "enable", "--no-test", "--reason", "tested on another server")[0] == 0
    assert place.desk.received == []
    assert switch.exists()
    assert lines_of(place.log)[0]["outcome"] == "without a test: tested on another server"


@pytest.mark.parametrize(
    ("settings", "licence", "as_root", "said"),
    [
        (
            OFF.replace('chain = ["webhook"]', "chain = []"),
            Licence.DIRECT,
            True,
            "no way to send a ticket is set up",
        ),
        (OFF, Licence.NOT_SET, True, "nothing says that the licence is InterWorx's own"),
        (OFF, Licence.RESELLER, True, "nothing says that the licence is InterWorx's own"),
        (OFF, Licence.DIRECT, False, "only root may do that"),
    ],
)
def test_where_it_could_file_nothing_it_is_not_turned_on(
    place: Place, iwx: Run, switch: Path, settings: str, licence: Licence, as_root: bool, said: str
) -> None:
    (place.etc / "config.toml").write_text(settings)
    found = place.report
    place.report = replace(
        found,
        verdict=replace(found.verdict, licence=licence),
        host=replace(found.host, as_root=as_root),
    )
    code, out, err = iwx("auto", "enable", "--yes")
    assert (code, out, switch.exists()) == (2, "", False)
    assert said in err
    assert err.endswith("Nothing was changed.\n")


def test_with_settings_that_cannot_be_used_nothing_is_changed(place: Place, iwx: Run, switch: Path) -> None:
    (place.etc / "config.toml").write_text(OFF + "colour = 1\n")
    code, _, err = iwx("auto", "enable", "--yes")
    assert (code, switch.exists()) == (2, False)
    assert "iwx-agent config check" in err


def test_it_is_turned_off(place: Place, iwx: Run, switch: Path) -> None:
    iwx("auto", "enable", "--yes")
    code, out, _ = iwx("auto", "disable")
    assert (code, out.startswith("Auto is off: ")) == (0, True)
    assert not load_sending(place.etc).auto.enabled
    place.report = replace(place.report, host=replace(place.report.host, as_root=False))
    assert iwx("auto", "disable")[0] == 2


def test_what_beats_the_switch_is_named(place: Place, iwx: Run, switch: Path) -> None:
    iwx("auto", "enable", "--yes")
    later = switch.parent / "99-mine.toml"
    later.write_text("[auto]\nenabled = true\n")
    code, _, err = iwx("auto", "disable")
    assert code == 1
    assert f"it is not off: {later} says otherwise, and beats {switch}" in err


def test_what_stands_in_the_way_of_the_file_is_said(place: Place, iwx: Run, switch: Path) -> None:
    switch.parent.mkdir()
    switch.symlink_to("/nowhere")
    code, _, err = iwx("auto", "disable")
    assert code in (2, 70)
    assert "is a link to" in err
    assert switch.is_symlink()
