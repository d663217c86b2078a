"""Canaries: the server's real secrets, which must not be in anything that leaves it, in whatever form.

The secrets are held in memory only, and nothing in here shows one: neither a ``repr`` nor an error. Not the
secret is escaped in all ways there are: what leaves is unescaped step by step, and looked at after each.
base64 is looked for as the letters that a secret always gives, at each of the three places where it can
begin in a group.
"""

import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, NoReturn

from iwx_agent.redact.names import words

_SHORTEST_BYTES = 6
_SHORTEST_FIGURES = 8
_SHORTEST_STRIPPED_BYTES = 8
_LONGEST_BYTES = 4096  # of a longer one the beginning is looked for
_LINES_COUNT = 4
_LINE_BYTES = 16
_ROUNDS_COUNT = 3
# What half of the world has for a password, and words that stand in every log of such a server.
_COMMON = words(
    """
    iworx interworx nodeworx siteworx localhost localdomain password passwd passw0rd secret default admin
    administrator changeme letmein welcome qwerty qwertz 12345678 123456789 1234567890 password1 password123
    admin123 master monkey dragon mysql mariadb database apache vpopmail proftpd roundcube dovecot
    spamassassin webmail server hosting support postmaster enabled disabled unknown example example.com
    public private system service
    """
)
_DECORATION = b" \t\r>|*#\\=\"',"  # around the break of a line that was wrapped, quoted, joined or continued
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_ENTITY = re.compile(rb"&(?:#|[a-zA-Z]{2,8};)")
_ESCAPE = re.compile(rb"((?:\\u[0-9a-fA-F]{4})++)|\\(?:x([0-9a-fA-F]{2})|([\s\S]))")
_SHELL_QUOTE = b"'\"'\"'"


class CanaryHit(NamedTuple):
    """Where the secret is kept that was found, and in which form it stood there."""

    source: str
    form: str


class Refused(NamedTuple):
    """A value that is no canary, and why: it would stop what has nothing to hide."""

    source: str
    reason: str


class CanaryError(Exception):
    """Something was about to leave with one of the server's secrets in it."""

    def __init__(self, hit: CanaryHit) -> None:
        self.hit = hit
        super().__init__(
            f"stopped: the output holds the secret from {hit.source} ({hit.form}); nothing has left"
        )


class _Needle(NamedTuple):
    value: bytes
    source: str

    def __repr__(self) -> str:
        return f"_Needle({self.source})"


class Canaries:
    """The secrets to look for, each with the place where it is kept: ``("iworx.ini [iworx] dsn", ...)``.

    ``public`` are words that are no secret even if one was chosen as a password: the host's name, user names.
    ``unread`` are places whose secrets could not be had, each with why.
    """

    __slots__ = ("_base64", "_plain", "_stripped", "refused", "unread")

    def __init__(
        self,
        secrets: Iterable[tuple[str, str]],
        *,
        public: Iterable[str] = (),
        unread: Mapping[str, str] | None = None,
    ) -> None:
        self.unread = dict(unread or {})
        known = _COMMON | {word.lower() for word in public}
        refused: list[Refused] = []
        plain: dict[bytes, str] = {}
        for source, secret in secrets:
            for value in _values(secret):
                reason = _why_not(value, known)
                if reason:
                    refused.append(Refused(source, reason))
                else:
                    plain.setdefault(value.encode("utf-8", "replace")[:_LONGEST_BYTES], source)
        self.refused = tuple(dict.fromkeys(refused))
        self._plain = tuple(_Needle(value, source) for value, source in plain.items())
        # One with white space or signs among these would not be found where a line breaks beside them.
        self._stripped = tuple(
            _Needle(bare, needle.source)
            for needle in self._plain
            if _SHORTEST_STRIPPED_BYTES
            <= len(bare := needle.value.translate(None, _DECORATION))
            < len(needle.value)
        )
        self._base64 = tuple(
            _Needle(letters, needle.source) for needle in self._plain for letters in _in_base64(needle.value)
        )

    def __repr__(self) -> str:
        return f"Canaries({len(self._plain)} looked for, {len(self.refused)} refused)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("canaries stay in the memory of the process that read them")

    def __len__(self) -> int:
        return len(self._plain)

    def check(self, data: bytes) -> CanaryHit | None:
        """Return the first secret found in the bytes; None when there is none in any form."""
        if not self._plain:
            return None
        looked_at: set[bytes] = set()
        waiting = [(0, "as it is", data)]
        while waiting:
            depth, form, text = waiting.pop(0)
            hit = self._in(form, text)
            if hit is not None:
                return hit
            looked_at.add(text)
            if depth < _ROUNDS_COUNT:
                waiting.extend(
                    (depth + 1, name, more) for name, more in _unescaped(text) if more not in looked_at
                )
        return None

    def refuse(self, data: bytes) -> None:
        """Do nothing when no secret is in the bytes.

        Raises:
            CanaryError: there is one.
        """
        hit = self.check(data)
        if hit is not None:
            raise CanaryError(hit)

    def _in(self, form: str, text: bytes) -> CanaryHit | None:
        lines = text.split(b"\n")
        joined = b"".join([line.strip() for line in lines])
        bare = b"".join([line.strip(_DECORATION) for line in lines])
        for needle in self._plain:
            if needle.value in joined or needle.value in bare:  # so is what stands on one line
                whole = needle.value in text
                return CanaryHit(needle.source, form if whole else f"{form}, split over lines")
        if self._stripped:
            stripped = text.translate(None, _DECORATION + b"\n")
            for needle in self._stripped:
                if needle.value in stripped:
                    return CanaryHit(needle.source, f"{form}, split over lines")
        standard = bare.translate(_TO_STANDARD)
        for needle in self._base64:
            if needle.value in standard:
                return CanaryHit(needle.source, f"{form}, in base64")
        return None


