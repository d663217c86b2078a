"""Where to ask this machine's own services: the agent never asks another machine's."""

import ipaddress
from contextlib import suppress

from iwx_agent.host import HostError
from iwx_agent.model import ListeningSockets
from iwx_agent.parsers.iproute import is_address
from iwx_agent.parsers.own_addresses import parse_fib_trie, parse_if_inet6
from iwx_agent.probes.context import Context

LOOPBACK = "127.0.0.1"
WILDCARDS = ("0.0.0.0", "::", "*", "")  # noqa: S104 - compared with, never bound


def own_addresses(context: Context) -> frozenset[str] | None:
    """Return this machine's addresses, None when they cannot be told."""
    try:
        found = parse_fib_trie(context.host.read("/proc/net/fib_trie").text)
    except (HostError, ValueError):
        return None
    with suppress(HostError, ValueError):  # a kernel without IPv6 has no such file
        found += parse_if_inet6(context.host.read("/proc/net/if_inet6").text)
    return frozenset(found)


def sockets_or_none(context: Context) -> ListeningSockets | None:
    """Return the listening sockets, None when they cannot be told."""
    try:
        return context.host.sockets()
    except HostError:
        return None


def listening_address(context: Context, port: int) -> str:
    """Return an address of this machine on which ``port`` is listened on; loopback when any will do."""
    sockets = sockets_or_none(context)
    bound = sorted({s.address for s in sockets.on("tcp", port)}) if sockets else []
    if not bound or any(address in (*WILDCARDS, LOOPBACK) for address in bound):
        return LOOPBACK
    return bound[0]


def address_to_ask(context: Context, configured: str, port: int, own: frozenset[str] | None) -> str | None:
    """Return where to ask a service that is configured for an address; None when that is not this machine's.

    A wildcard or a host name is asked wherever the port is listened on. While the machine's own addresses are
    unknown, everything is asked on loopback.
    """
    if configured in WILDCARDS or not is_address(configured):
        return listening_address(context, port)
    if own is None:
        return LOOPBACK
    plain = str(ipaddress.ip_address(configured))
    return plain if plain in own else None
