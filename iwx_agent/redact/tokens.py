"""Tokens in place of people's addresses: the same address is the same token on one server, and on no other.

A token is made with a key that never leaves the server; the map back stays with it.
"""

from threading import Lock

from msgspec import Struct

_SHORTEST_DIGITS = 6
_REMEMBERED_COUNT = 200_000  # a flood of addresses does not fill the memory; further ones have no way back


class TokenMap(Struct, frozen=True, kw_only=True):
    """Which token stands for which address; personal data, so its ``repr`` is a count."""

    originals: dict[str, str] = {}

    def reveal(self, token: str) -> str | None:
        """Return the address that a token stands for; None when it is not known here."""
        return self.originals.get(token.strip().lower())

    def __repr__(self) -> str:
        return f"TokenMap({len(self.originals)} tokens)"


def _short(address: str) -> str:
    """Return an address in the form in which it is compared: IPv6 as short as it can be."""
    from ipaddress import IPv6Address

    try:
        return IPv6Address(address).compressed
    except ValueError:
        return address.lower()


class Tokens:
    """Gives tokens: from a key, from those given before, and with addresses that are nobody's secret.

    ``kept`` holds what stays as it is: the server's own addresses, its name servers.
    """

    def __init__(
        self, key: bytes, known: TokenMap | None = None, *, kept: frozenset[str] = frozenset()
    ) -> None:
        if len(key) < 16:
            raise ValueError(f"a key for tokens has at least 16 bytes, not {len(key)}")
        self.kept = frozenset(_short(address) for address in kept)
        self._key = key
        self._originals = dict(known.originals) if known else {}
        self._given = {original: token for token, original in self._originals.items()}
        self._lock = Lock()

    def __repr__(self) -> str:
        return f"Tokens({len(self._originals)} given)"

    def token(self, kind: str, original: str) -> str:
        """Return the token of an address (``mail``, ``ip``), which is taken as the same in any case."""
        original = original.lower()
        known = self._given.get(original)
        return known if known is not None else self._made(kind, original)

    def map(self) -> TokenMap:
        """Return all tokens given so far, with those known before."""
        with self._lock:
            return TokenMap(originals=dict(self._originals))

    def _made(self, kind: str, original: str) -> str:
        import hashlib
        import hmac

        digest = hmac.new(self._key, f"{kind}:{original}".encode(), hashlib.sha256).hexdigest()
        with self._lock:
            if len(self._originals) >= _REMEMBERED_COUNT:
                return f"{kind}-{digest[:16]}"
            digits = _SHORTEST_DIGITS
            token = f"{kind}-{digest[:digits]}"
            while self._originals.setdefault(token, original) != original:
                digits += 1
                token = f"{kind}-{digest[:digits]}"
            self._given[original] = token
        return token
