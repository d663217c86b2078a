"""What was hidden once is hidden wherever it turns up again: joined anew, in other quotes, or cut off.

A rule knows a secret by what stands around it. A parser takes texts apart, and a message that quotes some of
it may hold the secret without its surroundings. So the rules read what the machine said as it was said, and
what they find there is looked for in everything that is made of it.
"""

import re

from iwx_agent.redact.names import is_path, words
from iwx_agent.redact.page import PLACEHOLDER

_SHORTEST_CHARACTERS = 8
_BEGINNING_CHARACTERS = 6  # of less than that nobody could make anything
_LONGEST_CHARACTERS = 400
_PLAIN_CHARACTERS = 12  # a shorter one of small letters only may be any word
_VALUES_COUNT = 400
_WORDS_COUNT = 8
_BETWEEN = r"(?:[\s|;,=\\]|[0-9]{1,3}=){1,12}+"
_NUMBERS = re.compile(r"[0-9.:/-]++")  # an address, a version, a day
_CUT = re.compile(r"[\u2026'\"\\]|\.\.\.|\Z")
_AROUND = " \t'\"`,;()"
_SIGNS = re.compile(r"[\s;,\"'=&]++")
_MIXED = re.compile(r"[0-9](?=\D)|(?<=\D)[0-9]")  # a part of what was hidden counts when it is no mere word
_PLACE = "[hidden:secret]"
RULE_ID = "seen-before"
_EVERYWHERE = words(
    """
    interworx nodeworx siteworx localhost undefined anonymous unsupported password passwords
    """
)


class Learned:
    """Secrets that the rules found in what the machine said, bounded in number; they stay in memory."""

    def __init__(self) -> None:
        self._values: dict[str, re.Pattern[str] | None] = {}

    def __repr__(self) -> str:
        return f"Learned({len(self._values)} values)"

    def __len__(self) -> int:
        return len(self._values)

    def add(self, hidden: str) -> None:
        """Remember what was hidden, line by line, unless it could be any word of the machine."""
        for line in hidden.splitlines():
            self._take(line.strip(_AROUND))
            for part in _SIGNS.split(line):
                if _MIXED.search(part):
                    self._take(part)

    def _take(self, value: str) -> None:
        if value not in self._values and len(self._values) < _VALUES_COUNT and _telling(value):
            self._values[value[:_LONGEST_CHARACTERS]] = _joined(value)

    def hide(self, text: str) -> tuple[str, int]:
        """Return the text without what was learned, and how often something was hidden."""
        count = 0
        for value, joined in sorted(self._values.items(), key=_longest_first):
            if value in text:
                count += text.count(value)
                text = text.replace(value, _PLACE)
            if value[:_BEGINNING_CHARACTERS] in text:
                text, more = _without_beginnings(text, value, _PLACE)
                count += more
            if value[-_BEGINNING_CHARACTERS:] in text:
                reverse, more = _without_beginnings(text[::-1], value[::-1], _PLACE[::-1])
                text = reverse[::-1]
                count += more
            if joined is not None:
                text, more = joined.subn(_PLACE, text)
                count += more
        return text, count

    def overwrite(self, data: bytes) -> tuple[bytes, int]:
        """Return binary data with an ``x`` for each byte of what was learned, and how often it was there."""
        count = 0
        for value, _ in sorted(self._values.items(), key=_longest_first):
            known = value.encode("utf-8", "replace")
            if known in data:
                count += data.count(known)
                data = data.replace(known, b"x" * len(known))
        return data, count


def _telling(value: str) -> bool:
    """Return whether a value is a secret wherever it stands: long enough, and no word, number or path."""
    if len(value) < _SHORTEST_CHARACTERS or value.lower() in _EVERYWHERE or PLACEHOLDER.search(value):
        return False
    if _NUMBERS.fullmatch(value) or is_path(value):
        return False
    return not (value.isalpha() and value.islower() and len(value) < _PLAIN_CHARACTERS)


def _joined(value: str) -> re.Pattern[str] | None:
    """Return the pattern of a value of several words with anything between them that a parser puts there."""
    parts = value.split()
    if not 1 < len(parts) <= _WORDS_COUNT:
        return None
    return re.compile(_BETWEEN.join(re.escape(part) for part in parts))


def _longest_first(entry: tuple[str, object]) -> int:
    return -len(entry[0])


def _without_beginnings(text: str, value: str, place: str) -> tuple[str, int]:
    """Return the text without beginnings of a value that were cut off where a quotation or all of it ends."""
    pieces: list[str] = []
    at = count = 0
    while (start := text.find(value[:_BEGINNING_CHARACTERS], at)) >= 0:
        end = start + _BEGINNING_CHARACTERS
        while end < len(text) and end - start < len(value) and text[end] == value[end - start]:
            end += 1
        if _CUT.match(text, end) and not text[start - 1 : start].isalnum():
            pieces += (text[at:start], place)
            count += 1
        else:
            pieces.append(text[at:end])
        at = end
    return "".join((*pieces, text[at:])), count
