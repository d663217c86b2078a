"""A list of tickets as JSON, as the script of a portal's own list page asks for it. Pure."""

import re
from typing import Any

import msgspec
from msgspec import Struct

from iwx_agent.transports.portal.words import plain

_LISTS = ("results", "data", "tickets", "items", "rows")
_TOTALS = ("count", "total", "recordsTotal", "total_count")
_SUBJECTS = ("title", "subject", "summary")
_NUMBERS = ("ticket_for_url", "ticket_number", "ticket", "number", "reference", "ref", "id")
_BRACKETED = re.compile(r"\[([^\[\]]{1,60})\]\s*$")
_ENTRIES_COUNT = 5000
_TEXT_CHARACTERS = 10_000


class JsonList(Struct, frozen=True, kw_only=True):
    """One page of it: each ticket's number and texts, where the next page is, how many there are in all.

    ``total_count`` is None when it is not said. ``doubt`` says why it proves nothing.
    """

    entries: tuple[tuple[str, str], ...] = ()
    following: str = ""
    total_count: int | None = None
    doubt: str = ""


def read_json_list(body: bytes) -> JsonList:
    """Return a page of a list of tickets; with a doubt when it is none."""
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return JsonList(doubt="it is no JSON")
    outer: dict[str, Any] = found if isinstance(found, dict) else {}
    lists = [outer[name] for name in _LISTS if isinstance(outer.get(name), list)]
    rows = found if isinstance(found, list) else lists[0] if len(lists) == 1 else None
    if rows is None or len(rows) > _ENTRIES_COUNT or not all(isinstance(row, dict) for row in rows):
        return JsonList(doubt="it has no list of tickets")
    if not all(any(isinstance(row.get(name), str) for name in _SUBJECTS) for row in rows):
        return JsonList(doubt="its entries have no subject")
    totals = [outer[name] for name in _TOTALS if type(outer.get(name)) is int]
    total = totals[0] if totals else len(rows) if isinstance(found, list) else None
    following = outer.get("next")
    return JsonList(
        entries=tuple((_number(row), _texts(row)) for row in rows),
        following=following if isinstance(following, str) else "",
        total_count=total,
    )


def _number(row: dict[str, Any]) -> str:
    """Return a ticket's number: "1 [support-1]", as django-helpdesk has it, is support-1."""
    found = (row.get(name) for name in _NUMBERS)
    texts = [str(value) for value in found if isinstance(value, (str, int)) and not isinstance(value, bool)]
    inside = [match[1] if (match := _BRACKETED.search(text)) else text for text in texts]
    return next((text[:60] for text in inside if plain(text)), "")


def _texts(row: dict[str, Any]) -> str:
    return "\n".join(value[:_TEXT_CHARACTERS] for value in row.values() if isinstance(value, str))
