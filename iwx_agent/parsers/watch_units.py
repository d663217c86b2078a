r"""``systemctl show`` of the agent's own timer and service: what other units have, and what is planned.

>>> unit = "LoadState=loaded\nActiveState=active\nSubState=waiting\n"
>>> rule = "TimersCalendar={ OnCalendar=*-*-* *:00/5:00 ; next_elapse=n/a }\n"
>>> timer = f"Id=iwx-agent.timer\n{unit}{rule}"
>>> found = parse_watch_units(f"{timer}\nId=iwx-agent.service\n{unit}OnFailure=a.service\n", booted_at=0.0)
>>> found.period_s, found.next_run, found.on_failure
(300, None, ('a.service',))
"""

import re

from iwx_agent.model import ParseError
from iwx_agent.model.watcher import WatchUnits
from iwx_agent.parsers import systemctl

PROPERTIES = (*systemctl.PROPERTIES, "NextElapseUSecRealtime", "TimersCalendar", "OnFailure")
_CALENDAR = re.compile(r"^TimersCalendar=\{ OnCalendar=(.{1,200}?) ; ", re.MULTILINE)
_EVERY = re.compile(r"(?:\*-\*-\* )?\*:0?0/(\d{1,2})(?::00)?")
_NEVER = ("", "n/a", "infinity", "0")
_WORDS_CHARACTERS = 80


def parse_watch_units(text: str, *, booted_at: float) -> WatchUnits:
    """Return both units, asked for in this order; no period where the timer is no "every so many minutes".

    Raises:
        ParseError: for anything but the two blocks.
    """
    units = systemctl.parse_show(text, booted_at=booted_at)
    blocks = [block for block in text.replace("\r\n", "\n").split("\n\n") if block.strip()]
    if len(units) != 2:
        raise ParseError("a timer and a service from systemctl show", text)
    next_run = _value(blocks[0], "NextElapseUSecRealtime")
    return WatchUnits(
        timer=units[0],
        service=units[1],
        next_run="" if next_run in _NEVER else next_run and next_run[:_WORDS_CHARACTERS],
        period_s=_period_s(blocks[0]),
        on_failure=tuple((_value(blocks[1], "OnFailure") or "").split()),
    )


def _value(block: str, key: str) -> str | None:
    found = (line.partition("=")[2] for line in block.splitlines() if line.startswith(f"{key}="))
    return next((value.strip() for value in found), None)


def _period_s(block: str) -> int | None:
    """Return the seconds between two runs; None for a timer that has another kind of rule, or several."""
    rules = _CALENDAR.findall(block)
    every = _EVERY.fullmatch(rules[0]) if len(rules) == 1 else None
    minutes = int(every.group(1)) if every else 0
    return minutes * 60 or None
