"""The panel's health list: states by name or by the third column; half understood is not understood."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.model import ParseError
from iwx_agent.model.panel_cli import HealthRow, PanelRow
from iwx_agent.parsers import health_list
from iwx_agent.parsers.health_list import parse_health


def row(**columns: str) -> PanelRow:
    return PanelRow(columns=tuple(columns.items()))


def plain(*cells: str) -> PanelRow:
    return PanelRow(columns=tuple((str(number), cell) for number, cell in enumerate(cells, start=1)))


def read(*rows: PanelRow) -> tuple[HealthRow, ...]:
    return parse_health(rows, state_names=("status", "state"), name_names=("name", "code"))


def test_sample() -> None:
    assert doctest.testmod(health_list).failed == 0


@pytest.mark.parametrize(
    ("value", "state"), [("0", "well"), ("1", "bad"), ("2", "not_applicable"), (" 1 ", "bad")]
)
def test_the_three_states(value: str, state: str) -> None:
    assert [r.state for r in read(plain("raid", "Raid array", value))] == [state]
    assert [r.state for r in read(row(code="raid", name="Raid array", status=value))] == [state]


def test_a_known_name_of_the_state_is_asked_before_the_third_column() -> None:
    assert read(row(status="1", code="raid", name="0"))[0].state == "bad"
    assert read(row(a="x", b="y", c="1"))[0].state == "bad"


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (row(code="raid", name="Raid array", status="0"), "Raid array"),
        (row(code="raid", status="0"), "raid"),
        (plain("raid", "Raid array", "0"), "Raid array"),
        (row(a="raid", b="", c="0"), "raid"),
        (row(a="", b="", c="0"), "a row without a name"),
        (row(name="n" * 100, code="c", status="0"), "n" * 80),
    ],
)
def test_the_name_of_a_row(told: PanelRow, name: str) -> None:
    assert read(told)[0].name == name


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (plain("8.2.0"),),
        (plain("something", "went", "wrong"),),
        (row(result="not allowed"),),
        (row(code="raid", name="Raid array", status="3"),),
        (row(code="raid", name="Raid array", status="0"), row(code="disk", name="Disk", status="")),
    ],
)
def test_what_is_not_understood_is_an_error(rows: tuple[PanelRow, ...]) -> None:
    with pytest.raises(ParseError):
        read(*rows)


def test_something_bad_is_told_even_when_the_rest_is_not_understood() -> None:
    told = read(plain("x", "y", "z"), plain("raid", "Raid array", "1"))
    assert [(entry.name, entry.state) for entry in told] == [("Raid array", "bad")]


@given(st.lists(st.lists(st.text(max_size=5), max_size=4), max_size=4))
def test_any_rows_give_a_list_or_an_error(cells: list[list[str]]) -> None:
    try:
        told = read(*(plain(*row) for row in cells))
    except ParseError:
        return
    assert told
