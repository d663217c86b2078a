"""Where a value ends: quoted, also over lines or never closed; a word; the rest of a line; a part of a query.

A value is rather taken too long than too short: what is left of a secret is a secret, too.
"""

import re
from typing import NamedTuple

from iwx_agent.redact.page import OPENING, PLACEHOLDER, Hit, Page, run_before, whole_lines
from iwx_agent.redact.rule import hide

# A quote as it is, or escaped for JSON, also more than once. Matched on the lower case.
QUOTE = re.compile(r"\\{0,8}[\"'`]|\\{1,8}u002[27]")
_END_OF_WORD = r"&(?:lt|gt|quot|apos|nbsp|#0?3[49]|#x2[27]);|</|\\{0,8}[\"'`](?=[\s,:;)}\]\\]|\Z)"
_WORD = re.compile(rf"(?:(?!{_END_OF_WORD})[^\s\x00-\x1f\x7f])++")
_QUERY_PART = re.compile(r"[^&\s\"'<>\x00-\x1f\x7f#]++")
_CLOSERS = ",;)]}>\"'`|\\"
_ALONE = re.compile(
    r"[ \t>|]{0,16}+((?!(?:ip|mail)-[0-9a-f]{6})[^\s=:\[\]<>{}()#;,\"'|]{1,400}+={0,2}+)"
    r"[ \t]{0,16}+\r?(?=\n|\Z|</|[\"'])"
)
_BRACKETS = {"[": "]", "{": "}"}
_LETTERS = re.compile(r"[A-Za-z]+")
_LONG_LINE_CHARACTERS = 60
_BLOCK = re.compile(r"[|>][+-]?[ \t]{0,16}+\r?\n")
_BREAK = re.compile(r"(\\?)\r?\n")
_INDENT_CHARACTERS = 64
_INDENTED_LINES_COUNT = 200
_CONTINUED_LINES_COUNT = 20


class Value(NamedTuple):
    """A stretch of the text; ``bare`` when nothing encloses it."""

    start: int
    end: int
    bare: bool = True


def quoted(page: Page, at: int, *, whole_line: bool = False) -> Value | None:
    """Return what stands between the quote at a position and the next of its kind; None without a quote.

    Without a second one on the line it goes to the one on the next two lines, if these hold nothing else, or
    to the end of the line. With ``whole_line`` the line's last quote ends it, if nothing follows that quote.
    """
    opened = QUOTE.match(page.lowered, at)
    if opened is None:
        return None
    mark, start = opened.group(), opened.end()
    line_end = page.line_end(start)
    if whole_line:
        line = page.lowered[start:line_end].rstrip(" \t\r,;)")
        if line.endswith(mark):
            return Value(start, start + len(line) - len(mark), bare=False)
    end = _closing(page, mark, start, line_end)
    if end >= 0:
        return Value(start, end, bare=False)
    for first, last in whole_lines(page, line_end + 1, 2):
        closed = _closing(page, mark, first, last)
        if closed >= 0:
            between = page.text[first:closed]
            return Value(start, line_end if "=" in between or ": " in between else closed, bare=False)
    return Value(start, line_end, bare=False)


def _closing(page: Page, mark: str, start: int, limit: int) -> int:
    """Return where the mark stands next, not escaped once more; -1 when not before the limit."""
    at = page.lowered.find(mark, start, limit)
    while at > start and page.text[at - 1] == "\\":
        at = page.lowered.find(mark, at + len(mark), limit)
    return at


def word(page: Page, at: int) -> Value:
    """Return the word at a position, without what closes around it."""
    known = PLACEHOLDER.match(page.text, at)
    start = known.end() if known else at
    found = _WORD.match(page.text, start)
    return Value(at, start + len(found.group().rstrip(_CLOSERS)) if found else start)


def query_part(page: Page, at: int) -> Value:
    """Return the value of one part of a query: up to the next ``&``."""
    found = _QUERY_PART.match(page.lowered, at)
    return Value(at, found.end() if found else at)


def rest_of_line(page: Page, at: int) -> Value:
    """Return the rest of the line, without white space at its end."""
    return Value(at, max(at, page.line_text_end(at)))


def up_to(page: Page, at: int, mark: str) -> Value:
    """Return the text up to a mark; to the end of the line when it is not there."""
    line_end = page.line_end(at)
    end = _closing(page, mark, at, line_end)
    return Value(at, end if end >= 0 else line_end, bare=False)


def bracketed(page: Page, at: int) -> Value | None:
    """Return what stands in brackets or braces; None when neither begins at the position."""
    closing = _BRACKETS.get(page.text[at : at + 1])
    if closing is None or page.text.startswith(OPENING, at):
        return None
    return up_to(page, at + 1, closing)


def block(page: Page, at: int) -> Value | None:
    """Return the indented lines of a YAML block; None when none begins at the position."""
    opened = _BLOCK.match(page.text, at)
    if opened is None:
        return None
    end = opened.end()
    for first, last in whole_lines(page, opened.end(), _INDENTED_LINES_COUNT):
        if page.text[first : first + 1] not in (" ", "\t"):
            break
        end = last
    return Value(opened.end(), end, bare=False)


def next_line(page: Page, at: int) -> Value | None:
    """Return the word that stands alone on the next line when at most a backslash follows on this one."""
    line_end = page.line_end(at)
    if line_end - at > 8 or page.text[at:line_end].strip(" \t\r\\"):
        return None
    alone = _ALONE.match(page.text, line_end + 1)
    return Value(*alone.span(1)) if alone else None


def with_what_was_cut_off(page: Page, value: Value) -> Value:
    """Return a value that reaches the end of its line together with what belongs to it on the next lines.

    A backslash joins the next line. So does a break in the midst of a word: then the next line is one word
    alone, with a figure or sign in it, or the line before was long.
    """
    text, end = page.text, value.end
    for _ in range(_CONTINUED_LINES_COUNT):
        broken = _BREAK.match(text, end)
        if broken is None or PLACEHOLDER.fullmatch(text, value.start, end):
            break
        if broken[1] or text[end - 1] == "\\":
            line = text[broken.end() : broken.end() + _INDENT_CHARACTERS]
            start = broken.end() + len(line) - len(line.lstrip(" \t"))
            further = word(page, start).end
            if further == start:
                break
            end = further
            continue
        alone = _ALONE.match(text, broken.end())
        short = page.line_begins(end, _LONG_LINE_CHARACTERS) is not None
        if alone is None or (short and _LETTERS.fullmatch(alone[1])):
            break
        return value._replace(end=alone.end(1))
    return value._replace(end=end)


def hide_word(page: Page, found: re.Match[str]) -> Hit | None:
    """Judge: hide the first group of a pattern, or all of it, and what a line break cut off from it."""
    value = Value(*found.span(1 if found.re.groups else 0))
    return hide(page, value.start, with_what_was_cut_off(page, value).end)


def mark_before(page: Page, at: int) -> str:
    """Return the quote before a position, with the backslashes that escape it; empty when there is none."""
    if at == 0 or page.text[at - 1] not in "\"'`":
        return ""
    return page.text[run_before(page.text, at - 1, "\\") : at]
