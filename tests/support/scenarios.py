"""The recorded machines of tests/roots: what a person expects of each, and what the agent says of it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from iwx_agent.app.diagnose import Request
from iwx_agent.app.sources import diagnose_capture
from iwx_agent.model import Licence, Report, Status

ROOTS = Path(__file__).parents[1] / "roots"
NAMES = tuple(sorted(path.name for path in ROOTS.iterdir() if path.is_dir()))
WELL: dict[str, Any] = {"exit_code": 0, "priority": None, "incidents": [], "unknown": []}


def expected(name: str) -> dict[str, Any]:
    """Return what a good administrator would say of the machine, written down before the agent saw it."""
    path = ROOTS / name / "expect.json"
    if path.is_file():
        told: dict[str, Any] = json.loads(path.read_text())
        told["unknown"] = sorted(told["unknown"])
        return told
    assert name == "healthy", f"tests/roots/{name} has no expect.json: what should be found there?"
    return WELL


@cache
def report_of(name: str) -> Report:
    """Return the agent's report of the machine."""
    etc = ROOTS / name / "etc"
    return diagnose_capture(ROOTS / name, Request(), etc=etc if etc.is_dir() else None)


def seen(report: Report) -> dict[str, Any]:
    """Return of a report what ``expect.json`` holds."""
    found: dict[str, Any] = {
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
    verdict = report.verdict
    if verdict.licence is not Licence.NOT_SET:  # an administrator's files stand in the machine's ``etc``
        found["licence"] = {name: getattr(verdict, name) for name in ("in_scope", "turn_to", "fileable")}
    return found
