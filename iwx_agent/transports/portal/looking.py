"""Whether the portal has a ticket: on its search page, or in the account's list. Never a guess."""

import re
from urllib.parse import quote

from iwx_agent.transports.contract import CannotLook, NotFound, Receipt
from iwx_agent.transports.portal import endings
from iwx_agent.transports.portal.json_list import read_json_list
from iwx_agent.transports.portal.page import Link, Page, Row
from iwx_agent.transports.portal.settings import join, origin_of
from iwx_agent.transports.portal.visit import Opened, Visit, is_json, whole_word

_PAGES_COUNT = 10
_SHORTENED = ("\u2026", "...")
# A subject of ours begins with its priority and ends with its key: one that does not end so was cut off.
_OURS = re.compile(r"\[(?:URGENT|HIGH|MEDIUM|LOW|INFORMATION)\] (?!.*\[[^\[\]\s]{4,}\])", re.IGNORECASE)
_CUT = "the list shortens what is in it, and the key may be cut off"


def find_ticket(visit: Visit, key: str) -> Receipt | NotFound | CannotLook:
    """Return the ticket with this key (or number). Raises Undelivered when the portal cannot be asked."""
    place = visit.place
    if not key.strip():
        return CannotLook(reason="there is no key to look for")
    if place.search_address:
        opened = visit.portal_page(place.search_address.replace("{key}", quote(key, safe="")))
        return _searched(visit, opened, key)
    if place.account is None:
        return CannotLook(
            reason="as a guest, and no search_address is set: the portal shows no list of tickets"
        )
    opened = visit.portal_page(place.list_address or place.address)
    if not place.list_address:
        listed = _list_link(visit, opened)
        if listed is None:
            return CannotLook(reason="no link to a list of tickets was found; list_address is not set")
        opened = visit.open(listed, opened.url)
    return _listed(visit, opened, key)


def _list_link(visit: Visit, opened: Opened) -> str | None:
    """Return where the account's tickets are listed: by the first words that a link of the page has."""
    own = [
        link for link in opened.page.links if origin_of(join(opened.url, link.href)) == origin_of(opened.url)
    ]
    for words in visit.words.form.words("link.list"):
        found = {join(opened.url, link.href) for link in own if whole_word(link.text) == whole_word(words)}
        if len(found) == 1:
            return found.pop()
    return None


def _searched(visit: Visit, opened: Opened, key: str) -> Receipt | NotFound | CannotLook:
    if found := _in_page(opened, key):
        return found
    where = endings.without_query(opened.url)
    if key.casefold() in opened.page.text.casefold().replace(f'"{key.casefold()}"', "") and _entries(
        opened.page
    ):
        return CannotLook(reason=f"{where} has {key} on it, but not as a ticket")
    if visit.words.phrase_in(opened.page.text, "said.nothing_found") and not _entries(opened.page):
        return NotFound(said=f"{where} says that there is none")
    return CannotLook(reason=f"{where} says neither that there is such a ticket nor that there is none")


def _listed(visit: Visit, opened: Opened, key: str) -> Receipt | NotFound | CannotLook:
    """Go through a list page by page; not found only when all of it was surely seen."""
    if is_json(opened.answer):
        return _listed_json(visit, opened, key)
    seen: set[str] = set()
    for _ in range(_PAGES_COUNT):
        where = endings.without_query(opened.url)
        if found := _in_page(opened, key):
            return found
        if doubt := _doubt(visit, opened.page):
            return CannotLook(reason=f"{where}: {doubt}")
        seen.add(opened.url)
        following = _next_page(visit, opened) - seen
        if not following:
            return NotFound(said=f"{where}: all of the account's tickets read (pages: {len(seen)})")
        if len(following) > 1:
            return CannotLook(reason=f"{where}: which page comes next cannot be told")
        opened = visit.open(following.pop(), opened.url)
    return CannotLook(reason=f"the list has more than {_PAGES_COUNT} pages")


