"""Remote Assistance as the panel tells it: on, off, or not understood; never on by mistake."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.model.panel_cli import PanelRow
from iwx_agent.parsers import assistance
from iwx_agent.parsers.assistance import (
    Assistance,
    AssistanceWords,
    names_no_zone,
    parse_assistance,
    parse_end,
    parse_zone,
)
from iwx_agent.parsers.panel_answer import parse_panel_answer

WORDS = AssistanceWords(
    state=("mode", "enabled"),
    end=("expires", "until"),
    duration=("duration",),
    on=("1", "on"),
    off=("0", "off"),
)
AT = 1_795_722_762.0  # date -u -d '2026-11-26 19:52:42' +%s


def told(answer: str) -> Assistance:
    return parse_assistance(parse_panel_answer(answer)[0], WORDS)


def test_sample() -> None:
    assert doctest.testmod(assistance).failed == 0


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"mode": "1", "duration": "72 hours"}', Assistance(on=True, duration="72 hours")),
        ('{"mode": 0, "duration": ""}', Assistance(on=False)),
        ('{"mode": false}', Assistance(on=False)),
        ('{"mode": true, "expires": "2026-11-26 19:52:42"}', Assistance(on=True, end="2026-11-26 19:52:42")),
        ('{"status": 0, "payload": {"MODE": "On", "until": 5}}', Assistance(on=True, end="5")),
        ('[{"enabled": "off"}]', Assistance(on=False)),
        ('[{"mode": "1"}, {"duration": "72 hours"}]', Assistance(on=True, duration="72 hours")),
        (
            '[{"name": "mode", "value": "1"}, {"name": "duration", "value": "72 hours"}]',
            Assistance(on=True, duration="72 hours"),
        ),
        ('[{"field": "Mode", "current": "0"}]', Assistance(on=False)),
        ("mode: 1\nduration: 72 hours\n", Assistance(on=True, duration="72 hours")),
        ("mode 1\nduration 72 hours\n", Assistance(on=True, duration="72 hours")),
        ("mode\t0\nduration\t\n", Assistance(on=False)),
        ('{"mode": "1", "enabled": "on", "expires": "", "until": "x"}', Assistance(on=True, end="x")),
    ],
)
def test_what_is_understood(answer: str, expected: Assistance) -> None:
    assert told(answer) == expected


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "[]",
        "{}",
        "1\t72 hours\n",  # columns without names: which of them is the state cannot be told
        "72 hours\n",
        "on\n",
        '{"ssh": "1"}',
        '{"status": "1"}',
        '{"mode": ""}',
        '{"mode": null}',
        '{"mode": "2"}',
        '{"mode": "yes, until tomorrow"}',
        '{"mode": {"value": "1"}}',
        '{"mode": ["1"]}',
        '{"mode": "1", "enabled": "0"}',
        '[{"mode": "1"}, {"mode": "0"}]',
        '[{"name": "mode"}]',
        '[{"name": "mode", "default": "1"}]',  # what it would be, not what it is
        "<html><title>NodeWorx</title>mode: 1</html>",
        "Type yes to enable support access:",
        "Usage: -c Help -a [querySsh|ssh]",
        "PHP Fatal error:  Uncaught Exception: mode 1",
        '{"status": 11, "payload": {"mode": "1"}}',
        '{"error": {"mode": "1"}}',
        '{"mode": "1"',
    ],
)
def test_what_is_not_understood_is_never_on(answer: str) -> None:
    with pytest.raises(ParseError):
        told(answer)


def test_the_words_that_were_not_understood_are_told() -> None:
    with pytest.raises(ParseError, match=r"expected one column called mode or enabled .*got 'ssh=1; x=2'"):
        told('{"ssh": "1", "x": 2}')
    with pytest.raises(ParseError, match="expected 1 on or 0 off, got 'perhaps'"):
        told('{"mode": "perhaps"}')


@given(st.lists(st.lists(st.tuples(st.text(), st.text()), max_size=4), max_size=4))
def test_any_rows_give_a_state_or_a_parse_error(rows: list[list[tuple[str, str]]]) -> None:
    try:
        found = parse_assistance(tuple(PanelRow(columns=tuple(row)) for row in rows), WORDS)
    except ParseError:
        return
    said = {value.strip().lower() for row in rows for _, value in row}
    assert said & set(WORDS.on if found.on else WORDS.off)


@pytest.mark.parametrize(
    ("text", "zone_s", "expected"),
    [
        ("1795722762", None, AT),
        ("1795722762.5", None, AT + 0.5),
        ("2026-11-26 19:52:42", 0, AT),
        ("2026-11-26T19:52:42Z", None, AT),
        ("2026-11-26 19:52:42.123 UTC", None, AT),
        ("2026-11-26 20:52:42 +01:00", 0, AT),
        ("2026-11-26T14:52:42-0500", None, AT),
        ("2026-11-26 14:52:42", -18_000, AT),
        ("2026-11-26 19:52", 0, AT - 42),
        ("2026-11-26 19:52:42", None, None),
        ("", 0, None),
        ("0", 0, None),
        ("never", 0, None),
        ("72 hours", 0, None),
        ("2026-02-30 19:52:42", 0, None),
        ("2026-11-26 25:00:00", 0, None),
        ("2026-11-26", 0, None),
        ("11/26/2026 19:52", 0, None),
        ("2026-11-26 19:52:42 EST", 0, None),
        ("٢٠٢٦-11-26 19:52:42", 0, None),
        ("1795722762000", 0, None),  # milliseconds, perhaps: not guessed
    ],
)
def test_the_end(text: str, zone_s: int | None, expected: float | None) -> None:
    assert parse_end(text, zone_s=zone_s) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-11-26 19:52:42", True), ("2026-11-26 19:52:42Z", False), ("1795722762", False), ("x", False)],
)
def test_whether_the_zone_is_needed(text: str, expected: bool) -> None:
    assert names_no_zone(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+0000", 0),
        ("+0545", 20_700),
        ("-0500", -18_000),
        ("GMT", 0),
        ("", None),
        ("+1", None),
        ("0100", None),
    ],
)
def test_a_zone(text: str, expected: int | None) -> None:
    assert parse_zone(text) == expected


@given(st.text())
def test_any_text_is_a_moment_or_none(text: str) -> None:
    assert isinstance(parse_end(text, zone_s=0), float | None)
    assert isinstance(parse_zone(text), int | None)
