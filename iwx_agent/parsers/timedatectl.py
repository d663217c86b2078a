r"""``timedatectl status``: whether a time daemon keeps the clock. Release 7 words it differently.

>>> parse_status("System clock synchronized: yes\n              NTP service: active\n")
(True, True)
>>> parse_status("     NTP enabled: n/a\nNTP synchronized: no\n")
(False, None)
"""

from iwx_agent.model import ParseError

_SYNCHRONIZED = ("System clock synchronized", "NTP synchronized")
_DAEMON = ("NTP service", "NTP enabled", "Network time on", "systemd-timesyncd.service active")
_WORDS = {"yes": True, "active": True, "no": False, "inactive": False}


def parse_status(text: str) -> tuple[bool, bool | None]:
    """Return (synchronized, daemon enabled); the latter is None where it is not said or n/a.

    Raises:
        ParseError: when it does not say whether the clock is synchronized.
    """
    told: dict[str, bool | None] = {}
    for line in text.split("\n"):
        name, colon, value = line.strip().partition(": ")
        if colon:
            told[name] = _WORDS.get(value.strip())
    synchronized = next((told[name] for name in _SYNCHRONIZED if told.get(name) is not None), None)
    if synchronized is None:
        raise ParseError("System clock synchronized: yes or no", text)
    return synchronized, next((told[name] for name in _DAEMON if name in told), None)
