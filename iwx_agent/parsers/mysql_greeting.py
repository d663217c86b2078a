r"""The first packet of a MySQL or MariaDB server: a handshake of protocol 10, or an error.

Source: MySQL client/server protocol, Protocol::HandshakeV10 and ERR_Packet. Before the handshake an error has
no SQL state, as in the sample; some servers and proxies send one (``#08004``) all the same: it is left out.

>>> parse_greeting(b"\x1f\0\0\0\n5.5.5-10.11.19-MariaDB\0\x03\0\0\0abcd").version
'10.11.19-MariaDB'
>>> error = parse_greeting(b"\x17\0\0\0\xff\x10\x04Too many connections")
>>> error.error_code, error.text
(1040, 'Too many connections')
"""

from iwx_agent.model import ParseError
from iwx_agent.model.database import ServerGreeting

_HEADER_BYTES = (
    4  # length of what follows in three bytes, little-endian; then the sequence number, 0 at first
)
_PROTOCOL_10 = 0x0A
_ERROR = 0xFF
_LONGEST_VERSION_BYTES = 200
_LONGEST_TEXT_BYTES = 512  # MYSQL_ERRMSG_SIZE
_REPLICATION_PREFIX = "5.5.5-"  # MariaDB 10 puts it there for old replicas; it is not its version


def parse_greeting(data: bytes) -> ServerGreeting:
    """Return the version or the error of the packet at the start of ``data``; the rest is not looked at.

    Raises:
        ParseError: for anything that no database server says first.
    """
    expected = "the first packet of a MySQL server"
    length = int.from_bytes(data[:3], "little")
    if len(data) <= _HEADER_BYTES or data[3] != 0 or length == 0:
        raise ParseError(expected, data)
    body = data[_HEADER_BYTES : _HEADER_BYTES + length]
    if body[0] == _PROTOCOL_10:
        end = body.find(b"\0", 1, 2 + _LONGEST_VERSION_BYTES)
        if end <= 1:
            raise ParseError(f"{expected}: a version that ends with NUL", data)
        return ServerGreeting(version=_text(body[1:end]).removeprefix(_REPLICATION_PREFIX))
    if body[0] == _ERROR and len(body) >= 3:
        words = body[3 : 3 + _LONGEST_TEXT_BYTES]
        if words[:1] == b"#":
            words = words[6:]
        return ServerGreeting(error_code=int.from_bytes(body[1:3], "little"), text=_text(words))
    raise ParseError(expected, data)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
