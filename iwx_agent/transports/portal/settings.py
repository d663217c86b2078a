"""Where the portal is and who asks there. No secret of it shows in a text, a log or an exception."""

from collections.abc import Iterable
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from iwx_agent.transports.contract import Credentials


class Place(Struct, frozen=True, kw_only=True):
    """Where the form for a new ticket is, and how to get there.

    ``address`` is the form's. ``account`` None: as a guest. ``login_address`` and ``list_address`` (the
    account's tickets) are found by their links when empty. ``search_address`` has ``{key}`` in it.
    ``authorities`` is the path of a PEM file that is trusted instead of the system's. ``proxy`` is the
    address of an HTTP proxy; those of the environment are never used.
    """

    address: str
    account: Credentials | None = None
    login_address: str = ""
    list_address: str = ""
    search_address: str = ""
    authorities: str = ""
    proxy: str = ""


def faults_of(place: Place) -> Iterable[tuple[str, str]]:
    """Yield the setting and what is wrong with it, for each that cannot be used."""
    for name in ("address", "login_address", "list_address", "search_address"):
        text = getattr(place, name)
        if (text or name == "address") and (why := fault_of_address(text.replace("{key}", "key"))):
            yield name, why
        elif text and origin_of(text) != origin_of(place.address):
            yield name, "is on another host than the form: no ticket and no password is sent there"
    if place.search_address and "{key}" not in place.search_address:
        yield "search_address", "expected {key} in it"
    if place.proxy:
        why = fault_of_address(place.proxy, plain=True)
        if why:
            yield "proxy", why


def fault_of_address(address: str, *, plain: bool = False) -> str:
    """Return why an address cannot be used; empty when it can. Without TLS only this machine is asked."""
    from iwx_agent.transports.wire import is_loopback

    try:
        parts = urlsplit(address)
        name, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return f"is no address: {error}"
    if parts.scheme not in ("http", "https") or not name:
        return "expected an address that begins with https://"
    if "@" in parts.netloc:
        return "a user or password in an address would end up in logs; use the account's settings"
    if any(not "!" <= c <= "~" for c in address):
        return "expected printable ASCII characters without blanks"
    if parts.scheme == "http" and not plain and not is_loopback(name):
        return "expected https:// (a ticket is sent over TLS only)"
    return ""


def join(base: str, href: str) -> str:
    """Return where a link leads, in printable ASCII, without the place within the page.

    Empty when it is no address. What a page or a header has in it can be anything.
    """
    try:
        found = urljoin(base, href).partition("#")[0]
    except ValueError:
        return ""
    return quote(found, safe="!$%&'()*+,/:;=?@[]~", errors="replace")


def origin_of(address: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address; empty and 0 when it is none."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0
    return parts.scheme.lower(), (parts.hostname or "").rstrip(".").lower(), port
