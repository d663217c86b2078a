"""Times as people read them: with a zone, in the server's zone, or none at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.wall_clock import has_no_zone, parse_time, parse_zone

AT = 1_795_463_562.0  # 2026-11-23T19:52:42Z


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("1795463562", AT),
        ("1795463562.25", AT),
        ("1795463562250", AT + 0.25),
        ("2026-11-23 19:52:42", AT),
        (" 2026-11-23 19:52:42.123 ", AT),
        ("2026-11-23T19:52:42", AT),
        ("2026-11-23 19:52", AT - 42),
        ("2026-11-23T19:52:42Z", AT),
        ("2026-11-23 19:52:42 UTC", AT),
        ("2026-11-23 14:52:42-05:00", AT),
        ("2026-11-23 21:52:42+0200", AT),
        ("0000-00-00 00:00:00", None),
        ("2026-02-31 00:00:00", None),
        ("2026-11-23 24:00:00", None),
        ("2026-11-23 19:52:42+9900", None),
        ("2026-11-23", None),
        ("19:52:42", None),
        ("yesterday", None),
        ("17", None),
        ("", None),
        ("-1795463562", None),
        ("2026-11-23 19:52:42 and more", None),
    ],
)
def test_a_time_in_each_form(text: str, at: float | None) -> None:
    assert parse_time(text, zone_s=0.0) == at


def test_without_a_zone_there_is_no_time_but_where_one_is_told() -> None:
    assert parse_time("2026-11-23 19:52:42") is None
    assert parse_time("2026-11-23 14:52:42", zone_s=-18_000.0) == AT
    assert parse_time("2026-11-23 19:52:42Z", zone_s=-18_000.0) == AT
    assert [has_no_zone(t) for t in ("2026-11-23 19:52:42", "2026-11-23 19:52:42Z", "1795463562", "")] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(("text", "zone_s"), [("+0000\n", 0), ("-0500", -18_000), ("+05:45", 20_700)])
def test_a_zone(text: str, zone_s: float) -> None:
    assert parse_zone(text) == zone_s


@pytest.mark.parametrize("text", ["", "UTC", "0500", "+5", "date: invalid option"])
def test_what_is_no_zone_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_zone(text)


@given(st.text(max_size=40), st.floats(-1e6, 1e6))
def test_any_text_gives_a_time_or_none(text: str, zone_s: float) -> None:
    assert isinstance(parse_time(text, zone_s=zone_s), float | None)
    try:
        assert abs(parse_zone(text)) < 400_000
    except ParseError:
        return
