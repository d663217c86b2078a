"""Whether a page confirms that a ticket was accepted, and which number it has then. Pure."""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from iwx_agent.transports.portal.addresses import REFERENCE, reference_in
from iwx_agent.transports.portal.page import Page, Row
from iwx_agent.transports.portal.settings import join, origin_of
from iwx_agent.transports.portal.words import Vocabulary

_NUMBER = re.compile(
    r"\b(?:ticket|case|request|reference|tracking)\b(?:\s(?:number|id|no\.?|reference|code))?\s?(?:is\s)?(?:[:#]\s?){0,2}[\[(\"']?"
    rf"({REFERENCE})\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(rf"{_NUMBER.pattern}|#\s?[0-9]", re.IGNORECASE)
# What makes a sentence one of a list of what happened: "was opened 3 days", "on 22 Nov", "by Anna"
_DONE = r"\b(?:created|submitted|received|opened)\s(?:successfully\s)?"
_TOLD = re.compile(
    rf"{_DONE}(?:(?:about|over|almost|more than|less than)\s)?(?:[0-9]+\s?|(?:an?|one|two|three)\s)"
    r"(?:s|m|h|d|sec|second|min|minute|hr|hour|day|week|month|year)s?\b"
    rf"|{_DONE}on\s(?:[a-z]{{3,9}}\.?,?\s)?[0-9]"
    r"|\b(?:created|submitted|opened)\sby\s(?!you\b|us\b|our\b|the\b)\w",
    re.IGNORECASE,
)
# A confirmation is short and stands above: what is read of a page for it is bounded, whatever the page has.
_READ_CHARACTERS = 100_000
_LINE_CHARACTERS = 1000
_CONFIRMING_COUNT = 100
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[A-Z])|\n")
_ABBREVIATED = re.compile(r"\bno\b\.?\s*[:#]?\s*(?=[A-Za-z]{0,10}[-#]?\d)", re.IGNORECASE)


class Confirmation(Struct, frozen=True, kw_only=True):
    """What a page says of a ticket: ``said`` is the first sentence that tells of one that was accepted.

    ``number`` is the ticket's, empty when only its key stands on the page, and None when the sentence may be
    of any ticket.
    """

    said: str = ""
    number: str | None = None


def confirmed_in(
    page: Page, url: str, key: str, words: Vocabulary, before: Page | None = None
) -> Confirmation:
    """Return what a page says of the ticket.

    A confirmation is a sentence that says so, together with the number, or with the ticket's key outside of
    any field. What stood on the page ``before`` is no answer, nor is what is said of another ticket: in a
    list or table, or of a time that is past. A line with the key is of this ticket, wherever it stands.
    """
    reading = _Reading(page, url, key, words, before or Page())
    told = list(reading.told())
    if not told:
        return Confirmation()
    return Confirmation(said=told[0][1], number=reading.number(told))


def accepting(text: str, words: Vocabulary) -> str:
    """Return the first sentence of a text that says that something was accepted; empty for none."""
    return next((sentence for _, sentence in _accepting(_lines(text), words)), "")


def number_in(text: str, words: Vocabulary) -> str:
    """Return the number of the ticket that a text says was accepted just now; empty for none."""
    sentence = accepting(text, words)
    found = _NUMBER.search(sentence)
    return found[1] if found and not _is_told(sentence, words) else ""


def ticket_page_in(page: Page, url: str, number: str) -> str:
    """Return the address of the ticket's own page as this one has or links it; empty when it does not."""
    if not number:
        return ""
    linked = (join(url, link.href) for link in page.links)
    own = (one for one in (url, *linked) if origin_of(one) == origin_of(url))
    return next((one for one in own if reference_in(one, sure=True) == number), "")


def numbers_on(page: Page, url: str) -> frozenset[str]:
    """Return the numbers of the tickets that a page names or links."""
    linked = {reference_in(join(url, link.href)) for link in page.links}
    named = {found[1] for found in _NUMBER.finditer("\n".join(_lines(page.text)))}
    return frozenset(linked | named) - {""}


