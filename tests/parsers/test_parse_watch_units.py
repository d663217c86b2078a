"""What systemd says of the agent's own units: exact, or a ParseError."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.parsers.watch_units import PROPERTIES, parse_watch_units

# As systemctl show prints it: a timer that waits, a service that has run, units that are not there.
TIMER = """\
Id=iwx-agent.timer
LoadState=loaded
ActiveState=active
SubState=waiting
Result=success
UnitFileState=enabled
ActiveEnterTimestampMonotonic=5000000
NextElapseUSecRealtime=Wed 2026-11-25 15:02:10 UTC
TimersCalendar={ OnCalendar=*-*-* *:00/5:00 ; next_elapse=Wed 2026-11-25 15:00:00 UTC }
OnFailure=
"""
SERVICE = """\
Id=iwx-agent.service
LoadState=loaded
ActiveState=inactive
SubState=dead
Result=success
Type=oneshot
ExecMainCode=1
ExecMainStatus=3
InactiveEnterTimestampMonotonic=7000000
OnFailure=iwx-agent-failed.service other.service
"""
GONE = """\
Id=iwx-agent.timer
LoadState=not-found
ActiveState=inactive
SubState=dead

Id=iwx-agent.service
LoadState=not-found
ActiveState=inactive
SubState=dead
"""


def test_both_are_told() -> None:
    found = parse_watch_units(f"{TIMER}\n{SERVICE}", booted_at=100.0)
    assert (found.timer.name, found.timer.running, found.timer.active_enter_at) == (
        "iwx-agent.timer",
        True,
        105.0,
    )
    assert (found.service.exec_main_status, found.service.inactive_enter_at) == (3, 107.0)
    assert found.next_run == "Wed 2026-11-25 15:02:10 UTC"
    assert found.period_s == 300
    assert found.on_failure == ("iwx-agent-failed.service", "other.service")


def test_units_that_are_not_there() -> None:
    found = parse_watch_units(GONE, booted_at=100.0)
    assert (found.timer.exists, found.service.exists) == (False, False)
    assert (found.next_run, found.period_s, found.on_failure) == (None, None, ())


@pytest.mark.parametrize(
    ("rule", "period_s"),
    [
        ("*:0/5", 300),
        ("*:00/15", 900),
        ("*-*-* *:00/10:00", 600),
        ("*-*-* *:00/0:00", None),
        ("*-*-* *:00/5:30", None),
        ("*-*-* 04:00:00", None),
        ("Mon *-*-* *:00/5:00", None),
        ("\x1b[31m", None),
    ],
)
def test_the_period_of_a_rule(rule: str, period_s: int | None) -> None:
    timer = TIMER.replace("*-*-* *:00/5:00", rule)
    assert parse_watch_units(f"{timer}\n{SERVICE}", booted_at=0).period_s == period_s


def test_of_two_rules_no_period_is_made() -> None:
    more = "TimersCalendar={ OnCalendar=*-*-* *:00/5:00 ; next_elapse=n/a }\n"
    assert parse_watch_units(f"{TIMER}{more}\n{SERVICE}", booted_at=0).period_s is None


@pytest.mark.parametrize("words", ["", "n/a", "infinity", "0"])
def test_nothing_is_planned(words: str) -> None:
    timer = TIMER.replace(
        "NextElapseUSecRealtime=Wed 2026-11-25 15:02:10 UTC", f"NextElapseUSecRealtime={words}"
    )
    assert parse_watch_units(f"{timer}\n{SERVICE}", booted_at=0).next_run == ""


def test_words_are_bounded() -> None:
    timer = TIMER.replace("Wed 2026-11-25 15:02:10 UTC", "x" * 100_000)
    assert parse_watch_units(f"{timer}\n{SERVICE}", booted_at=0).next_run == "x" * 80


@pytest.mark.parametrize(
    "text", ["", "\n\n", TIMER, f"{TIMER}\n{SERVICE}\n{SERVICE}", TIMER[:30], "Id=x\n\nId=y\n"]
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(ParseError):
        parse_watch_units(text, booted_at=0)


@given(st.text(max_size=300), st.integers(0, 200))
def test_any_text_is_a_value_or_an_error(text: str, at: int) -> None:
    whole = f"{TIMER}\n{SERVICE}"
    for told in (text, whole[:at] + text + whole[at:]):
        try:
            found = parse_watch_units(told, booted_at=0)
        except ParseError:
            continue
        assert len(found.next_run or "") <= 80


def test_what_is_asked_for_holds_all_that_is_read() -> None:
    assert {"NextElapseUSecRealtime", "TimersCalendar", "OnFailure", "Id", "LoadState"} <= set(PROPERTIES)
