"""The error log of MySQL and MariaDB: its errors, and the words that it prints when it crashes.

Times are UTC where they end with Z (MySQL 5.7 and later) and of an unknown zone otherwise, which is no time.

>>> log = "2026-11-23 15:56:18 0 [Note] InnoDB: Using io_uring\\n2026-11-23 15:56:18 0 [ERROR] Aborting\\n"
>>> [(line.text, line.at) for line in parse_errors(log, source="mariadb.log")]
[('2026-11-23 15:56:18 0 [ERROR] Aborting', None)]
"""

import re
from datetime import datetime

from iwx_agent.model import LogLine

_MARKS = ("[ERROR]", " got signal ", " got exception ")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z ")
_LONGEST_CHARACTERS = 500


def parse_errors(text: str, *, source: str) -> tuple[LogLine, ...]:
    """Return the lines that tell of an error, in their order; any text has such lines or none."""
    return tuple(
        LogLine(text=line[:_LONGEST_CHARACTERS].rstrip(), source=source, at=_utc(line))
        for line in text.split("\n")
        if any(mark in line[: 2 * _LONGEST_CHARACTERS] for mark in _MARKS)
    )


def _utc(line: str) -> float | None:
    found = _UTC.match(line)
    if found is None:
        return None
    try:
        return datetime.fromisoformat(found.group().strip()).timestamp()
    except ValueError:
        return None
