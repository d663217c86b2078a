"""``/proc/net/unix``: the paths that some process listens on, whether or not the file is still there.

>>> table = "Num       RefCount Protocol Flags    Type St Inode Path\\n"
>>> parse_listening(table + "000000006dca219f: 00000002 00000000 00010000 0001 01 38424 /run/a b.sock\\n")
('/run/a b.sock',)
"""

from iwx_agent.model import ParseError

_LISTENING = "00010000"  # __SO_ACCEPTCON
_COLUMNS_COUNT = 7  # before the path, which may hold blanks


def parse_listening(text: str) -> tuple[str, ...]:
    """Return the paths of listening sockets in the order of the table; abstract names are left out."""
    lines = text.split("\n")
    if lines[0].split() != ["Num", "RefCount", "Protocol", "Flags", "Type", "St", "Inode", "Path"]:
        raise ParseError("the head line of /proc/net/unix", lines[0])
    rows = (line.split(None, _COLUMNS_COUNT) for line in lines[1:])
    return tuple(
        row[-1] for row in rows if len(row) > _COLUMNS_COUNT and row[3] == _LISTENING and row[-1][0] == "/"
    )
