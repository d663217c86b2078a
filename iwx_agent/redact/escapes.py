"""Secrets in escaped text: URLs in URLs, HTML, base64.

The text is unescaped and looked at by the other rules; what they find is hidden where it stands in the
escaped text.
"""

import binascii
import re
from bisect import bisect_right
from collections.abc import Callable

from iwx_agent.redact.page import Hit, Page
from iwx_agent.redact.rule import Rule, hide

_LOOKED_BACK_CHARACTERS = 400
# Without one of these in it no rule finds anything; most escaped text is spared the second look.
_WORTH_A_LOOK = re.compile(
    r"pass|pw|secret|token|key|dsn|cred|licen|sess|auth|cookie|bearer|basic|mysql|mariadb|curl|redis|useradd|"
    r"usermod|"
    r"login(?:[ (+\\]|%(?:25)?2[08])|identified|connect|__construct|"
    r"akia|asia|eyj|gh[pousr]_|glpat|xox[a-z]-|_live_|aiza|"
    r"(?::|%(?:25)?3a)(?:/|\\{1,4}/|%(?:25)?2f){2}[^\s/%]{0,64}(?:[:@]|%(?:25)?3a|%(?:25)?40)|"
    r"resp(?:=|%(?:25)?3d)|"
    r"(?:\$|%(?:25)?24)[1-7a-z]|(?:\{|%(?:25)?7b)[a-z0-9.-]{3,14}(?:\}|%(?:25)?7d)|"
    r"(?:\*|%(?:25)?2a)[0-9a-f]{40}"
)
_ENTITIES = {"quot": '"', "apos": "'", "lt": "<", "gt": ">", "amp": "&", "nbsp": " "}
_ENTITY = re.compile(r"&(?:#x([0-9a-fA-F]{1,5})|#([0-9]{1,6})|(quot|apos|lt|gt|amp|nbsp));")
_BACKSLASH = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"'\\/bfnrt]))")
_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_PERCENT = re.compile(r"%([0-9a-fA-F]{2})")
_PERCENT_OR_PLUS = re.compile(r"%([0-9a-fA-F]{2})|\+")
_EDGE = re.compile(r"[\s\"'<>\x00]")
_BASE64_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
_FURTHER_CHARACTERS = 400
_BASE64_BELOW = re.compile(r"\r?\n[ \t>|]{0,16}+([A-Za-z0-9+/_-]{4,400}+={0,2}+)(?=\r?\n|\r?\Z)")
_LINES_BELOW_COUNT = 8
_URL_SAFE = str.maketrans("-_", "+/")
_SIXTEEN = b"A" * 16  # not after an @: there are mail domains, and the time stamps of multilog


class _Unescaped:
    """A text without its escapes that knows where each of its characters came from."""

    def __init__(
        self, text: str, start: int, escape: re.Pattern[str], said: Callable[[re.Match[str]], str]
    ) -> None:
        pieces: list[str] = []
        self._here, self._there = [0], [start]  # from here on the positions go together with those there
        length = at = 0
        for found in escape.finditer(text):
            pieces += (text[at : found.start()], said(found))
            length += len(pieces[-2]) + len(pieces[-1])
            at = found.end()
            self._here += (length - len(pieces[-1]), length)
            self._there += (start + found.start(), start + at)
        pieces.append(text[at:])
        self.text = "".join(pieces)

    def place(self, at: int) -> int:
        """Return where a character stands in the escaped text; for the end of a stretch, where that ends."""
        number = bisect_right(self._here, at) - 1
        return self._there[number] + at - self._here[number]


