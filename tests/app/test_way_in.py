"""Remote Assistance as it was told last: remembered until it ends, and not a minute longer."""

from datetime import timedelta

import pytest
from building import AT
from emergencies import MAIL, seen
from msgspec.structs import replace

from iwx_agent.app.way_in import noted, remembered
from iwx_agent.model import AssistanceReport, Report
from iwx_agent.rendering.ticket import ticket_of
from iwx_agent.state.contract import Event

END = AT + timedelta(hours=2)
ON = AssistanceReport(state="on", ends_at=END)
UNKNOWN = AssistanceReport(state="unknown", reason="the panel's database is down")
TOLD = Event(at=AT - timedelta(hours=1), kind="assistance", said="on until 2026-11-23T17:26:40+00:00")


def with_way(way: AssistanceReport) -> Report:
    return seen(MAIL, remote_assistance=way)


def test_what_was_on_is_on_until_it_ends() -> None:
    found = remembered(with_way(UNKNOWN), TOLD, AT)
    assert (found.remote_assistance.state, found.remote_assistance.ends_at) == ("on", END)
    ticket = ticket_of(found)
    assert ticket.assistance == "Yes"
    assert ticket.remote_assistance_enabled == (
        "Yes, until 2026-11-23 17:26 UTC (as the panel said at 2026-11-23 14:26 UTC; now it cannot be asked)"
    )
    before = END - timedelta(seconds=1)
    assert remembered(with_way(UNKNOWN), TOLD, before).remote_assistance.state == "on"
    assert remembered(with_way(UNKNOWN), TOLD, END) == with_way(UNKNOWN)


@pytest.mark.parametrize(
    "last",
    [
        None,
        replace(TOLD, said="off"),
        replace(TOLD, said="on"),
        replace(TOLD, said="on until tomorrow"),
        replace(TOLD, said="on until 2026-11-23T17:26:40"),
        replace(TOLD, at=AT + timedelta(seconds=1)),
    ],
)
def test_nothing_else_is_believed(last: Event | None) -> None:
    assert remembered(with_way(UNKNOWN), last, AT) == with_way(UNKNOWN)


@pytest.mark.parametrize("way", [ON, AssistanceReport(state="off")])
def test_what_is_told_now_counts(way: AssistanceReport) -> None:
    assert remembered(with_way(way), TOLD, AT) == with_way(way)


def test_it_is_noted_when_it_has_changed() -> None:
    (note,) = noted(with_way(ON), None)
    assert note.event == Event(at=AT, kind="assistance", said=TOLD.said)
    assert noted(with_way(ON), TOLD) == ()
    (note,) = noted(with_way(AssistanceReport(state="off")), TOLD)
    assert note.event.said == "off"
    assert [one.event.said for one in noted(with_way(AssistanceReport(state="on")), TOLD)] == ["on"]
    assert noted(with_way(UNKNOWN), TOLD) == ()
    assert noted(remembered(with_way(UNKNOWN), TOLD, AT), TOLD) == ()
