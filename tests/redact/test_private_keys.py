"""Which lines of a private key are looked for: none that its certificate shows, too."""

import base64
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iwx_agent.redact import Canaries
from iwx_agent.redact.private_keys import secret_lines

# Numbers that are nobody's key, written down as keys are.
_NUMBERS = random.Random(7)


def some(count: int) -> bytes:
    return bytes([0x31 + _NUMBERS.randrange(0x40) for _ in range(count)])


def der(tag: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    raw = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    size = raw or b"\0" if len(body) < 0x80 else bytes([0x80 | len(raw)]) + raw
    return bytes([tag]) + size + body


def integer(value: bytes) -> bytes:
    return der(0x02, value)


def text_of(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def lines_of(data: bytes, width: int = 64) -> list[str]:
    letters = base64.b64encode(data).decode()
    return [letters[at : at + width] for at in range(0, len(letters), width)]


def rsa(modulus: bytes, *secrets: bytes) -> bytes:
    return der(0x30, integer(b"\0"), *map(integer, (modulus, b"\1\0\1", *secrets)))


def pkcs8(key: bytes) -> bytes:
    return der(
        0x30, integer(b"\0"), der(0x30, der(0x06, b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")), der(0x04, key)
    )


def elliptic(secret: bytes, public: bytes) -> bytes:
    return der(0x30, integer(b"\1"), der(0x04, secret), der(0xA1, der(0x03, b"\0\4" + public)))


def openssh(kind: bytes, public: bytes, *parts: bytes, cipher: bytes = b"none") -> bytes:
    private = b"\1\2\3\4\1\2\3\4" + text_of(kind, *parts, b"comment") + b"\1\2\3\4\5"
    return (
        b"openssh-key-v1\0"
        + text_of(cipher, b"none", b"")
        + (1).to_bytes(4, "big")
        + text_of(text_of(kind, public), private)
    )


MODULUS, PUBLIC = some(256), some(64)
D, P, Q, DP, DQ, QI = (some(size) for size in (256, 128, 128, 128, 128, 128))
SEED = some(32)
KEYS = {
    "RSA": (rsa(MODULUS, D, P, Q, DP, DQ, QI), (MODULUS,), (D, P, Q, DP, DQ, QI)),
    "RSA, PKCS #8": (pkcs8(rsa(MODULUS, D, P, Q, DP, DQ, QI)), (MODULUS,), (D, P, Q, DP, DQ, QI)),
    "a curve": (elliptic(SEED, PUBLIC), (PUBLIC,), (SEED,)),
    "a curve, PKCS #8": (pkcs8(elliptic(SEED, PUBLIC)), (PUBLIC,), (SEED,)),
    "Ed25519": (pkcs8(der(0x04, SEED)), (), (SEED,)),
    "OpenSSH, RSA": (
        openssh(b"ssh-rsa", MODULUS, MODULUS, b"\1\0\1", D, QI, P, Q),
        (MODULUS,),
        (D, QI, P, Q),
    ),
    "OpenSSH, Ed25519": (
        openssh(b"ssh-ed25519", PUBLIC[:32], PUBLIC[:32], SEED + PUBLIC[:32]),
        (PUBLIC[:32],),
        (SEED,),
    ),
    "OpenSSH, a curve": (
        openssh(b"ecdsa-sha2-nistp256", PUBLIC, b"nistp256", b"\4" + PUBLIC, SEED),
        (PUBLIC,),
        (SEED,),
    ),
}


def certificates(public: bytes) -> Iterator[bytes]:
    """The public key as others see it: in the midst of other things, at each place in a group of base64."""
    for before in range(3):
        yield "\n".join(lines_of(b"x" * (90 + before) + public + b"y" * 50)).encode()
        yield "\n".join(lines_of(b"x" * (90 + before) + public + b"y" * 50, 70)).encode()


@pytest.mark.parametrize("width", [64, 70, 76])
@pytest.mark.parametrize("kind", KEYS)
def test_a_certificate_is_no_secret_and_the_key_is(kind: str, width: int) -> None:
    key, public, _ = KEYS[kind]
    lines = lines_of(key, width)
    canaries = Canaries([("the key", "\n".join(lines))])
    for one in public:
        for shown in certificates(one):
            assert canaries.check(shown) is None
    assert canaries.check("\n".join(lines).encode()) is not None
    assert canaries.check("".join(lines).encode()) is not None


@pytest.mark.parametrize("kind", KEYS)
def test_each_line_that_is_looked_for_holds_a_part_of_the_secret(kind: str) -> None:
    key, public, secret = KEYS[kind]
    lines = lines_of(key)
    chosen = secret_lines(lines)
    assert chosen
    for line in chosen:
        raw = base64.b64decode(line + "=" * (-len(line) % 4))
        assert not any(raw in one for one in public)
        shared = max((_overlap(raw, one) for one in secret), default=0)
        assert shared >= 12
    left = [line for line in lines if line not in chosen]
    for line in left:
        raw = base64.b64decode(line + "=" * (-len(line) % 4))
        assert max(_overlap(raw, one) for one in secret) < 12


def _overlap(line: bytes, number: bytes) -> int:
    """Return how long the longest piece is that both have."""
    return max(
        (
            size
            for size in range(1, len(line) + 1)
            for at in range(len(line) - size + 1)
            if line[at : at + size] in number
        ),
        default=0,
    )


@pytest.mark.parametrize(
    "data",
    [
        openssh(b"ssh-rsa", MODULUS, cipher=b"aes256-ctr"),
        openssh(b"sk-ssh", PUBLIC, PUBLIC),
        b"openssh-key-v1\0\0\0\0\xff",
        der(0x30, der(0x30, b"abc"), der(0x04, some(200))),  # encrypted PKCS #8
        der(0x30, integer(b"\0"), der(0x30, b""), der(0x04)),
        b"\x30\x84\xff\xff\xff\xff" + some(100),
        b"\x30",
        some(120),
    ],
)
def test_a_key_that_cannot_be_read_is_secret_as_a_whole(data: bytes) -> None:
    lines = lines_of(data)
    assert secret_lines(lines) == tuple(lines)


def test_what_is_no_base64_is_secret_as_a_whole() -> None:
    lines = ["Proc-Type: 4,ENCRYPTED", "", "MIGHAgEAMBMGByqGSM49AgEG"]
    assert secret_lines(lines) == tuple(lines)


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"openssh-key-v1\0", b"\x30\x81\x80", b"\x30\x20\x02\x01\x01\x04"]),
)
def test_whatever_it_is_some_line_is_looked_for(data: bytes, begin: bytes) -> None:
    lines = lines_of(begin + data)
    assert set(secret_lines(lines)) <= set(lines)
    assert bool(secret_lines(lines)) == bool(lines)
