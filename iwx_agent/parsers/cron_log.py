"""``/var/log/cron``: classic syslog lines, whose times have neither year nor zone.

The file's last line was written when the file was last changed, so its age gives every other line its time:
no zone and no year need to be known.

>>> log = "Nov 23 10:05:01 h CROND[9]: (iworx) CMD (x)\\nNov 23 10:06:02 h CROND[9]: (root) CMD (y)\\n"
>>> [(line.at, line.text) for line in parse_cron_log(log, source="cron", changed_at=1000.0)]
[(939.0, 'CROND[9]: (iworx) CMD (x)'), (1000.0, 'CROND[9]: (root) CMD (y)')]
"""

from datetime import datetime, timedelta

from iwx_agent.model import LogLine, ParseError, moment

_STAMP_CHARACTERS = len("Nov 23 10:05:01")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONGEST_CHARACTERS = 500


def parse_cron_log(text: str, *, source: str, changed_at: float) -> tuple[LogLine, ...]:
    """Return the lines in their order with times counted back from ``changed_at``, host names left out.

    Raises:
        ParseError: for a line that does not begin with a time.
    """
    changed = moment(changed_at)
    if changed is None:
        raise ParseError("a file that was changed at a time that a clock can show", str(changed_at))
    stamped = [(_stamp(line, changed.year), line) for line in text.split("\n") if line.strip()]
    if not stamped:
        return ()
    last = stamped[-1][0]
    return tuple(
        LogLine(
            text=line[_STAMP_CHARACTERS:_LONGEST_CHARACTERS].strip().partition(" ")[2],
            source=source,
            at=changed_at - _age_s(stamp, last),
        )
        for stamp, line in stamped
    )


def _age_s(stamp: datetime, last: datetime) -> float:
    if stamp > last + timedelta(days=1):  # the year turned between the two
        day = 28 if (stamp.month, stamp.day) == (2, 29) else stamp.day
        stamp = stamp.replace(year=stamp.year - 1, day=day)
    return max((last - stamp).total_seconds(), 0.0)  # an hour put back, or two lines out of order


def _stamp(line: str, year: int) -> datetime:
    stamp = line[:_STAMP_CHARACTERS]
    month, day, clock = stamp[:3], stamp[4:6].strip(), stamp[7:].split(":")
    numbers = [day, *clock]
    if month not in _MONTHS or len(clock) != 3 or not all(n.isascii() and n.isdigit() for n in numbers):
        raise ParseError("a line that begins like 'Nov 23 10:05:01 '", line)
    try:
        days, hours, minutes, seconds = (int(number) for number in numbers)
        return datetime(year, _MONTHS.index(month) + 1, days, hours, minutes, seconds)  # noqa: DTZ001
    except ValueError:
        raise ParseError("a date and a time of day", stamp) from None
