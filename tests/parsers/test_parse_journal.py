"""journalctl -o json: entries to lines, the odd forms of MESSAGE, and any text."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import LogLine, ParseError
from iwx_agent.parsers.journal import UNSHOWN, parse_json_lines

CAPTURES = Path(__file__).parent / "captures" / "system"


def texts(text: str, **more: bool) -> list[str]:
    return [line.text for line in parse_json_lines(text, source="journalctl", **more)]


def test_a_real_journal_gives_its_messages_and_times_in_order() -> None:
    lines = parse_json_lines((CAPTURES / "kernel-errors.json").read_text(), source="journalctl -k")
    assert [line.text for line in lines[1:4]] == [
        "EXT4-fs error (device loop0): ext4_lookup:1789: inode #2: comm ls: deleted inode referenced: 12",
        "Aborting journal on device loop0-8.",
        "EXT4-fs (loop0): Remounting filesystem read-only",
    ]
    assert lines[1] == LogLine(text=lines[1].text, source="journalctl -k", at=1795461195.086606)


def test_no_entries_are_an_empty_tuple_also_in_the_words_of_old_releases() -> None:
    assert texts("") == []
    assert texts("-- No entries --\n") == []


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ('"plain"', "plain"),
        ("[104, 105, 255]", "hi\ufffd"),
        ("[]", ""),
        ("null", UNSHOWN),
        ('["one", "two"]', "one\ntwo"),
        ('["one", null]', "one"),
    ],
)
def test_every_form_of_a_message_becomes_text(message: str, text: str) -> None:
    assert texts(f'{{"MESSAGE":{message}}}') == [text]


def test_a_message_that_is_missing_is_said_to_be() -> None:
    assert parse_json_lines("{}", source="s") == (LogLine(text=UNSHOWN, source="s", at=None),)


def test_the_identifier_stands_before_the_message_when_asked_for() -> None:
    entry = '{"SYSLOG_IDENTIFIER":"CROND","MESSAGE":"(root) CMD (x)"}\n{"MESSAGE":"bare"}'
    assert texts(entry, with_identifier=True) == ["CROND: (root) CMD (x)", "bare"]


def test_half_an_entry_is_left_out_only_when_the_output_was_cut() -> None:
    cut = '{"MESSAGE":"a"}\n{"MESS'
    assert texts(cut, truncated=True) == ["a"]
    with pytest.raises(ParseError):
        texts(cut)


@pytest.mark.parametrize(
    "line",
    [
        "Nov 23 16:27:18 host kernel: text",
        "[]",
        '{"MESSAGE":7}',
        '{"MESSAGE":[300]}',
        '{"MESSAGE":[-1]}',
        '{"MESSAGE":"\\ud800"}',
        '{"MESSAGE":"x","__REALTIME_TIMESTAMP":"soon"}',
        '{"MESSAGE":"x","__REALTIME_TIMESTAMP":"' + "9" * 21 + '"}',
        '{"a":' + "[" * 100_000,
    ],
)
def test_what_is_no_entry_is_a_parse_error(line: str) -> None:
    with pytest.raises(ParseError):
        texts(line)


def test_a_message_of_ten_megabytes_is_cut() -> None:
    assert len(texts('{"MESSAGE":"' + "x" * 10_000_000 + '"}')[0]) == 4000


@given(st.text() | st.text().map(lambda text: '{"MESSAGE":' + text + "}"), st.booleans())
def test_any_text_gives_lines_or_a_parse_error(text: str, truncated: bool) -> None:
    with contextlib.suppress(ParseError):
        assert isinstance(parse_json_lines(text, source="s", truncated=truncated), tuple)
