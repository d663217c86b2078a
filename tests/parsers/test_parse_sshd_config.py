"""sshd_config: the ports."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers import sshd_config
from iwx_agent.parsers.sshd_config import parse_named_only, parse_ports


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("", ()),
        ("#Port 22\nPermitRootLogin no\n", ()),
        ("Port 2222\n", (2222,)),
        ("port=2222\n", (2222,)),
        ('Port "2222"\n', (2222,)),
        ("Port 22\nPort 2222\nPort 22\n", (22, 2222)),
        ("ListenAddress [2001:db8::1]:2200\nListenAddress 2001:db8::1\nListenAddress 192.0.2.7\n", (2200,)),
        ("ListenAddress 192.0.2.7:2201\n", (2201,)),
        ("Match User x\nPort 2222\n", ()),
        ("Port\nPort 0\nPort 65536\nPort x\nPort 999999999999\n", ()),
        ("Port 1\nPort 2\nPort 3\nPort 4\nPort 5\n", (1, 2, 3, 4)),
    ],
)
def test_ports(text: str, ports: tuple[int, ...]) -> None:
    assert parse_ports(text) == ports


@given(st.text())
def test_any_text_gives_ports_that_exist(text: str) -> None:
    assert all(0 < port < 65_536 for port in parse_ports(text))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ()),
        ("#AllowUsers admin\nPermitRootLogin no\n", ()),
        ("AllowUsers  admin\nDENYGROUPS=x\n", ("AllowUsers admin", "DENYGROUPS x")),
        ("Match User x\nAllowUsers y\n", ()),
        ("AllowGroups a\n" * 5, ("AllowGroups a",) * 4),
    ],
)
def test_who_is_let_in_by_name(text: str, lines: tuple[str, ...]) -> None:
    assert parse_named_only(text) == lines


@given(st.text())
def test_any_text_gives_at_most_four_lines(text: str) -> None:
    assert len(parse_named_only(text)) <= 4


def test_sample() -> None:
    assert doctest.testmod(sshd_config).failed == 0
