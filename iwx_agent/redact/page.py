"""One text under redaction: what all rules look at, and what they answer with."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from iwx_agent.redact.tokens import AddressTokens, Tokens

# What str.splitlines takes for an end of line: a hidden text keeps its lines however they are counted.
LINE_BREAKS = "\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
PLACEHOLDER = re.compile(r"\[hidden:[a-z0-9-]{1,40}+\]")
OPENING = "[hidden:"
_BASE64 = bytes(
    ord(
        "A"
        if (chr(code).isascii() and chr(code).isalnum()) or chr(code) in "+/"
        else "@"
        if chr(code) == "@"
        else "."
    )
    for code in range(256)
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_PIECES = re.compile(f"([{LINE_BREAKS}]++)")


class Hit(NamedTuple):
    """Where a rule found something to hide; ``replacement`` is None when its placeholder takes the place."""

    start: int
    end: int
    replacement: str | None = None


class Page:
    """The text, the same in lower case (ASCII only, so that all positions are the same), and its source."""

    __slots__ = ("_line_end", "_line_from", "_line_text_end", "lowered", "source", "text", "tokens")

    def __init__(self, text: str, source: str, tokens: "Tokens | AddressTokens | None" = None) -> None:
        self.text = text
        self.lowered = text.lower() if text.isascii() else text.encode().lower().decode()
        self.source = source
        self.tokens = tokens
        self._line_from = self._line_end = self._line_text_end = -1

    @property
    def mask(self) -> bytes:
        """Return the text with an A for each character that base64 uses; of the others ``@`` alone stays."""
        return self.text.encode("latin-1", "replace").translate(_BASE64)

    def line_end(self, at: int) -> int:
        r"""Return where the line of a position ends: at its ``\n`` or at the end of the text.

        Remembered, since a rule may ask for each of a million hits on one line.
        """
        if not self._line_from <= at <= self._line_end:
            end = self.text.find("\n", at)
            self._line_from, self._line_end = at, len(self.text) if end < 0 else end
            line = self.text[at : self._line_end]
            self._line_text_end = at + len(line.rstrip())
        return self._line_end

    def line_text_end(self, at: int) -> int:
        """Return where the text of the line of a position ends, before the white space at its end."""
        self.line_end(at)
        return self._line_text_end

    def before(self, at: int, count: int) -> str:
        """Return up to ``count`` characters before a position, those of its own line only."""
        return self.text[max(0, at - count) : at].rpartition("\n")[2]

    def line_begins(self, at: int, count: int) -> str | None:
        """Return the line up to a position, or None when that is more than ``count`` characters."""
        head = self.text[max(0, at - count - 1) : at]
        if "\n" in head:
            return head.rpartition("\n")[2]
        return head if len(head) <= count else None


def encodable(text: str) -> str:
    """Return the text with U+FFFD for halves of surrogate pairs, which no encoding can say."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def run_before(text: str, at: int, characters: str) -> int:
    """Return where the run of the given characters that ends at a position begins; linear in its length."""
    size = 64
    while True:
        piece = text[max(0, at - size) : at]
        kept = len(piece.rstrip(characters))
        if kept or size >= at:
            return at - len(piece) + kept
        size *= 4


def blank(content: str, placeholder: str) -> str:
    """Return the content hidden: a placeholder on its first and on its last line, those between empty.

    So the number of lines stays, and a long block does not become a longer one. What is hidden already stays.
    """
    pieces = _PIECES.split(content)
    told = [number for number in range(0, len(pieces), 2) if pieces[number].strip()]
    for number in range(0, len(pieces), 2):
        if number not in (*told[:1], *told[-1:]):
            pieces[number] = ""
        elif not PLACEHOLDER.fullmatch(pieces[number]):
            pieces[number] = placeholder
    return "".join(pieces) if told else content


def is_hidden(content: str) -> bool:
    """Return whether nothing is left to hide in a content."""
    return blank(content, "") == content


def whole_lines(page: Page, start: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of up to ``count`` lines from a position on; the ends are without line breaks."""
    for _ in range(count):
        if start > len(page.text):
            return
        end = page.line_end(start)
        yield start, end
        start = end + 1
