"""The cron log: times counted back from the file's last change."""

import contextlib
import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers import cron_log
from iwx_agent.parsers.cron_log import parse_cron_log

NOW_AT = 1_795_450_000.0
LINE = "Nov 23 10:05:01 iwx1 CROND[1234]: (iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)\n"


def ages(*stamps: str) -> list[float]:
    lines = parse_cron_log("".join(f"{s} h CROND[1]: x\n" for s in stamps), source="cron", changed_at=NOW_AT)
    return [NOW_AT - (line.at or 0.0) for line in lines]


def test_sample() -> None:
    assert doctest.testmod(cron_log).failed == 0


def test_the_last_line_is_as_old_as_the_file() -> None:
    (line,) = parse_cron_log(LINE, source="/var/log/cron", changed_at=NOW_AT)
    assert line.at == NOW_AT
    assert line.source == "/var/log/cron"
    assert line.text == "CROND[1234]: (iworx) CMD (cd /home/interworx/cron ; ./iworx.pex --fively)"


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        (("Nov 23 10:00:01", "Nov 23 10:15:01"), [900.0, 0.0]),
        (("Nov  9 23:59:59", "Nov 10 00:00:01"), [2.0, 0.0]),
        (("Dec 31 23:59:01", "Jan  1 00:00:01"), [60.0, 0.0]),  # the year turned
        (("Feb 28 23:59:01", "Mar  1 00:00:01"), [60.0, 0.0]),  # 2026 is no leap year
        (("Nov 23 10:00:30", "Nov 23 10:00:01"), [0.0, 0.0]),  # two lines out of order
    ],
)
def test_ages_count_back_from_the_last_line(stamps: tuple[str, ...], expected: list[float]) -> None:
    assert ages(*stamps) == expected


def test_a_leap_day_seen_from_the_next_january_is_months_old() -> None:
    text = "Feb 29 12:00:00 h CROND[1]: x\nJan  2 12:00:00 h CROND[1]: y\n"
    in_2028_at = 1_830_000_000.0  # 2027-12-28; one year later it is 2028
    first, _ = parse_cron_log(text, source="cron", changed_at=in_2028_at + 366 * 86_400)
    assert first.at is not None
    assert first.at < in_2028_at + 100 * 86_400


def test_a_file_from_beyond_all_clocks_is_refused() -> None:
    for changed_at in (-1.0, 1e300, float("nan")):
        with pytest.raises(ParseError):
            parse_cron_log(LINE, source="cron", changed_at=changed_at)


def test_an_empty_log_has_no_lines() -> None:
    assert parse_cron_log("\n", source="cron", changed_at=NOW_AT) == ()


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T10:05:01+00:00 h CROND[1]: x",
        "Foo 23 10:05:01 h x",
        "Nov 23 10:05 h x",
        "Nov 31 10:05:01 h x",
        "Feb 29 10:05:01 h x",  # not in 2026
        "Nov 23 10:65:01 h x",
        "Nov 23",
        "Nov ²3 10:05:01 h x",
        "x" * 10_000_000,
    ],
)
def test_a_line_without_a_time_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_cron_log(text, source="cron", changed_at=NOW_AT)


@given(st.text(), st.sampled_from(["", LINE, "Feb 29 00:00:00 "]))
def test_any_text_gives_a_value_or_parse_error(text: str, before: str) -> None:
    with contextlib.suppress(ParseError):
        for line in parse_cron_log(before + text, source="cron", changed_at=NOW_AT):
            assert line.at is not None
            assert line.at <= NOW_AT
