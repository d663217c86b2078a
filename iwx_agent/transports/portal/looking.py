"""Whether the portal has a ticket: on its search page, or in the account's list. Never a guess."""

import re
from urllib.parse import quote

from iwx_agent.transports.contract import CannotLook, NotFound, Receipt
from iwx_agent.transports.portal import addresses
from iwx_agent.transports.portal.json_list import JsonEntry, read_json_list
from iwx_agent.transports.portal.page import Link
from iwx_agent.transports.portal.paging import entries_of, onward, place_of, untold
from iwx_agent.transports.portal.settings import join, origin_of
from iwx_agent.transports.portal.visit import Opened, Visit, is_json, whole_word
from iwx_agent.transports.portal.words import plain

_PAGES_COUNT = 10
_SHORTENED = ("\u2026", "...")
# A subject of ours begins with its priority and ends with its key: one that does not end so was cut off.
_OURS = re.compile(r"\[(?:URGENT|HIGH|MEDIUM|LOW|INFORMATION)\] (?!.*\[[^\[\]\s]{4,}\])", re.IGNORECASE)
_OURS_BEGINS = re.compile(r"\[(?:URGENT|HIGH|MEDIUM|LOW|INFORMATION)\] ", re.IGNORECASE)
# What a search's page says of the search itself, and of what is no ticket.
_ECHO = re.compile(
    r"(?:you )?(?:have )?search(?:ed|ing)?\b|(?:showing )?(?:search )?results\b", re.IGNORECASE
)
_NO_TICKETS = re.compile(
    r"knowledge ?base|\barticles?\b|\bfaqs?\b|\bannouncements?\b|\bdownloads?\b|\bdocumentation\b",
    re.IGNORECASE,
)
_LONG_NUMBER_CHARACTERS = 5
_SIGNS = " #[]():."
_BY_NUMBER = "only numbers lead to its other pages, which may not be all"
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
    found_at = [(link.text, place_of(opened.page, opened.url, link.href)) for link in opened.page.links]
    own = [(whole_word(text), url) for text, url in found_at if origin_of(url) == origin_of(opened.url)]
    for words in visit.words.form.words("link.list"):
        found = {url for text, url in own if text == whole_word(words)}
        if len(found) == 1:
            return found.pop()
    return None


def _searched(visit: Visit, opened: Opened, key: str) -> Receipt | NotFound | CannotLook:
    """Not found only when the page says so of tickets, and shows none, by whatever link."""
    if found := _in_page(opened, key):
        return found
    where = addresses.without_query(opened.url)
    if _shows(opened, key) or any(key.casefold() in line.casefold() for line in _said(visit, opened)):
        return CannotLook(reason=f"{where} has {key} on it, but not as a ticket")
    if _says_none(visit, opened) and not _lists(visit, opened):
        return NotFound(said=f"{where} says that there is none")
    return CannotLook(reason=f"{where} says neither that there is such a ticket nor that there is none")


def _shows(opened: Opened, key: str) -> bool:
    """Return whether a row or a link has the key in it, wherever it leads."""
    texts = (*(row.text for row in opened.page.rows), *(link.text for link in opened.page.links))
    return any(key.casefold() in text.casefold() for text in texts)


def _said(visit: Visit, opened: Opened) -> list[str]:
    """Return the lines of a search's page that say more than what was searched, or that nothing was found."""
    return [
        line
        for line in opened.page.text.split("\n")
        if _OURS_BEGINS.search(line)
        or not (_ECHO.match(line) or visit.words.phrase_in(line, "said.nothing_found"))
    ]


def _says_none(visit: Visit, opened: Opened) -> bool:
    """Return whether the page says that nothing was found, and not of its articles only."""
    before = ""
    for line in opened.page.text.split("\n"):
        phrase = visit.words.phrase_in(line, "said.nothing_found")
        if phrase and ("ticket" in phrase.casefold() or not _NO_TICKETS.search(f"{before} {line}")):
            return True
        before = line
    return False


def _lists(visit: Visit, opened: Opened) -> bool:
    """Return whether a search's page shows tickets, or what may be some."""
    page = opened.page
    if page.cut or entries_of(page, opened.url) or _OURS_BEGINS.search(page.text):
        return True
    if not any(visit.words.is_one(text, "column.subject") for text in page.headings):
        return False
    return any(link.text not in page.headings for row in page.rows for link in row.links)


def _listed(visit: Visit, opened: Opened, key: str) -> Receipt | NotFound | CannotLook:
    """Go through a list page by page; not found only when all of it was surely seen."""
    if is_json(opened.answer):
        return _listed_json(visit, opened, key)
    seen: set[str] = set()
    entries_count = 0
    by_number = False
    for _ in range(_PAGES_COUNT):
        where = addresses.without_query(opened.url)
        if found := _in_page(opened, key):
            return found
        if doubt := _doubt(visit, opened, key):
            return CannotLook(reason=f"{where}: {doubt}")
        seen.add(opened.url)
        entries_count += len(entries_of(opened.page, opened.url))
        following = onward(opened.page, opened.url, visit.words, seen)
        doubt = following.doubt
        if not following.url and not doubt:
            doubt = untold(opened.page, opened.url, len(seen), entries_count)
            doubt = doubt or (_BY_NUMBER if by_number else "")
        if doubt:
            return CannotLook(reason=f"{where}: {doubt}")
        if not following.url:
            return NotFound(said=f"{where}: all of the account's tickets read (pages: {len(seen)})")
        by_number = by_number or following.by_number
        opened = visit.open(following.url, opened.url)
    return CannotLook(reason=f"the list has more than {_PAGES_COUNT} pages")


