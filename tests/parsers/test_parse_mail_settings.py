"""dovecot's protocols and clamd's sockets: what the files say, and when they do not tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.clamd import ClamdListens, listens_at
from iwx_agent.parsers.dovecot import enabled_protocols


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("protocols = imap pop3\n", {"imap", "pop3"}),
        ("  protocols=IMAP lmtp # and not pop3\n", {"imap", "lmtp"}),
        ("protocols = imap\nprotocols = pop3\n", {"pop3"}),
        ("protocols = none\n", set()),
        ("protocols =\n", set()),
        ("remote 192.0.2.1 {\n  protocols = pop3\n}\nprotocols = imap\n", {"imap"}),
        ("}\nprotocols = imap\n", {"imap"}),
    ],
)
def test_the_last_top_level_line_counts(text: str, expected: set[str]) -> None:
    assert enabled_protocols(text) == frozenset(expected)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#protocols = imap\n",
        "protocols = $protocols imap\n",
        "protocols {\n  imap = yes\n}\n",
        "my_protocols = imap\n",
        "protocol imap {\n  mail_plugins = quota\n}\n",
        "remote 192.0.2.1 {\n  protocols = pop3\n}\n",
    ],
)
def test_nothing_is_concluded_from_a_file_that_does_not_tell(text: str) -> None:
    assert enabled_protocols(text) is None


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(ParseError):
        enabled_protocols("protocols = imap\0")


@given(st.text(max_size=300))
def test_any_text_has_protocols_or_none_or_is_refused(text: str) -> None:
    try:
        enabled_protocols(text)
    except ParseError:
        assert "\0" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LocalSocket /run/clamd.scan/clamd.sock\n", ClamdListens(socket_path="/run/clamd.scan/clamd.sock")),
        ("TCPSocket 3310\nTCPAddr 127.0.0.1\n", ClamdListens(port=3310)),
        (
            "LocalSocket /a\nLocalSocket /b # the last\nTCPSocket 65535\n",
            ClamdListens(socket_path="/b", port=65535),
        ),
        ("LocalSocket /a\nTCPSocket 65536\n", ClamdListens(socket_path="/a")),
    ],
)
def test_clamd_listens_where_its_file_says(text: str, expected: ClamdListens) -> None:
    assert listens_at(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Example\n",
        "#LocalSocket /a\n",
        "LocalSocket\n",
        "LocalSocket a\n",
        "TCPSocket 0\n",
        "TCPSocket x\n",
        "TCPSocket 123456\n",
        "TCPSocket ٣٣\n",
        "LocalSocket /a\0b\n",
    ],
)
def test_a_file_that_names_no_place_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        listens_at(text)


@given(st.text(max_size=300))
def test_any_text_names_a_place_or_is_refused(text: str) -> None:
    try:
        found = listens_at(text)
    except ParseError:
        return
    assert found.socket_path or found.port
