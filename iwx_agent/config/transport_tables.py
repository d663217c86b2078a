"""The settings of each way to send, as an administrator writes them; what a type cannot say of them.

A secret never stands among them: ``config.secrets`` has where it comes from. A path to a PEM file is called
``authorities``: with it only certificates of these authorities are trusted.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal
from urllib.parse import urlsplit

from msgspec import Struct, structs

from iwx_agent.model.mail_address import is_mail_address

TransportName = Literal["portal", "email", "webhook", "command", "file"]
Fault = tuple[str, str]
_ADDRESS_CHARACTERS = 2000
_WORDS_COUNT = 50
_TLS_FROM_THE_START = 465  # RFC 8314, 3.3
_SERVER = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9_.])?")


class PortalTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The vendor's web form: its address, and who fills it in; without ``user`` a guest.

    ``login_address``, ``list_address`` and ``search_address`` (with ``{key}`` in it) are found on the pages
    when empty. ``proxy`` is the address of an HTTP proxy; those of the environment are never used.
    """

    address: str
    user: str = ""
    password_file: str = ""
    login_address: str = ""
    list_address: str = ""
    search_address: str = ""
    authorities: str = ""
    proxy: str = ""


class EmailTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a mail goes and through which server; without one this machine's own mail system takes it.

    ``port`` 0 is the usual one of ``tls``, and ``tls`` empty is ``starttls``, to this machine ``none``, and
    ``implicit`` with port 465.
    """

    to: str
    copy_to: tuple[str, ...] = ()
    sender: str = ""
    server: str = ""
    port: int = 0
    tls: Literal["", "starttls", "implicit", "none"] = ""
    allow_plain: bool = False
    user: str = ""
    password_file: str = ""
    authorities: str = ""
    update_subject: str = "[{reference}] {subject}"


class WebhookTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a ticket goes as JSON, signed with the key of ``key_file``; ``look_up_url`` has ``{key}``."""

    url: str
    look_up_url: str = ""
    key_file: str = ""
    authorities: str = ""
    allow_plain: bool = False


class CommandTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The program that is given a ticket, with its full path, and its arguments; one that can look for it."""

    command: tuple[str, ...]
    look_up_command: tuple[str, ...] = ()


class FileTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The directory in which tickets are left when nothing else works; the one above it must be there."""

    directory: str = "/var/lib/iwx-agent/tickets"


