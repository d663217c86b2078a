r"""``chronyc -n tracking``: how far the clock is from the true time, as chronyd reckons it.

>>> text = "System time     : 75.250000000 seconds slow of NTP time\nLeap status     : Normal\n"
>>> parse_tracking(text)
(True, -75.25)
"""

import re

from iwx_agent.model import ParseError

_LEAP = re.compile(r"^Leap status +: (\S.{0,40})$", re.MULTILINE)
_OFFSET = re.compile(r"^System time +: (\d{1,12}\.\d{1,12}) seconds (slow|fast) of NTP time", re.MULTILINE)


def parse_tracking(text: str) -> tuple[bool, float | None]:
    """Return (synchronized, offset in seconds: positive when the clock is fast).

    The offset is None while chronyd is not synchronized: it says 0 then, and means that it does not know.

    Raises:
        ParseError: when leap status or system time is not there.
    """
    leap, offset = _LEAP.search(text), _OFFSET.search(text)
    if leap is None or offset is None:
        raise ParseError("System time and Leap status of chronyc tracking", text)
    synchronized = leap.group(1).strip() != "Not synchronised"
    seconds = float(offset.group(1)) * (1 if offset.group(2) == "fast" else -1)
    return synchronized, seconds if synchronized else None
