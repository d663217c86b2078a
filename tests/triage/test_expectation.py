"""When to expect an answer: the guide's hours around every edge, by a calendar and a clock read by hand.

New York is UTC-5 (EST) from 1 November 2026 on and UTC-4 (EDT) from 8 March 2026 on.
"""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from importlib import resources
from typing import Any

import pytest
from building import finding, result
from fakes import BOOTED_AT, NOW_AT
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from iwx_agent.config import load_policy, load_zone
from iwx_agent.model import Expected, Missing, Priority, SupportPolicy
from iwx_agent.model.support import AfterHours, Holiday, Hours, Week
from iwx_agent.model.system import TimeSync
from iwx_agent.parsers.tzif import zone_of
from iwx_agent.triage import Clock, Zones, clock_of, expected_answer

POLICY = load_policy()
NEW_YORK = load_zone(POLICY)


def zone(name: str) -> tzinfo:
    """Return a server's zone as it would be read from its /etc/localtime."""
    return zone_of(resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def expected(
    now: str,
    priority: Priority = Priority.URGENT,
    *,
    emergency: bool = True,
    server: tzinfo = UTC,
    policy: SupportPolicy = POLICY,
) -> Expected:
    zones = Zones(vendor=NEW_YORK, server=server)
    return expected_answer(policy, zones, Clock(now=at(now)), priority, emergency=emergency)


def told(found: Expected) -> tuple[Any, ...]:
    """Return open, why not, when it closes or opens."""
    edge = found.closes or found.opens
    assert edge is not None
    return found.support_open, found.closed_because, edge.at


# Opening hours, in UTC; the day is New York's


@pytest.mark.parametrize(
    ("now", "is_open", "why", "edge"),
    [
        # A Monday in winter: 8AM is 13:00 UTC, 4PM is 21:00 UTC.
        ("2026-11-23T12:58", False, "before opening", "2026-11-23T13:00"),
        ("2026-11-23T12:59:59", False, "before opening", "2026-11-23T13:00"),
        ("2026-11-23T13:00", True, "", "2026-11-23T21:00"),
        ("2026-11-23T13:01", True, "", "2026-11-23T21:00"),
        ("2026-11-23T20:59:59", True, "", "2026-11-23T21:00"),
        ("2026-11-23T21:00", False, "after closing", "2026-11-24T13:00"),
        ("2026-11-23T21:01", False, "after closing", "2026-11-24T13:00"),
        # A Monday in summer: one hour earlier.
        ("2026-06-15T11:59:59", False, "before opening", "2026-06-15T12:00"),
        ("2026-06-15T12:00", True, "", "2026-06-15T20:00"),
        ("2026-06-15T19:59", True, "", "2026-06-15T20:00"),
        ("2026-06-15T20:00", False, "after closing", "2026-06-16T12:00"),
        # Midnight in New York is 05:00 UTC: the day in Greenwich is another one before that.
        ("2026-11-24T04:59:59", False, "after closing", "2026-11-24T13:00"),
        ("2026-11-24T05:00", False, "before opening", "2026-11-24T13:00"),
        # The week-end, from Friday 4PM to Monday 8AM.
        ("2026-11-20T20:59", True, "", "2026-11-20T21:00"),
        ("2026-11-20T21:00", False, "after closing", "2026-11-23T13:00"),
        ("2026-11-21T04:59:59", False, "after closing", "2026-11-23T13:00"),  # still Friday there
        ("2026-11-21T05:00", False, "Saturday", "2026-11-23T13:00"),
        ("2026-11-21T15:00", False, "Saturday", "2026-11-23T13:00"),
        ("2026-11-22T15:00", False, "Sunday", "2026-11-23T13:00"),
        ("2026-11-23T05:00", False, "before opening", "2026-11-23T13:00"),
    ],
)
def test_the_minutes_around_opening_and_closing(now: str, is_open: bool, why: str, edge: str) -> None:
    assert told(expected(now)) == (is_open, why, at(edge))


@pytest.mark.parametrize(
    ("now", "is_open", "edge"),
    [
        # Clocks go forward on Sunday, 8 March 2026: Friday still by EST, Monday by EDT.
        ("2026-03-06T12:59", False, "2026-03-06T13:00"),
        ("2026-03-06T13:00", True, "2026-03-06T21:00"),
        ("2026-03-06T21:00", False, "2026-03-09T12:00"),
        ("2026-03-09T11:59", False, "2026-03-09T12:00"),
        ("2026-03-09T12:00", True, "2026-03-09T20:00"),
        ("2026-03-09T20:00", False, "2026-03-10T12:00"),
        # And back on Sunday, 1 November 2026.
        ("2026-10-30T12:00", True, "2026-10-30T20:00"),
        ("2026-10-30T20:00", False, "2026-11-02T13:00"),
        ("2026-11-02T12:59", False, "2026-11-02T13:00"),
        ("2026-11-02T13:00", True, "2026-11-02T21:00"),
    ],
)
def test_both_changes_of_the_clocks(now: str, is_open: bool, edge: str) -> None:
    found = told(expected(now))
    assert (found[0], found[2]) == (is_open, at(edge))


@pytest.mark.parametrize(
    ("now", "is_open", "why", "edge"),
    [
        # New Year's Day 2027 is a Friday.
        ("2026-12-31T15:00", True, "", "2026-12-31T21:00"),
        ("2026-12-31T21:00", False, "after closing", "2027-01-04T13:00"),
        ("2027-01-01T15:00", False, "New Year's Day", "2027-01-04T13:00"),
        ("2027-01-04T15:00", True, "", "2027-01-04T21:00"),
        # Memorial Day 2026: the last Monday of May is the 25th; in 2027 the 31st.
        ("2026-05-22T14:00", True, "", "2026-05-22T20:00"),
        ("2026-05-22T20:00", False, "after closing", "2026-05-26T12:00"),
        ("2026-05-25T14:00", False, "Memorial Day", "2026-05-26T12:00"),
        ("2026-05-26T14:00", True, "", "2026-05-26T20:00"),
        ("2027-05-24T14:00", True, "", "2027-05-24T20:00"),
        ("2027-05-31T14:00", False, "Memorial Day", "2027-06-01T12:00"),
        # The Fourth of July is a Tuesday in 2028, a Saturday in 2026, a Sunday in 2027: it is never moved.
        ("2028-07-03T14:00", True, "", "2028-07-03T20:00"),
        ("2028-07-04T14:00", False, "Fourth of July", "2028-07-05T12:00"),
        ("2028-07-05T14:00", True, "", "2028-07-05T20:00"),
        ("2026-07-03T14:00", True, "", "2026-07-03T20:00"),
        ("2026-07-04T14:00", False, "Fourth of July", "2026-07-06T12:00"),
        ("2027-07-04T14:00", False, "Fourth of July", "2027-07-05T12:00"),
        ("2027-07-05T14:00", True, "", "2027-07-05T20:00"),
        # Labor Day 2026: the first Monday of September is the 7th.
        ("2026-09-04T20:00", False, "after closing", "2026-09-08T12:00"),
        ("2026-09-07T14:00", False, "Labor Day", "2026-09-08T12:00"),
        ("2026-09-08T14:00", True, "", "2026-09-08T20:00"),
        # Thanksgiving 2026: the fourth Thursday of November is the 26th; in 2028 the 23rd of five.
        ("2026-11-25T15:00", True, "", "2026-11-25T21:00"),
        ("2026-11-25T21:00", False, "after closing", "2026-11-27T13:00"),
        ("2026-11-26T15:00", False, "Thanksgiving", "2026-11-27T13:00"),
        ("2026-11-27T15:00", True, "", "2026-11-27T21:00"),
        ("2028-11-23T15:00", False, "Thanksgiving", "2028-11-24T13:00"),
        ("2028-11-30T15:00", True, "", "2028-11-30T21:00"),
        # Christmas is a Friday in 2026 and a Saturday in 2027.
        ("2026-12-24T15:00", True, "", "2026-12-24T21:00"),
        ("2026-12-25T15:00", False, "Christmas", "2026-12-28T13:00"),
        ("2026-12-28T15:00", True, "", "2026-12-28T21:00"),
        ("2027-12-24T15:00", True, "", "2027-12-24T21:00"),
        ("2027-12-25T15:00", False, "Christmas", "2027-12-27T13:00"),
        # A holiday begins and ends at midnight in New York.
        ("2026-11-26T04:59:59", False, "after closing", "2026-11-27T13:00"),
        ("2026-11-26T05:00", False, "Thanksgiving", "2026-11-27T13:00"),
        ("2026-11-27T04:59:59", False, "Thanksgiving", "2026-11-27T13:00"),
        ("2026-11-27T05:00", False, "before opening", "2026-11-27T13:00"),
    ],
)
def test_each_holiday_and_the_days_beside_it(now: str, is_open: bool, why: str, edge: str) -> None:
    assert told(expected(now)) == (is_open, why, at(edge))


# While support is closed


def answer(found: Expected) -> tuple[bool, datetime | None, datetime | None]:
    by, begins = (told.at if told is not None else None for told in (found.answer_by, found.answer_from))
    return found.rings_a_phone, by, begins


@pytest.mark.parametrize(
    ("now", "by", "begins"),
    [
        ("2026-11-23T21:00", "2026-11-23T22:00", None),  # just closed
        ("2026-11-24T04:59:59", "2026-11-24T05:59:59", None),  # 23:59:59: still before midnight
        ("2026-11-24T05:00", None, "2026-11-24T13:00"),  # midnight
        ("2026-11-24T12:59:59", None, "2026-11-24T13:00"),
        ("2026-11-21T05:00", None, "2026-11-21T13:00"),  # the night to Saturday: the morning, not Monday
        ("2026-11-21T12:59", None, "2026-11-21T13:00"),
        ("2026-11-21T13:00", "2026-11-21T14:00", None),  # Saturday 8AM: closed, but by day
        ("2026-11-22T23:00", "2026-11-23T00:00", None),
        ("2026-11-26T15:00", "2026-11-26T16:00", None),  # Thanksgiving
        ("2026-11-26T12:00", None, "2026-11-26T13:00"),  # its morning
        # The night in which clocks go forward is an hour shorter, 2AM to 3AM is not there.
        ("2026-03-08T04:59:59", "2026-03-08T05:59:59", None),
        ("2026-03-08T06:59:59", None, "2026-03-08T12:00"),
        ("2026-03-08T07:00", None, "2026-03-08T12:00"),
        ("2026-03-08T12:00", "2026-03-08T13:00", None),
        # The one in which they go back has half past one twice.
        ("2026-11-01T03:59:59", "2026-11-01T04:59:59", None),
        ("2026-11-01T05:30", None, "2026-11-01T13:00"),
        ("2026-11-01T06:30", None, "2026-11-01T13:00"),
        ("2026-11-01T12:59", None, "2026-11-01T13:00"),
        ("2026-11-01T13:00", "2026-11-01T14:00", None),
    ],
)
@pytest.mark.parametrize("priority", [Priority.URGENT, Priority.HIGH])
def test_an_emergency_rings_a_phone(priority: Priority, now: str, by: str | None, begins: str | None) -> None:
    found = answer(expected(now, priority))
    assert found == (True, by and at(by), begins and at(begins))


@pytest.mark.parametrize(
    ("priority", "emergency", "rings"),
    [
        (Priority.URGENT, False, True),
        (Priority.HIGH, False, True),
        (Priority.MEDIUM, True, False),
        (Priority.LOW, True, False),
        (Priority.INFORMATION, False, False),
    ],
)
def test_what_is_no_emergency_or_not_urgent_waits(priority: Priority, emergency: bool, rings: bool) -> None:
    found = expected("2026-11-21T15:00", priority, emergency=emergency)
    assert answer(found) == (rings, None, at("2026-11-23T13:00"))


@pytest.mark.parametrize("priority", Priority)
def test_while_it_is_open_no_time_is_promised_and_no_phone_rings(priority: Priority) -> None:
    assert answer(expected("2026-11-23T15:00", priority)) == (False, None, None)


# In words, for both ends

SATURDAY_NIGHT = "2026-11-22T04:30"  # Saturday, 23:30 in New York


@pytest.mark.parametrize(
    ("server", "opens", "by"),
    [
        ("Etc/UTC", "Mon 13:00 UTC", "Sun 05:30 UTC"),
        ("Asia/Tokyo", "Mon 22:00 JST", "Sun 14:30 JST"),
        ("Europe/London", "Mon 13:00 GMT", "Sun 05:30 GMT"),
        ("America/Los_Angeles", "Mon 05:00 PST", "Sat 21:30 PST"),
        ("America/Sao_Paulo", "Mon 10:00 UTC-03", "Sun 02:30 UTC-03"),
    ],
)
def test_the_words_on_a_saturday_night(server: str, opens: str, by: str) -> None:
    found = expected(SATURDAY_NIGHT, server=zone(server))
    assert found.opens is not None
    assert found.answer_by is not None
    assert (found.opens.vendor, found.opens.server) == ("Mon 08:00 EST", opens)
    assert (found.answer_by.vendor, found.answer_by.server) == ("Sun 00:30 EST", by)
    assert found.text == (
        f"Support is closed now (Saturday); it opens Mon 08:00 EST ({opens} here). "
        f"Urgent rings a phone: usually answered within the hour, until Sun 00:30 EST ({by} here)."
    )


@pytest.mark.parametrize(
    ("now", "server", "vendors", "servers"),
    [
        ("2026-11-23T15:00", "Asia/Tokyo", "Mon 16:00 EST", "Tue 06:00 JST"),
        ("2026-06-15T15:00", "Asia/Tokyo", "Mon 16:00 EDT", "Tue 05:00 JST"),
        ("2026-06-15T15:00", "Europe/London", "Mon 16:00 EDT", "Mon 21:00 BST"),
        ("2026-06-15T15:00", "America/Los_Angeles", "Mon 16:00 EDT", "Mon 13:00 PDT"),
        # Between the changes of America and Britain the two are only four hours apart.
        ("2026-03-10T15:00", "Europe/London", "Tue 16:00 EDT", "Tue 20:00 GMT"),
        ("2026-10-27T15:00", "Europe/London", "Tue 16:00 EDT", "Tue 20:00 GMT"),
    ],
)
def test_the_same_moment_in_two_zones(now: str, server: str, vendors: str, servers: str) -> None:
    closes = expected(now, server=zone(server)).closes
    assert closes is not None
    assert (closes.vendor, closes.server) == (vendors, servers)


def test_a_server_in_the_vendors_zone_is_not_told_everything_twice() -> None:
    found = expected("2026-11-23T15:00", server=zone("America/New_York"))
    assert found.text == "Support is open now, until Mon 16:00 EST; the guide names no time for an answer."


@pytest.mark.parametrize(
    ("now", "priority", "emergency", "state", "answer"),
    [
        (
            "2026-11-22T07:00",
            Priority.URGENT,
            True,
            "Support is closed now (Sunday); it opens Mon 08:00 EST (Mon 13:00 UTC here).",
            (
                "Urgent rings a phone, but at night it may not be seen before the morning: "
                "Sun 08:00 EST (Sun 13:00 UTC here)."
            ),
        ),
        (
            "2026-11-23T07:00",
            Priority.HIGH,
            True,
            "Support is closed now (before opening); it opens Mon 08:00 EST (Mon 13:00 UTC here).",
            "High rings a phone, but at night it may not be seen before the morning.",
        ),
        (
            "2026-11-26T15:00",
            Priority.HIGH,
            False,
            "Support is closed now (Thanksgiving); it opens Fri 08:00 EST (Fri 13:00 UTC here).",
            "High rings a phone, but only emergencies are taken now: expect no answer before that.",
        ),
        (
            "2026-11-23T21:00",
            Priority.LOW,
            False,
            "Support is closed now (after closing); it opens Tue 08:00 EST (Tue 13:00 UTC here).",
            "Low rings no phone: expect no answer before that.",
        ),
    ],
)
def test_the_words_for_each_case(
    now: str, priority: Priority, emergency: bool, state: str, answer: str
) -> None:
    assert expected(now, priority, emergency=emergency).text == f"{state} {answer}"


# Another policy

NEVER = replace(POLICY, hours=Week())
MARCH_ONLY = replace(
    POLICY,
    hours=Week(monday=Hours(opens=time(8), closes=time(9))),
    holiday=tuple(
        Holiday(name=f"{month} {number}", rule=f"FREQ=YEARLY;BYMONTH={month};BYDAY={number}MO")
        for month in (1, 2, 11, 12)
        for number in range(1, 6)
    ),
)


def test_a_policy_that_never_opens_promises_nothing() -> None:
    found = expected("2026-11-23T15:00", Priority.LOW, policy=NEVER)
    assert (found.opens, found.answer_from) == (None, None)
    assert found.text.startswith("Support is closed now (Monday); when it opens is not known. Low rings no")


def test_a_day_that_is_far_away_has_its_date() -> None:
    found = expected("2026-11-23T15:00", policy=MARCH_ONLY)
    assert found.opens is not None
    assert found.opens.vendor == "Mon 2027-03-01 08:00 EST"


def test_six_days_away_has_its_date_and_less_has_not() -> None:
    mondays = replace(POLICY, hours=Week(monday=Hours(opens=time(8), closes=time(9))))
    near = expected("2026-11-24T13:00:01", policy=mondays).opens
    far = expected("2026-11-24T13:00", policy=mondays).opens
    assert near is not None
    assert far is not None
    assert (near.vendor, far.vendor) == ("Mon 08:00 EST", "Mon 2026-11-30 08:00 EST")


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        ("2026-11-24T02:59:59", None),  # 21:59:59
        ("2026-11-24T03:00", "2026-11-24T11:00"),  # 22:00: the morning is tomorrow's
        ("2026-11-24T05:00", "2026-11-24T11:00"),  # midnight: it is today's
        ("2026-11-24T10:59", "2026-11-24T11:00"),
        ("2026-11-24T11:00", None),
    ],
)
def test_a_night_may_begin_before_midnight(now: str, begins: str | None) -> None:
    early = replace(
        POLICY,
        after_hours=AfterHours(
            priorities=(Priority.URGENT,), usual_answer_s=1800.0, night_begins=time(22), night_ends=time(6)
        ),
    )
    found = expected(now, policy=early)
    assert (found.answer_from and found.answer_from.at) == (begins and at(begins))
    assert ("usually answered within 30 min" in found.text) == (begins is None)
    assert not expected(now, Priority.HIGH, policy=early).rings_a_phone


