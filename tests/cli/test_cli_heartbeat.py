"""The heartbeat of ``auto run``: sent after a run that somebody outside may rely on, and after no other."""

from typing import Any

import pytest
from emergencies import MAIL, seen
from places import SETTINGS, Place, Run

from iwx_agent.state.door import StateError
from iwx_agent.transports.contract import Undelivered


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
