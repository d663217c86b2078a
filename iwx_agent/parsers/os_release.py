r"""``/etc/os-release`` (os-release(5)): shell assignments; the name that is meant for people.

>>> parse_os_release('NAME="AlmaLinux"\nPRETTY_NAME="AlmaLinux 9.4 (Seafoam Ocelot)"\n')
'AlmaLinux 9.4 (Seafoam Ocelot)'
>>> parse_os_release("NAME=Example\nVERSION_ID=7\n")
'Example 7'
"""

import shlex

from iwx_agent.model import ParseError

_LONGEST_CHARACTERS = 120


def parse_os_release(text: str) -> str:
    """Return PRETTY_NAME, or NAME with VERSION_ID.

    Raises:
        ParseError: for a text that names no system.
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.strip().partition("=")
        if equals and key in ("PRETTY_NAME", "NAME", "VERSION_ID"):
            values[key] = _unquoted(value)
    name = values.get("PRETTY_NAME") or values.get("NAME", "")
    if not name:
        raise ParseError("PRETTY_NAME or NAME of os-release", text)
    if not values.get("PRETTY_NAME"):
        name = f"{name} {values.get('VERSION_ID', '')}".rstrip()
    return name[:_LONGEST_CHARACTERS]


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        raise ParseError("a value as a shell reads it", value) from None