def test_there_may_be_no_night() -> None:
    always = replace(POLICY.after_hours, night_begins=time(8), night_ends=time(8))
    assert expected("2026-11-24T07:00", policy=replace(POLICY, after_hours=always)).answer_from is None


# A clock that is off


def sync(offset_s: float | None = None, *, synchronized: bool | None = None) -> TimeSync:
    return TimeSync(now_at=NOW_AT, booted_at=BOOTED_AT, offset_s=offset_s, synchronized=synchronized)


WRONG = [result(finding("SYSTEM-071", "clock"))]
NOW = datetime(2026, 11, 23, 16, 6, 40, tzinfo=UTC)  # of NOW_AT


@pytest.mark.parametrize(
    ("time_sync", "results", "now", "wrong", "said"),
    [
        (sync(0.0, synchronized=True), [], NOW, False, ""),
        (sync(30.0, synchronized=True), [], NOW - timedelta(seconds=30), False, ""),
        (
            sync(90.0),
            WRONG,
            NOW - timedelta(seconds=90),
            True,
            "is 90 s fast; hours are reckoned by the right",
        ),
        (sync(120.0), WRONG, NOW - timedelta(minutes=2), True, "is 2 min fast; hours"),
        (sync(-61.0), WRONG, NOW + timedelta(seconds=61), True, "is 61 s slow; hours"),
        (sync(3 * 3600.0), WRONG, NOW - timedelta(hours=3), True, "is 3 h 0 min fast; hours"),
        (sync(-11.5 * 3600), WRONG, NOW + timedelta(hours=11.5), True, "is 11 h 30 min slow; hours"),
        (sync(-3540.0), WRONG, NOW + timedelta(minutes=59), True, "is 59 min slow; hours"),
        (sync(), WRONG, None, True, "is wrong, by how much is not known"),
        (Missing(reason="x"), WRONG, None, True, "is wrong, by how much is not known"),
        (sync(1e18), WRONG, None, True, "is wrong, by how much is not known"),
        (sync(synchronized=False), [], NOW, False, "Nothing keeps the server's clock right: if it is off"),
        (sync(), [], NOW, False, ""),  # a container's clock is its host's to keep
        (Missing(reason="x"), [], NOW, False, "was not checked: if it is off, so are these times"),
        (None, [result()], NOW, False, "was not checked: if it is off, so are these times"),
    ],
)
def test_the_true_time(time_sync: Any, results: Any, now: datetime | None, wrong: bool, said: str) -> None:
    clock = clock_of(NOW_AT, time_sync, results)
    assert (clock.now, clock.wrong) == (now, wrong)
    assert said in clock.note
    assert bool(said) == bool(clock.note)


