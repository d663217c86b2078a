"""The line for Nagios: what it says, its numbers, its exit codes, and that nothing in it means more."""

import re

import pytest
from building import AT, finding, incident, report, result
from hostile import CORPUS, everywhere
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import IncidentState, Measures, Priority, Report, Severity, Status, Verdict
from iwx_agent.rendering import nagios
from iwx_agent.report import exit_code

DOWN = incident(
    finding("PANEL-040", "database", title="The panel's database is down", evidence=()),
    finding("PANEL-004", "NodeWorx", title="NodeWorx answers with an error"),
    since_at=AT,
    since_source="journal",
)
EMERGENCY = report(
    DOWN,
    verdict=Verdict(priority=Priority.URGENT, emergency=True, reasons=("Urgent: it is down.",)),
    results=(
        result(DOWN.lead),
        result(check_id="a.b"),
        result(check_id="c.d", status=Status.UNKNOWN, reason="why"),
    ),
    timings={"boot": 0.5, "nodeworx_https": 3.25},
    measures=Measures(disk_used_pct=93.04, queue_count=1234),
)
WARNING = report(incident(finding(severity=Severity.WARNING), state=IncidentState.OPEN))
NOTE = report(incident(finding(severity=Severity.NOTE), state=IncidentState.OPEN))
BLIND = report(results=(result(check_id="c.d", status=Status.CRASHED, reason="a|b"),), timings={})
PASSING = report(incident(finding(), state=IncidentState.PASSING))
NO_PROBLEM = "emergencies=0;;0;0 problems=0;0;;0"
ONE_PROBLEM = "emergencies=0;;0;0 problems=1;0;;0"


@pytest.mark.parametrize(
    ("told", "code", "line"),
    [
        (
            EMERGENCY,
            2,
            (
                "IWX CRITICAL: The panel’s database is down (PANEL-040) | emergencies=1;;0;0 problems=1;0;;0 "
                "unknown=1;;;0 ok=1;;;0 slowest=3.250s;;;0 disk=93.0%;;;0;100 queue=1234;;;0"
            ),
        ),
        (
            WARNING,
            1,
            (
                f"IWX WARNING: title of PANEL-001 (PANEL-001) | {ONE_PROBLEM} "
                "unknown=0;;;0 ok=1;;;0 slowest=0.250s;;;0"
            ),
        ),
        (
            PASSING,
            1,
            (
                f"IWX WARNING: title of PANEL-001 (PANEL-001) | {ONE_PROBLEM} "
                "unknown=0;;;0 ok=1;;;0 slowest=0.250s;;;0"
            ),
        ),
        (
            NOTE,
            0,
            (
                f"IWX OK: title of PANEL-001 (PANEL-001) | {NO_PROBLEM} "
                "unknown=0;;;0 ok=1;;;0 slowest=0.250s;;;0"
            ),
        ),
        (
            BLIND,
            3,
            (
                f"IWX UNKNOWN: nothing found, but 1 check could not tell | {NO_PROBLEM} "
                "unknown=1;;;0 ok=0;;;0 slowest=0.000s;;;0"
            ),
        ),
        (
            report(),
            0,
            f"IWX OK: nothing wrong | {NO_PROBLEM} unknown=0;;;0 ok=1;;;0 slowest=0.250s;;;0",
        ),
    ],
)
def test_the_line_and_its_exit_code(told: Report, code: int, line: str) -> None:
    assert nagios.render(told) == line + "\n"
    assert exit_code(told, "nagios") == code


def test_a_known_warning_weighs_more_than_a_check_that_could_not_tell() -> None:
    unsure = (result(check_id="c.d", status=Status.UNKNOWN, reason="why"),)
    assert exit_code(report(*WARNING.incidents, results=unsure), "nagios") == 1
    assert exit_code(report(*NOTE.incidents, results=unsure), "nagios") == 3


