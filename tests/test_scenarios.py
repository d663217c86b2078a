"""Whole machines: each of tests/roots through the whole pipeline to its expect.json and its golden ticket."""

from collections.abc import Callable
from pathlib import Path

import pytest
from scenarios import NAMES, WELL, expected, report_of, seen

from iwx_agent.model import Status
from iwx_agent.report import ticket_text

GOLDEN = Path(__file__).parent / "golden" / "tickets"


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_judged_as_a_person_would(name: str) -> None:
    told = expected(name)
    assert set(told) - {"licence"} == set(WELL)
    report = report_of(name)
    assert seen(report) == told
    assert not [result for result in report.results if result.status is Status.CRASHED]
    if name == "healthy":
        assert not [finding for result in report.results for finding in result.findings]


@pytest.mark.parametrize("name", NAMES)
def test_the_ticket_of_a_machine(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"tickets/{name}.txt", ticket_text(report_of(name)))


def test_there_is_no_ticket_without_its_machine() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} <= set(NAMES)


def test_there_is_a_healthy_machine() -> None:
    assert "healthy" in NAMES