@pytest.mark.parametrize("now_at", [-1.0, float("nan"), 1e18, datetime(9000, 1, 1, tzinfo=UTC).timestamp()])
def test_a_time_that_no_calendar_can_count_on_from_is_no_time(now_at: float) -> None:
    clock = clock_of(now_at, sync(), [])
    assert (clock.now, clock.wrong) == (None, True)


def test_a_clock_hours_off_does_not_shift_the_hours() -> None:
    """By its own clock it is Monday, 17:00 in New York and support has closed; the true time is 14:00."""
    clock = clock_of(at("2026-11-23T22:00").timestamp(), sync(3 * 3600.0), WRONG)
    found = expected_answer(
        POLICY, Zones(vendor=NEW_YORK, server=UTC), clock, Priority.URGENT, emergency=True
    )
    assert told(found) == (True, "", at("2026-11-23T21:00"))
    assert found.clock_note == "The server's clock is 3 h 0 min fast; hours are reckoned by the right time."


def test_without_a_right_clock_no_moment_is_told() -> None:
    zones = Zones(vendor=NEW_YORK, server=UTC, note="zone")
    found = expected_answer(POLICY, zones, Clock(now=None, note="clock"), Priority.URGENT, emergency=True)
    assert found == Expected(
        support_open=None,
        text="Whether support is open now cannot be told. It is open Mon Tue Wed Thu Fri 08:00-16:00 "
        "(America/New_York), not on holidays; outside these hours Urgent rings a phone.",
        clock_note="clock",
    )
    low = expected_answer(NEVER, zones, Clock(now=None), Priority.LOW, emergency=True).text
    assert "It is open never (America/New_York)" in low
    assert low.endswith("outside these hours Low waits.")


