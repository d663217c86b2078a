"""The error log of a database server: errors and crashes, with times only where the zone is known."""

import doctest
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers import mysql_log
from iwx_agent.parsers.mysql_log import parse_errors

CAPTURES = Path(__file__).parent / "captures" / "mysql"


def test_sample() -> None:
    assert doctest.testmod(mysql_log).failed == 0


def test_a_real_log_of_a_broken_redo_log_gives_its_five_errors() -> None:
    lines = parse_errors((CAPTURES / "innodb-redo-corrupt-errorlog.txt").read_text(), source="mariadb.log")
    assert [line.text.partition("[ERROR] ")[2] for line in lines] == [
        "InnoDB: Invalid log header checksum",
        "InnoDB: Plugin initialization aborted with error Data structure corruption",
        "Plugin 'InnoDB' registration as a STORAGE ENGINE failed.",
        "Unknown/unsupported storage engine: InnoDB",
        "Aborting",
    ]
    assert {line.at for line in lines} == {None}


def test_utc_times_of_mysql_8_are_times() -> None:
    text = "2026-11-23T15:26:40.000000Z 0 [ERROR] [MY-010119] [Server] Aborting\n"
    (line,) = parse_errors(text, source="mysqld.log")
    assert line.at == 1_795_447_600.0  # date -u -d 2026-11-23T15:26:40Z +%s


def test_a_time_that_no_clock_shows_is_no_time() -> None:
    (line,) = parse_errors("2026-13-41T25:61:61Z 0 [ERROR] x", source="log")
    assert line.at is None


def test_a_crash_is_an_error_without_the_word() -> None:
    text = "261123 15:56:18 mysqld got signal 11 ;\nThis could be because you hit a bug.\n"
    assert [line.text for line in parse_errors(text, source="log")] == [
        "261123 15:56:18 mysqld got signal 11 ;"
    ]


def test_notes_warnings_and_nothing_are_no_errors() -> None:
    assert (
        parse_errors("2026-11-23 15:56:18 0 [Note] x\n2026-11-23 15:56:18 4 [Warning] y\n", source="l") == ()
    )
    assert parse_errors("", source="l") == ()


def test_a_line_of_ten_megabytes_is_cut() -> None:
    (line,) = parse_errors("[ERROR] " + "x" * 10_000_000, source="l")
    assert len(line.text) == 500


@given(st.text())
def test_any_text_gives_lines(text: str) -> None:
    for line in parse_errors(text, source="l"):
        assert len(line.text) <= 500
