"""The heartbeat of ``auto run``: sent after a run that somebody outside may rely on, and after no other."""

from typing import Any

import pytest
from emergencies import MAIL, seen
from places import SETTINGS, Place, Run
from steering import entry, put

from iwx_agent.app.posted import NEWEST_COUNT
from iwx_agent.outbox.machine import State
from iwx_agent.rendering.ticket.fields import key_of
from iwx_agent.state.door import StateError
from iwx_agent.state.store import DiskStore
from iwx_agent.transports.contract import Undelivered

KEY = key_of(seen(MAIL))


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch, place: Place) -> list[str]:
    """Give the addresses that were asked for; none of them answers as it should."""
    asked: list[str] = []

    def beat(host: Any, url: str, *told: object) -> str:
        asked.append(url)
        return "status 500"

    monkeypatch.setattr("iwx_agent.app.heartbeat.beat", beat)
    text = SETTINGS.replace("[auto]", '[auto]\nheartbeat_url = "https://beat.example.com/ping"')
    (place.etc / "config.toml").write_text(text)
    return asked


@pytest.mark.parametrize("incidents", [(), (MAIL,)])
def test_a_run_that_went_well_beats_once_and_a_failure_of_that_is_said(
    iwx: Run, place: Place, beats: list[str], incidents: tuple[Any, ...]
) -> None:
    place.report = seen(*incidents)
    code, _, err = iwx("auto", "run", "--quiet")
    assert code == place.report.exit_code
    assert err == "iwx-agent: the heartbeat did not reach https://beat.example.com: status 500\n"
    assert beats == ["https://beat.example.com/ping"]


def test_no_heartbeat_when_the_ticket_could_not_be_delivered(
    iwx: Run, place: Place, beats: list[str]
) -> None:
    place.desk.error = Undelivered("later", "webhook", "503")
    assert iwx("auto", "run", "--quiet")[0] == 5
    assert beats == []


def test_no_heartbeat_when_nothing_could_be_decided(
    iwx: Run, place: Place, beats: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*told: object, **more: object) -> None:
        raise StateError("is damaged", "damaged")

    monkeypatch.setattr("iwx_agent.app.auto.decide_and_keep", refused)
    assert iwx("auto", "run", "--quiet")[0] == 2
    assert beats == []


def test_no_heartbeat_between_two_attempts(iwx: Run, place: Place, beats: list[str]) -> None:
    place.desk.error = Undelivered("later", "webhook", "503", retry_after_s=3000.0)
    assert iwx("auto", "run", "--quiet")[0] == 5
    place.desk.error = None
    assert iwx("auto", "run", "--quiet")[0] == 3  # nothing is due
    assert beats == []
    assert iwx("outbox", "retry", KEY)[0] == 0
    iwx("auto", "run", "--quiet")
    assert len(place.desk.received) == 1
    assert len(beats) == 1


def test_no_heartbeat_until_a_person_has_seen_to_what_has_failed(
    iwx: Run, place: Place, beats: list[str]
) -> None:
    place.desk.error = Undelivered("permanent", "webhook", "403")
    assert iwx("auto", "run", "--quiet")[0] == 5
    for _ in range(2):
        iwx("auto", "run", "--quiet")
    assert beats == []
    assert iwx("outbox", "drop", KEY, "--reason", "filed by hand")[0] == 0
    place.report = seen()
    iwx("auto", "run", "--quiet")
    assert len(beats) == 1


@pytest.mark.parametrize(("state", "count"), [(State.FAILED, 0), (State.SENT, 1), (State.DROPPED, 1)])
def test_a_quiet_run_looks_at_what_has_failed_before(
    iwx: Run, place: Place, beats: list[str], monkeypatch: pytest.MonkeyPatch, state: State, count: int
) -> None:
    def asked(*told: object, **more: object) -> None:
        raise AssertionError("a quiet run takes no lock")

    monkeypatch.setattr("iwx_agent.app.auto._with_lock", asked)
    place.report = seen()
    put(DiskStore(), entry(state=state, due_at=None))
    assert iwx("auto", "run", "--quiet")[0] == 0
    assert len(beats) == count


def test_of_what_has_failed_the_newest_texts_count(iwx: Run, place: Place, beats: list[str]) -> None:
    place.report = seen()
    store = DiskStore()
    put(store, entry(state=State.FAILED, due_at=None))
    for number in range(NEWEST_COUNT):
        if number in (0, NEWEST_COUNT - 1):
            assert iwx("auto", "run", "--quiet")[0] == 0
            assert beats == []
        put(store, entry(f"iwx-x{number}", State.SENT, due_at=None))
    assert iwx("auto", "run", "--quiet")[0] == 0
    assert len(beats) == 1


def test_a_draft_waits_for_a_person_and_stops_no_heartbeat(iwx: Run, place: Place, beats: list[str]) -> None:
    place.report = seen()
    put(DiskStore(), entry(state=State.DRAFT, due_at=None))
    assert iwx("auto", "run", "--quiet")[0] == 0
    assert len(beats) == 1
