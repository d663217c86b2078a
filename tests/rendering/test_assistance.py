"""Remote Assistance in words: for the ticket's field, for a terminal, and what a person says yes to."""

from datetime import UTC, datetime
from typing import Any

import pytest

from iwx_agent.model import AssistanceReport
from iwx_agent.rendering import words
from iwx_agent.rendering.assistance import explanation, status_text

END = datetime(2026, 11, 26, 19, 52, 42, tzinfo=UTC)


def told(state: Any, **more: Any) -> AssistanceReport:
    return AssistanceReport(state=state, **more)


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (told("on", ends_at=END), "Yes, until 2026-11-26 19:52 UTC (as the panel's command line says)"),
        (told("on"), "Yes, when it ends is not told (as the panel's command line says)"),
        (
            told("on", ready=False, obstacles=("sshd\nis gone", "x\x1b[31m")),
            (
                "Yes, when it ends is not told (as the panel's command line says); "
                "but support cannot get in: sshd is gone; x\\x1b[31m"
            ),
        ),
        (
            told("off", obstacles=("sshd is gone",)),
            "No. Support requires it for every ticket; to turn it on: iwx-agent remote-assistance enable",
        ),
        (told("unknown"), "not determined: look in NodeWorx > Remote Assistance before sending"),
        (
            told("unknown", reason="no answer\nin time"),
            "not determined (no answer in time): confirm it in NodeWorx > Remote Assistance before sending",
        ),
    ],
)
def test_the_field_of_the_ticket_is_one_line(report: AssistanceReport, expected: str) -> None:
    assert words.assistance(report) == expected


@pytest.mark.parametrize(
    ("report", "expected"),
    [
        (
            told("on", ends_at=END, source="nodeworx (exit 0)", ready=True),
            (
                "Remote Assistance is on, until 2026-11-26 19:52 UTC.\n"
                "  known from: nodeworx (exit 0)\n"
                "  support can get in, as far as this server can tell\n"
                "  (a firewall in front of this server cannot be seen from here)\n"
            ),
        ),
        (
            told(
                "on", source="nodeworx", ready=False, obstacles=("sshd is\x07 gone",), doubts=("who knows",)
            ),
            (
                "Remote Assistance is on, when it ends is not told.\n"
                "  known from: nodeworx\n"
                "  support cannot get in over SSH:\n"
                "  - sshd is\\x07 gone\n"
                "  - who knows\n"
            ),
        ),
        (
            told("off", ready=None, doubts=("who\nknows",)),
            (
                "Remote Assistance is off.\n"
                "  whether support can get in over SSH cannot be told for sure:\n"
                "  - who knows\n"
                "Support requires it for every ticket. To turn it on: iwx-agent remote-assistance enable\n"
            ),
        ),
        (
            told("unknown", reason="no answer within 10 s", ready=True),
            (
                "Whether Remote Assistance is on could not be told: no answer within 10 s.\n"
                "  support can get in, as far as this server can tell\n"
                "  (a firewall in front of this server cannot be seen from here)\n"
            ),
        ),
        (
            told("unknown", ready=True),
            (
                "Whether Remote Assistance is on could not be told: it was not asked for.\n"
                "  support can get in, as far as this server can tell\n"
                "  (a firewall in front of this server cannot be seen from here)\n"
            ),
        ),
    ],
)
def test_the_status_on_a_terminal(report: AssistanceReport, expected: str) -> None:
    assert status_text(report) == expected


def test_who_says_yes_is_told_what_it_grants() -> None:
    said = " ".join(explanation("enable", hours=24, audit="/var/log/x").split())
    for part in ("log in to this server as root", "after 24 hours", "disable", "recorded in /var/log/x"):
        assert part in said


def test_who_takes_it_away_is_told_of_the_technician() -> None:
    assert "disconnected at once" in explanation("disable", hours=72, audit="x")
