r"""Apache's ``<VirtualHost>`` blocks, as the panel writes one file per site; all else is passed over.

>>> text = "<VirtualHost 192.0.2.7:443>\n ServerName a.example.com:443\n SSLEngine on\n</VirtualHost>\n"
>>> host, = parse_virtual_hosts(text, file="vhost_a.example.com.conf")
>>> host.address, host.port, host.server_name, host.tls
('192.0.2.7', 443, 'a.example.com', True)
>>> site_of((host,)).name
'a.example.com'
"""

import re
from collections.abc import Iterator

from msgspec.structs import replace

from iwx_agent.model import ParseError
from iwx_agent.model.web import Site, VirtualHost

_WORDS = re.compile(r'"([^"]*)"|(\S+)')
_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){0,30}\.?")
_LONGEST_LINE = 8 * 1024
_ALIASES_COUNT = 100
_TLS_PORT = 443


def parse_virtual_hosts(text: str, *, file: str, truncated: bool = False) -> tuple[VirtualHost, ...]:
    """Return the blocks in the order of the file; a file without any is an empty tuple.

    Lines longer than 8 KiB are passed over. A block that the end of a ``truncated`` text cuts is left out.

    Raises:
        ParseError: for a block that is not closed, closed without being open, or opened inside another.
    """
    if "\0" in text:
        raise ParseError("an Apache configuration file", text)
    hosts: list[VirtualHost] = []
    current: VirtualHost | None = None
    for number, line in _lines(text):
        words = [quoted or bare for quoted, bare in _WORDS.findall(line)]
        directive = words[0].lower() if words else ""
        if directive.startswith("<virtualhost"):
            if current is not None:
                raise ParseError("</VirtualHost> before the next <VirtualHost>", line)
            current = _opened(words, file, number)
        elif directive.startswith("</virtualhost"):
            if current is None:
                raise ParseError("<VirtualHost> before </VirtualHost>", line)
            hosts.append(_closed(current))
            current = None
        elif current is not None and len(words) > 1:
            current = _with_directive(current, directive, words[1:])
    if current is not None and not truncated:
        raise ParseError("</VirtualHost> at the end of the file")
    return tuple(hosts)


def site_of(hosts: tuple[VirtualHost, ...]) -> Site | None:
    """Return the site of the first named block, with its plain and its TLS block; None without a name."""
    named = [host for host in hosts if host.server_name]
    if not named:
        return None
    name = named[0].server_name
    own = [host for host in named if host.server_name == name]
    return Site(
        name=name,
        file=named[0].file,
        plain=next((host for host in own if not host.tls), None),
        tls=next((host for host in own if host.tls), None),
    )


def host_name(text: str) -> str:
    """Return the text as a lower-case host name without its port or final dot; empty when it is none."""
    bare = text.split("://", 1)[-1]
    bare = bare.split(":", 1)[0].lower()
    return bare.removesuffix(".") if len(bare) <= 253 and _HOST_NAME.fullmatch(bare) else ""


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Give (first line's number, logical line): no comments, lines that end in a backslash joined."""
    held, held_at = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        line = held + raw.strip()[: _LONGEST_LINE + 1]
        began = held_at or number
        held, held_at = "", 0
        if len(line) > _LONGEST_LINE or line.startswith("#"):
            continue
        if line.endswith("\\"):
            held, held_at = line[:-1] + " ", began
        elif line:
            yield began, line
    if held:
        yield held_at, held


def _opened(words: list[str], file: str, number: int) -> VirtualHost:
    place = words[1].rstrip(">") if len(words) > 1 else "*"
    address, port = _place(place)
    return VirtualHost(file=file, line=number, address=address, port=port, server_name="")


def _closed(host: VirtualHost) -> VirtualHost:
    """Mark what is meant for TLS: a block that lost its SSLEngine is a broken TLS site, not a plain one."""
    meant = host.tls or host.port == _TLS_PORT or bool(host.certificate_file)
    return replace(host, tls=meant)


def _place(text: str) -> tuple[str, int]:
    """Return address and port of ``10.0.0.1:80``, ``[::1]:443``, ``*:80``, ``name``; port 0 for none."""
    if text.startswith("["):
        address, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        address, _, port = text.partition(":")
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    return ("*" if address in ("", "_default_") else address), number


def _with_directive(host: VirtualHost, directive: str, values: list[str]) -> VirtualHost:
    match directive:
        case "servername":
            return replace(host, server_name=host_name(values[0]))
        case "serveralias":
            names = (*host.aliases, *(name for name in map(host_name, values) if name))
            return replace(host, aliases=names[:_ALIASES_COUNT])
        case "documentroot":
            return replace(host, document_root=values[0])
        case "sslengine":
            return replace(host, tls=values[0].lower() == "on")
        case "sslcertificatefile":
            return replace(host, certificate_file=values[0])
    return host
