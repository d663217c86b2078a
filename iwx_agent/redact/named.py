"""Secrets by the name before them: ini, YAML, JSON (also within JSON), PHP, shell, environment, query."""

import re

from iwx_agent.redact import values
from iwx_agent.redact.names import harmless, kind_of, means
from iwx_agent.redact.page import OPENING, Hit, Page
from iwx_agent.redact.rule import Judge, Rule, hide
from iwx_agent.redact.values import Value

NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_.-"
_LONGEST_NAME = 80
CLOSERS = r"(?:\\{0,8}[\"'`]|\\{1,8}u002[27]|[\])}]){0,4}+"
SEPARATOR = r"[ \t]{0,32}+(?:=>|:=|={1,3}+(?![>~])|:(?!:|//|\\/\\/)|\\{1,8}u003[ad])[ \t]{0,32}+"
_BEHIND = re.compile(SEPARATOR)
NAME = r"[a-z0-9_.-]{0,64}+"
# Where a name that begins a statement may stand: then its value is the rest of the line.
_BEGINS = re.compile(
    r"[ \t#;>|*+-]{0,24}(?:(?:export|set|setenv|env|declare -x|local|readonly)[ \t]{1,8})?", re.IGNORECASE
)
_MESSAGE = re.compile(r"(?:\]|\)|[a-z]):[ ]\Z", re.IGNORECASE)


def named(
    kind: str, word: str, *, reason: str, example: str, hides: str, counterexample: str, label: str = ""
) -> Rule:
    """Return the rule for values whose names hold the word, which is a pattern that begins with letters."""
    return Rule(
        id=f"named-{kind}",
        kind="structure",
        label=label or kind,
        reason=reason,
        example=example,
        hides=hides,
        counterexample=counterexample,
        patterns=(re.compile(f"{word}({NAME})({CLOSERS}){SEPARATOR}"),),
        judge=_judge(kind),
    )


def _judge(kind: str) -> Judge:
    def judge(page: Page, found: re.Match[str]) -> Hit | None:
        start = name_start(page, found.start())
        name = page.lowered[start : found.end(1)]
        if not means(name, kind) or page.before(start, len(OPENING)) == OPENING:
            return None
        colon = ":" in found.group()[found.end(2) - found.start() :]
        if colon and start and page.text[start - 1] == "/":
            return None  # a file of that name, and what is said about it
        value = _value(page, start, found, kind)
        if value.bare and _is_name(page, value):
            return None  # "prohibit-password :password => x": the second one stands before the value
        told = page.text[value.start : min(value.end, value.start + 400)]
        if harmless(kind, name, told, bare=value.bare, colon=colon):
            return None
        if value.bare:
            value = values.with_what_was_cut_off(page, value)
        return hide(page, value.start, value.end)

    return judge


def _is_name(page: Page, value: Value) -> bool:
    """Return whether a value is the name of a secret itself, with a separator behind it."""
    told = page.lowered[value.start : min(value.end, value.start + _LONGEST_NAME)]
    return bool(_BEHIND.match(page.lowered, value.end)) and bool(kind_of(told))


def name_start(page: Page, at: int) -> int:
    """Return where the name begins that has a word at a position."""
    piece = page.lowered[max(0, at - _LONGEST_NAME) : at]
    return at - len(piece) + len(piece.rstrip(NAME_CHARACTERS))


def _value(page: Page, start: int, found: re.Match[str], kind: str) -> Value:
    """Return the value after a name and its separator, by what stands around it."""
    at = found.end()
    closed = bool(found[2])
    mark = "" if closed else values.mark_before(page, start)
    if (
        mark
        and page.text.startswith(mark, at)
        and not page.text[at + len(mark) : at + len(mark) + 1].isalnum()
    ):
        return Value(at, at)  # the name alone is quoted
    if kind == "key" and page.text[at : at + 1] == "{":
        return Value(at, at)  # the names in the braces tell for themselves
    begun = page.line_begins(start, 48)
    begins = not closed and begun is not None and _BEGINS.fullmatch(begun) is not None
    enclosed = (
        values.next_line(page, at)
        or values.quoted(page, at, whole_line=begins)
        or values.bracketed(page, at)
        or values.block(page, at)
    )
    if enclosed is not None:
        return enclosed
    before = page.before(start, 5)
    if before[-1:] in ("?", "&") or before == "&amp;":
        return values.query_part(page, at)
    if mark:
        return values.up_to(page, at, mark)
    if before[-1:] == ">" and not closed:
        return values.up_to(page, at, "<")._replace(bare=True)
    if begins or (not closed and _MESSAGE.search(before)):
        return values.rest_of_line(page, at)
    return values.word(page, at)
