"""Certificates that openssl made, and damaged ones; expected times are those of ``openssl x509 -dates``."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.x509 import parse_certificate

CAPTURES = Path(__file__).parent / "captures/x509"
EXPIRED = (CAPTURES / "expired.der").read_bytes()


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


def test_an_expired_one_that_signed_itself() -> None:
    found = parse_certificate(EXPIRED)
    assert (found.subject, found.issuer, found.self_issued) == (
        "site03.example.invalid",
        "site03.example.invalid",
        True,
    )
    assert (found.not_before_at, found.not_after_at) == (at(2024, 1, 1), at(2024, 3, 31))


def test_one_that_another_signed_without_common_names() -> None:
    found = parse_certificate((CAPTURES / "issued.der").read_bytes())
    assert (found.subject, found.issuer, found.self_issued) == ("Example Org", "Example CA", False)
    assert (found.not_before_at, found.not_after_at) == (at(2026, 11, 1), at(2027, 1, 30))


def test_an_end_beyond_2049_is_written_in_another_form() -> None:
    found = parse_certificate((CAPTURES / "self-2109.der").read_bytes())
    assert found.subject == "*.example.com"
    assert found.not_after_at == at(2109, 1, 12, 19, 30, 42)


def element(tag: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    return bytes([tag, len(value)]) + value


def made(begin: bytes, end: bytes, subject: bytes = b"") -> bytes:
    """A small certificate of the first version: no version field."""
    head = element(0x02, b"\1") + element(0x30)
    inner = head + element(0x30) + element(0x30, begin, end) + element(0x30, subject)
    return element(0x30, element(0x30, inner))


TIME = element(0x17, b"260101000000Z")


def test_two_digit_years_turn_at_fifty() -> None:
    found = parse_certificate(made(element(0x17, b"500101000000Z"), element(0x17, b"491231235959Z")))
    assert (found.not_before_at, found.not_after_at) == (at(1950, 1, 1), at(2049, 12, 31, 23, 59, 59))
    assert (found.subject, found.self_issued) == ("", True)


def test_a_name_in_two_byte_letters_and_one_with_too_many_parts() -> None:
    kind = element(0x06, bytes.fromhex("550403"))
    wide = element(0x31, element(0x30, kind, element(0x1E, "é".encode("utf-16-be"))))
    assert parse_certificate(made(TIME, TIME, wide)).subject == "é"
    country = element(0x31, element(0x30, element(0x06, bytes.fromhex("550406")), element(0x13, b"U")))
    head = element(0x02, b"\1") + element(0x30) + element(0x30) + element(0x30, TIME, TIME)
    parts = country * 60
    name = b"\x30\x82" + len(parts).to_bytes(2, "big") + parts
    tbs = b"\x30\x82" + len(head + name).to_bytes(2, "big") + head + name
    whole = b"\x30\x82" + len(tbs).to_bytes(2, "big") + tbs
    assert parse_certificate(whole).subject == ""


@pytest.mark.parametrize(
    "time",
    [
        element(0x17, b"261301000000Z"),
        element(0x17, b"2601010000Z"),
        element(0x17, b"260101000000+"),
        element(0x17, b"2601010000000"),
        element(0x18, "２0260101000000Z".encode()[:15]),
        element(0x0C, b"20260101000000Z"),
        element(0x18, b"99999999999999Z"),
    ],
)
def test_a_time_that_is_none_is_refused(time: bytes) -> None:
    with pytest.raises(ParseError):
        parse_certificate(made(time, TIME))


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x80", b"\x30\x85\1\1\1\1\1", b"\x30\x82\1", b"\x30\5\1"]
)
def test_a_length_beyond_the_data_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_certificate(data)


def test_every_cut_of_a_real_one_is_refused() -> None:
    for length in range(len(EXPIRED)):
        with pytest.raises(ParseError):
            parse_certificate(EXPIRED[:length])


@given(st.integers(0, len(EXPIRED) - 1), st.integers(0, 255))
def test_any_flipped_byte_gives_a_certificate_or_a_parse_error(place: int, value: int) -> None:
    data = EXPIRED[:place] + bytes([value]) + EXPIRED[place + 1 :]
    try:
        parse_certificate(data)
    except ParseError:
        return


@given(st.binary())
def test_any_bytes_give_a_certificate_or_a_parse_error(data: bytes) -> None:
    try:
        parse_certificate(data)
    except ParseError:
        return
