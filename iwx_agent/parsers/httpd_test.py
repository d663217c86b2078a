r"""``httpd -t``: what its configuration test complains of.

>>> config_error("AH00526: Syntax error on line 21 of /etc/a.conf:\nInvalid command 'X'\n")
('/etc/a.conf:21', "AH00526: Syntax error on line 21 of /etc/a.conf: Invalid command 'X'")
"""

import re

from iwx_agent.model import ParseError

_PLACE = re.compile(r"yntax error on line (\d{1,9}) of ([^:\n]{1,1000}):")
_SHOWN_CHARACTERS = 600
_READ_CHARACTERS = 64 * 1024


def config_error(text: str) -> tuple[str, str]:
    """Return (file:line or empty, the complaint on one line, at most 600 characters).

    Warnings before the complaint (AH00558 and the like) are left out when the complaint names a place.

    Raises:
        ParseError: for no text at all.
    """
    text = text[:_READ_CHARACTERS]
    found = _PLACE.search(text)
    start = text.rfind("\n", 0, found.start()) + 1 if found else 0
    message = " ".join(text[start:].split())
    if not message:
        raise ParseError("the complaint of httpd -t")
    return (f"{found[2]}:{found[1]}" if found else "", message[:_SHOWN_CHARACTERS])
