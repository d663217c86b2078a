r"""``/proc/loadavg`` and the processor lines of ``/proc/stat``.

>>> load = parse_load("35.16 12.05 4.01 3/512 19817\n", "cpu  1 2 3\ncpu0 1 2 3\ncpu1 1 2 3\nintr 5\n")
>>> load.one, load.five, load.fifteen, load.cpus_count
(35.16, 12.05, 4.01, 2)
"""

import re

from iwx_agent.model import ParseError
from iwx_agent.model.system import Load

_AVERAGES = re.compile(r"(\d{1,9}\.\d{1,4}) (\d{1,9}\.\d{1,4}) (\d{1,9}\.\d{1,4}) \d{1,9}/\d{1,9} ")
_CPU = re.compile(r"^cpu\d{1,6} ", re.MULTILINE)


def parse_load(loadavg: str, stat: str) -> Load:
    """Return the averages over 1, 5 and 15 minutes and how many processors are online."""
    averages = _AVERAGES.match(loadavg)
    if averages is None:
        raise ParseError("three load averages", loadavg)
    cpus_count = len(_CPU.findall(stat))
    if not cpus_count:
        raise ParseError("lines cpu0, cpu1, ... of /proc/stat", stat)
    one, five, fifteen = (float(average) for average in averages.groups())
    return Load(one=one, five=five, fifteen=fifteen, cpus_count=cpus_count)
