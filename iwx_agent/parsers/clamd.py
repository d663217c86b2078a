"""``clamd.conf``: where clamd listens.

>>> listens_at("# LocalSocket /old\\nLocalSocket /run/clamd.scan/clamd.sock\\nTCPSocket 3310\\n")
ClamdListens(socket_path='/run/clamd.scan/clamd.sock', port=3310)
"""

from msgspec import Struct

from iwx_agent.model import ParseError


class ClamdListens(Struct, frozen=True, kw_only=True):
    """The unix socket (empty for none) and the TCP port (0 for none)."""

    socket_path: str = ""
    port: int = 0


def listens_at(text: str) -> ClamdListens:
    """Return the last ``LocalSocket`` and ``TCPSocket``; ParseError when the file names neither."""
    path, port = "", 0
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) != 2:
            continue
        if words[0] == "LocalSocket" and words[1].startswith("/") and "\0" not in words[1]:
            path = words[1][:200]
        elif words[0] == "TCPSocket" and words[1].isascii() and words[1].isdigit() and len(words[1]) <= 5:
            port = int(words[1])
    if not path and not 0 < port < 65536:
        raise ParseError("LocalSocket or TCPSocket in clamd's configuration", text)
    return ClamdListens(socket_path=path, port=port if 0 < port < 65536 else 0)
