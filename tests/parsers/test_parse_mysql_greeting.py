"""The first packet of a database server: real ones, the protocol's edges, and anything else."""

import doctest
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.model.database import ServerGreeting
from iwx_agent.parsers import mysql_greeting
from iwx_agent.parsers.mysql_greeting import parse_greeting

CAPTURES = Path(__file__).parent / "captures" / "mysql"


def packet(body: bytes, sequence: int = 0) -> bytes:
    return len(body).to_bytes(3, "little") + bytes([sequence]) + body


def test_sample() -> None:
    assert doctest.testmod(mysql_greeting).failed == 0


def test_a_real_greeting_gives_the_version_without_the_prefix_for_replicas() -> None:
    greeting = parse_greeting((CAPTURES / "greeting-mariadb-10.11.bin").read_bytes())
    assert greeting == ServerGreeting(version="10.11.19-MariaDB-0+deb12u1")


def test_a_real_refusal_gives_its_code_and_words() -> None:
    greeting = parse_greeting((CAPTURES / "too-many-mariadb-10.11.bin").read_bytes())
    assert greeting == ServerGreeting(error_code=1040, text="Too many connections")


def test_an_sql_state_is_left_out() -> None:
    data = packet(b"\xff\x69\x04#HY000Host 'h' is blocked")
    assert parse_greeting(data) == ServerGreeting(error_code=1129, text="Host 'h' is blocked")


def test_an_error_without_words_is_an_error() -> None:
    assert parse_greeting(packet(b"\xff\x10\x04")) == ServerGreeting(error_code=1040)


def test_what_follows_the_first_packet_is_not_looked_at() -> None:
    assert parse_greeting(packet(b"\xff\x10\x04no") + b"\0\0\1\xfe").text == "no"


def test_an_error_text_is_bounded_and_invalid_utf_8_is_replaced() -> None:
    greeting = parse_greeting(packet(b"\xff\x10\x04" + b"\xfe" * 10_000))
    assert greeting.text == "\N{REPLACEMENT CHARACTER}" * 512


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01\0\0\0",  # the header alone
        b"\0\0\0\0\x0a5.7\0",  # says that nothing follows
        packet(b"\x0a5.7.44\0", sequence=1),  # not the first packet
        packet(b"\x095.7.44\0"),  # protocol 9, of before 1998
        packet(b"\x0a5.7.44"),  # cut before the end of the version
        packet(b"\x0a\0"),  # no version at all
        packet(b"\x0a" + b"5" * 300 + b"\0"),
        packet(b"\xff\x10"),
        b"220 mail.example.com ESMTP\r\n",
        b"HTTP/1.1 400 Bad Request\r\n",
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ParseError):
        parse_greeting(data)


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=300).map(packet)))
def test_any_bytes_give_a_value_or_parse_error(data: bytes) -> None:
    try:
        greeting = parse_greeting(data)
    except ParseError:
        return
    assert bool(greeting.version) != (data[4] == 0xFF)
