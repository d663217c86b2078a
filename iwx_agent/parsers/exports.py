r"""``/etc/exports``: which directories this machine lets others mount.

>>> export_of("/home", "# nodes\n/srv *(ro)\n/home 10.99.0.20(rw) \\\n  10.99.0.21(rw)\n")
'/home 10.99.0.20(rw) 10.99.0.21(rw)'
>>> export_of("/home", "/home/backup *(ro)\n")
''
"""

import re

_PLACE = re.compile(r'"([^"]*)"|(\S+)')
_LINE_CHARACTERS = 300


def export_of(path: str, text: str) -> str:
    """Return the line that exports ``path``, on one line and at most 300 characters; empty when none does."""
    for line in text.replace("\\\n", " ").split("\n"):
        told = line.partition("#")[0].strip()
        place = _PLACE.match(told)
        if place and (place[1] or place[2] or "").rstrip("/") == path.rstrip("/"):
            return " ".join(told.split())[:_LINE_CHARACTERS]
    return ""
