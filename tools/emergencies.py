"""Print which recorded machines show which emergency of the support guide, and what the agent says of each.

usage: emergencies.py

One row a machine of ``tests/roots``: its incidents, the verdict, and whether that is what its ``expect.json``
says. The exit code is 1 when a row is not as expected or an emergency has no machine.
"""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "tests" / "support"), str(Path(__file__).parents[1])]

from scenarios import NAMES, expected, report_of, seen

from iwx_agent.checks import ALL
from iwx_agent.model import EMERGENCIES, Report, Severity

_HEADLINES = ("no emergency of the guide", *EMERGENCIES)


def main() -> int:
    """Print the table and return the exit code."""
    guide_of = {check.id: check.guide for check in ALL}
    rows: dict[int, list[str]] = {number: [] for number in range(len(_HEADLINES))}
    wrong = 0
    for name in NAMES:
        report = report_of(name)
        as_expected = seen(report) == expected(name)
        wrong += not as_expected
        found = {
            guide_of[result.check_id]
            for result in report.results
            if any(finding.severity >= Severity.EMERGENCY for finding in result.findings)
        } - {0}
        for number in sorted(found) or [0]:
            rows[number].append(row(name, report, as_expected=as_expected))
    for number, headline in enumerate(_HEADLINES):
        checks = ", ".join(check.id for check in ALL if check.guide == number) if number else ""
        sys.stdout.write(f"\n{number}. {headline}  {checks}\n" + "".join(rows[number]))
    empty = [headline for number, headline in enumerate(_HEADLINES) if number and not rows[number]]
    sys.stdout.write(f"\n{len(NAMES)} machines, {wrong} not as expected")
    sys.stdout.write(f"; no machine shows: {', '.join(empty)}\n" if empty else "\n")
    return 1 if wrong or empty else 0


def row(name: str, report: Report, *, as_expected: bool) -> str:
    """Return one line: machine, causes with their consequences, verdict."""
    told = []
    for incident in report.incidents:
        others = ",".join(finding.code for finding in incident.others)
        told.append(f"{incident.lead.code} {incident.state}" + (f" ({others})" if others else ""))
    verdict = report.verdict.priority.value if report.verdict.priority else "nothing wrong"
    return f"   {'ok  ' if as_expected else 'FAIL'} {name:<34} {verdict:<13} {'; '.join(told)}\n"


if __name__ == "__main__":
    sys.exit(main())