def test_further_lines_name_what_is_wrong_and_what_could_not_be_told() -> None:
    assert nagios.render(EMERGENCY, verbose=True).splitlines()[1:] == [
        "EMERGENCY: The panel’s database is down (PANEL-040), since 2026-11-23 15:26 UTC, 0 s ago (journal)",
        "could not tell: c.d: why",
    ]
    assert nagios.render(BLIND, verbose=True).splitlines()[1] == "could not tell: c.d: a/b"


def test_the_headline_says_how_many_more() -> None:
    assert "(PANEL-040), and 1 other problem | " in nagios.render(report(DOWN, DOWN))
    assert "(PANEL-040), and 2 other problems | " in nagios.render(report(DOWN, DOWN, DOWN))


@pytest.mark.parametrize(
    ("measures", "said"),
    [
        (Measures(), ""),
        (Measures(disk_used_pct=0.0, queue_count=0), " disk=0.0%;;;0;100 queue=0;;;0"),
        (Measures(disk_used_pct=float("nan"), queue_count=-1), ""),
        (Measures(disk_used_pct=float("inf"), queue_count=10**12), " queue=1000000000;;;0"),
        (Measures(disk_used_pct=250.0), " disk=100.0%;;;0;100"),
    ],
)
def test_what_is_not_known_has_no_number(measures: Measures, said: str) -> None:
    assert nagios.render(report(measures=measures)).partition("slowest=0.250s;;;0")[2] == f"{said}\n"


@pytest.mark.parametrize("count", [10, 11])
def test_ten_of_a_kind_get_a_line_and_the_others_are_counted(count: int) -> None:
    lines = nagios.render(report(*[DOWN] * count), verbose=True).splitlines()
    assert len(lines) == 1 + count
    assert (lines[-1] == "and 1 more: iwx-agent diagnose") == (count == 11)


def test_lines_that_have_no_room_are_counted() -> None:
    long = incident(finding(title="x" * 120), since_at=AT, since_source="é" * 300)
    blind = tuple(result(check_id=f"c.{n}", status=Status.UNKNOWN, reason="é" * 400) for n in range(30))
    told = nagios.render(report(*[long] * 30, results=blind), verbose=True)
    assert len(told.encode()) <= 4000
    lines = told.splitlines()
    assert lines[-1] == f"and {60 - (len(lines) - 2)} more: iwx-agent diagnose"
    assert len(lines) > 8


# Nothing in it means anything to what it goes through: the plugin protocol, a shell, a web page

PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f|<>$`'\";\\]*")
PERFORMANCE = re.compile(r"[a-z]+=[0-9.]+(s|%)?(;[0-9.]*){0,4}")


def judge(told: str) -> None:
    assert told.endswith("\n")
    first, *further = told[:-1].split("\n")
    said, bar, numbers = first.partition(" | ")
    assert bar
    assert PLAIN.fullmatch(said)
    assert len(first.encode()) < 1024
    assert all(PERFORMANCE.fullmatch(number) for number in numbers.split(" ")), numbers
    assert all(PLAIN.fullmatch(line) for line in further), further
    assert len(told.encode()) <= 4000


@pytest.mark.parametrize("text", CORPUS, ids=lambda text: ascii(text[:12]))
def test_hostile_text_is_text(text: str) -> None:
    told = everywhere(text)
    judge(nagios.render(told))
    further = nagios.render(told, verbose=True)
    judge(further)
    assert len(further.splitlines()) == 1 + 3 + 1  # three incidents, one crashed check
    assert nagios.exit_code(told) == 2


any_text = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=300)


@given(any_text, any_text)
def test_any_text_makes_one_line(title: str, reason: str) -> None:
    blind = (result(status=Status.UNKNOWN, reason=reason),)
    told = report(incident(finding(title=title), since_at=AT, since_source=reason), results=blind)
    judge(nagios.render(told))
    assert nagios.render(told).count("\n") == 1
    judge(nagios.render(told, verbose=True))
