"""Two runs compared: gone only when the later one could tell, new only when the earlier one could."""

from typing import Any

from building import AT, finding, incident, report, result
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import (
    ComparedRun,
    Difference,
    Finding,
    IncidentState,
    Measures,
    Priority,
    Report,
    Severity,
    Status,
    Verdict,
)
from iwx_agent.triage.comparison import compare

SMTP = finding("MAIL-001", "smtp", severity=Severity.ERROR)
QUEUE = finding("MAIL-010", "queue", severity=Severity.WARNING)


def run(
    *findings: Finding, status: Status | None = None, state: Any = IncidentState.OPEN, **more: Any
) -> Report:
    """One check, mail.smtp, with these findings, each an incident."""
    told = status or (Status.PROBLEM if findings else Status.OK)
    incidents = [incident(one, state=state) for one in findings]
    return report(*incidents, results=(result(*findings, check_id="mail.smtp", status=told),), **more)


def kinds(before: Report, after: Report) -> list[tuple[str, str]]:
    return [(change.kind, change.code) for change in compare(before, after).changes]


def test_new_and_gone() -> None:
    assert kinds(run(), run(SMTP)) == [("new", "MAIL-001")]
    assert kinds(run(SMTP), run()) == [("gone", "MAIL-001")]
    assert kinds(run(SMTP), run(status=Status.NOT_APPLICABLE)) == [("gone", "MAIL-001")]


def test_the_same_thing_in_other_words_is_no_change() -> None:
    other = finding("MAIL-001", "smtp", severity=Severity.ERROR, title="other", detail="other numbers")
    found = compare(run(SMTP, QUEUE), run(other, QUEUE))
    assert (found.changes, found.unchanged_count) == ((), 2)


def test_another_subject_is_another_finding() -> None:
    other = finding("MAIL-001", "submission", severity=Severity.ERROR)
    assert kinds(run(SMTP), run(other)) == [("new", "MAIL-001"), ("gone", "MAIL-001")]


def test_what_could_not_be_told_is_neither_gone_nor_new() -> None:
    for blind in (run(status=Status.UNKNOWN), run(status=Status.CRASHED), report(results=())):
        assert kinds(run(SMTP), blind) == [("unknown", "MAIL-001")]
        assert kinds(blind, run(SMTP)) == [("revealed", "MAIL-001")]


def test_worse_and_better_by_severity() -> None:
    emergency = finding("MAIL-001", "smtp", severity=Severity.EMERGENCY)
    assert kinds(run(SMTP), run(emergency)) == [("worse", "MAIL-001")]
    assert kinds(run(emergency), run(SMTP)) == [("better", "MAIL-001")]


def test_an_emergency_in_doubt_is_less_than_one_and_more_than_an_error() -> None:
    emergency = finding("MAIL-001", "smtp", severity=Severity.EMERGENCY)
    for doubt in (IncidentState.PASSING, IncidentState.IN_PROGRESS):
        assert kinds(run(emergency, state=doubt), run(emergency, state=IncidentState.CONFIRMED)) == [
            ("worse", "MAIL-001")
        ]
        assert kinds(run(SMTP), run(emergency, state=doubt)) == [("worse", "MAIL-001")]
    seen_once, seen_twice = IncidentState.UNCONFIRMED, IncidentState.CONFIRMED
    assert kinds(run(emergency, state=seen_once), run(emergency, state=seen_twice)) == []


def test_a_change_says_how_bad_it_was_and_is() -> None:
    worse = finding("MAIL-001", "smtp", severity=Severity.EMERGENCY, title="now worse")
    (change,) = compare(run(SMTP), run(worse, state=IncidentState.CONFIRMED)).changes
    assert change == Difference(
        kind="worse",
        code="MAIL-001",
        subject="smtp",
        title="now worse",
        check_id="mail.smtp",
        before=Severity.ERROR,
        after=Severity.EMERGENCY,
        state_before=IncidentState.OPEN,
        state_after=IncidentState.CONFIRMED,
    )


def test_what_is_new_and_worst_comes_first() -> None:
    note = finding("MAIL-090", "a", severity=Severity.NOTE)
    assert kinds(run(SMTP), run(note, QUEUE)) == [
        ("new", "MAIL-010"),
        ("new", "MAIL-090"),
        ("gone", "MAIL-001"),
    ]


def test_consequences_are_compared_as_well() -> None:
    results = (result(SMTP, QUEUE, check_id="mail.smtp"),)
    together = report(incident(SMTP, QUEUE, state=IncidentState.PASSING), results=results)
    found = compare(run(SMTP, QUEUE), together)
    assert {(c.kind, c.code, c.state_after) for c in found.changes} == {
        ("better", "MAIL-001", IncidentState.PASSING),
        ("better", "MAIL-010", IncidentState.PASSING),
    }


def test_both_runs_are_named_with_what_they_could_not_tell() -> None:
    before = run(status=Status.UNKNOWN, measures=Measures(disk_used_pct=80.0))
    after = report(
        results=(result(check_id="web.server"),),
        verdict=Verdict(priority=Priority.HIGH, emergency=True, reasons=()),
    )
    found = compare(before, after, before_id="one", after_id="two")
    assert found.before == ComparedRun(
        id="one",
        collected_at=AT,
        agent_version="0.1.0",
        priority=None,
        emergency=False,
        measures=Measures(disk_used_pct=80.0),
        blind=("mail.smtp", "web.server"),
    )
    assert (found.after.id, found.after.priority, found.after.emergency) == ("two", Priority.HIGH, True)
    assert found.after.blind == ("mail.smtp",)


RUNS = st.builds(
    lambda findings, status, state: run(*findings, status=status, state=state),
    st.lists(
        st.builds(
            finding,
            st.sampled_from(["MAIL-001", "MAIL-010"]),
            st.sampled_from(["a", "b"]),
            severity=st.sampled_from(Severity),
        ),
        max_size=4,
        unique_by=lambda one: (one.code, one.subject),
    ),
    st.sampled_from([None, Status.UNKNOWN]),
    st.sampled_from(IncidentState),
)
OPPOSITE = {
    "new": "gone",
    "gone": "new",
    "revealed": "unknown",
    "unknown": "revealed",
    "worse": "better",
    "better": "worse",
}


@given(RUNS, RUNS)
def test_backwards_everything_is_its_opposite(one: Report, other: Report) -> None:
    there, back = compare(one, other), compare(other, one)
    assert {(c.code, c.subject, OPPOSITE[c.kind]) for c in there.changes} == {
        (c.code, c.subject, c.kind) for c in back.changes
    }
    assert there.unchanged_count == back.unchanged_count
    assert compare(one, one).changes == ()