def test_notes_of_clock_and_zone_stand_together() -> None:
    zones = Zones(vendor=NEW_YORK, server=UTC, note="Zone.")
    clock = Clock(now=NOW, note="Clock.")
    assert expected_answer(POLICY, zones, clock, Priority.LOW, emergency=False).clock_note == "Clock. Zone."


# What holds at any time


@given(
    now=st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(8999, 1, 1)),  # noqa: DTZ001
    priority=st.sampled_from(Priority),
    emergency=st.booleans(),
)
def test_an_edge_always_lies_ahead(now: datetime, priority: Priority, emergency: bool) -> None:
    moment = now.replace(tzinfo=UTC)
    zones = Zones(vendor=NEW_YORK, server=UTC)
    found = expected_answer(POLICY, zones, Clock(now=moment), priority, emergency=emergency)
    edge = found.closes or found.opens
    assert edge is not None
    assert timedelta(0) < edge.at - moment <= timedelta(days=5)
    told = [m for m in (found.answer_by, found.answer_from) if m is not None]
    assert len(told) == (0 if found.support_open else 1)
    assert all(moment < m.at <= moment + timedelta(days=5) for m in told)
    assert all(m.at.tzinfo is UTC for m in (edge, *told))


def test_the_holidays_of_a_year() -> None:
    days = sorted(day for h in POLICY.holiday for day in h.between(date(2026, 1, 1), date(2026, 12, 31)))
    assert days == [
        date(2026, 1, 1),
        date(2026, 5, 25),
        date(2026, 7, 4),
        date(2026, 9, 7),
        date(2026, 11, 26),
        date(2026, 12, 25),
    ]
