"""What tells of changes: systemd's messages, wtmp, changed files, os-release; real, odd, and any text."""

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.model.changes import BootRecord, EditedFile
from iwx_agent.parsers.edited_files import parse_edited_files
from iwx_agent.parsers.os_release import parse_os_release
from iwx_agent.parsers.unit_events import MESSAGE_IDS, parse_unit_events
from iwx_agent.parsers.wtmp import parse_wtmp

CAPTURES = Path(__file__).parent / "captures" / "changes"
EVENTS = (CAPTURES / "unit-events.jsonl").read_text()
WTMP = (CAPTURES / "wtmp").read_bytes()


def test_what_systemd_did_with_its_units() -> None:
    told = [(event.unit, event.kind, event.result) for event in parse_unit_events(EVENTS)]
    assert len(told) == 31
    assert told[11:15] == [
        ("httpd.service", "restarting", ""),
        ("httpd.service", "started", ""),
        ("httpd.service", "reload_failed", ""),
        ("dovecot.service", "restarting", ""),
    ]
    assert ("httpd.service", "failed", "exit-code") in told
    assert told[-3:] == [
        ("mariadb.service", "failed", "signal"),
        ("crond.service", "stopped", ""),
        ("crond.service", "started", ""),
    ]
    assert parse_unit_events(EVENTS)[0].at == 1795586888.289754


def test_nothing_happened() -> None:
    assert parse_unit_events("") == ()
    assert parse_unit_events("-- No entries --\n") == ()


def test_of_output_that_was_cut_the_whole_lines_count() -> None:
    assert len(parse_unit_events(EVENTS[:-400], truncated=True)) == 30
    with pytest.raises(ParseError):
        parse_unit_events(EVENTS[:-400])


def event(message_id: str, **more: str) -> str:
    told = {"MESSAGE_ID": message_id, "UNIT": "x.service", "__REALTIME_TIMESTAMP": "1000000", **more}
    return "{" + ",".join(f'"{key}":"{value}"' for key, value in told.items()) + "}\n"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (event(MESSAGE_IDS[0]), "started"),
        (event(MESSAGE_IDS[1], JOB_TYPE="stop"), "stopped"),
        (event(MESSAGE_IDS[1]), "stopped"),  # systemd 219 says no more
        (event(MESSAGE_IDS[1], JOB_TYPE="restart"), "restarting"),
        (event(MESSAGE_IDS[2]), "start_failed"),
        (event(MESSAGE_IDS[3], JOB_RESULT="done"), "reloaded"),
        (event(MESSAGE_IDS[3]), "reloaded"),
        (event(MESSAGE_IDS[3], JOB_RESULT="failed"), "reload_failed"),
        (event(MESSAGE_IDS[4], UNIT_RESULT="signal"), "failed"),
        (event(MESSAGE_IDS[5]), "automatic_restart"),
    ],
)
def test_each_message_is_known(text: str, kind: str) -> None:
    assert [found.kind for found in parse_unit_events(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "no journal\n",
        "{}\n",
        event("0" * 32),
        event(MESSAGE_IDS[0], __REALTIME_TIMESTAMP="yesterday"),
        event(MESSAGE_IDS[0], __REALTIME_TIMESTAMP="1" * 21),
        "[" * 3000,
    ],
)
def test_another_text_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_unit_events(text)


def test_the_boots_of_a_real_server() -> None:
    assert parse_wtmp(WTMP) == (BootRecord(kind="boot", at=1795586888.0),)


def record(kind: int, user: bytes, at: int) -> bytes:
    return (
        kind.to_bytes(2, "little")
        + bytes(42)
        + user.ljust(32, b"\0")
        + bytes(264)
        + (at.to_bytes(4, "little") + bytes(40))
    )


def test_shutdowns_count_and_logins_do_not() -> None:
    data = record(1, b"shutdown", 10) + record(7, b"reboot", 11) + record(2, b"reboot", 12)
    assert [(found.kind, found.at) for found in parse_wtmp(data)] == [("shutdown", 10.0), ("boot", 12.0)]
    assert parse_wtmp(record(1, b"runlevel", 1) + record(2, b"other", 2)) == ()


def test_the_end_of_a_long_file_is_read_from_its_end() -> None:
    data = record(7, b"root", 9)[100:] + record(2, b"reboot", 12)
    assert [found.at for found in parse_wtmp(data, truncated=True)] == [12.0]
    with pytest.raises(ParseError, match="records of 384 bytes"):
        parse_wtmp(data)


def test_another_file_of_that_size_is_refused() -> None:
    with pytest.raises(ParseError, match="a type of record"):
        parse_wtmp(b"x" * 384)
    assert parse_wtmp(b"") == ()


def test_changed_files_come_in_the_order_of_time() -> None:
    text = "30.5 /etc/b c\n10 /etc/a\n30.5 /etc/a\n"
    assert parse_edited_files(text) == (
        EditedFile(path="/etc/a", at=10.0),
        EditedFile(path="/etc/a", at=30.5),
        EditedFile(path="/etc/b c", at=30.5),
    )
    assert parse_edited_files("") == ()
    assert len(parse_edited_files(text[:-3], truncated=True)) == 2


@pytest.mark.parametrize("text", ["x /etc/a\n", "1 relative\n", "1\n", "-1 /etc/a\n", "1 /\n"])
def test_what_find_would_not_print_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_edited_files(text)


@pytest.mark.parametrize("text", ["", "VERSION_ID=9\n", "NAME\n", 'NAME="open\n', "NAME=''\n"])
def test_a_system_without_a_name_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_os_release(text)


def test_a_long_name_is_cut() -> None:
    assert len(parse_os_release(f"NAME={'x' * 500}")) == 120


@pytest.mark.parametrize("parse", [parse_unit_events, parse_edited_files, parse_os_release])
@given(text=st.text())
def test_any_text_gives_a_value_or_parse_error(parse: Callable[[str], object], text: str) -> None:
    with contextlib.suppress(ParseError):
        parse(text)


@given(data=st.binary(max_size=2000), truncated=st.booleans())
def test_any_bytes_give_boots_or_parse_error(data: bytes, truncated: bool) -> None:
    with contextlib.suppress(ParseError):
        parse_wtmp(data, truncated=truncated)
