"""The title and the visible start of an HTML page, for quoting: not a validator, linear in the input.

>>> page_title("<html><head><title>NodeWorx\\n Login</title></head>")
'NodeWorx Login'
>>> page_text("<style>p{}</style><p>The server is <b>down</b></p>")
'The server is down'
"""

import html
import re

_READ_CHARACTERS = 64 * 1024
_TITLE_CHARACTERS = 200
_TEXT_CHARACTERS = 500
_HIDDEN = ("script", "style", "title", "head")
_NO_CHARACTER = re.compile(
    r"&#\d{8,};?"
)  # no such code point; beyond 4300 digits not even a number to Python


def page_title(page: str) -> str:
    """Return the title on one line, at most 200 characters; empty when the page has none."""
    lowered = page[:_READ_CHARACTERS].lower()
    start = lowered.find("<title")
    if start < 0:
        return ""
    opened = lowered.find(">", start)
    ended = lowered.find("</title", opened)
    if opened < 0 or ended < 0:
        return ""
    return _one_line(page[opened + 1 : ended])[:_TITLE_CHARACTERS]


def page_text(page: str, *, limit_characters: int = _TEXT_CHARACTERS) -> str:
    """Return the start of the visible text on one line."""
    page = page[:_READ_CHARACTERS]
    for tag in _HIDDEN:
        page = _without_element(page, tag)
    pieces = [piece.partition(">")[2] if index else piece for index, piece in enumerate(page.split("<"))]
    return _one_line(" ".join(pieces))[:limit_characters]


def _without_element(page: str, tag: str) -> str:
    lowered = page.lower()
    kept: list[str] = []
    position = 0
    while True:
        start = lowered.find(f"<{tag}", position)
        end = lowered.find(f"</{tag}", start + 1) if start >= 0 else -1
        if start < 0 or end < 0:
            return "".join([*kept, page[position:]])
        kept.append(page[position:start])
        close = lowered.find(">", end)
        position = len(page) if close < 0 else close + 1


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(_NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text))).strip()
