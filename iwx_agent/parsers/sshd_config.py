r"""``sshd_config``: the ports that sshd listens on, who is let in by name. Keywords may be in any case.

>>> parse_ports("# Port 22\nPort 2222\nListenAddress 192.0.2.7:2200\nMatch User x\n  Port 1\n")
(2222, 2200)
"""

_LONGEST_LINE = 1024
_LINES_COUNT = 4


def parse_ports(text: str) -> tuple[int, ...]:
    """Return the ports named before any ``Match``, at most 4, in order; none named is an empty tuple."""
    ports: dict[int, None] = {}
    for raw in text.split("\n"):
        words = raw.strip()[:_LONGEST_LINE].replace("=", " ", 1).replace('"', " ").split()
        keyword = words[0].lower() if words else ""
        if keyword == "match":
            break
        if len(words) < 2 or keyword not in ("port", "listenaddress"):
            continue
        port = _number(words[1] if keyword == "port" else _port_of(words[1]))
        if port:
            ports[port] = None
    return tuple(ports)[:_LINES_COUNT]


def _port_of(address: str) -> str:
    """Return the port of ``192.0.2.7:22`` and ``[::1]:22``; empty for a bare address, also IPv6."""
    if address.startswith("["):
        return address.partition("]")[2].removeprefix(":")
    return address.partition(":")[2] if address.count(":") == 1 else ""


def _number(text: str) -> int:
    """Return the port, 0 for what is none."""
    valid = text.isascii() and text.isdigit() and len(text) <= 5
    return int(text) if valid and 0 < int(text) < 65_536 else 0


def parse_named_only(text: str) -> tuple[str, ...]:
    r"""Return the lines before any ``Match`` that let in, or keep out, users and groups by name; at most 4.

    >>> parse_named_only("allowusers admin@192.0.2.*\nDenyGroups x\nMatch User y\nAllowUsers z\n")
    ('allowusers admin@192.0.2.*', 'DenyGroups x')
    """
    found = []
    for raw in text.split("\n"):
        line = " ".join(raw.strip()[:_LONGEST_LINE].replace("=", " ", 1).split())
        keyword = line.partition(" ")[0].lower()
        if keyword == "match":
            break
        if keyword in ("allowusers", "allowgroups", "denyusers", "denygroups"):
            found.append(line)
    return tuple(found)[:_LINES_COUNT]