class _Reading:
    """One page, read for what it says of tickets."""

    def __init__(self, page: Page, url: str, key: str, words: Vocabulary, before: Page) -> None:
        self.page, self.url, self.words = page, url, words
        self.key = key.casefold()
        self.lines = _lines(page.text)
        self.old_numbers = numbers_on(before, url)
        self.old_sentences = {sentence for _, sentence in _accepting(_lines(before.text), words)}
        others = [row for row in page.rows if not self._is_ours(row.text)]
        self.listed = [row for row in others if self._references(row)]
        named = [row for row in others if self._references(row) or _NUMBERED.search(row.text)]
        self.told_of_others = _squeezed(named)
        # One row with a number may be the ticket's own: a table of what was sent
        self.numbers_of_others = self.told_of_others if len(named) > 1 else _squeezed(self.listed)

    def told(self) -> Iterator[tuple[int, str]]:
        """Yield the sentences that confirm a ticket, with the places of their lines."""
        for place, sentence in _accepting(self.lines, self.words):
            line = self.lines[place]
            if sentence in self.old_sentences:
                continue
            number = _NUMBER.search(sentence)
            if self._is_ours(line) or not (
                (number and number[1] in self.old_numbers)
                or self._is_in(line, self.told_of_others)
                or _is_told(sentence, self.words)
            ):
                yield place, sentence

    def number(self, told: list[tuple[int, str]]) -> str | None:
        """Return the ticket's number, from the sentences or from beside them; None when there is no sign."""
        told = [one for one in told if self._is_ours(self.lines[one[0]])] or told
        found = {number for _, sentence in told if (number := self._fresh(sentence))}
        if found:
            return found.pop() if len(found) == 1 else None
        for place, _ in told:
            if number := self._fresh(self._beside(place)):
                return number
        listed = {found for row in self.listed for found in self._references(row)}
        linked = {reference_in(join(self.url, link.href), sure=True) for link in self.page.links}
        fresh = linked - listed - self.old_numbers - {""}
        if len(fresh) == 1:
            return fresh.pop()
        return "" if self._is_ours(self.page.text) else None

    def _beside(self, place: int) -> str:
        """Return the line and those around it that are not of other tickets, the following ones first."""
        near = (*range(place, place + 4), place - 2, place - 1)
        lines = (self.lines[at] for at in near if 0 <= at < len(self.lines))
        return "\n".join(line for line in lines if not self._is_in(line, self.numbers_of_others))

    def _fresh(self, text: str) -> str:
        """Return the first number in a text that did not stand on the page before; empty for none."""
        numbers = (found[1] for found in _NUMBER.finditer(text))
        return next((number for number in numbers if number not in self.old_numbers), "")

    def _is_ours(self, text: str) -> bool:
        return bool(self.key) and self.key in text.casefold()

    def _is_in(self, line: str, rows: str) -> bool:
        """Return whether a line stands in these rows only."""
        squeezed = "".join(line.split())
        inside_count = rows.count(squeezed)
        return inside_count > 0 and inside_count >= self.lines.count(line)

    def _references(self, row: Row) -> set[str]:
        return {reference_in(join(self.url, link.href)) for link in row.links} - {""}


def _lines(text: str) -> list[str]:
    text = _ABBREVIATED.sub("number ", text[:_READ_CHARACTERS])
    return [line[:_LINE_CHARACTERS] for line in text.split("\n")]


def _squeezed(rows: Iterable[Row]) -> str:
    texts = (_ABBREVIATED.sub("number ", row.text) for row in rows)
    return "\n".join("".join(text.split()) for text in texts)


def _accepting(lines: list[str], words: Vocabulary) -> Iterator[tuple[int, str]]:
    """Yield the first sentences that say that something was accepted, with the places of their lines."""
    left = _CONFIRMING_COUNT
    for place, line in enumerate(lines):
        for sentence in _SENTENCES.split(line):
            phrase = words.phrase_in(sentence, "said.accepted")
            before = sentence.casefold().partition(phrase.casefold())[0] if phrase else ""
            if phrase and not words.phrase_in(before, "said.denied"):
                yield place, sentence
                left -= 1
        if left <= 0:
            return


def _is_told(sentence: str, words: Vocabulary) -> bool:
    """Return whether a sentence tells of what happened before, or by others."""
    return bool(_TOLD.search(sentence) or words.phrase_in(sentence, "said.past"))
