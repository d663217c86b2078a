"""Logs of an unknown format: times at the beginning of lines, their zone from the file's last write."""

import doctest
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers import leading_time
from iwx_agent.parsers.leading_time import parse_log

WRITTEN_AT = datetime(2026, 11, 23, 19, 52, 38, tzinfo=UTC).timestamp()


def ages(text: str, written_at: float = WRITTEN_AT) -> list[float | None]:
    lines = parse_log(text, source="iworx.log", written_at=written_at)
    return [None if line.at is None else round(written_at - line.at, 3) for line in lines]


def test_sample() -> None:
    assert doctest.testmod(leading_time).failed == 0


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-11-23 19:52:38",
        "2026-11-23T19:52:38",
        "2026/11/23 19:52:38",
        "[2026-11-23 19:52:38]",
        "2026-11-23 19:52:38.123456",
        "2026-11-23 19:52:38,123",
        "2026-11-23T19:52:38Z",
        "2026-11-23T19:52:38 UTC",
        "2026-11-23T20:52:38+01:00",
        "2026-11-23T14:22:38-0530",
        "Nov 23 19:52:38",
        "[Mon Nov 23 19:52:38.123456 2026]",
        "Mon, Nov 23 19:52:38",
        # local times of other zones: the file's last write tells which
        "2026-11-23 14:52:38",
        "Nov 24 01:22:38",
        "[Mon Nov 23 09:52:38.5 2026]",
    ],
)
def test_each_form_of_a_time_is_read(stamp: str) -> None:
    assert ages(f"{stamp} something happened\n") == [0.0]


def test_earlier_lines_are_older_and_lines_without_a_time_go_with_the_one_before() -> None:
    text = (
        "no time yet\n2026-11-23 09:52:38 first\n  at x\n  at y\n\n2026-11-23 10:52:38 then\n"
        "2026-11-23 14:52:38 last\n"
    )
    assert ages(text) == [None, 18_000.0, 18_000.0, 18_000.0, 14_400.0, 0.0]


@pytest.mark.parametrize(("apart_s", "known"), [(119, True), (120, True), (121, False)])
def test_a_last_line_that_does_not_fit_the_last_write_gives_no_times(apart_s: int, known: bool) -> None:
    (age_s,) = ages("2026-11-23 19:52:38 x\n", WRITTEN_AT + apart_s)
    assert (age_s is not None) is known


@pytest.mark.parametrize(("stamp", "known"), [("2026-11-24 09:52:38", True), ("2026-11-24 10:07:38", False)])
def test_no_zone_is_further_than_fourteen_hours(stamp: str, known: bool) -> None:
    (age_s,) = ages(f"{stamp} x\n")
    assert (age_s is not None) is known


def test_the_clock_went_back_within_the_log() -> None:
    text = "2026-11-23 22:00:00 ahead\n2026-11-23 19:52:38 after the clock was set\n"
    assert ages(text) == [-7642.0, 0.0]


def test_a_line_of_december_in_a_file_of_january_is_of_last_year() -> None:
    at = datetime(2027, 1, 1, 0, 0, 5, tzinfo=UTC).timestamp()
    assert ages("Dec 31 23:59:05 x\nJan  1 00:00:05 y\n", at) == [60.0, 0.0]


@pytest.mark.parametrize(
    "line",
    ["Feb 30 10:00:00 x", "2026-13-01 10:00:00 x", "Foo 10 10:00:00 x", "1999 x", "2026-11-23 25:00:00 x"],
)
def test_what_is_no_time_is_none(line: str) -> None:
    assert ages(f"{line}\n") == [None]


def test_empty_odd_and_huge_logs() -> None:
    assert parse_log("", source="x", written_at=0.0) == ()
    assert parse_log("\n \n\n", source="x", written_at=0.0) == ()
    (line,) = parse_log("\ufffd\ufffd\x00 broken\r\n", source="x", written_at=WRITTEN_AT)
    assert (line.text, line.at) == ("\ufffd\ufffd\x00 broken", None)
    (cut,) = parse_log("y" * 10_000_000, source="x", written_at=WRITTEN_AT)
    assert cut.text == "y" * 2000


@given(st.text(max_size=400), st.floats())
def test_any_text_gives_lines(text: str, written_at: float) -> None:
    lines = parse_log(text, source="x", written_at=written_at)
    assert all(line.at is None or isinstance(line.at, float) for line in lines)


STAMPS = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31))  # noqa: DTZ001


@given(STAMPS, st.sampled_from(["", "Z", "+23:59", "-2359", " UTC"]), st.floats(-1e12, 1e12))
def test_any_time_is_read_or_none(stamp: datetime, zone: str, written_at: float) -> None:
    parse_log(
        f"{stamp:%Y-%m-%d %H:%M:%S}{zone} x\n{stamp:%b %d %H:%M:%S} y\n", source="x", written_at=written_at
    )
