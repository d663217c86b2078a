r"""Logs of an unknown format: the time at the beginning of a line, where there is one that can be read.

Times without a zone are local. The zone follows from the time at which the file was last written: that is
the moment of its last line, so the zone is what lies between the two, in quarters of an hour. When they do
not fit together, the lines have no time. A line without a time of its own has that of the line before it.

>>> text = "2026-11-23 17:27:18 started\n  at step 3\n[Mon Nov 23 17:27:20.5 2026] [error] no\n"
>>> lines = parse_log(text, source="iworx.log", written_at=1795451240.0)
>>> [line.at for line in lines]
[1795451238.0, 1795451238.0, 1795451240.0]
"""

import re
from datetime import UTC, datetime, timedelta

from iwx_agent.model import LogLine

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CLOCK = r"(\d\d):(\d\d):(\d\d)(?:[.,]\d{1,9})?"
_ISO = re.compile(rf"\[?(\d{{4}})[-/](\d\d)[-/](\d\d)[T ]{_CLOCK} ?(Z|UTC|[+-]\d\d:?\d\d)?\b")
_WORDS = re.compile(
    rf"\[?(?:[A-Z][a-z]{{2}},? )?([A-Z][a-z]{{2}}) {{1,2}}(\d{{1,2}}) {_CLOCK}(?: (\d{{4}})\])?"
)
_QUARTER_S = 900
_FURTHEST_ZONE_S = 14 * 3600
_APART_S = 120  # a file is written within this after the moment its last line names
_LINE_CHARACTERS = 2000
_STAMP_CHARACTERS = 60
_LATEST_AT = 250e9  # year 9892

_Stamp = tuple[datetime, bool]  # the time as it stands there, and whether it is UTC


def parse_log(text: str, *, source: str, written_at: float) -> tuple[LogLine, ...]:
    """Return the lines that are not empty, oldest first, each cut; ``at`` is None where it cannot be told."""
    lines = [line[:_LINE_CHARACTERS].rstrip("\r") for line in text.split("\n") if line.strip()]
    stamps = [_stamp(line[:_STAMP_CHARACTERS], written_at) for line in lines]
    zone_s = _zone_s(stamps, written_at)
    found: list[LogLine] = []
    at: float | None = None
    for line, stamp in zip(lines, stamps, strict=True):
        if stamp is not None:
            at = _at(stamp, zone_s)
        found.append(LogLine(text=line, source=source, at=at))
    return tuple(found)


def _stamp(line: str, written_at: float) -> _Stamp | None:
    iso = _ISO.match(line)
    words = None if iso else _WORDS.match(line)
    try:
        if iso:
            return _of_iso(iso)
        if words and words.group(1) in _MONTHS:
            return _of_words(words, written_at), False
    except (ValueError, OverflowError):  # the 31st of a short month; a zone beyond year 1
        return None
    return None


def _of_iso(found: re.Match[str]) -> _Stamp:
    year, month, day, hour, minute, second = (int(number) for number in found.groups()[:6])
    zone = found.group(7)
    local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    if zone is None or zone in ("Z", "UTC"):
        return local, zone is not None
    digits = zone[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return (local - ahead if zone[0] == "+" else local + ahead), True


def _of_words(found: re.Match[str], written_at: float) -> datetime:
    """Return the time of ``Nov 23 17:27:18`` in the latest year that is not beyond the file's last write."""
    month = _MONTHS.index(found.group(1)) + 1
    day, hour, minute, second = (int(number) for number in found.group(2, 3, 4, 5))
    if found.group(6):
        return datetime(int(found.group(6)), month, day, hour, minute, second, tzinfo=UTC)
    latest = datetime.fromtimestamp(min(max(written_at, 0.0), _LATEST_AT), UTC) + timedelta(days=1)
    local = datetime(latest.year, month, day, hour, minute, second, tzinfo=UTC)
    return local if local <= latest else local.replace(year=latest.year - 1)


def _zone_s(stamps: list[_Stamp | None], written_at: float) -> int | None:
    last = next((stamp for stamp in reversed(stamps) if stamp is not None), None)
    if last is None or last[1]:
        return None
    ahead_s = last[0].timestamp() - written_at
    if not abs(ahead_s) <= _FURTHEST_ZONE_S + _APART_S:
        return None
    zone_s = round(ahead_s / _QUARTER_S) * _QUARTER_S
    return zone_s if abs(ahead_s - zone_s) <= _APART_S else None


def _at(stamp: _Stamp, zone_s: int | None) -> float | None:
    told, is_utc = stamp
    if is_utc:
        return told.timestamp()
    return None if zone_s is None else told.timestamp() - zone_s
