"""TAI64 and TAI64N: the time stamps of daemontools, in status files (bytes) and logs (``@``, 24 digits).

A stamp is 2**62 plus the TAI second. daemontools takes TAI to be ten seconds ahead of the epoch and knows
no leap seconds: that is what its ``tai_now`` does, and what is undone here.

>>> parse_tai64n("@400000006b0462ba2337c904 status: local 0/10 remote 0/20")
(1795449520.5908585, 'status: local 0/10 remote 0/20')
"""

from iwx_agent.model import ParseError

_ZERO = 2**62 + 10
_LATEST_AT = 253_370_764_800  # year 9999
_STAMP_CHARACTERS = 25
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def epoch_of_tai64(seconds: int, nanoseconds: int = 0) -> float:
    """Return seconds since the epoch for a TAI64 label and its nanoseconds."""
    at = seconds - _ZERO
    if not 0 <= at < _LATEST_AT or not 0 <= nanoseconds < 1_000_000_000:
        raise ParseError("a TAI64N time between 1970 and 9999", f"{seconds:x}.{nanoseconds}")
    return at + nanoseconds / 1e9


def parse_tai64n(line: str) -> tuple[float, str]:
    """Return the time of a line that begins with ``@`` and 24 hex digits, and the rest of the line."""
    stamp, rest = line[:_STAMP_CHARACTERS], line[_STAMP_CHARACTERS:]
    digits = stamp[1:]
    if not (stamp.startswith("@") and len(digits) == 24 and _HEXADECIMAL.issuperset(digits)):
        raise ParseError("@ and 24 hexadecimal digits", line)
    return epoch_of_tai64(int(digits[:16], 16), int(digits[16:], 16)), rest.removeprefix(" ")
