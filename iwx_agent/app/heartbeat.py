"""The heartbeat: an address outside is asked for after each run that went well, and misses it otherwise."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from iwx_agent.host import Host, HostError

if TYPE_CHECKING:
    from collections.abc import Callable

    from iwx_agent.config.sending import Sending

LIMIT_S = 10.0
_ANSWER_BYTES = 64 * 1024
_BODY_BYTES = 1024


def shown(url: str) -> str:
    """Return scheme and host of an address: the rest of it may be a secret.

    >>> shown("https://beat.example.com/ping/0123456789abcdef")
    'https://beat.example.com'
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
        name = parts.hostname or ""
    except ValueError:
        return "the heartbeat's address"
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{port}"


def beat(host: Host, url: str, limit_s: float = LIMIT_S, *, authorities: str = "") -> str:
    """Ask for the address once; return why that was no success, without the address; empty: it was.

    Nothing is sent along, no redirect is followed, and TLS is verified: ``authorities`` as for a webhook.
    Whatever the other side does, this ends within ``limit_s``.
    """
    from iwx_agent.config.transport_tables import fault_of_url
    from iwx_agent.host.deadline import Deadline
    from iwx_agent.transports.http_exchange import LostError, exchange
    from iwx_agent.transports.wire import Wire

    if fault_of_url(url):
        return "its address cannot be used: iwx-agent config check"
    parts = urlsplit(url)
    name = parts.hostname or ""
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    headers = {"User-Agent": "iwx-agent"}
    try:
        with Wire(host, Deadline(limit_s), "heartbeat", max_bytes=_ANSWER_BYTES) as wire:
            wire.connect(name, port)
            if parts.scheme == "https":
                wire.start_tls(name, authorities)
            status = exchange(wire, "GET", url, headers, b"", max_bytes=_BODY_BYTES).status
    except HostError as error:
        return error.reason
    except LostError as error:
        return error.why
    if 300 <= status <= 399:
        return f"status {status}: redirects are not followed, set the final address"
    return "" if 200 <= status <= 299 else f"status {status}"


def beat_after_run(host: Host, sending: "Sending", say: "Callable[[str], None]") -> None:
    """Beat when an address is set; a failure is said, and changes nothing else."""
    url = sending.auto.heartbeat_url
    if url and (why := beat(host.aside(LIMIT_S), url)):
        say(f"the heartbeat did not reach {shown(url)}: {why}")
