"""Whether a text stands on a page, whatever the portal has made of its lines, signs and addresses. Pure."""

import re
import unicodedata
from collections.abc import Iterator

_WORD = re.compile(r"[^\W_]+")
# Portals shorten addresses, and put values in place of what is in braces.
_REWRITTEN = re.compile(r"://|^www\.|@")
_BRACES = (("{{", "{%"), ("}}", "%}"))
_RUN_CHARACTERS = 12  # a shorter run of words may stand on a page by chance
_TEXT_CHARACTERS = 40  # and a shorter text
_GAP_CHARACTERS = 500  # what was left out may stand between two runs
_STARTS_COUNT = 100


def runs_of(text: str) -> tuple[str, ...]:
    """Return the runs of words in a text that a page will have in the same order, one line or less each.

    >>> runs_of("- The *web server* is down, too\\nSee https://example.com/a/long/one?b for all of it")
    ('the web server is down too', 'for all of it')
    """
    runs = (run for line in text.splitlines() for run in _runs(line))
    return tuple(run for run in runs if len(run) >= _RUN_CHARACTERS)


def _runs(line: str) -> Iterator[str]:
    """Yield what stands between the words that a portal rewrites."""
    run: list[str] = []
    in_braces = False
    for word in line.split():
        opens, closes = (any(mark in word for mark in marks) for marks in _BRACES)
        if opens or in_braces or _REWRITTEN.search(word):
            yield _worded(" ".join(run))
            run = []
            in_braces = (opens or in_braces) and not closes
        else:
            run.append(word)
    yield _worded(" ".join(run))


def count_of(text: str, page_text: str) -> int:
    """Return how often the longest run of a text stands on a page; 0 when it has none."""
    longest = max(runs_of(text), key=len, default="")
    return f" {_worded(page_text)} ".count(f" {longest} ") if longest else 0


def stands_on(text: str, page_text: str) -> bool:
    """Return whether the whole of a text stands on a page, in its order and in one place."""
    runs = runs_of(text)
    if sum(map(len, runs)) < _TEXT_CHARACTERS:
        return False
    page = f" {_worded(page_text)} "
    return any(_follows(runs, page, start) for start in _places(runs[0], page))


def _follows(runs: tuple[str, ...], page: str, start: int) -> bool:
    for run in runs:
        found = page.find(f" {run} ", start, start + len(run) + 2 + _GAP_CHARACTERS)
        if found < 0:
            return False
        start = found + len(run) + 1
    return True


def _places(run: str, page: str) -> Iterator[int]:
    place = page.find(f" {run} ")
    for _ in range(_STARTS_COUNT):
        if place < 0:
            return
        yield place
        place = page.find(f" {run} ", place + 1)


def _worded(text: str) -> str:
    return " ".join(_WORD.findall(unicodedata.normalize("NFKC", text).casefold()))
