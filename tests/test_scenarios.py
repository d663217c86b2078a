"""Whole machines: each of tests/roots through the whole pipeline to its expect.json and its golden ticket."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iwx_agent.app.diagnose import Request
from iwx_agent.app.sources import diagnose_capture
from iwx_agent.model import Report, Status
from iwx_agent.report import ticket_text

ROOTS = Path(__file__).parent / "roots"
GOLDEN = Path(__file__).parent / "golden" / "tickets"
NAMES = sorted(path.name for path in ROOTS.iterdir() if path.is_dir())
WELL: dict[str, Any] = {"exit_code": 0, "priority": None, "incidents": [], "unknown": []}


def expected(name: str) -> dict[str, Any]:
    path = ROOTS / name / "expect.json"
    if path.is_file():
        told: dict[str, Any] = json.loads(path.read_text())
        return told
    assert name == "healthy", f"tests/roots/{name} has no expect.json: what should be found there?"
    return WELL


def seen(report: Report) -> dict[str, Any]:
    return {
        "exit_code": report.exit_code,
        "priority": report.verdict.priority.value if report.verdict.priority else None,
        "incidents": [
            {
                "lead": [incident.lead.code, incident.lead.subject],
                "others": sorted(other.code for other in incident.others),
                "state": incident.state.value,
            }
            for incident in report.incidents
        ],
        "unknown": sorted(
            result.check_id for result in report.results if result.status in (Status.UNKNOWN, Status.CRASHED)
        ),
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_machine_is_judged_as_a_person_would(name: str) -> None:
    told = expected(name)
    assert set(told) == set(WELL)
    told["unknown"] = sorted(told["unknown"])
    report = diagnose_capture(ROOTS / name, Request())
    assert seen(report) == told
    assert not [result for result in report.results if result.status is Status.CRASHED]
    if name == "healthy":
        assert not [finding for result in report.results for finding in result.findings]


@pytest.mark.parametrize("name", NAMES)
def test_the_ticket_of_a_machine(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"tickets/{name}.txt", ticket_text(diagnose_capture(ROOTS / name, Request())))


def test_there_is_no_ticket_without_its_machine() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} <= set(NAMES)


def test_there_is_a_healthy_machine() -> None:
    assert "healthy" in NAMES
