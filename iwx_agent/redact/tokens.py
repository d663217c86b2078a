"""Tokens in place of people's addresses: the same address is the same token on one server, and on no other.

A token is made with a key that never leaves the server; the map back stays with it.
"""

from threading import Lock

from msgspec import Struct

_KEY_BYTES = 16
_SHORTEST_DIGITS = 6
_REMEMBERED_COUNT = 200_000  # a flood of addresses does not fill the memory; further ones have no way back


class TokenMap(Struct, frozen=True, kw_only=True):
    """Which token stands for which address; personal data, so its ``repr`` is a count."""

    originals: dict[str, str] = {}

    def reveal(self, token: str) -> str | None:
        """Return the address that a token stands for, in any of its forms; None when it is not known here."""
        told = token_of(token).strip().lower()
        return self.originals.get(told.partition("@")[0])

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
        if len(key) < _KEY_BYTES:
            raise ValueError(f"a key for tokens has at least {_KEY_BYTES} bytes, not {len(key)}")
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


class NumberedTokens(Tokens):
    """Tokens by number, in the order in which the rules find addresses: the same each time, without a key.

    For a machine whose key is not here. They say who is the same within one text, not from text to text.
    """

    def __init__(self, *, kept: frozenset[str] = frozenset()) -> None:
        super().__init__(b"\0" * _KEY_BYTES, kept=kept)

    def _made(self, kind: str, original: str) -> str:
        with self._lock:
            number = len(self._originals) + 1
            token = f"{kind}-{number:0{_SHORTEST_DIGITS}x}"
            if number <= _REMEMBERED_COUNT:
                self._originals[token] = original
                self._given[original] = token
        return token


class AddressTokens:
    """The same tokens for texts that are parsed again: those for addresses have the form of addresses."""

    def __init__(self, tokens: Tokens, *, kept: frozenset[str] = frozenset()) -> None:
        self.kept = tokens.kept | kept
        self._tokens = tokens

    def token(self, kind: str, original: str) -> str:
        """Return the token, for ``ip`` as an address of the kind that the original is."""
        token = self._tokens.token(kind, original)
        return as_address(token, version=6 if ":" in original else 4) if kind == "ip" else token


def as_address(token: str, *, version: int) -> str:
    """Return the token ``ip-2920ab`` as the IPv4 address 240.41.32.171, or the IPv6 address fd00::29:20ab.

    Neither is routed: 240.0.0.0/4 is reserved (RFC 1112), fd00::/8 private, its prefixes to be drawn by lot
    (RFC 4193). The figures are the token's own, so that one can be told from the other. Of a token with more
    figures than 24 bits hold, which is rare, an IPv4 address has the last ones.
    """
    from ipaddress import IPv4Address, IPv6Address

    figures = int(token.partition("-")[2], 16)
    if version == 6:
        return str(IPv6Address((0xFD << 120) | (figures & ((1 << 64) - 1))))
    return str(IPv4Address((240 << 24) | (figures & 0xFFFFFF)))


def token_of(text: str) -> str:
    """Return the token that an address of ``as_address`` stands for; any other text as it is."""
    from ipaddress import ip_address

    try:
        address = ip_address(text.strip())
    except ValueError:
        return text
    bits, base = (24, 240) if address.version == 4 else (64, 0xFD << 56)
    if int(address) >> bits != base:
        return text
    return f"ip-{int(address) & ((1 << bits) - 1):0{_SHORTEST_DIGITS}x}"
