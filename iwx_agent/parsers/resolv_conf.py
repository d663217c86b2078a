r"""``/etc/resolv.conf``: the name servers that the C library asks.

>>> name_servers("search example.com\nnameserver 192.0.2.53\nnameserver ::1 #\n; nameserver ::2\n")
('192.0.2.53', '::1')
"""

import ipaddress

MOST_SERVERS = 3  # MAXNS: the C library never asks more


def name_servers(text: str) -> tuple[str, ...]:
    """Return the first three name servers, each once, in order; lines that are none are passed over."""
    found: dict[str, None] = {}
    taken = 0
    for line in text.split("\n"):
        words = line.split()
        if len(words) >= 2 and words[0] == "nameserver" and taken < MOST_SERVERS and _is_address(words[1]):
            taken += 1
            found[words[1]] = None
    return tuple(found)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
