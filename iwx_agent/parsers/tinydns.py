r"""tinydns' ``data`` file: the zones of this server. One record per line, the first character is its kind.

>>> zones = parse_zones("# comment\nZexample.com:ns1.example.com.:\n&example.com::ns1.example.com\n")
>>> zones.own, zones.delegated
(('example.com',), ())
"""

from msgspec import Struct

from iwx_agent.model import ParseError
from iwx_agent.parsers.vhost import host_name

_KINDS = frozenset(".&=+@-'^CZ:%36SNA")  # the last five are common patches to tinydns-data
_LONGEST_LINE = 8 * 1024


class Zones(Struct, frozen=True, kw_only=True):
    """Zones in the order of the file without repeats: those with an SOA record, and mere delegations."""

    own: tuple[str, ...]
    delegated: tuple[str, ...]


def parse_zones(text: str, *, truncated: bool = False) -> Zones:
    """Return the zones; a file of comments has none. The last line of a ``truncated`` text is left out.

    Raises:
        ParseError: when no line is a record of tinydns although there are lines.
    """
    lines = text.split("\n")
    if truncated:
        lines.pop()
    own: dict[str, None] = {}
    delegated: dict[str, None] = {}
    known = foreign = ""
    for raw in lines:
        line = raw[:_LONGEST_LINE].rstrip()
        if not line or line[0] == "#":
            continue
        if line[0] not in _KINDS:
            foreign = foreign or line
            continue
        known = known or line
        kind, name = line[0], host_name(line[1:].split(":", 1)[0])
        if name and kind in ".Z":
            own[name] = None
        elif name and kind == "&":
            delegated[name] = None
    if foreign and not known:
        raise ParseError("records of tinydns-data", foreign)
    return Zones(own=tuple(own), delegated=tuple(name for name in delegated if name not in own))
