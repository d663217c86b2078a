"""Whether a list of tickets goes on after a page, and where: by links, buttons and counts. Pure."""

import re
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from iwx_agent.transports.portal import addresses
from iwx_agent.transports.portal.page import Link, Page, Row
from iwx_agent.transports.portal.settings import join, origin_of
from iwx_agent.transports.portal.words import Vocabulary, plain

_SCRIPTED = re.compile(r"^(?:#|javascript:|$)", re.IGNORECASE)
_NUMBER = re.compile(r"(?:(?:go ?to )?page )?([0-9]{1,6})$")
_PAGE_PARAMETER = re.compile(
    r"(?:^|[-_\[.])(?:p|pg|pages?|pagenum|pageno|offset|start|startat|limitstart|skip|from|after|cursor)\]?$",
    re.IGNORECASE,
)
_ONWARD = ("link.next_page", "link.more")
_COUNT = r"([0-9](?:[0-9.,']{0,12}[0-9])?)"
_PAGES = re.compile(rf"\bpages?\W{{0,3}}{_COUNT}\W{{0,3}}(?:of|/)\W{{0,3}}{_COUNT}\b", re.IGNORECASE)
_PART = re.compile(
    rf"(?:{_COUNT}\s{{0,3}}(?:-|\u2013|\u2014|\bto\b|\bthrough\b)\s{{0,3}})?"
    rf"\b{_COUNT}\s{{0,3}}\b(?:out )?of\b\s{{0,3}}(?:(?:about|over|total) )?{_COUNT}\b",
    re.IGNORECASE,
)
_ALL = re.compile(
    rf"(?<!show )\b{_COUNT} (?:support )?(?:tickets?|results?|entries|records?|requests?|items)\b(?! per\b)",
    re.IGNORECASE,
)
_COMPARED_CHARACTERS = 100_000_000


class Onward(Struct, frozen=True, kw_only=True):
    """How a list goes on: to ``url``, or not at all when that is empty; ``doubt`` says why neither is sure.

    ``by_number`` when only a number leads there: enough to find a ticket, not to say that it is not there.
    """

    url: str = ""
    by_number: bool = False
    doubt: str = ""


def place_of(page: Page, url: str, href: str) -> str:
    """Return where a link of a page leads."""
    return join(join(url, page.base) or url if page.base else url, href)


def entries_of(page: Page, url: str) -> list[Row]:
    """Return the rows that lead to tickets, if the page lists any."""
    return [
        row
        for row in page.rows
        if any(addresses.reference_in(place_of(page, url, link.href)) for link in row.links)
    ]


def onward(page: Page, url: str, words: Vocabulary, seen: set[str]) -> Onward:
    """Return how a list goes on after this page; ``seen`` are the pages read, this one among them."""
    if any(row.cut for row in page.rows):
        return Onward(doubt="the page has more on it than is read")
    return _by_word(page, url, words, seen) or _by_number(page, url, seen) or _by_sign(page, url, words, seen)


def _by_word(page: Page, url: str, words: Vocabulary, seen: set[str]) -> Onward | None:
    """Return where a link or the page's head says that the next page is; a button's is not known."""
    marked = [
        link for link in page.links if not link.off and (link.is_next or _says(link, words, "link.next_page"))
    ]
    if any(_SCRIPTED.match(link.href) for link in marked):
        return Onward(doubt="a script goes on to the next page")
    hrefs = (*(one.href for one in marked), *page.following)
    following = {place_of(page, url, href) for href in hrefs} - seen
    if any(origin_of(one) != origin_of(url) for one in following):
        return Onward(doubt="the list goes on at another place")
    if len(following) > 1:
        return Onward(doubt="which page comes next cannot be told")
    if following:
        return Onward(url=following.pop())
    onto = (text for text in page.pressed for name in _ONWARD if words.is_one(text, name))
    told = next(onto, "")
    return Onward(doubt=f"there may be more behind the button {told!r}") if told else None


def _by_number(page: Page, url: str, seen: set[str]) -> Onward | None:
    """Return the page with the next number; pages are read from the first on, so lower ones are read."""
    numbered = [one for one in _numbered(page, url) if one[0] not in seen and one[1] > len(seen)]
    following = {target for target, number in numbered if number == len(seen) + 1}
    if len(following) == 1 and origin_of(target := following.pop()) == origin_of(url):
        return Onward(url=target, by_number=True)
    unread = min((number for _, number in numbered), default=0)
    return Onward(doubt=f"there may be more behind the link {unread}") if unread else None


