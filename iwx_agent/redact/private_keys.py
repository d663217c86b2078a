"""Which lines of a private key are secret: the others hold the public key, which every certificate shows.

Sources: RFC 8017 A.1.2 (RSA), RFC 5915 (elliptic curves), RFC 5958 and 8410 (PKCS #8, Ed25519), OpenSSH's
PROTOCOL.key.
"""

import binascii
from collections.abc import Iterator, Sequence

_LEAST_SECRET_BYTES = 12  # of a line: no public text has these beside the rest of it
_SEQUENCE, _INTEGER, _OCTETS = 0x30, 0x02, 0x04
_OPENSSH = b"openssh-key-v1\0"
_DEPTH = 2  # PKCS #8, and the key in it

Span = tuple[int, int]


def secret_lines(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the lines of a key's body that hold enough of the secret part; all when the key cannot be read.

    A key that is encrypted, and one of a kind that is not known here, is secret as a whole.
    """
    try:
        data = binascii.a2b_base64("".join(lines), strict_mode=True)
    except binascii.Error:
        return tuple(lines)
    spans = _spans(data)
    if not spans:
        return tuple(lines)
    found, at = [], 0
    for line in lines:
        ends = at + len(line.rstrip("=")) * 3 // 4
        held = sum(max(0, min(ends, end) - max(at, begin)) for begin, end in spans)
        if held >= _LEAST_SECRET_BYTES:
            found.append(line)
        at = ends
    return tuple(found) or tuple(lines)


def _spans(data: bytes) -> list[Span]:
    """Return where in a key the secret numbers are; nothing when that cannot be told."""
    try:
        if data.startswith(_OPENSSH):
            return list(_of_openssh(data))
        return list(_of_der(data, 0, len(data), _DEPTH))
    except (IndexError, ValueError):
        return []


def _of_der(data: bytes, begin: int, end: int, depth: int) -> Iterator[Span]:
    tag, start, stop = _element(data, begin, end)
    if tag != _SEQUENCE or not depth:
        raise ValueError("not a key that is known")
    parts = list(_elements(data, start, stop))
    tags = [tag for tag, _, _ in parts]
    if tags[:9] == [_INTEGER] * 9:  # RSA: version, n, e, and from there on the secret numbers
        yield from ((start, stop) for _, start, stop in parts[3:9])
    elif tags[:2] == [
        _INTEGER,
        _OCTETS,
    ]:  # an elliptic curve: version, secret; the public key is last
        yield parts[1][1], parts[1][2]
    elif tags[:3] == [_INTEGER, _SEQUENCE, _OCTETS]:  # PKCS #8: version, algorithm, and a key in octets
        _, start, stop = parts[2]
        if data[start] == _SEQUENCE:
            yield from _of_der(data, start, stop, depth - 1)
        else:
            yield start, stop  # Ed25519 and its like: octets in octets, all secret
    else:
        raise ValueError("not a key that is known")


def _elements(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int, int]]:
    while begin < end:
        found = _element(data, begin, end)
        yield found
        begin = found[2]


def _element(data: bytes, begin: int, end: int) -> tuple[int, int, int]:
    """Return tag, where the content begins, and where it ends."""
    tag, length, start = data[begin], data[begin + 1], begin + 2
    if length & 0x80:
        count = length & 0x7F
        length, start = int.from_bytes(data[start : start + count], "big"), start + count
    if start + length > end:
        raise ValueError("longer than what it is in")
    return tag, start, start + length


def _of_openssh(data: bytes) -> Iterator[Span]:
    cipher, at = _string(data, len(_OPENSSH))
    if data[slice(*cipher)] != b"none":
        raise ValueError("encrypted")
    _, at = _string(data, at)
    _, at = _string(data, at)
    _, at = _string(data, at + 4)  # the public key, after how many there are
    (begin, _), _ = _string(data, at)
    kind, at = _string(data, begin + 8)  # after the same number twice
    match data[slice(*kind)]:
        case b"ssh-rsa":  # n, e, d, the inverse of q, p, q
            yield from _strings(data, at, 6)[2:]
        case b"ssh-ed25519":  # the public key, then seed and public key
            seed, _ = _strings(data, at, 2)[1]
            yield seed, seed + 32
        case name if name.startswith(b"ecdsa-"):  # curve, public key, secret
            yield _strings(data, at, 3)[2]
        case _:
            raise ValueError("not a key that is known")


def _strings(data: bytes, at: int, count: int) -> list[Span]:
    found: list[Span] = []
    for _ in range(count):
        span, at = _string(data, at)
        found.append(span)
    return found


def _string(data: bytes, at: int) -> tuple[Span, int]:
    """Return where a string is, and where the next one begins."""
    start = at + 4
    end = start + int.from_bytes(data[at:start], "big")
    if end > len(data):
        raise ValueError("longer than what it is in")
    return (start, end), end
