"""The kernel's table of unix sockets."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers import unix_sockets
from iwx_agent.parsers.unix_sockets import parse_listening

# Lines as Linux 6.18 printed them.
TABLE = """\
Num       RefCount Protocol Flags    Type St Inode Path
00000000babe0423: 00000003 00000000 00000000 0001 03 35634 /run/systemd/journal/stdout
00000000859d4731: 00000003 00000000 00000000 0001 03 34529
0000000049374a88: 00000002 00000000 00010000 0001 01 35606 /var/lib/mysql/mysql.sock
000000009790edea: 00000002 00000000 00010000 0001 01 35974 /usr/local/interworx/mysql/iworx-db.sock
000000003f44a0aa: 00000002 00000000 00010000 0001 01 35262 @/tmp/abstract
"""


def test_sample() -> None:
    assert doctest.testmod(unix_sockets).failed == 0


def test_only_listening_sockets_with_a_path_are_told() -> None:
    assert parse_listening(TABLE) == ("/var/lib/mysql/mysql.sock", "/usr/local/interworx/mysql/iworx-db.sock")


def test_a_cut_line_is_left_out() -> None:
    assert parse_listening(TABLE.partition(" 0001 01 35606")[0]) == ()


@pytest.mark.parametrize("text", ["", "\n", "Netid State Recv-Q"])
def test_another_table_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_listening(text)


@given(st.text())
def test_any_text_gives_a_value_or_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_listening("x" + text)
    assert all(path.startswith("/") for path in parse_listening(TABLE + text))