class Transports(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of each transport; None: it is not set up."""

    portal: PortalTable | None = None
    email: EmailTable | None = None
    webhook: WebhookTable | None = None
    command: CommandTable | None = None
    file: FileTable = FileTable()


def faults_of_transports(transports: Transports) -> Iterator[Fault]:
    """Yield the key below ``transport`` and what is wrong with it, for each that cannot be used."""
    for name in structs.fields(Transports):
        table = getattr(transports, name.name)
        if table is not None:
            for key, why in _FAULTS[name.name](table):
                yield f"{name.name}.{key}", why


def _of_portal(table: PortalTable) -> Iterator[Fault]:
    yield from _urls(table, "address", "login_address", "list_address", "search_address", needed="address")
    for key in ("login_address", "list_address", "search_address"):
        text = getattr(table, key)
        if text and _origin(text) != _origin(table.address):
            yield key, "is on another host than the form: no ticket and no password is sent there"
    if table.search_address and "{key}" not in table.search_address:
        yield "search_address", "expected {key} in it"
    if table.proxy and (why := _fault_of_proxy(table.proxy)):
        yield "proxy", why
    yield from _paths(table, "password_file", "authorities")
    yield from _account(table.user, table.password_file)


def _of_email(table: EmailTable) -> Iterator[Fault]:
    if why := fault_of_mail(table.to):
        yield "to", why
    for address in table.copy_to:
        if why := fault_of_mail(address):
            yield "copy_to", why
    if table.sender and (why := fault_of_mail(table.sender)):
        yield "sender", why
    if not 0 <= table.port < 65536:
        yield "port", f"expected a port from 1 to 65535, or 0 for the usual one, got {table.port}"
    if why := _fault_of_server(table.server):
        yield "server", why
    if table.port == _TLS_FROM_THE_START and table.tls in ("starttls", "none"):
        yield "tls", f'port {table.port} speaks TLS from the start: tls = "implicit", or another port'
    elsewhere = bool(table.server) and not _is_loopback(table.server)
    if elsewhere and table.tls == "none" and not table.allow_plain:
        yield (
            "tls",
            "without TLS everybody on the way can read the ticket; set allow_plain = true if that is meant",
        )
    if table.user and table.tls == "none" and elsewhere:
        yield "user", "no password is sent without TLS"
    if "{reference}" not in table.update_subject or "{subject}" not in table.update_subject:
        yield "update_subject", "expected {reference} and {subject} in it"
    yield from _paths(table, "password_file", "authorities")
    yield from _account(table.user, table.password_file)


def _of_webhook(table: WebhookTable) -> Iterator[Fault]:
    yield from _urls(table, "url", "look_up_url", needed="url", plain=table.allow_plain)
    if table.look_up_url and "{key}" not in table.look_up_url:
        yield "look_up_url", "expected {key} in it"
    yield from _paths(table, "key_file", "authorities")


def _of_command(table: CommandTable) -> Iterator[Fault]:
    for key, words in (("command", table.command), ("look_up_command", table.look_up_command)):
        if not words and key != "command":
            continue
        if not words or not words[0].startswith("/"):
            yield key, "expected a program with its full path, then its arguments"
        elif len(words) > _WORDS_COUNT or any("\0" in word for word in words):
            yield key, f"expected at most {_WORDS_COUNT} words without NUL"


def _of_file(table: FileTable) -> Iterator[Fault]:
    if not table.directory:
        yield "directory", "expected a directory with its full path"
    yield from _paths(table, "directory")


_FAULTS: dict[str, Callable[[Any], Iterator[Fault]]] = {
    "portal": _of_portal,
    "email": _of_email,
    "webhook": _of_webhook,
    "command": _of_command,
    "file": _of_file,
}


def _account(user: str, password_file: str) -> Iterator[Fault]:
    if password_file and not user:
        yield "user", "there is a password, and nobody whose it is"
    if any(ord(c) < 32 or ord(c) == 127 for c in user):
        yield "user", "expected a name without control characters"


def _paths(table: Struct, *keys: str) -> Iterator[Fault]:
    for key in keys:
        path = getattr(table, key)
        if path and (not path.startswith("/") or "\0" in path):
            yield key, "expected a full path, from / on"


def _urls(table: Struct, *keys: str, needed: str, plain: bool = False) -> Iterator[Fault]:
    for key in keys:
        text = getattr(table, key)
        if (text or key == needed) and (why := fault_of_url(text.replace("{key}", "key"), plain=plain)):
            yield key, why


def fault_of_url(address: str, *, plain: bool = False) -> str:
    """Return why an address cannot be used, without quoting it; empty when it can. ``plain`` allows http."""
    if len(address) > _ADDRESS_CHARACTERS or any(not "!" <= c <= "~" for c in address):
        return f"expected at most {_ADDRESS_CHARACTERS} printable ASCII characters without blanks"
    try:
        parts = urlsplit(address)
        name, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if parts.scheme not in ("http", "https") or not name:
        return "expected an address that begins with https://"
    if "@" in parts.netloc:
        return "a user or password in an address would end up in logs: the account has settings of its own"
    if parts.scheme == "http" and not plain and not _is_loopback(name):
        return "expected https:// (without TLS only this machine is asked)"
    return ""


def _fault_of_proxy(address: str) -> str:
    why = fault_of_url(address, plain=True)
    if not why and not address.lower().startswith("http://"):
        return "expected http://: a proxy is asked in plain text, and passes on the TLS with the portal"
    return why


def fault_of_mail(address: str) -> str:
    """Return why a text is no mail address; empty when it is one."""
    return "" if is_mail_address(address) else "expected a mail address as support@example.com"


def _fault_of_server(server: str) -> str:
    """Return why a text names no mail server; empty when it does, and when there is none."""
    if not server or _is_address(server) or _SERVER.fullmatch(server):
        return ""
    if re.fullmatch(r"[^:]+:\d{1,5}", server):
        return "a port does not stand here: it has a setting of its own, port"
    return "expected a host name or an address"


def _is_loopback(name: str) -> bool:
    from ipaddress import ip_address

    return ip_address(name).is_loopback if _is_address(name) else name == "localhost"


def _is_address(name: str) -> bool:
    from ipaddress import ip_address

    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _origin(address: str) -> tuple[str, str, int]:
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    except ValueError:
        return "", "", 0
    return parts.scheme, (parts.hostname or "").rstrip("."), port
