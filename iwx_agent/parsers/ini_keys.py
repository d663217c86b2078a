r"""The names of keys in lines of an ini file. Values stay where they are: secrets stand among them.

>>> ini_keys('[iworx]\nmaintenance_mode="0"\n; maint=1\nno key here\n')
('maintenance_mode',)
"""

import re

_KEY = re.compile(r"[ \t]{0,20}([A-Za-z][\w.-]{0,79})[ \t]{0,20}=")


def ini_keys(text: str) -> tuple[str, ...]:
    """Return the names of the keys, each once, in their order; any text has such names or none."""
    found = (_KEY.match(line) for line in text.split("\n"))
    return tuple(dict.fromkeys(match.group(1) for match in found if match))
