"""hosts.deny and hosts.allow: only a line that refuses sshd to everybody, and nothing that lets it in."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers import hosts_access
from iwx_agent.parsers.hosts_access import line_that_denies


def test_sample() -> None:
    assert doctest.testmod(hosts_access).failed == 0


@pytest.mark.parametrize(
    ("deny", "allow", "expected"),
    [
        ("", "", ""),
        ("# ALL: ALL\n", "", ""),
        ("ALL: ALL\n", "", "ALL: ALL"),
        ("vsftpd: ALL\nsshd : ALL : spawn /bin/true\n", "", "sshd : ALL : spawn /bin/true"),
        ("sshd: \\\n all\n", "", "sshd:   all"),
        ("sshd@192.0.2.1: ALL\n", "", "sshd@192.0.2.1: ALL"),
        ("ALL: ALL EXCEPT 192.0.2.1\n", "", ""),
        ("sshd: 192.0.2.1\n", "", ""),
        ("sshd:\n", "", ""),
        ("vsftpd: ALL\n", "", ""),
        ("ALL: ALL\n", "sshd: 192.0.2.\n", ""),
        ("ALL: ALL\n", "# sshd: 192.0.2.\nvsftpd: ALL\n", "ALL: ALL"),
    ],
)
def test_the_line_that_denies(deny: str, allow: str, expected: str) -> None:
    assert line_that_denies("sshd", deny=deny, allow=allow) == expected


@given(st.text(), st.text())
def test_any_text_gives_a_line_of_it_or_nothing(deny: str, allow: str) -> None:
    assert len(line_that_denies("sshd", deny=deny, allow=allow)) <= 1024
