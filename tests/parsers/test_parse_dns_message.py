"""DNS messages: what tinydns and axfrdns really answer, and what is no answer."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.dns_message import build_query, parse_reply

CAPTURES = Path(__file__).parent / "captures/dns"
QUERY = build_query("example.invalid")


@pytest.mark.parametrize("name", ["udp-example", "tcp-example"])
def test_an_answer_for_an_own_zone(name: str) -> None:
    reply = parse_reply((CAPTURES / name).read_bytes(), QUERY)
    assert (reply.rcode, reply.answers_count, reply.authoritative) == (0, 1, True)


def test_a_name_that_is_not_there_is_nxdomain() -> None:
    reply = parse_reply((CAPTURES / "udp-nothere").read_bytes(), build_query("nothere.example.invalid"))
    assert (reply.rcode, reply.answers_count) == (3, 0)


def test_the_query_is_a_question_without_recursion() -> None:
    # header: id, no flags, one question; then the name, type SOA (6), class IN (1): RFC 1035, 4.1
    assert QUERY == b"iw\0\0\0\1\0\0\0\0\0\0\7example\7invalid\0\0\6\0\1"


def test_the_root_and_a_question_to_a_resolver() -> None:
    # the flag for recursion is the lowest bit of the third byte: RFC 1035, 4.1.1
    assert build_query(".", kind=2, recursive=True) == b"iw\1\0\0\1\0\0\0\0\0\0\0\0\2\0\1"


@pytest.mark.parametrize("name", ["", "a..b", "..", "x" * 64, "é.example", ".".join(["a"] * 130)])
def test_a_name_that_no_message_can_hold_is_refused(name: str) -> None:
    with pytest.raises(ParseError):
        build_query(name)


def test_what_answers_another_question_is_refused() -> None:
    good = (CAPTURES / "udp-example").read_bytes()
    for bad in (b"", good[:11], b"xx" + good[2:], QUERY, good[:20] + b"x" + good[21:], good[:14]):
        with pytest.raises(ParseError):
            parse_reply(bad, QUERY)


def test_an_error_may_come_without_the_question_and_names_in_any_case() -> None:
    assert parse_reply(b"iw\x80\5\0\0\0\0\0\0\0\0", QUERY).rcode == 5
    shouted = b"iw\x84\0\0\1\0\1\0\0\0\0\7EXAMPLE\7invalid\0\0\6\0\1"
    assert parse_reply(shouted, QUERY).rcode == 0
    with pytest.raises(ParseError):  # no error and no question is no answer
        parse_reply(b"iw\x80\0\0\0\0\0\0\0\0\0", QUERY)


@given(st.binary())
def test_any_bytes_give_a_reply_or_a_parse_error(data: bytes) -> None:
    for candidate in (data, b"iw\x84\0" + data):
        try:
            parse_reply(candidate, QUERY)
        except ParseError:
            continue
