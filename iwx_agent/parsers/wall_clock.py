r"""Times as programs print them for people: with a zone, or in the zone of the server.

>>> parse_time("2026-11-23 19:52:42", zone_s=-18000.0)
1795481562.0
>>> parse_time("2026-11-23T19:52:42Z"), parse_time("1795463562"), parse_time("2026-11-23 19:52:42")
(1795463562.0, 1795463562.0, None)
>>> parse_zone("-0500\n")
-18000.0
"""

import re
from datetime import UTC, datetime, timedelta, timezone

from iwx_agent.model import ParseError

DATE = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
CLOCK = re.compile(r"\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?\Z")

_TIME = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.\d{1,9})?)? ?(Z|UTC|[+-]\d{2}:?\d{2})?\Z"
)
_EPOCH = re.compile(r"([1-9]\d{8,9})(?:\.\d{1,9})?\Z")
_EPOCH_MS = re.compile(r"([1-9]\d{11,12})\Z")
_ZONE = re.compile(r"([+-])(\d{2}):?(\d{2})\Z")


def parse_time(text: str, *, zone_s: float | None = None) -> float | None:
    """Return seconds since the epoch; None for what is no time, and for one without a zone if none is given.

    ``zone_s`` is how far the server's clock on the wall is ahead of UTC.
    """
    told = text.strip()
    if found := _EPOCH.match(told):
        return float(found[1])
    if found := _EPOCH_MS.match(told):
        return int(found[1]) / 1000
    found = _TIME.match(told)
    if found is None:
        return None
    ahead_s = _ahead_s(found[7]) if found[7] else zone_s
    if ahead_s is None or abs(ahead_s) >= 86_400:
        return None
    numbers = [int(part or 0) for part in found.groups()[:6]]
    try:
        moment = datetime(*numbers, tzinfo=timezone(timedelta(seconds=ahead_s)))  # type: ignore[arg-type, misc]
        return moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):  # a 31st of February, a year 0000
        return None


def has_no_zone(text: str) -> bool:
    """Return whether a text is a time that says nothing of its zone."""
    found = _TIME.match(text.strip())
    return found is not None and not found[7]


def parse_zone(text: str) -> float:
    """Return how many seconds ``+hhmm`` is ahead of UTC.

    Raises:
        ParseError: for anything else.
    """
    if not _ZONE.match(text.strip()):
        raise ParseError("a zone such as +0200", text)
    return _ahead_s(text.strip())


def _ahead_s(zone: str) -> float:
    found = _ZONE.match(zone)
    if found is None:  # Z, UTC
        return 0.0
    ahead_s = float(int(found[2]) * 3600 + int(found[3]) * 60)
    return -ahead_s if found[1] == "-" else ahead_s