def _by_sign(page: Page, url: str, words: Vocabulary, seen: set[str]) -> Onward:
    """Return that nothing leads on, but for links with words such as "load more", or with no words at all."""
    for link in page.links:
        if not link.off and _may_go_on(page, url, link, words, seen):
            shown = link.text or link.named or "without words"
            return Onward(doubt=f"there may be more behind the link {shown!r}")
    return Onward()


def _says(link: Link, words: Vocabulary, meaning: str) -> bool:
    return words.is_one(link.text, meaning) or words.is_one(link.named, meaning)


def _numbered(page: Page, url: str) -> list[tuple[str, int]]:
    """Return the links that may be pages of the list by their number; a ticket's row has its own number."""
    tickets = {
        link
        for row in page.rows
        if _has_words(row) and not re.match(r"\W*pages?\b", row.text, re.IGNORECASE)
        for link in row.links
        if addresses.reference_in(place_of(page, url, link.href))
    }
    found = []
    for link in page.links:
        number = _NUMBER.match(plain(link.text) or plain(link.named))
        if number is None or link in tickets or link.off:
            continue
        target = place_of(page, url, link.href)
        if _SCRIPTED.match(link.href) or _is_near(url, target):
            found.append((target if not _SCRIPTED.match(link.href) else "", int(number[1])))
    return found


def _has_words(row: Row) -> bool:
    """Return whether a row says more than the numbers that it links to."""
    text = row.text
    for link in row.links:
        if _NUMBER.match(plain(link.text)):
            text = text.replace(link.text, " ", 1)
    return bool(re.search(r"[^\W\d_]", text))


def _may_go_on(page: Page, url: str, link: Link, words: Vocabulary, seen: set[str]) -> bool:
    scripted, target = bool(_SCRIPTED.match(link.href)), place_of(page, url, link.href)
    if _says(link, words, "link.more"):
        return scripted or (_is_near(url, target) and target not in seen)
    if link.text or link.named or target in seen or urlsplit(target).path != urlsplit(url).path:
        return False
    values = [value for name, value in parse_qsl(urlsplit(target).query) if _PAGE_PARAMETER.search(name)]
    return any(not value.isdecimal() or int(value[:9]) > len(seen) for value in values)


def _is_near(url: str, target: str) -> bool:
    """Return whether two addresses differ only in their query or last part, or one is below the other."""
    if origin_of(url)[1] != origin_of(target)[1]:
        return False
    here, there = urlsplit(url).path, urlsplit(target).path
    return here.rpartition("/")[0] == there.rpartition("/")[0] or there.startswith(f"{here.rstrip('/')}/")


def untold(page: Page, url: str, pages_count: int, entries_count: int) -> str:
    """Return what the last page says of tickets or pages that were not read; empty when it says of none.

    ``entries_count`` is that of all pages. What stands in a ticket's row is the ticket's, and says nothing.
    """
    counting = [
        line for line in page.text.split("\n") if any(sign.search(line) for sign in (_PAGES, _PART, _ALL))
    ]
    rows = "\n".join(row.text for row in entries_of(page, url)) if counting else ""
    if len(counting) * len(rows) > _COMPARED_CHARACTERS:
        return "it has more numbers on it than can be compared"
    for line in counting:
        if line not in rows and _says_more(line, pages_count, entries_count):
            return f"the page says {line[:80]!r}, and {entries_count} were read"
    return ""


def _says_more(line: str, pages_count: int, entries_count: int) -> bool:
    if any(_number(found[2]) > pages_count for found in _PAGES.finditer(line)):
        return True
    parts = [tuple(map(_number, found.groups("1"))) for found in _PART.finditer(_PAGES.sub(" ", line))]
    if any(last < count or (first > 1 and count > entries_count) for first, last, count in parts):
        return True
    return any(_number(found[1]) > entries_count for found in _ALL.finditer(line))


def _number(text: str) -> int:
    return int(re.sub(r"[^0-9]", "", text))
