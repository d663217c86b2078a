"""The exit code of a report: the numbers are for ever."""

from typing import Any

import pytest
from building import finding, incident, report, result

from iwx_agent.model import IncidentState, Severity, Status, Verdict


@pytest.mark.parametrize(
    ("severity", "state", "status", "code"),
    [
        (None, None, Status.OK, 0),
        (None, None, Status.NOT_APPLICABLE, 0),
        (None, None, Status.UNKNOWN, 4),
        (None, None, Status.CRASHED, 4),
        (Severity.NOTE, "open", Status.OK, 0),
        (Severity.NOTE, "open", Status.UNKNOWN, 4),
        (Severity.WARNING, "open", Status.UNKNOWN, 1),
        (Severity.ERROR, "open", Status.OK, 1),
        (Severity.EMERGENCY, "confirmed", Status.UNKNOWN, 3),
        (Severity.EMERGENCY, "unconfirmed", Status.OK, 3),
        (Severity.EMERGENCY, "passing", Status.OK, 1),
        (Severity.EMERGENCY, "in_progress", Status.OK, 1),
    ],
)
def test_the_exit_code(severity: Any, state: Any, status: Status, code: int) -> None:
    incidents = [incident(finding(severity=severity), state=IncidentState(state))] if severity else []
    counts = severity is Severity.EMERGENCY and state in ("confirmed", "unconfirmed")
    made = report(
        *incidents,
        results=(result(status=status),),
        verdict=Verdict(priority=None, emergency=counts, reasons=()),
    )
    assert made.exit_code == code
