"""Words: hostile text made harmless, times, counts."""

import unicodedata
from datetime import timedelta

import pytest
from building import AT, finding, incident, report, report_host, result
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import Address, IncidentState, Licence, Report, Severity, Status
from iwx_agent.rendering import words

any_text = st.text(st.characters(min_codepoint=0, max_codepoint=0x10FFFF, categories=None), max_size=40)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\x9bm", "a\\x9bm"),
        ("nul\x00", "nul\\x00"),
        ("over\rwritten", "over\\x0dwritten"),
        ("a\u202egnp.exe", "a\\u202egnp.exe"),
        ("a\u2066b\u2069", "a\\u2066b\\u2069"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("line\u2028para\u2029", "line\\u2028para\\u2029"),
        ("half\ud800", "half\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("tab\tnewline\n", "tab     newline\n"),
        ("käse 日本 ✓", "käse 日本 ✓"),
        ("\ufffd", "\ufffd"),  # what invalid UTF-8 was decoded to
    ],
)
def test_what_acts_on_a_terminal_or_reader_is_shown_not_done(text: str, expected: str) -> None:
    assert words.harmless(text) == expected


@given(any_text, st.integers(1, 60))
def test_nothing_that_commands_hides_or_reorders_is_left(text: str, limit: int) -> None:
    shown = words.one_line(text, limit)
    assert "\n" not in shown
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")]
    assert not [
        c for c in shown if unicodedata.bidirectional(c) in ("RLO", "LRO", "RLE", "LRE", "RLI", "LRI", "FSI")
    ]
    shown.encode()
    assert len(shown) <= 10 * limit


def test_one_line_is_one_line_and_bounded() -> None:
    assert words.one_line("  a\r\nb\x0b\x0cc\u2028d  ") == "a b c d"
    assert words.one_line("x" * 10_000_000, 50) == "x" * 49 + "…"
    assert words.one_line("x" * 50, 50) == "x" * 50


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-1, "in the future"),
        (0, "0 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (3600, "1 h ago"),
        (86_399, "23 h ago"),
        (86_400, "1 d ago"),
    ],
)
def test_how_long_ago(seconds: int, expected: str) -> None:
    assert words.ago(AT - timedelta(seconds=seconds), AT) == expected


def test_times() -> None:
    assert words.at(AT) == "2026-11-23 15:26 UTC"
    assert words.at(None) == "unknown"


def test_since() -> None:
    assert words.since(incident(finding()), AT) == "since when: not known"
    known = incident(finding(), since_at=AT - timedelta(hours=2))
    assert words.since(known, AT) == "since 2026-11-23 13:26 UTC, 2 h ago"
    sourced = incident(finding(), since_at=AT - timedelta(hours=2), since_source="log\x1b:7")
    assert words.since(sourced, AT) == "since 2026-11-23 13:26 UTC, 2 h ago (log\\x1b:7)"


@pytest.mark.parametrize(
    ("state", "severity", "grade", "said"),
    [
        ("open", Severity.NOTE, "note", ""),
        ("open", Severity.WARNING, "warning", ""),
        ("open", Severity.ERROR, "error", ""),
        ("confirmed", Severity.EMERGENCY, "EMERGENCY", "seen twice"),
        ("unconfirmed", Severity.EMERGENCY, "EMERGENCY", "seen once"),
        ("passing", Severity.EMERGENCY, "passing", "was over at the second look"),
        ("in_progress", Severity.EMERGENCY, "in progress", "in progress"),
    ],
)
def test_how_bad_and_how_sure(state: str, severity: Severity, grade: str, said: str) -> None:
    made = incident(finding(severity=severity), state=IncidentState(state))
    assert (words.grade_word(made), words.state_words(made)) == (grade, said)


def test_counts() -> None:
    assert [words.counted(n, "check") for n in (0, 1, 2)] == ["0 checks", "1 check", "2 checks"]
    assert words.counted(2, "EMERGENCY", "EMERGENCIES") == "2 EMERGENCIES"


EMERGENCY = incident(finding())
PASSED = incident(finding(), state=IncidentState.PASSING)


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (report(EMERGENCY), ("1 EMERGENCY", "")),
        (report(EMERGENCY, EMERGENCY, PASSED), ("2 EMERGENCIES", "1 other problem")),
        (report(PASSED, PASSED), ("2 problems", "no emergency")),
        (
            report(results=(result(status=Status.UNKNOWN, reason="x"),)),
            ("Nothing found, but not everything could be seen", ""),
        ),
        (report(), ("Nothing wrong", "")),
    ],
)
def test_the_sum_of_a_report(made: Report, said: tuple[str, str]) -> None:
    assert words.headline(made) == said


def test_what_makes_a_report_worth_less() -> None:
    assert words.caveats(report()) == []
    skipped = result(status=Status.NOT_APPLICABLE, reason="x")
    made = report(host=report_host(panel_home="", as_root=False), results=(skipped, skipped, result()))
    assert words.caveats(made) == [
        "No InterWorx panel found here: 2 checks not applicable.",
        "Not run as root: what only root may see is unknown here.",
    ]


def test_what_is_known_of_the_server() -> None:
    host = report_host(
        addresses=(Address(ip="10.0.0.1", source="route", private=True),),
        address_note="a\nb",
        fqdn_resolves=False,
    )
    assert words.environment(report(host=host)) == [
        ("Host name", "iwx1.example.com (hostname -f; does not resolve)"),
        ("Addresses", "10.0.0.1 (private, route)"),
        ("InterWorx", "8.1.5"),
        ("Licence", words.LICENCE_WORDS[Licence.NOT_SET]),
        ("Up since", "2026-11-01 00:00 UTC"),
        ("Note", "a b"),
    ]


@pytest.mark.parametrize(
    ("remedy", "text", "remark", "command", "whole"),
    [
        ("df -h /", "df -h /", "", True, True),
        ("svc -t /x   # restarts it", "svc -t /x", "restarts it", True, True),
        ("/var/qmail/bin/qmail-qstat", "/var/qmail/bin/qmail-qstat", "", True, True),
        ("Free some space.", "Free some space.", "", False, True),
        ("grep a#b /x", "grep a#b /x", "", True, True),
        ("rm 'a  b'", "rm 'a b'", "", True, False),
        ("rm 'a\nb'", "rm 'a b'", "", True, False),
        ("rm \u202ea", "rm \\u202ea", "", True, False),
        ("rm " + "x" * 300, "rm " + "x" * 296 + "…", "", True, False),
        ("", "", "", True, True),
    ],
)
def test_a_step_is_a_command_or_a_sentence(
    remedy: str, text: str, remark: str, command: bool, whole: bool
) -> None:
    assert words.step(remedy) == words.Step(text=text, remark=remark, command=command, whole=whole)
