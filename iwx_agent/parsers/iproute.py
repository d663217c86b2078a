"""``ip route get`` and ``nodeworx -c Ip -a listIpAddresses``: which address the world sees.

>>> route_source("1.1.1.1 via 10.9.0.1 dev eth0 src 10.9.0.5 uid 0 \\n    cache\\n")
'10.9.0.5'
>>> panel_addresses("10.0.0.5  203.0.113.7  eth0  shared\\n198.51.100.2 198.51.100.2 eth0:1 dedicated\\n")
(('10.0.0.5', '203.0.113.7'), ('198.51.100.2', '198.51.100.2'))
"""

import ipaddress
from itertools import pairwise

from iwx_agent.model import ParseError


def route_source(text: str) -> str:
    """Return the source address of the route printed first."""
    words = text.split()
    for word, following in pairwise(words):
        if word == "src" and is_address(following):
            return following
    raise ParseError("a route with a source address (src ADDRESS)", text)


def route_device(text: str) -> str:
    """Return the interface of the route printed first."""
    for word, following in pairwise(text.split()):
        if word == "dev":
            return following
    raise ParseError("a route with an interface (dev NAME)", text)


def panel_addresses(text: str) -> tuple[tuple[str, str], ...]:
    """Return (local, public) pairs of the panel's address list, its default output: one row per line.

    The second column is the public address behind NAT where it differs (observed form; see interworx.toml).
    """
    pairs = []
    for line in text.splitlines():
        columns = line.split()
        if len(columns) >= 2 and is_address(columns[0]):
            pairs.append((columns[0], columns[1] if is_address(columns[1]) else columns[0]))
    if not pairs:
        raise ParseError("rows that begin with an IP address", text)
    return tuple(pairs)


def is_address(text: str) -> bool:
    """Return whether the text is an IPv4 or IPv6 address; one with a zone (``fe80::1%eth0``) is not.

    A zone may hold any text, so it would carry whatever somebody wrote there into the ticket.
    """
    if "%" in text:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_private(text: str) -> bool:
    """Return whether the address cannot be reached from the internet."""
    return not ipaddress.ip_address(text).is_global
