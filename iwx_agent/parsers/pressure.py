r"""``/proc/pressure/memory``: how much of the time everything waited.

>>> some = "some avg10=1.00 avg60=2.00 avg300=0.27 total=6215854\n"
>>> full_avg60_pct(some + "full avg10=0.00 avg60=12.50 avg300=0.00 total=0\n")
12.5
"""

import re

from iwx_agent.model import ParseError

_FULL = re.compile(r"^full avg10=[\d.]{1,12} avg60=(\d{1,3}\.\d{1,4}) ", re.MULTILINE)


def full_avg60_pct(text: str) -> float:
    """Return the percentage of the last 60 seconds in which all tasks waited at once."""
    found = _FULL.search(text)
    if found is None:
        raise ParseError("a line full avg10=N avg60=N ...", text)
    return float(found.group(1))
