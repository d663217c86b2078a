r"""``/etc/localtime``: the time zone of a server, as RFC 9636 (TZif) stores it.

>>> from datetime import datetime
>>> utc = bytes.fromhex("545a696632" + "00" * 31 + "00000001" "00000004" "000000000000" "55544300")
>>> zone = zone_of(utc + utc + b"\nUTC0\n")
>>> datetime(2026, 7, 1, tzinfo=zone).strftime("%H:%M %Z %z")
'00:00 UTC +0000'

The interpreter's own reader is written in C and trusts what it is given; a capture may come from a stranger.
So every count and index is looked at here before the bytes are handed on.
"""

import re
import struct
from datetime import tzinfo

from iwx_agent.model import ParseError

_MAGIC = b"TZif"
_HEADER = struct.Struct(">4sc15x6L")
_TYPE = struct.Struct(">l?B")
_DAY_S = 86_400
_FARTHEST_S = 2**60  # some files begin before the universe did
_TRANSITIONS_COUNT = 5000
_NAME = rb"[A-Za-z0-9+-]{1,16}"
# The rule for all later years, as POSIX has it for TZ; offsets beyond 15 hours are nobody's.
_OFFSET = rb"[+-]?(?:1[0-5]|0?\d)(?::[0-5]\d){0,2}"
_RULE = rb",(?:M\d{1,2}\.\d\.\d|J?\d{1,3})(?:/[+-]?\d{1,3}(?::[0-5]\d){0,2})?"
_WORD = rb"(?:<[A-Za-z0-9+-]{3,16}>|[A-Za-z]{3,16})"
_LATER = re.compile(_WORD + _OFFSET + rb"(?:" + _WORD + rb"(?:" + _OFFSET + rb")?(?:" + _RULE + rb"){2})?")


def check_magic(data: bytes) -> None:
    """Raise ParseError for what does not even begin like a time zone; costs nothing."""
    if not data.startswith(_MAGIC):
        raise ParseError("a time zone (TZif)", data)


def zone_of(data: bytes) -> tzinfo:
    """Return the time zone that the bytes hold.

    Raises:
        ParseError: for anything else, however well it is made.
    """
    from io import BytesIO
    from zoneinfo import ZoneInfo

    try:
        _look_at(data)
        return ZoneInfo.from_file(BytesIO(data))
    except (struct.error, ValueError, IndexError, LookupError) as error:
        if isinstance(error, ParseError):
            raise
        raise ParseError(f"a whole time zone ({error})", data) from None


def _look_at(data: bytes) -> None:
    check_magic(data)
    end, version = _block(data, 0, time_size=4)
    if version >= b"2":
        end, _ = _block(data, end, time_size=8)
        later = data[end:]
        rule = later.strip(b"\n")
        if later != b"\n" + rule + b"\n" or (rule and not _LATER.fullmatch(rule)):
            raise ParseError("the rule for later years", later)


def _block(data: bytes, start: int, *, time_size: int) -> tuple[int, bytes]:
    """Return where a block ends, and the file's version; every count and index in it is looked at."""
    magic, version, utc_count, standard_count, leap_count, time_count, type_count, name_bytes = (
        _HEADER.unpack_from(data, start)
    )
    times_at = start + _HEADER.size
    indices_at = times_at + time_count * time_size
    types_at = indices_at + time_count
    names_at = types_at + type_count * _TYPE.size
    leaps_at = names_at + name_bytes
    end = leaps_at + leap_count * (time_size + 4) + standard_count + utc_count
    if magic != _MAGIC or end > len(data):
        raise ParseError("a whole block of a time zone", data[start:])
    # A file of version 2 may leave the first block empty: nothing reads it then.
    if time_size == 4 and version >= b"2":
        return end, version
    if not (0 < type_count <= 256 and 0 <= time_count <= _TRANSITIONS_COUNT):
        raise ParseError("a time zone with its offsets", data[start:])
    if time_count and max(data[indices_at:types_at]) >= type_count:
        raise ParseError("changes to offsets that are there", data[indices_at:types_at])
    code = f">{time_count}{'l' if time_size == 4 else 'q'}"
    times = struct.unpack_from(code, data, times_at)
    if any(abs(at) > _FARTHEST_S for at in times) or list(times) != sorted(times):
        raise ParseError("changes in their order", data[times_at:indices_at])
    names = data[names_at:leaps_at]
    for number in range(type_count):
        offset_s, _, name_at = _TYPE.unpack_from(data, types_at + number * _TYPE.size)
        name, nul, _ = names[name_at:].partition(b"\0")
        if abs(offset_s) >= _DAY_S or not nul or not re.fullmatch(_NAME, name):
            raise ParseError("an offset with its name", data[types_at:leaps_at])
    return end, version
