r"""The fields of an X.509 certificate that tell how long it is good for (RFC 5280), from its DER form.

The standard library decodes a certificate only while verifying it, and a verified connection is refused for
the very certificate that is to be judged. So the outer structure is walked here; every length is checked.

>>> parse_certificate(bytes.fromhex("3003020101"))
Traceback (most recent call last):
...
iwx_agent.model.core.ParseError: expected a certificate: tag 30, got b'\x02\x01\x01'
"""

from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from iwx_agent.model import ParseError

_SEQUENCE, _INTEGER, _SET, _OBJECT, _VERSION = 0x30, 0x02, 0x31, 0x06, 0xA0
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_BMP_STRING = 0x1E
_COMMON_NAME, _ORGANISATION = bytes.fromhex("550403"), bytes.fromhex("55040a")
_PARTS_COUNT = 50  # attributes of one name that are looked at
_SHOWN_CHARACTERS = 200


class Certificate(Struct, frozen=True, kw_only=True):
    """Subject and issuer (common name, else organisation) and the validity, inclusive at both ends."""

    subject: str
    issuer: str
    self_issued: bool
    not_before_at: float
    not_after_at: float


class _Element(NamedTuple):
    tag: int
    value: bytes
    rest: bytes


def parse_certificate(der: bytes) -> Certificate:
    """Return the fields of one certificate in DER form.

    Raises:
        ParseError: for bytes that are not a certificate.
    """
    inner = _expect(_expect(der, _SEQUENCE, "a certificate").value, _SEQUENCE, "a certificate").value
    if inner[:1] == bytes([_VERSION]):
        inner = _expect(inner, _VERSION, "a version").rest
    inner = _expect(inner, _INTEGER, "a serial number").rest
    inner = _expect(inner, _SEQUENCE, "a signature algorithm").rest
    issuer = _expect(inner, _SEQUENCE, "an issuer")
    validity = _expect(issuer.rest, _SEQUENCE, "a validity")
    subject = _expect(validity.rest, _SEQUENCE, "a subject")
    begin = _element(validity.value)
    end = _element(begin.rest)
    return Certificate(
        subject=_name(subject.value),
        issuer=_name(issuer.value),
        self_issued=subject.value == issuer.value,
        not_before_at=_time(begin),
        not_after_at=_time(end),
    )


def _element(data: bytes) -> _Element:
    """Split the first element off; ParseError when its length is not within the data."""
    if len(data) < 2:
        raise ParseError("a DER element", data)
    start, length = 2, data[1]
    if length >= 0x80:
        count = length - 0x80
        start += count
        if not 1 <= count <= 4 or len(data) < start:
            raise ParseError("a DER length of 1 to 4 bytes", data)
        length = int.from_bytes(data[2:start], "big")
    if len(data) < start + length:
        raise ParseError(f"{length} bytes of a DER element", data)
    return _Element(data[0], data[start : start + length], data[start + length :])


def _expect(data: bytes, tag: int, what: str) -> _Element:
    found = _element(data)
    if found.tag != tag:
        raise ParseError(f"{what}: tag {tag:02x}", data)
    return found


def _name(value: bytes) -> str:
    """Return the common name, else the organisation, else an empty string."""
    organisation = ""
    for _ in range(_PARTS_COUNT):
        if not value:
            break
        part = _expect(value, _SET, "a part of a name")
        value = part.rest
        attribute = _expect(part.value, _SEQUENCE, "an attribute of a name")
        kind = _expect(attribute.value, _OBJECT, "the kind of an attribute")
        text = _text(_element(kind.rest))
        if kind.value == _COMMON_NAME:
            return text
        if kind.value == _ORGANISATION:
            organisation = organisation or text
    return organisation


def _text(element: _Element) -> str:
    coding = "utf-16-be" if element.tag == _BMP_STRING else "utf-8"
    return element.value.decode(coding, "replace")[:_SHOWN_CHARACTERS]


def _time(element: _Element) -> float:
    digits = element.value.decode("ascii", "replace")
    if element.tag == _UTC_TIME:  # two-digit years: 50 to 99 are the last century (RFC 5280, 4.1.2.5.1)
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    elif element.tag != _GENERALIZED_TIME:
        raise ParseError("a time", element.value)
    if len(digits) != 15 or digits[-1] != "Z" or not (digits.isascii() and digits[:-1].isdigit()):
        raise ParseError("a time as YYYYMMDDHHMMSSZ", digits)
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:8])
    try:
        hour, minute, second = int(digits[8:10]), int(digits[10:12]), int(digits[12:14])
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        raise ParseError("a time that a calendar has", digits) from None
