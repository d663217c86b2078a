r"""The panel's health list: one row for each thing it watches; 0 is well, 1 bad, 2 does not apply.

>>> from iwx_agent.model.panel_cli import PanelRow
>>> row = PanelRow(columns=(("1", "raid"), ("2", "Raid array"), ("3", "1")))
>>> [(entry.name, entry.state) for entry in parse_health((row,), state_names=(), name_names=())]
[('Raid array', 'bad')]
"""

from collections.abc import Iterable
from typing import Literal

from iwx_agent.model import ParseError
from iwx_agent.model.panel_cli import HealthRow, PanelRow

_STATES: dict[str, Literal["well", "bad", "not_applicable"]] = {
    "0": "well",
    "1": "bad",
    "2": "not_applicable",
}
_STATE_COLUMN = 2  # the third: seen in the plain output; JSON is taken to have the same order
_NAME_CHARACTERS = 80


def parse_health(
    rows: Iterable[PanelRow], *, state_names: tuple[str, ...], name_names: tuple[str, ...]
) -> tuple[HealthRow, ...]:
    """Return the rows that are understood.

    Raises:
        ParseError: for no rows at all, and for rows without a state unless others tell of something bad:
            a list that is half understood is no proof that all is well.
    """
    told = tuple(rows)
    if not told:
        raise ParseError("at least one row in the health list")
    known = [found for row in told if (found := _row(row, state_names, name_names))]
    if len(known) < len(told) and not any(row.state == "bad" for row in known):
        strange = next(row for row in told if _row(row, state_names, name_names) is None)
        raise ParseError("0, 1 or 2 as the state of each row of the health list", strange.text)
    return tuple(known)


def _row(row: PanelRow, state_names: tuple[str, ...], name_names: tuple[str, ...]) -> HealthRow | None:
    value = row.get(*state_names)
    if not value and len(row.columns) > _STATE_COLUMN:
        value = row.columns[_STATE_COLUMN][1]
    state = _STATES.get(value.strip())
    if state is None:
        return None
    words = [text for _, text in row.columns if text and text != value]
    name = row.get(*name_names) or next(iter(words[1:2] or words), "a row without a name")
    return HealthRow(name=name[:_NAME_CHARACTERS], state=state, words=row.words)