def _said_by_percent(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else " "


def _said_by_entity(found: re.Match[str]) -> str:
    if found[3]:
        return _ENTITIES[found[3]]
    code = int(found[1], 16) if found[1] else int(found[2])
    return chr(code) if code < 0xD800 else "\ufffd"


def _said_by_backslash(found: re.Match[str]) -> str:
    if found[2]:
        return _CONTROLS.get(found[2], found[2])
    code = int(found[1], 16)
    return chr(code) if not 0xD800 <= code < 0xE000 else "\ufffd"


def _within(page: Page, plain: _Unescaped, rules: tuple[Rule, ...]) -> list[Hit]:
    """Return where stands what the rules find in the unescaped text, in order."""
    inner = Page(plain.text, page.source)
    found = sorted(hit[:2] for rule in rules for hit in rule.hits(inner))
    hits = (hide(page, plain.place(start), plain.place(end)) for start, end in found)
    return [hit for hit in hits if hit is not None]


def url_escaped(rules: tuple[Rule, ...]) -> Rule:
    """Return the rule for URL-escaped text in which one of the rules finds something."""

    def judge(page: Page, found: re.Match[str]) -> list[Hit] | None:
        before = page.text[max(0, found.start() - _LOOKED_BACK_CHARACTERS) : found.start()]
        edge = _EDGE.search(before[::-1])
        start = found.start() - (edge.start() if edge else len(before))
        if not _WORTH_A_LOOK.search(page.lowered, start, found.end()):
            return None
        told = page.text[start : found.end()]
        hits = _within(page, _Unescaped(told, start, _PERCENT, _said_by_percent), rules)
        if "+" in told:  # a space in a form, itself elsewhere
            hits += _within(page, _Unescaped(told, start, _PERCENT_OR_PLUS, _said_by_percent), rules)
        return hits

    return Rule(
        id="url-escaped",
        kind="pattern",
        label="escaped",
        reason="URL-escaped text in which another rule finds something, also escaped twice",
        example="redirected to /login%3Fpassword%3Dnot-a-real-secret-18 from here",
        hides="not-a-real-secret-18",
        counterexample="GET /search?q=wrong%20password%20for%20bob HTTP/1.1",
        patterns=(re.compile(r"%[0-9a-f]{2}[^\s\"'<>\x00]{0,4000}+"),),
        judge=judge,
    )


def html_escaped(rules: tuple[Rule, ...]) -> Rule:
    """Return the rule for HTML-escaped text in which one of the rules finds something."""

    def judge(page: Page, found: re.Match[str]) -> list[Hit] | None:
        start = found.start() - len(page.before(found.start(), _LOOKED_BACK_CHARACTERS))
        if not _WORTH_A_LOOK.search(page.lowered, start, found.end()):
            return None
        told = page.text[start : found.end()]
        return _within(page, _Unescaped(told, start, _ENTITY, _said_by_entity), rules)

    return Rule(
        id="html-escaped",
        kind="pattern",
        label="escaped",
        reason="HTML-escaped text in which another rule finds something",
        example="it said {&quot;password&quot;: &quot;not-a-real secret-19&quot;}",
        hides="not-a-real secret-19",
        counterexample="it said &quot;wrong password&quot; for user &#039;bob&#039;",
        patterns=(
            re.compile(
                r"&(?:quot|apos|lt|gt|#x[0-9a-f]{2}|#0?[0-9]{2});[^\n]{0,4000}+(?:\n[^\n]{0,400}+){0,2}+"
            ),
        ),
        judge=judge,
    )


def json_escaped(rules: tuple[Rule, ...]) -> Rule:
    """Return the rule for JSON-escaped lines in which one of the rules finds something."""

    def judge(page: Page, found: re.Match[str]) -> list[Hit] | None:
        start = found.start() - len(page.before(found.start(), _LOOKED_BACK_CHARACTERS))
        if not _WORTH_A_LOOK.search(page.lowered, start, found.end()):
            return None
        told = page.text[start : found.end()]
        return _within(page, _Unescaped(told, start, _BACKSLASH, _said_by_backslash), rules)

    return Rule(
        id="json-escaped",
        kind="pattern",
        label="escaped",
        reason="JSON-escaped lines in which another rule finds something",
        example='{"m": "machine h\\nlogin bob\\npassword not-a-real-secret-20\\n"}',
        hides="not-a-real-secret-20",
        counterexample='{"m": "wrong password\\nfor bob\\u0021\\n"}',
        patterns=(re.compile(r"\\(?:[nrt]|u[0-9a-f]{4})[^\n]{0,4000}+"),),
        judge=judge,
    )


def decoded(told: str) -> str:
    """Return what base64 says when it is text; empty for anything else."""
    whole = told.rstrip("=").translate(_URL_SAFE)
    if len(whole) % 4 == 1:
        whole = whole[:-1]
    try:
        text = binascii.a2b_base64(whole + "=" * (-len(whole) % 4)).decode()
    except ValueError:
        return ""
    return text if all(c.isprintable() or c in "\r\n\t\0" for c in text) else ""


def _with_lines_below(page: Page, found: re.Match[bytes]) -> list[tuple[str, int]]:
    """Return the base64 of a match and where it ends, last the same with the lines below that continue it."""
    end = found.end()
    further = page.text[end : end + _FURTHER_CHARACTERS]
    end += len(further) - len(
        further.lstrip(_BASE64_CHARACTERS)
    )  # from the first sign that only URLs' base64 has
    blocks = [(page.text[found.start() : end], end)]
    lines = [blocks[0][0]]
    for _ in range(_LINES_BELOW_COUNT):
        below = _BASE64_BELOW.match(page.text, end)
        if below is None:
            break
        lines.append(below[1])
        end = below.end()
    return blocks if len(lines) == 1 else [("".join(lines), end), *blocks]


def base64_escaped(rules: tuple[Rule, ...]) -> Rule:
    """Return the rule for base64 in which one of the rules finds something: all of it is hidden."""

    def judge(page: Page, found: re.Match[bytes]) -> Hit | None:
        run = page.text[found.start() : found.end()]
        if run.islower() or run.isupper() or run.isdigit():
            return None  # hexadecimal, a path, a name
        for start in sorted({0, run.rfind("/") + 1}):
            for told, end in _with_lines_below(page, found):
                inner = Page(decoded(told[start:]), page.source)
                if _WORTH_A_LOOK.search(inner.lowered) and any(
                    True for rule in rules for _ in rule.hits(inner)
                ):
                    return hide(page, found.start() + start, end)
        return None

    return Rule(
        id="base64",
        kind="pattern",
        label="base64",
        reason="base64 of a text in which another rule finds something",
        example="payload cGFzc3dvcmQ9bm90LWEtcmVhbC1zZWNyZXQtMTg= was refused",
        hides="cGFzc3dvcmQ9bm90LWEtcmVhbC1zZWNyZXQtMTg",
        counterexample="SHA256:4yq0Yd0HbfZ1XkQdTgF2bNqJt6e7hVxU5pWcR3sLmKo",
        sees="mask",
        patterns=(re.compile(b"%b(?<![@A]%b)A*+" % (_SIXTEEN, _SIXTEEN)),),
        judge=judge,
    )
