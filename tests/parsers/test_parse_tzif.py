"""The time zone of a server: real zones to their hours; what is ill-made never reaches the interpreter."""

import struct
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import resources

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.tzif import check_magic, zone_of

SUMMER = datetime(2026, 7, 1, 12, tzinfo=UTC)
WINTER = datetime(2026, 12, 1, 12, tzinfo=UTC)
FAR = datetime(2090, 7, 1, 12, tzinfo=UTC)  # after the last change that a file names


def data_of(name: str) -> bytes:
    return resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()


def read(zone: tzinfo, at: datetime) -> str:
    return at.astimezone(zone).strftime("%H:%M %Z")


@pytest.mark.parametrize(
    ("name", "summer", "winter", "far"),
    [
        ("Etc/UTC", "12:00 UTC", "12:00 UTC", "12:00 UTC"),
        ("Asia/Tokyo", "21:00 JST", "21:00 JST", "21:00 JST"),
        ("Europe/London", "13:00 BST", "12:00 GMT", "13:00 BST"),
        ("America/Los_Angeles", "05:00 PDT", "04:00 PST", "05:00 PDT"),
        ("America/Sao_Paulo", "09:00 -03", "09:00 -03", "09:00 -03"),
        ("Asia/Kathmandu", "17:45 +0545", "17:45 +0545", "17:45 +0545"),
    ],
)
def test_a_real_zone(name: str, summer: str, winter: str, far: str) -> None:
    zone = zone_of(data_of(name))
    assert (read(zone, SUMMER), read(zone, WINTER), read(zone, FAR)) == (summer, winter, far)


def test_every_zone_that_there_is() -> None:
    names = resources.files("tzdata").joinpath("zones").read_text().split()
    assert len(names) > 500
    for name in names:
        zone = zone_of(data_of(name))
        assert abs(FAR.astimezone(zone).utcoffset() or timedelta()) < timedelta(hours=16), name


def block(
    *,
    version: bytes = b"\0",
    times: tuple[int, ...] = (),
    indices: bytes = b"",
    types: tuple[tuple[int, int, int], ...] = ((3600, 0, 0),),
    names: bytes = b"ABC\0",
    size: str = "l",
) -> bytes:
    """Return one block of a file, as RFC 9636 lays it out."""
    counts = struct.pack(">6L", 0, 0, 0, len(times), len(types), len(names))
    body = struct.pack(f">{len(times)}{size}", *times) + indices
    return (
        b"TZif"
        + version
        + bytes(15)
        + counts
        + body
        + b"".join(struct.pack(">lBB", *t) for t in types)
        + names
    )


def whole(footer: bytes = b"\nABC-1\n", **second: object) -> bytes:
    """Return a file of version 2: an empty first block, the second, and the rule for later years."""
    first = block(version=b"2", types=(), names=b"")
    return first + block(version=b"2", size="q", **second) + footer  # type: ignore[arg-type]


def test_the_old_version_and_the_new_one() -> None:
    assert read(zone_of(block()), SUMMER) == "13:00 ABC"
    assert read(zone_of(whole()), SUMMER) == "13:00 ABC"
    assert read(zone_of(whole(b"\n\n")), SUMMER) == "13:00 ABC"  # no rule: the last offset holds


@pytest.mark.parametrize(
    "rule",
    [
        b"EST5EDT,M3.2.0,M11.1.0",
        b"<-03>3",
        b"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
        b"IST-2IDT,M3.4.4/26,M10.5.0",
    ],
)
def test_a_rule_for_later_years(rule: bytes) -> None:
    assert FAR.astimezone(zone_of(whole(b"\n" + rule + b"\n"))).utcoffset() is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"TZi",
        b"TZif",
        b"#!/bin/sh\n",
        data_of("Asia/Tokyo")[:60],
        data_of("Asia/Tokyo")[:-1],
        data_of("Asia/Tokyo") + b"more",
        block()[:-1],
        block(types=()),
        block(types=((86_400, 0, 0),)),  # a day off is no offset
        block(types=((-86_400, 0, 0),)),
        block(types=((0, 0, 3),)),  # the name would begin at its end
        block(types=((0, 0, 200),)),
        block(names=b"ABCD"),  # without an end
        block(names=b"\x1b[2J\0"),
        block(names=b"\0"),
        block(types=((0, 0, 0),) * 257),
        block(times=(1, 2), indices=b"\0\1"),  # there is no second offset
        block(times=(2, 1), indices=b"\0\0"),
        whole(times=(2**61,), indices=b"\0"),
        whole(times=(-(2**61),), indices=b"\0"),
        whole(b""),
        whole(b"ABC-1"),
        whole(b"\nABC-1"),
        whole(b"\nABC-99\n"),
        whole(b"\nAB-1\n"),
        whole(b"\nABC-1DEF,M1.1.1\n"),
        whole(b"\nEST5EDT,M13.2.0,M11.1.0\n"),
        whole(b"\nABC-1\n\n"),
        whole(b"\n\x1b[2J\n"),
        block(version=b"2"),
        block(version=b"x") * 2 + b"\n\n",
    ],
)
def test_what_is_no_time_zone_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        zone_of(data)


def test_the_first_look_is_cheap_and_only_that() -> None:
    check_magic(b"TZif, it says")
    with pytest.raises(ParseError, match="a time zone"):
        check_magic(b"tzif")


@given(data=st.binary(max_size=300))
@example(data=b"TZif2" + bytes(300))
def test_any_bytes_give_a_zone_or_a_parse_error(data: bytes) -> None:
    for candidate in (data, b"TZif" + data):
        try:
            zone = zone_of(candidate)
        except ParseError:
            continue
        read(zone, SUMMER)


@given(
    name=st.sampled_from(["Asia/Tokyo", "Europe/London", "America/New_York"]),
    place=st.integers(0, 3600),
    value=st.integers(0, 255),
    cut=st.integers(0, 50),
)
def test_a_damaged_zone_gives_a_zone_or_a_parse_error(name: str, place: int, value: int, cut: int) -> None:
    data = bytearray(data_of(name))
    data[place % len(data)] = value
    try:
        zone = zone_of(bytes(data[: len(data) - cut if cut < 10 else None]))
    except ParseError:
        return
    for at in (SUMMER, WINTER, FAR, datetime(1901, 1, 2, tzinfo=UTC)):
        read(zone, at)
