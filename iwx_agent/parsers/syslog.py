"""Syslog files such as ``/var/log/messages``: time, host, program, text; the traditional and the ISO form.

The traditional time has neither year nor zone. Both follow from the time at which the file was last written:
that is the moment of its last line, so the zone is what lies between the two, in quarters of an hour.

>>> text = "Nov 23 17:27:18 iwx1 kernel: [ 12.5] one\\nNov 23 17:27:20 iwx1 crond[7]: two\\n"
>>> line, = parse_program(text, program="kernel", source="/var/log/messages", written_at=1795451240.0)
>>> line.text, line.at, line.source
('one', 1795451238.0, '/var/log/messages')
"""

import re
from datetime import UTC, datetime, timedelta

from iwx_agent.model import LogLine

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TRADITIONAL = re.compile(r"([A-Z][a-z]{2}) {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) \S{1,255} (.*)", re.DOTALL)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)) \S{1,255} (.*)", re.DOTALL
)
_PROGRAM = re.compile(r"([^\s:\[]{1,64})(?:\[\d{1,10}\])?: ?(.*)", re.DOTALL)
_KERNEL_CLOCK = re.compile(r"\[ {0,9}\d{1,9}\.\d{1,6}\] ")
_QUARTER_S = 900
_FURTHEST_ZONE_S = 14 * 3600
_APART_S = 120  # a file is written within this after the moment its last line names
_LONGEST_CHARACTERS = 4000


def parse_program(text: str, *, program: str, source: str, written_at: float) -> tuple[LogLine, ...]:
    """Return the lines of one program, oldest first; ``at`` is None where the time cannot be told.

    Lines that are not syslog lines are passed over: a rotated or torn first line is normal.
    """
    rows = [row for line in text.splitlines() if (row := _row(line[:_LONGEST_CHARACTERS], written_at))]
    zone_s = _zone_s(rows, written_at)
    found = []
    for local, exact_at, rest in rows:
        words = _PROGRAM.match(rest)
        if words is None or words.group(1) != program:
            continue
        at = exact_at if local is None else _at(local, zone_s)
        found.append(LogLine(text=_KERNEL_CLOCK.sub("", words.group(2), count=1), source=source, at=at))
    return tuple(found)


_Row = tuple[datetime | None, float | None, str]


def _row(line: str, written_at: float) -> _Row | None:
    """Return local time (traditional form), exact time (ISO form), and the rest of a line."""
    iso = _ISO.match(line)
    if iso:
        try:
            return None, datetime.fromisoformat(iso.group(1)).timestamp(), iso.group(2)
        except ValueError:
            return None, None, iso.group(2)
    plain = _TRADITIONAL.match(line)
    if plain is None or plain.group(1) not in _MONTHS:
        return None
    month, day, hour, minute, second = _MONTHS.index(plain.group(1)) + 1, *map(int, plain.group(2, 3, 4, 5))
    return _with_year(month, day, hour, minute, second, written_at), None, plain.group(6)


def _with_year(
    month: int, day: int, hour: int, minute: int, second: int, written_at: float
) -> datetime | None:
    """Return the latest such local time that is not beyond the file's last write; zones reach a day ahead."""
    latest = datetime.fromtimestamp(min(max(written_at, 0.0), 250e9), UTC) + timedelta(days=1)
    for year in (latest.year, latest.year - 1):
        try:
            local = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            continue
        if local <= latest:
            return local
    return None


def _zone_s(rows: list[_Row], written_at: float) -> int | None:
    last = next((local for local, _, _ in reversed(rows) if local is not None), None)
    if last is None:
        return None
    ahead_s = last.timestamp() - written_at
    zone_s = round(ahead_s / _QUARTER_S) * _QUARTER_S
    certain = abs(zone_s) <= _FURTHEST_ZONE_S and abs(ahead_s - zone_s) <= _APART_S
    return zone_s if certain else None


def _at(local: datetime, zone_s: int | None) -> float | None:
    return None if zone_s is None else local.timestamp() - zone_s
