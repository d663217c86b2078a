"""Signs: how old one may be, and what a later one ends."""

import pytest
from msgspec import structs

from iwx_agent.model.signatures import Sign, Signs

NOW_AT = 100_000.0
SIGN = Sign(
    signature="a",
    code="PANEL-070",
    group="log",
    weight="past",
    confidence="inferred",
    seen="iworx.log",
    text="on",
    at=50_000.0,
    written_at=99_000.0,
    lines_after=5,
)
END = structs.replace(SIGN, signature="b", ends=True, text="off", at=60_000.0, lines_after=4)


def recent(sign: Sign) -> bool:
    return sign.is_recent(NOW_AT, within_s=1000.0, undated_lines_count=3)


def test_what_is_said_now_is_recent() -> None:
    assert recent(structs.replace(SIGN, at=None, written_at=None))
    assert recent(structs.replace(SIGN, at=0.0, written_at=None))


@pytest.mark.parametrize(
    ("at", "expected"), [(99_001.0, True), (99_000.0, True), (98_999.0, False), (200_000.0, True)]
)
def test_a_dated_line_is_as_old_as_it_says_and_one_ahead_of_the_clock_is_recent(
    at: float, expected: bool
) -> None:
    assert recent(structs.replace(SIGN, at=at)) is expected


@pytest.mark.parametrize(
    ("written_at", "lines_after", "expected"),
    [
        (99_000.0, 2, True),
        (99_000.0, 3, False),
        (98_999.0, 2, False),
        (98_999.0, 3, False),
    ],
)
def test_a_line_without_a_time_counts_among_the_last_ones_of_a_recent_log(
    written_at: float, lines_after: int, expected: bool
) -> None:
    assert recent(structs.replace(SIGN, at=None, written_at=written_at, lines_after=lines_after)) is expected


def still_open(*signs: Sign) -> list[str]:
    return [sign.signature for sign in Signs(found=signs).open_for("PANEL-070")]


def test_a_later_line_ends_an_earlier_one_and_is_no_sign_itself() -> None:
    assert still_open(SIGN, END) == []
    assert still_open(SIGN, structs.replace(END, lines_after=6)) == ["a"]
    assert still_open(SIGN, structs.replace(END, lines_after=5)) == ["a"]  # the same line says both
    assert still_open(END) == []


@pytest.mark.parametrize(("at", "expected"), [(49_999.0, ["a"]), (50_000.0, []), (None, ["a"])])
def test_between_two_logs_times_tell(at: float | None, expected: list[str]) -> None:
    assert still_open(SIGN, structs.replace(END, seen="error.log", at=at)) == expected
    undated = structs.replace(SIGN, at=None)
    assert still_open(undated, structs.replace(END, seen="error.log", at=at)) == ["a"]


def test_an_end_is_one_of_its_own_code_and_group() -> None:
    assert still_open(SIGN, structs.replace(END, code="PANEL-080")) == ["a"]
    assert still_open(SIGN, structs.replace(END, group="page")) == ["a"]
    assert still_open(structs.replace(SIGN, code="PANEL-080")) == []