def _listed_json(visit: Visit, opened: Opened, key: str) -> Receipt | NotFound | CannotLook:
    """Go through a list that a script would fill the page with."""
    seen_count = 0
    for _ in range(_PAGES_COUNT):
        where = endings.without_query(opened.url)
        found = read_json_list(opened.answer.body)
        if found.doubt:
            return CannotLook(reason=f"{where}: {found.doubt}")
        for number, text in found.entries:
            if _has(text, key):
                return Receipt(transport="portal", reference=number, said=f"it stands in {where}")
            if _OURS.search(text):
                return CannotLook(reason=f"{where}: {_CUT}")
        seen_count += len(found.entries)
        if not found.following:
            if found.total_count == seen_count:
                return NotFound(said=f"{where}: all {seen_count} of the account's tickets read")
            return CannotLook(reason=f"{where} shows {seen_count} tickets and does not say if that is all")
        following = join(opened.url, found.following)
        if origin_of(following) != origin_of(opened.url):
            return CannotLook(reason=f"{where} goes on at another place")
        opened = visit.open(following, opened.url)
    return CannotLook(reason=f"the list has more than {_PAGES_COUNT} pages")


def _next_page(visit: Visit, opened: Opened) -> set[str]:
    words = {whole_word(word) for word in visit.words.form.words("link.next_page")}
    links = {join(opened.url, link.href) for link in opened.page.links if whole_word(link.text) in words}
    return {link for link in links if origin_of(link) == origin_of(opened.url)}


def _doubt(visit: Visit, page: Page) -> str:
    """Return why a page without the ticket proves nothing; empty when it surely lists tickets."""
    nothing = bool(visit.words.phrase_in(page.text, "said.nothing_found"))
    subject = any(visit.words.is_one(text, "column.subject") for text in page.headings)
    other = any(visit.words.is_one(text, "column.other") for text in page.headings)
    if not (subject and other):
        return "the page is not known to be a list of tickets: no headings such as Subject and Status"
    entries = _entries(page)
    if not entries and not nothing:
        return "the list is empty, but does not say so: a script may fill it"
    if any(mark in row.text for row in entries for mark in _SHORTENED):
        return _CUT
    return _CUT if any(_OURS.search(row.text) for row in entries) else ""


def _entries(page: Page) -> list[Row]:
    """Return the rows that lead somewhere: tickets, if the page lists any."""
    return [
        row
        for row in page.rows
        if any(endings.reference_in(f"https://x.invalid/{link.href.lstrip('/')}") for link in row.links)
    ]


def _in_page(opened: Opened, key: str) -> Receipt | None:
    """Return the ticket when a link to its page, or a row with one, has the key as a whole word."""
    for row in opened.page.rows:
        if _has(row.text, key) and (found := _ticket_link(opened, row.links)):
            return _receipt(opened, found)
    named = [link for link in opened.page.links if _has(link.text, key)]
    if found := _ticket_link(opened, tuple(named)):
        return _receipt(opened, found)
    if (number := endings.reference_in(opened.url)) and _has(opened.page.text, key):
        return Receipt(
            transport="portal", reference=number, url=opened.url, said="the search led to the ticket's page"
        )
    return None


def _ticket_link(opened: Opened, links: tuple[Link, ...]) -> str:
    for link in links:
        target = join(opened.url, link.href)
        if origin_of(target) == origin_of(opened.url) and endings.reference_in(target):
            return target
    return ""


def _receipt(opened: Opened, url: str) -> Receipt:
    said = f"it stands on {endings.without_query(opened.url)}"
    return Receipt(transport="portal", reference=endings.reference_in(url), url=url, said=said)


def _has(text: str, key: str) -> bool:
    """Return whether a text has the key, not as part of a longer one."""
    return bool(re.search(rf"(?<![^\W_]){re.escape(key)}(?![^\W_])", text, re.IGNORECASE))
