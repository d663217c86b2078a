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
# Where a ticket's page is; what is below /api/ is for programs.
_ADDRESSES = ("html_url", "web_url", "absolute_url", "view_url", "link", "href", "url")
_FOR_PROGRAMS = re.compile(r"/api/|\.json(?:$|[?#])", re.IGNORECASE)
_MORE = ("next", "has_more", "hasMore", "more", "next_page", "nextPage", "next_page_url", "next_cursor")
_NESTED = ("links", "_links", "meta", "pagination", "paging")
_BRACKETED = re.compile(r"\[([^\[\]]{1,60})\]\s*$")
_ENTRIES_COUNT = 5000
_ADDRESS_CHARACTERS = 2000
_TEXT_CHARACTERS = 10_000


class JsonEntry(Struct, frozen=True, kw_only=True):
    """One ticket: its number, its texts, its page's address as it stands there or empty."""

    number: str
    text: str
    address: str = ""


class JsonList(Struct, frozen=True, kw_only=True):
    """One page of it: the tickets, where the next page is, how many there are in all.

    ``total_count`` is None when it is not said. ``more`` when it goes on, and not at an
    address. ``doubt`` says why it proves nothing.
    """

    entries: tuple[JsonEntry, ...] = ()
    following: str = ""
    total_count: int | None = None
    more: bool = False
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
        entries=tuple(
            JsonEntry(number=_number(row), text=_texts(row), address=_address(row)) for row in rows
        ),
        following=following if isinstance(following, str) else "",
        total_count=total,
        more=not (isinstance(following, str) and following) and _goes_on(outer),
    )


def _number(row: dict[str, Any]) -> str:
    """Return a ticket's number: "1 [support-1]", as django-helpdesk has it, is support-1."""
    found = (row.get(name) for name in _NUMBERS)
    texts = [str(value) for value in found if isinstance(value, (str, int)) and not isinstance(value, bool)]
    inside = [match[1] if (match := _BRACKETED.search(text)) else text for text in texts]
    return next((text[:60] for text in inside if plain(text)), "")


def _address(row: dict[str, Any]) -> str:
    """Return where a ticket's page is: the first address that is no program's."""
    found = (row.get(name) for name in _ADDRESSES)
    texts = (value for value in found if isinstance(value, str) and 0 < len(value) <= _ADDRESS_CHARACTERS)
    return next((text for text in texts if not _FOR_PROGRAMS.search(text)), "")


def _goes_on(outer: dict[str, Any]) -> bool:
    """Return whether a page says that there are more, in one of the usual ways."""
    inner = (outer.get(name) for name in _NESTED)
    return any(bool(one.get(name)) for one in (outer, *inner) if isinstance(one, dict) for name in _MORE)


def _texts(row: dict[str, Any]) -> str:
    return "\n".join(value[:_TEXT_CHARACTERS] for value in row.values() if isinstance(value, str))
