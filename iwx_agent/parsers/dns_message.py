r"""DNS messages (RFC 1035): one question out, the header and the echoed question of its answer in.

>>> question = build_query("example.com", kind=SOA)
>>> len(question), question[12:25]
(29, b'\x07example\x03com\x00')
>>> reply = parse_reply(question[:2] + b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00" + question[12:], question)
>>> reply.rcode, reply.answers_count, reply.authoritative
(0, 1, True)
"""

import struct

from msgspec import Struct

from iwx_agent.model import ParseError

NS = 2
SOA = 6
_INTERNET = 1
# Any number will do: each question has a socket of its own, and the same facts must give the same bytes.
_IDENTIFIER = 0x6977
_HEADER = struct.Struct("!HHHHHH")
_RESPONSE = 0x8000
_RECURSION_DESIRED = 0x0100
_AUTHORITATIVE = 0x0400
_RCODE = 0x000F


class Reply(Struct, frozen=True, kw_only=True):
    """What the header of a reply says."""

    rcode: int
    answers_count: int
    authoritative: bool


def build_query(name: str, *, kind: int = SOA, recursive: bool = False) -> bytes:
    """Return one question for ``name`` (``.`` is the root); ``recursive`` asks a resolver to find the answer.

    Raises:
        ParseError: for a name that no DNS message can hold.
    """
    labels = name.removesuffix(".").split(".") if name != "." else []
    if not all(label.isascii() and 1 <= len(label) <= 63 for label in labels) or len(name) > 253:
        raise ParseError("a domain name", name)
    encoded = b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels)
    header = _HEADER.pack(_IDENTIFIER, _RECURSION_DESIRED if recursive else 0, 1, 0, 0, 0)
    return header + encoded + b"\0" + struct.pack("!HH", kind, _INTERNET)


def parse_reply(data: bytes, query: bytes) -> Reply:
    """Return what the reply to ``query`` says.

    Raises:
        ParseError: when it is shorter than a header, is no response, or answers another question.
    """
    if len(data) < _HEADER.size:
        raise ParseError("a DNS header of 12 bytes", data)
    identifier, flags, questions_count, answers_count, _, _ = _HEADER.unpack_from(data)
    if identifier != _HEADER.unpack_from(query)[0] or not flags & _RESPONSE:
        raise ParseError("a response with the identifier of the question", data)
    rcode = flags & _RCODE
    question = query[_HEADER.size :]
    echoed = data[_HEADER.size : _HEADER.size + len(question)]
    # An error may come without the question; letters may come back in another case.
    if not (rcode and questions_count == 0) and echoed.lower() != question.lower():
        raise ParseError("the question echoed in the response", data[_HEADER.size :])
    return Reply(rcode=rcode, answers_count=answers_count, authoritative=bool(flags & _AUTHORITATIVE))
