"""The machine's own addresses from /proc/net."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.own_addresses import parse_fib_trie, parse_if_inet6

CAPTURES = Path(__file__).parent / "captures/net"


def test_only_local_hosts_count_and_each_once() -> None:
    # broadcast (127.255.255.255) and network (127.0.0.0/8) are not; the table is listed twice
    assert parse_fib_trie((CAPTURES / "fib_trie").read_text()) == ("10.99.0.10", "127.0.0.1")


def test_ipv6_addresses() -> None:
    assert parse_if_inet6((CAPTURES / "if_inet6").read_text()) == ("::1",)
    assert parse_if_inet6("fd000000000000000000000000000002 04 40 00 82     eth0\n") == ("fd00::2",)
    assert parse_if_inet6("\n") == ()


@pytest.mark.parametrize("text", ["", "Main:\n", "|-- 192.0.2.7\n", "|-- not.an.address\n/32 host LOCAL\n"])
def test_a_table_without_addresses_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_fib_trie(text)


@pytest.mark.parametrize("text", ["fd00\n", "x" * 32, "  \nzz"])
def test_a_line_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_if_inet6(text)


@given(st.text())
def test_any_text_gives_addresses_or_a_parse_error(text: str) -> None:
    for parse in (parse_fib_trie, parse_if_inet6):
        try:
            parse(text)
        except ParseError:
            continue