def _listed_json(visit: Visit, opened: Opened, key: str) -> Receipt | NotFound | CannotLook:
    """Go through a list that a script would fill the page with."""
    seen_count = 0
    for _ in range(_PAGES_COUNT):
        where = addresses.without_query(opened.url)
        found = read_json_list(opened.answer.body)
        if found.doubt:
            return CannotLook(reason=f"{where}: {found.doubt}")
        if entry := _entry(found.entries, key):
            url = join(opened.url, entry.address) if entry.address else ""
            url = url if url and origin_of(url) == origin_of(opened.url) else ""
            return Receipt(transport="portal", reference=entry.number, url=url, said=f"it stands in {where}")
        if any(_OURS.search(entry.text) for entry in found.entries):
            return CannotLook(reason=f"{where}: {_CUT}")
        seen_count += len(found.entries)
        if not found.following:
            if found.total_count == seen_count and not found.more and not _may_be_part(opened, seen_count):
                return NotFound(said=f"{where}: all {seen_count} of the account's tickets read")
            return CannotLook(reason=f"{where} shows {seen_count} tickets and does not say if that is all")
        following = join(opened.url, found.following)
        if origin_of(following) != origin_of(opened.url):
            return CannotLook(reason=f"{where} goes on at another place")
        opened = visit.open(following, opened.url)
    return CannotLook(reason=f"the list has more than {_PAGES_COUNT} pages")


def _entry(entries: tuple[JsonEntry, ...], key: str) -> JsonEntry | None:
    """Return the ticket with this number, or the one with the key in its texts."""
    named = (entry for entry in entries if _same(entry.number, key))
    worded = (entry for entry in entries if _is_word(key) and _has(entry.text, key))
    return next(named, None) or next(worded, None)


def _may_be_part(opened: Opened, count: int) -> bool:
    """Return whether a list that says nothing of a next page has one: by its headers, or its round size."""
    headers = opened.answer.headers
    if re.search(r"rel\s{0,3}=\s{0,3}\"?next", headers.get("link", ""), re.IGNORECASE):
        return True
    totals = [headers.get(name, "") for name in ("x-total", "x-total-count", "total", "x-wp-total")]
    if any(total.isdecimal() and int(total[:9]) > count for total in totals):
        return True
    return opened.answer.body.lstrip()[:1] == b"[" and count > 0 and count % 5 == 0 and not any(totals)


def _doubt(visit: Visit, opened: Opened, key: str) -> str:
    """Return why a page without the ticket proves nothing; empty when it surely lists tickets."""
    page = opened.page
    if page.cut:
        return "the page has more on it than is read"
    nothing = bool(visit.words.phrase_in(page.text, "said.nothing_found"))
    subject = any(visit.words.is_one(text, "column.subject") for text in page.headings)
    other = any(visit.words.is_one(text, "column.other") for text in page.headings)
    if not (subject and other):
        return "the page is not known to be a list of tickets: no headings such as Subject and Status"
    if _has(page.text, key) or any(_has(link.text, key) for link in page.links):
        return f"the page has {key} on it, but not as a ticket"
    entries = entries_of(page, opened.url)
    if not entries and not nothing:
        return "the list is empty, but does not say so: a script may fill it"
    if not entries and any(link.text not in page.headings for row in page.rows for link in row.links):
        return "the page says that there is none, and has rows that may be tickets"
    if any(mark in row.text for row in entries for mark in _SHORTENED):
        return _CUT
    return _CUT if any(_OURS.search(row.text) for row in entries) else ""


def _in_page(opened: Opened, key: str) -> Receipt | None:
    """Return the ticket with this number, or the one whose link or row has the key as a whole word.

    A number is held against tickets' numbers only: it may stand in any date.
    """
    page = opened.page
    for link in page.links:
        found = _ticket_link(opened, (link,))
        if found and (_same(addresses.reference_in(found), key) or _names(link.text, key)):
            return _receipt(opened, found)
    if not _is_word(key):
        return None
    for row in page.rows:
        if _has(row.text, key) and (found := _ticket_link(opened, row.links)):
            return _receipt(opened, found)
    named = [link for link in page.links if _has(link.text, key)]
    if found := _ticket_link(opened, tuple(named)):
        return _receipt(opened, found)
    if (number := addresses.reference_in(opened.url)) and _has(page.text, key):
        return Receipt(
            transport="portal", reference=number, url=opened.url, said="the search led to the ticket's page"
        )
    return None


def _is_word(key: str) -> bool:
    """Return whether a key can be looked for in texts: it has a letter in it."""
    return any(character.isalpha() for character in key)


def _names(text: str, key: str) -> bool:
    """Return whether a link's words are a ticket's number, and no count of its replies."""
    return _same(text, key) and ("#" in text or len(key) >= _LONG_NUMBER_CHARACTERS or _is_word(text))


def _same(number: str, key: str) -> bool:
    """Return whether a ticket's number is this one: "Ticket #12" is 12."""
    return bool(key.strip(_SIGNS)) and key.strip(_SIGNS).casefold() in (
        number.strip(_SIGNS).casefold(),
        plain(number).removeprefix("ticket ").strip(),
    )


def _ticket_link(opened: Opened, links: tuple[Link, ...]) -> str:
    for link in links:
        target = place_of(opened.page, opened.url, link.href)
        if origin_of(target) == origin_of(opened.url) and addresses.reference_in(target):
            return target
    return ""


def _receipt(opened: Opened, url: str) -> Receipt:
    said = f"it stands on {addresses.without_query(opened.url)}"
    return Receipt(transport="portal", reference=addresses.reference_in(url), url=url, said=said)


def _has(text: str, key: str) -> bool:
    """Return whether a text has the key, not as part of a longer one."""
    return bool(re.search(rf"(?<![^\W_]){re.escape(key)}(?![^\W_])", text, re.IGNORECASE))
