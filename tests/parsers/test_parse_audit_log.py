"""The agent's own record: the newest outcome, whatever else stands in it."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.parsers import audit_log
from iwx_agent.parsers.audit_log import last_turn


def test_sample() -> None:
    assert doctest.testmod(audit_log).failed == 0


def line(at: str = "2026-11-23T19:52:50Z", **more: object) -> str:
    import json

    told = {
        "at": at,
        "action": "remote-assistance enable",
        "phase": "outcome",
        "way": "panel",
        "outcome": "x",
    }
    return json.dumps(told | more) + "\n"


def test_the_newest_outcome_counts() -> None:
    found = last_turn(
        line() + line("2026-11-23T19:53:50Z", action="remote-assistance disable") + line(phase="intent")
    )
    assert found is not None
    assert (found.turn, found.at, found.way, found.outcome) == ("disable", 1_795_463_630.0, "panel", "x")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        line()[:40],
        "[]\n5\nnull\n",
        line(phase="intent"),
        line(action="something else"),
        line(at="yesterday"),
        line(at="2026-11-23T19:52:50"),  # without its zone
        "[" * 5000,
    ],
)
def test_nothing_that_can_be_used(text: str) -> None:
    assert last_turn(text) is None


def test_what_is_cut_or_odd_is_passed_over() -> None:
    found = last_turn(line() + line()[:50] + "\n" + "{}\n\x00\n")
    assert found is not None


def test_a_long_outcome_is_cut() -> None:
    found = last_turn(line(outcome="x" * 5000, way="y" * 5000, action="remote-assistance " + "z" * 5000))
    assert found is not None
    assert [len(found.outcome), len(found.way), len(found.turn)] == [300, 20, 20]


@given(st.text())
def test_any_text_gives_a_turn_or_none(text: str) -> None:
    assert last_turn(text) is None or text
