r"""``/proc/net/fib_trie`` and ``/proc/net/if_inet6``: the addresses that this machine itself has.

>>> parse_fib_trie("|-- 192.0.2.7\n   /32 host LOCAL\n|-- 192.0.2.255\n   /32 link BROADCAST\n")
('192.0.2.7',)
>>> parse_if_inet6("fd000000000000000000000000000002 04 40 00 82     eth0\n")
('fd00::2',)
"""

import ipaddress
from itertools import pairwise

from iwx_agent.model import ParseError


def parse_fib_trie(text: str) -> tuple[str, ...]:
    """Return the local IPv4 addresses without repeats, in the order of the file.

    Raises:
        ParseError: when there is none: even a machine without a network has 127.0.0.1.
    """
    lines = [line.strip() for line in text.split("\n")]
    found = [
        line.removeprefix("|-- ")
        for line, below in pairwise(lines)
        if line.startswith("|-- ") and below == "/32 host LOCAL" and _is_ipv4(line.removeprefix("|-- "))
    ]
    if not found:
        raise ParseError("local addresses (/32 host LOCAL) in fib_trie", text)
    return tuple(dict.fromkeys(found))


def parse_if_inet6(text: str) -> tuple[str, ...]:
    """Return the local IPv6 addresses in the order of the file; an empty file is an empty tuple.

    Raises:
        ParseError: for a line that does not begin with 32 hexadecimal digits.
    """
    found = []
    for line in text.split("\n"):
        if not line.strip():
            continue
        digits = line.split()[0]
        try:
            packed = bytes.fromhex(digits) if len(digits) == 32 else b""
            found.append(str(ipaddress.IPv6Address(packed)))
        except ValueError:
            raise ParseError("32 hexadecimal digits at the start of the line", line) from None
    return tuple(dict.fromkeys(found))


def _is_ipv4(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True
