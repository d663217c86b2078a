"""What a mail address is here: for the settings and for each mail the same."""

import re

# What can be written without quotes, in ASCII: anything else would need a server that may not be there.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?"
)
_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3: 256 with the brackets around it


def is_mail_address(text: str) -> bool:
    """Return whether a text is a plain address, and nothing that would say more than one."""
    local, _, domain = text.rpartition("@")
    odd = ".." in domain or ".." in local or local[:1] == "." or local[-1:] == "."
    return len(text) <= _CHARACTERS and bool(_ADDRESS.fullmatch(text)) and not odd
