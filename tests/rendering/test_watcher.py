"""What doctor has found, in words: one line each, the fix below, and nothing that acts on a terminal."""

import re
from typing import Any

import pytest
from building import AT
from hostile import CORPUS
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model.watcher import Ailment, Health
from iwx_agent.rendering.watcher import told


def health(*ailments: Ailment) -> Health:
    return Health(at=AT, ailments=ailments)


def test_a_line_each_and_the_sum() -> None:
    text = told(
        health(
            Ailment(subject="timer", state="fault", said="is off", fix="systemctl enable iwx-agent.timer"),
            Ailment(subject="clock", state="unknown", said="no answer"),
            Ailment(subject="state", state="ok", said="can be read"),
            Ailment(subject="portal", state="skipped", said="not asked"),
        )
    )
    assert text == (
        "FAULT           timer: is off\n"
        "                Fix: systemctl enable iwx-agent.timer\n"
        "could not tell  clock: no answer\n"
        "ok              state: can be read\n"
        "-               portal: not asked\n"
        "1 fault, 1 thing could not be told.\n"
    )


@pytest.mark.parametrize(
    ("states", "last"),
    [
        ((), "The watcher is well."),
        (("ok", "skipped"), "The watcher is well."),
        (("fault", "fault"), "2 faults."),
        (("unknown", "unknown"), "2 things could not be told."),
    ],
)
def test_the_sum(states: tuple[Any, ...], last: str) -> None:
    found = health(*(Ailment(subject="x", state=state, said="y") for state in states))
    assert told(found).splitlines()[-1] == last


@pytest.mark.parametrize("text", CORPUS, ids=range(len(CORPUS)))
def test_hostile_text_makes_no_line_and_commands_no_terminal(text: str) -> None:
    found = told(health(Ailment(subject=text, state="fault", said=text, fix=text or "x")))
    assert len(found.split("\n")) == 4
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]", found)


@given(st.text())
def test_no_text_makes_a_line(text: str) -> None:
    found = told(health(Ailment(subject=text, state="fault", said=text, fix=text or "x")))
    assert len(found.split("\n")) == 4