def _values(secret: str) -> tuple[str, ...]:
    """Return what to look for: the secret, or of one with several lines some whole lines.

    Of a private key those of its secret part: the rest stands in its certificate.
    """
    lines = [line.strip() for line in secret.split("\n")]
    if len(lines) > 1:
        from iwx_agent.redact.private_keys import secret_lines

        lines = list(secret_lines(lines))
    whole = [line for line in lines if len(line) >= _LINE_BYTES and not line.startswith("-----")]
    if len(lines) == 1 or not whole:
        return ("".join(lines),)
    return tuple(whole[:: max(1, len(whole) // _LINES_COUNT)])


def _why_not(value: str, known: frozenset[str]) -> str:
    """Return why a value is no canary; empty when it is one."""
    size = len(value.encode("utf-8", "replace"))
    if size < _SHORTEST_BYTES:
        return f"shorter than {_SHORTEST_BYTES} bytes"
    if value.lower() in known:
        return "a common or public word"
    if value.isdigit() and size < _SHORTEST_FIGURES:
        return f"a number of fewer than {_SHORTEST_FIGURES} figures"
    if len(set(value)) <= 2:
        return "no more than two different characters"
    return ""


def _in_base64(value: bytes) -> tuple[bytes, ...]:
    """Return the letters that base64 gives for the value at each of three places, whatever is around it."""
    found = []
    for place in range(3):
        letters = binascii.b2a_base64(b"\0" * place + value, newline=False)
        first = (8 * place + 5) // 6  # the first letter made of bits of the value alone
        last = 8 * (place + len(value)) // 6
        found.append(letters[first:last])
    return tuple(found)


def _unescaped(text: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the text with each kind of escapes that it holds taken back, one kind at a time."""
    if b"%" in text:
        from urllib.parse import unquote_to_bytes

        yield "URL-escaped", unquote_to_bytes(text)
        if b"+" in text:
            yield "URL-escaped", unquote_to_bytes(text.replace(b"+", b" "))
    if b"\\" in text:
        yield "JSON-escaped", _ESCAPE.sub(_said, text)
    if _ENTITY.search(text):
        import html

        told = html.unescape(text.decode("utf-8", "surrogateescape"))
        yield "HTML-escaped", told.encode("utf-8", "surrogateescape")
    if _SHELL_QUOTE in text:
        yield "quoted for a shell", text.replace(_SHELL_QUOTE, b"'")
    if b"\0" in text:
        yield "in UTF-16", text.replace(b"\0", b"")  # wherever it begins, as far as it is ASCII
        for coding in ("utf-16-le", "utf-16-be"):
            yield "in UTF-16", text.decode(coding, "replace").encode()


def _said(found: re.Match[bytes]) -> bytes:
    codes, byte, character = found.groups()
    if codes is not None:
        return bytes.fromhex(codes.replace(b"\\u", b"").decode()).decode("utf-16-be", "replace").encode()
    if byte is not None:
        return bytes.fromhex(byte.decode())
    return _CHARACTERS.get(character, character)


_CHARACTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}
