"""What the panel's ``querySsh`` says of Remote Assistance: on or off, and when it ends.

The names of its columns are known at second hand only (``mode`` and ``duration``), so all names and words
are given from outside. What says neither, or both, is a ParseError: it is never taken for on.

>>> from iwx_agent.model.panel_cli import PanelRow
>>> words = AssistanceWords(state=("mode",), end=("expires",), duration=("duration",), on=("1",), off=("0",))
>>> told = parse_assistance((PanelRow(columns=(("mode", "1"), ("duration", "72 hours"))),), words)
>>> told.on, told.duration, told.end
(True, '72 hours', '')
>>> parse_end("2026-11-26 19:52:42", zone_s=3600)
1795719162.0
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from msgspec import Struct

from iwx_agent.model import ParseError
from iwx_agent.model.panel_cli import PanelRow

_FIELD_NAMES = ("name", "field", "key", "option", "setting")
_FIELD_VALUES = ("value", "current", "current_value")
_EPOCH = re.compile(r"[0-9]{10}(?:\.[0-9]{1,9})?")
_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(?:\.\d{1,9})? ?(UTC|GMT|Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_ZONE = re.compile(r"([+-])([0-9]{2})([0-9]{2})")


class AssistanceWords(Struct, frozen=True, kw_only=True):
    """How the columns are called, and the words for on and off; in any case."""

    state: tuple[str, ...]
    end: tuple[str, ...]
    duration: tuple[str, ...]
    on: tuple[str, ...]
    off: tuple[str, ...]


class Assistance(Struct, frozen=True, kw_only=True):
    """What was said; ``end`` and ``duration`` are empty when nothing was said of them."""

    on: bool
    end: str = ""
    duration: str = ""


def parse_assistance(rows: tuple[PanelRow, ...], words: AssistanceWords) -> Assistance:
    """Return what the rows say: one row of named columns, or a row for each field with its name and value.

    Raises:
        ParseError: when no column is called as it should be, or its words are unknown or say both.
    """
    told = [(name.strip().lower(), value.strip()) for row in rows for name, value in _pairs(row)]
    said = [value for name, value in told if name in words.state]
    states = {_state(value, words) for value in said}
    if len(states) != 1:
        expected = f"one column called {' or '.join(words.state)} that says on or off"
        raise ParseError(expected, "; ".join(f"{name}={value}" for name, value in told))
    return Assistance(on=states.pop(), end=_first(told, words.end), duration=_first(told, words.duration))


def _pairs(row: PanelRow) -> Iterator[tuple[str, str]]:
    """Yield (name, value): the columns, and what the row itself names, if it is about one field."""
    yield from row.columns
    named = row.get(*_FIELD_NAMES)
    if named:
        yield named, row.get(*_FIELD_VALUES)
    if (
        len(row.columns) >= 2 and row.columns[0][0] == "1"
    ):  # plain text: the field, then the words of its value
        yield row.columns[0][1], " ".join(value for _, value in row.columns[1:])


def _state(value: str, words: AssistanceWords) -> bool:
    if value.lower() in words.on:
        return True
    if value.lower() in words.off:
        return False
    raise ParseError(f"{' '.join(words.on)} or {' '.join(words.off)}", value)


def _first(told: list[tuple[str, str]], names: tuple[str, ...]) -> str:
    return next((value for name, value in told if name in names and value), "")


def parse_end(text: str, *, zone_s: int | None) -> float | None:
    """Return the moment in seconds since the epoch; None for what is no moment.

    A date without its zone is in the server's, ``zone_s`` seconds ahead of UTC; None when that is not known.
    """
    if _EPOCH.fullmatch(text):
        return float(text)
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        plain = datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    ahead_s = zone_s if found[3] is None else parse_zone(found[3].replace(":", ""))
    return None if ahead_s is None else plain - ahead_s


def names_no_zone(text: str) -> bool:
    """Return whether the text is a date whose zone has to be known from elsewhere."""
    found = _DATE.fullmatch(text)
    return found is not None and found[3] is None


def parse_zone(text: str) -> int | None:
    """Return the seconds that a zone such as ``+0100`` (``date +%z``) or ``UTC`` is ahead; None for none.

    >>> parse_zone("-0530"), parse_zone("UTC"), parse_zone("CET")
    (-19800, 0, None)
    """
    if text in ("UTC", "GMT", "Z"):
        return 0
    found = _ZONE.fullmatch(text)
    if found is None:
        return None
    seconds = int(found[2]) * 3600 + int(found[3]) * 60
    return -seconds if found[1] == "-" else seconds
