r"""Answers of the panel's command line: JSON in its known wrappings, else its plain columns.

An exit code of 0 proves nothing: an error text, a page or a prompt in place of an answer is a ParseError.

>>> [row.get("status") for row in parse_panel_answer('[{"code": "disk", "status": "1"}]')[0]]
['1']
>>> parse_panel_answer("disk\tDisk space\t0\n")[0][0].get("3")
'0'
>>> parse_panel_answer("[]")
((), True)
"""

import json
import re
from collections.abc import Iterable

from iwx_agent.model import ParseError
from iwx_agent.model.panel_cli import PanelRow

_ROWS_MAX = 2000
_COLUMNS_MAX = 60
_VALUE_CHARACTERS = 2000
_DEPTH_MAX = 4
_WRAPPINGS = ("payload", "data", "result", "results", "rows")
_LISTS = (*_WRAPPINGS, "list", "items", "entries", "nodes", "queue", "commands")
_FAULTS = ("error", "errors", "exception", "fault")
# What tools and PHP say instead of an answer; an answer's first line never begins so.
_COMPLAINT = re.compile(
    r"(?:php )?(?:fatal|warning|notice|error|parse error|exception|uncaught|usage\b|unable to"
    r"|could ?n.t|cannot|can.t|failed to|unknown|invalid|access denied|permission denied|no such|not found"
    r"|sorry\b|please\b)",
    re.IGNORECASE,
)
_PROMPT = re.compile(r"[?:>]\s*$")
_NAMED_LINE = re.compile(r"([A-Za-z][\w .-]{0,60}):(?:\s+(.*))?$")

Rows = tuple[tuple[PanelRow, ...], bool]


def parse_panel_answer(text: str) -> Rows:
    """Return (rows, whether their columns are named).

    Raises:
        ParseError: for anything that is not an answer: an error, a page, a prompt, cut JSON.
    """
    stripped = text.strip().lstrip("\ufeff")
    if not stripped:
        return (), False
    if stripped[0] == "<":
        raise ParseError("an answer of the panel's command line", stripped)
    if stripped[0] in "[{":
        return _from_json(stripped), True
    first = stripped.split("\n", 1)[0].strip()
    if _COMPLAINT.match(first):
        raise ParseError("an answer, not a complaint", first)
    lines = [line for line in stripped.split("\n") if line.strip()]
    if len(lines) == 1 and _PROMPT.search(lines[0]):
        raise ParseError("an answer, not a prompt", first)
    return _from_lines(lines[:_ROWS_MAX])


def _from_json(text: str) -> tuple[PanelRow, ...]:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        raise ParseError("whole JSON", text) from None
    return tuple(_rows(_unwrapped(told), 0))[:_ROWS_MAX]


def _unwrapped(told: object) -> object:
    """Take off ``{"status": 0, "payload": ...}``; a status other than 0 is the panel's way to say no."""
    if not isinstance(told, dict):
        return told
    fault = next((told[key] for key in _FAULTS if told.get(key)), None)
    if fault is not None:
        raise ParseError("an answer, not an error", str(fault))
    inside = [key for key in _WRAPPINGS if key in told]
    if "status" in told and inside:
        if str(told["status"]) not in ("0", "True", "ok", "success"):
            raise ParseError("status 0", f"status {told['status']}: {told[inside[0]]}")
        if told[inside[0]] is False:
            raise ParseError("an answer", "false")
        return told[inside[0]]
    if len(told) == 1 and inside:
        return told[inside[0]]
    return _only_list(told)


def _only_list(told: dict[str, object]) -> object:
    """Return the list of ``{"total": 2, "rows": [...]}``: one list of a known name among plain values."""
    lists = [key for key, value in told.items() if isinstance(value, list | dict)]
    if len(lists) == 1 and lists[0] in _LISTS and isinstance(told[lists[0]], list):
        return told[lists[0]]
    return told


def _rows(told: object, depth: int) -> Iterable[PanelRow]:
    """Walk lists and tables of rows; a table of tables is rows that lost their list."""
    if isinstance(told, list):
        for item in told[:_ROWS_MAX]:
            yield from _rows(item, depth + 1) if isinstance(item, list | dict) else (_row({"1": item}),)
    elif isinstance(told, dict):
        values = list(told.values())
        if values and depth < _DEPTH_MAX and all(isinstance(value, dict) for value in values):
            for value in values[:_ROWS_MAX]:
                yield from _rows(value, depth + 1)
        elif told:
            yield _row(told)
    elif told not in (None, "", False):
        yield _row({"1": told})


def _row(told: dict[str, object]) -> PanelRow:
    columns = list(told.items())[:_COLUMNS_MAX]
    return PanelRow(columns=tuple((str(key)[:100], _value(value)) for key, value in columns))


def _value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)[:_VALUE_CHARACTERS]
    return str(value)[:_VALUE_CHARACTERS]


def _from_lines(lines: list[str]) -> Rows:
    named = [_NAMED_LINE.match(line.strip()) for line in lines]
    if all(named):
        columns = tuple((m[1].strip(), (m[2] or "").strip()[:_VALUE_CHARACTERS]) for m in named if m)
        return (PanelRow(columns=columns[:_COLUMNS_MAX]),), True
    return tuple(_numbered(line) for line in lines), False


def _numbered(line: str) -> PanelRow:
    cells = line.split("\t") if "\t" in line else line.split()
    told = [cell.strip()[:_VALUE_CHARACTERS] for cell in cells[:_COLUMNS_MAX]]
    return PanelRow(columns=tuple((str(number), cell) for number, cell in enumerate(told, start=1)))
