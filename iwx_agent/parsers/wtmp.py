r"""``/var/log/wtmp``: records of 384 bytes (utmp(5), x86_64), oldest first; here only boots and shutdowns.

>>> at = (1795459327).to_bytes(4, "little")
>>> record = bytes([2, 0]) + bytes(42) + b"reboot" + bytes(290) + at + bytes(40)
>>> len(record), parse_wtmp(record)
(384, (BootRecord(kind='boot', at=1795459327.0),))
"""

import struct

from iwx_agent.model import ParseError
from iwx_agent.model.changes import BootRecord

_RECORD = struct.Struct("<h2xi32s4s32s256shhiIi16s20x")
_RUN_LEVEL, _BOOT = 1, 2
_LAST_TYPE = 9  # ACCOUNTING


def parse_wtmp(data: bytes, *, truncated: bool = False) -> tuple[BootRecord, ...]:
    """Return the boots and shutdowns in the order of the file; of a ``truncated`` one the end is there.

    Raises:
        ParseError: for what is no such file.
    """
    extra_bytes = len(data) % _RECORD.size
    if extra_bytes and not truncated:
        raise ParseError(f"records of {_RECORD.size} bytes", data[:40])
    found = []
    for fields in _RECORD.iter_unpack(data[extra_bytes:]):
        kind, user, seconds = fields[0], fields[4].split(b"\0", 1)[0], fields[9]
        if not 0 <= kind <= _LAST_TYPE:
            raise ParseError("a type of record from 0 to 9", str(kind))
        if kind == _BOOT and user == b"reboot":
            found.append(BootRecord(kind="boot", at=float(seconds)))
        elif kind == _RUN_LEVEL and user == b"shutdown":
            found.append(BootRecord(kind="shutdown", at=float(seconds)))
    return tuple(found)
