"""The hours in which auto may speak: limits, midnight, days, and the sentence."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model.window import Day, Window, why_outside

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hours: float, days: int = 0) -> datetime:
    return MONDAY + timedelta(days=days, hours=hours)


WEEKDAYS = tuple(Day)[:5]
OFFICE = Window(days=WEEKDAYS, begins=time(8), ends=time(16))
NIGHT = Window(days=(Day.FRIDAY,), begins=time(22), ends=time(6))


@pytest.mark.parametrize("when", [at(0), at(23.99), at(12, 6)])
def test_by_itself_every_moment_is_within(when: datetime) -> None:
    assert why_outside(Window(), when) == ""


@pytest.mark.parametrize(
    ("window", "when", "within"),
    [
        (OFFICE, at(7.999), False),
        (OFFICE, at(8), True),
        (OFFICE, at(15.999), True),
        (OFFICE, at(16), False),
        (OFFICE, at(12, 5), False),  # Saturday
        (NIGHT, at(21.999, 4), False),
        (NIGHT, at(22, 4), True),
        (NIGHT, at(5.999, 5), True),  # Saturday morning belongs to Friday's night
        (NIGHT, at(6, 5), False),
        (NIGHT, at(3, 4), False),  # Friday morning belongs to Thursday's
        (NIGHT, at(23, 5), False),
        (Window(days=(Day.SUNDAY,)), at(0, 6), True),
        (Window(days=(Day.SUNDAY,)), at(0, 7), False),
    ],
)
def test_the_limits_of_a_window(window: Window, when: datetime, *, within: bool) -> None:
    assert (why_outside(window, when) == "") is within


def test_the_sentence_says_when_and_which_window() -> None:
    assert why_outside(OFFICE, at(17)) == (
        "Monday 17:00 is outside the window of the settings "
        "(monday, tuesday, wednesday, thursday, friday 08:00 to 16:00)"
    )
    assert why_outside(Window(begins=time(8), ends=time(9)), at(7)).endswith("(every day 08:00 to 09:00)")
    assert why_outside(Window(days=()), at(7)).endswith("(no day)")


@given(
    begins=st.times(), ends=st.times(), days=st.sets(st.sampled_from(Day)), minutes=st.integers(0, 7 * 1440)
)
def test_a_window_and_its_opposite_share_the_week(
    begins: time, ends: time, days: set[Day], minutes: int
) -> None:
    """Each moment is within exactly one of a window of every day and the same with its ends swapped."""
    now = MONDAY + timedelta(minutes=minutes)
    there, back = Window(begins=begins, ends=ends), Window(begins=ends, ends=begins)
    if begins != ends:
        assert (why_outside(there, now) == "") is not (why_outside(back, now) == "")
    some = Window(begins=begins, ends=ends, days=tuple(days))
    assert why_outside(there, now) == "" or why_outside(some, now)  # fewer days never let in more
