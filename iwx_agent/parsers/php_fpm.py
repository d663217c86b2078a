r"""PHP-FPM: its pool files, and the log lines that say a pool has reached its number of workers.

>>> parse_pools("[www]\nlisten = /run/php-fpm/$pool.sock\n")
(('www', '/run/php-fpm/www.sock'),)
>>> line = "[23-Nov-2026 16:27:33] WARNING: [pool www] server reached pm.max_children setting (5), consider"
>>> found, = parse_max_children(line + " raising it\n", source="error.log", modified_at=1795451253.4)
>>> found.pool, found.limit_count, found.line.at
('www', 5, 1795451253.0)
"""

import re
from datetime import UTC, datetime

from iwx_agent.model import LogLine, ParseError
from iwx_agent.model.web import MaxChildren

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_STAMP = re.compile(r"\[(\d{2})-([A-Z][a-z]{2})-(\d{4}) (\d{2}):(\d{2}):(\d{2})(?:\.\d{1,6})?\]")
_REACHED = re.compile(r"\[pool ([^\]]{1,200})\] server reached (?:pm\.)?max_children setting \((\d{1,9})\)")
_ZONE_STEP_S = 900  # all zones of the world lie on quarters of an hour
_FARTHEST_ZONE_S = 14 * 3600
_LONGEST_LINE = 8 * 1024


def parse_pools(text: str) -> tuple[tuple[str, str], ...]:
    """Return (pool, listen) in the order of the file; a pool without ``listen`` is left out, comments too.

    Raises:
        ParseError: for text that holds settings outside of any section, or no section though it is not empty.
    """
    pools: list[tuple[str, str]] = []
    section = ""
    for raw in text.split("\n"):
        line = raw.strip()[:_LONGEST_LINE]
        if not line or line[0] in ";#":
            continue
        if line.startswith("[") and line.endswith("]") and len(line) > 2:
            section = line[1:-1].strip()
            continue
        key, equals, value = line.partition("=")
        if not section or not equals:
            # Only the setting's name is quoted: values such as those of env[...] may be passwords of sites.
            raise ParseError("[pool] and then key = value", re.split(r"[\s=\[]", line, maxsplit=1)[0])
        if key.strip().lower() == "listen" and section != "global":
            place = value.split(";", 1)[0].strip().strip("\"'")
            if place:
                pools.append((section, place.replace("$pool", section)))
    return tuple(pools)


def parse_max_children(text: str, *, source: str, modified_at: float) -> tuple[MaxChildren, ...]:
    """Return the lines that say so, oldest first; no such line is an empty tuple.

    The log's times are local and do not name their zone. The file was last written when its last line was, so
    ``modified_at`` beside that line's time gives the zone; when the two do not fit, the times are None.
    """
    reached: list[tuple[str, int, str, float | None]] = []
    last: float | None = None
    for raw in text.split("\n"):
        line = raw[:_LONGEST_LINE]
        stamp = _STAMP.match(line)
        at = _local(stamp) if stamp else None
        last = at if at is not None else last
        found = _REACHED.search(line)
        if found:
            reached.append((found[1], int(found[2]), line, at))
    zone_s = _zone(last, modified_at)
    return tuple(
        MaxChildren(
            pool=pool,
            limit_count=count,
            line=LogLine(text=line, source=source, at=None if at is None or zone_s is None else at + zone_s),
        )
        for pool, count, line, at in reached
    )


def _local(stamp: re.Match[str]) -> float | None:
    day, month, year, hour, minute, second = stamp.groups()
    try:
        number = _MONTHS.index(month.lower()) + 1
        moment = datetime(int(year), number, int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp()


def _zone(last: float | None, modified_at: float) -> float | None:
    """Return the seconds that turn the log's local time into epoch seconds, None when they cannot be told."""
    if last is None or not abs(modified_at - last) <= _FARTHEST_ZONE_S + _ZONE_STEP_S:
        return None
    return round((modified_at - last) / _ZONE_STEP_S) * _ZONE_STEP_S
