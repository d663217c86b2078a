"""Since when, from saved runs: after the last good run, in the first that saw it; never from a blind run."""

from datetime import UTC, datetime, timedelta

import pytest
from building import finding, incident
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import Incident, IncidentState, Missing, OpenIncident, RunPoint
from iwx_agent.triage.last_good import with_last_good

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
UNKNOWN = Missing(reason="not told")
DOWN = incident(finding(), fingerprint="down")


def run(minutes: int, *seen: str, complete: bool = True, known: bool = True) -> RunPoint:
    found = tuple(OpenIncident(fingerprint=one, title=one, state=IncidentState.OPEN) for one in seen)
    return RunPoint(
        at=NOW - timedelta(minutes=minutes),
        complete=complete,
        incidents=found if known else UNKNOWN,
        disk_used_pct=UNKNOWN,
        queue_count=UNKNOWN,
    )


def since(*runs: RunPoint, of: Incident = DOWN, now: datetime = NOW) -> tuple[int | None, str]:
    """Return how many minutes before now, and how that is known."""
    (dated,) = with_last_good((of,), runs, now)
    at = dated.since_at
    return (None if at is None else int((now - at).total_seconds() // 60)), dated.since_source


def test_first_seen_in_this_run() -> None:
    said = "saved runs: not there at 2026-11-23 14:55 UTC, first seen at 2026-11-23 15:00 UTC"
    assert since(run(10), run(5)) == (0, said)
    assert since(run(5, "other")) == (0, said)


def test_first_seen_in_an_earlier_run() -> None:
    said = "saved runs: not there at 2026-11-23 14:40 UTC, first seen at 2026-11-23 14:45 UTC"
    assert since(run(60, "down"), run(20), run(15, "down"), run(10, "down"), run(5, "down")) == (15, said)


@pytest.mark.parametrize(
    "blind", [{"complete": False}, {"known": False}, {"complete": False, "known": False}]
)
def test_a_run_that_could_not_tell_proves_nothing(blind: dict[str, bool]) -> None:
    assert since(run(5, **blind)) == (None, "")
    said = "saved runs: not there at 2026-11-23 14:40 UTC, first seen at 2026-11-23 14:45 UTC"
    assert since(run(20), run(15, "down"), run(10, **blind), run(5, "down")) == (15, said)
    assert since(run(20), run(15, **blind), run(10, "down"))[0] == 10


def test_a_blind_run_that_saw_it_saw_it() -> None:
    assert since(run(20), run(15, "down", complete=False))[0] == 15


def test_without_a_good_run_nothing_is_known() -> None:
    assert since() == (None, "")
    assert since(run(10, "down"), run(5, "down")) == (None, "")


def test_a_time_that_is_known_stays() -> None:
    known = incident(finding(), fingerprint="down", since_at=NOW - timedelta(days=1), since_source="its log")
    assert since(run(5), of=known) == (24 * 60, "its log")


def test_a_clock_that_was_set_meanwhile_proves_nothing() -> None:
    assert since(run(-5)) == (None, "")
    assert since(run(0)) == (None, "")
    assert since(run(20), run(-10, "down")) == (None, "")
    assert since(run(10), run(20, "down")) == (None, "")


RUNS = st.lists(
    st.builds(
        lambda minutes, seen, complete: run(minutes, *(["down"] if seen else []), complete=complete),
        st.integers(-3, 30),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@given(RUNS)
def test_never_before_a_good_run_and_never_after_now(runs: list[RunPoint]) -> None:
    (dated,) = with_last_good((DOWN,), runs, NOW)
    if dated.since_at is None:
        assert dated == DOWN
    else:
        good = [r.at for r in runs if r.complete and not r.incidents]
        assert good
        assert good[-1] < dated.since_at <= NOW
