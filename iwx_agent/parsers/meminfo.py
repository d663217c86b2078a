r"""``/proc/meminfo``: memory and swap.

>>> text = "MemTotal:  1000 kB\nMemFree:  100 kB\nMemAvailable:  400 kB\nSwapTotal:  0 kB\n"
>>> text += "SwapFree:  0 kB\n"
>>> memory = parse_meminfo(text, full_avg60_pct=None)
>>> memory.total_bytes, memory.available_bytes, memory.swap_total_bytes
(1024000, 409600, 0)
"""

import re

from iwx_agent.model import ParseError
from iwx_agent.model.system import Memory

_LINE = re.compile(r"(\w{1,40}): +(\d{1,18}) kB")


def parse_meminfo(text: str, *, full_avg60_pct: float | None) -> Memory:
    """Return memory and swap in bytes; without MemAvailable (old kernels) free, buffers and cache stand in.

    Raises:
        ParseError: when the total, the free memory or the swap is not there.
    """
    found = {
        line.group(1): int(line.group(2)) * 1024 for line in map(_LINE.fullmatch, text.split("\n")) if line
    }
    missing = {"MemTotal", "MemFree", "SwapTotal", "SwapFree"} - found.keys()
    if missing or not found["MemTotal"]:
        raise ParseError("MemTotal, MemFree, SwapTotal and SwapFree in kB", text)
    reckoned_bytes = found["MemFree"] + found.get("Buffers", 0) + found.get("Cached", 0)
    return Memory(
        total_bytes=found["MemTotal"],
        available_bytes=found.get("MemAvailable", reckoned_bytes),
        swap_total_bytes=found["SwapTotal"],
        swap_free_bytes=found["SwapFree"],
        full_avg60_pct=full_avg60_pct,
    )
