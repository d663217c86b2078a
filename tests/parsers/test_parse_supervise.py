"""supervise/status and TAI64N: real bytes to what svstat and tai64nlocal give; anything else is refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.supervise import parse_status
from iwx_agent.parsers.tai64 import epoch_of_tai64, parse_tai64n

CAPTURES = Path(__file__).parent / "captures" / "daemontools"


@pytest.mark.parametrize(
    ("name", "pid", "paused", "wanted"),
    [
        ("up", 24919, False, "up"),
        ("paused", 24919, True, "up"),
        ("flapping-1", 24922, False, "up"),
        ("flapping-2", 24959, False, "up"),
        ("down", 0, False, "down"),
        ("stopped", 0, False, "down"),
        ("once-of-normally-down", 25072, False, "up"),
    ],
)
def test_a_real_status_says_what_svstat_said(name: str, pid: int, paused: bool, wanted: str) -> None:
    status = parse_status((CAPTURES / f"status-{name}").read_bytes())
    assert (status.pid, status.paused, status.wanted) == (pid, paused, wanted)


def test_the_time_is_the_one_that_tai64nlocal_gives() -> None:
    status = parse_status((CAPTURES / "status-up").read_bytes())
    assert status.since_at == pytest.approx(1_795_461_065.5972425, abs=1e-6)  # 2026-11-23 19:11:05.597242500


def test_told_once_is_neither_up_nor_down() -> None:
    real = (CAPTURES / "status-up").read_bytes()
    assert parse_status(real[:17] + b"\0").wanted == "once"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"400000006b048fd3",
        bytes(18),
        bytes.fromhex("400000006b048fd3239932845761000000"),  # one byte short
        bytes.fromhex("400000006b048fd32399328457610000007500"),  # runit writes 20, s6 35 and more
        bytes.fromhex("400000006b048fd323993284576100000275"),  # paused is 2
        bytes.fromhex("400000006b048fd323993284576100000078"),  # wanted is x
        bytes.fromhex("400000006b048fd3ffffffff576100000075"),  # more than a second of nanoseconds
        bytes.fromhex("ffffffffffffffff23993284576100000075"),  # beyond all time
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_status(data)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_status_or_refused(data: bytes) -> None:
    try:
        status = parse_status(data)
    except ParseError:
        return
    assert 0 <= status.pid < 2**32


def test_a_log_stamp_is_split_from_its_line() -> None:
    at, rest = parse_tai64n("@400000006b0462b81ecd2b84 status: local 0/10 remote 0/20")
    assert at == pytest.approx(1_795_449_518.5167625, abs=1e-6)  # 2026-11-23 15:58:38.516762500
    assert rest == "status: local 0/10 remote 0/20"
    assert parse_tai64n("@400000006b0462b81ecd2b84")[1] == ""


@pytest.mark.parametrize(
    "line",
    [
        "",
        "@",
        "status: local 0/10",
        "@400000006b0462b81ecd2b8",
        "@400000006b0462b81ecd2b8g x",
        "@+00000006b0462b81ecd2b84 x",
        "@4000 0006b0462b81ecd2b84",
        "@" + "f" * 24,
        "@" + "٤" * 24,
        "\0" * 30,
    ],
)
def test_a_line_without_a_stamp_is_refused(line: str) -> None:
    with pytest.raises(ParseError):
        parse_tai64n(line)


@given(st.text(max_size=60))
def test_any_text_has_a_stamp_or_is_refused(line: str) -> None:
    try:
        at, _ = parse_tai64n(line)
    except ParseError:
        return
    assert at >= 0


@pytest.mark.parametrize(("seconds", "at"), [(2**62 + 10, 0.0), (2**62 + 11, 1.0)])
def test_the_epoch_is_ten_seconds_after_two_to_the_62(seconds: int, at: float) -> None:
    assert epoch_of_tai64(seconds) == at


def test_a_time_before_the_epoch_is_refused() -> None:
    with pytest.raises(ParseError):
        epoch_of_tai64(2**62 + 9)
